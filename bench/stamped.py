"""The product as it is served, with a stamp for each commit: what bench/live.py starts.

Appends "revision nanoseconds" (CLOCK_MONOTONIC, which all processes of a machine share) to the file STAMPS right
after the transaction of a ledger row is committed, before anything else hears of it.
"""

import os
import time

from django.db import transaction

from config.asgi import application
from incidents import ledger

__all__ = ["application"]

stamps = os.open(os.environ["STAMPS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
announce = ledger.announce


def stamped(change, *rest) -> None:
    """Stamp first, then announce as ever."""
    transaction.on_commit(
        lambda: os.write(
            stamps, f"{change.revision} {time.clock_gettime_ns(time.CLOCK_MONOTONIC)}\n".encode()
        )
    )
    announce(change, *rest)


ledger.announce = stamped
