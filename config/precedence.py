"""Whoever writes goes before whoever reads a long document: one interpreter draws for all of them."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

READS = frozenset({"GET", "HEAD", "OPTIONS"})
PAUSE = 0.0005  # seconds
MOST = 0.5  # seconds that a page waits in all, however much is written meanwhile

_writing: list[None] = []  # one for each request that may write


@contextmanager
def under_way(method: str) -> Iterator[None]:
    """A request of this method is answered meanwhile."""
    if method in READS:
        yield
        return
    _writing.append(None)
    try:
        yield
    finally:
        _writing.pop()


class Patience:
    """How long one page still waits for those who write (seconds), all its lists together."""

    def __init__(self, left: float = MOST):
        self.left = left

    def give_way(self) -> None:
        """Wait while somebody writes."""
        while _writing and self.left > 0:
            began = time.monotonic()
            time.sleep(PAUSE)
            self.left -= time.monotonic() - began


class Gently(list):
    """A list that is gone through in the pauses of those who write."""

    def __init__(self, items: Iterable, patience: Patience):
        super().__init__(items)
        self.patience = patience

    def __iter__(self) -> Iterator:
        for item in super().__iter__():
            self.patience.give_way()
            yield item
