"""Whoever writes goes before whoever reads a long document."""

import threading

import pytest

from config.precedence import MOST, Gently, Patience, under_way


def gone_through(items: Gently) -> tuple[list, threading.Thread]:
    """What a thread has got of the items so far, and the thread."""
    got: list = []
    thread = threading.Thread(target=lambda: got.extend(item for item in items))
    thread.start()
    return got, thread


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_does_not_wait_for_who_reads(method):
    patience = Patience()
    items = Gently([1, 2, 3], patience)
    with under_way(method):
        assert (list(items), len(items), patience.left) == ([1, 2, 3], 3, MOST)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_page_waits_for_who_writes_and_then_goes_on(method):
    items = Gently([1, 2, 3], Patience(60.0))
    with under_way(method):
        with under_way("POST"):
            got, thread = gone_through(items)
        thread.join(0.05)
        assert (got, thread.is_alive()) == ([], True)
    thread.join(10)
    assert (got, thread.is_alive()) == ([1, 2, 3], False)


def test_writers_who_do_not_end_delay_a_page_once_however_many_lists_it_has():
    patience = Patience(0.02)
    first, second = Gently(range(100), patience), Gently(range(100), patience)
    with under_way("POST"):
        assert list(first) == list(range(100))
        spent = patience.left
        assert list(second) == list(range(100))
    assert spent <= 0 and patience.left == spent


def test_a_write_that_fails_keeps_nobody_waiting():
    with pytest.raises(ValueError), under_way("POST"):
        raise ValueError
    patience = Patience()
    assert (list(Gently([1], patience)), patience.left) == ([1], MOST)
