"""Printers that go wrong, each in its way. No Django here: the printer process has none either."""

import os
import time


def die(html, found):
    """Ends the process as the kernel would."""
    os._exit(9)


def fail(html, found):
    """Raises with words that must not reach a reader."""
    raise ValueError("canaryfault")


def dawdle(html, found):
    """Takes longer than anybody waits."""
    time.sleep(60)
