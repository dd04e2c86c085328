"""How a process learns that another one committed. Floor 1.

PostgreSQL: one LISTEN connection (a pooler in transaction mode breaks it). SQLite: PRAGMA data_version, which
changes when another connection commits.
"""

import asyncio
import contextlib
import logging
import sqlite3

import psycopg
from django.db import connection

from incidents.ledger import CHANNEL

log = logging.getLogger("sitroom.live")
POLL = 0.05  # seconds between two looks at SQLite's counter, 7 µs each
AGAIN = 0.5  # seconds until a lost LISTEN connection is tried again


async def watch(woken: asyncio.Event) -> None:
    """Set the event whenever something was committed, by whichever process; never returns."""
    await (_listen if connection.vendor == "postgresql" else _poll)(woken)


async def _listen(woken: asyncio.Event) -> None:
    theirs = {"cursor_factory", "context"}  # what Django adds for its own connections
    parameters = {
        key: value for key, value in connection.get_connection_params().items() if key not in theirs
    }
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as listening:
                await listening.execute(f"LISTEN {CHANNEL}")
                woken.set()
                async for _ in listening.notifies():
                    woken.set()
        except Exception as error:
            log.warning("the LISTEN connection was lost: %s", error)
        await asyncio.sleep(AGAIN)


async def _poll(woken: asyncio.Event) -> None:
    while True:
        try:
            with contextlib.closing(
                sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
            ) as database:
                seen = None
                while True:
                    counter = database.execute("PRAGMA data_version").fetchone()[0]
                    if counter != seen:
                        seen = counter
                        woken.set()
                    await asyncio.sleep(POLL)
        except sqlite3.Error as error:
            log.warning("SQLite's counter could not be read: %s", error)
        await asyncio.sleep(AGAIN)
