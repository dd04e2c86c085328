"""Bodies are read before a page takes a thread: too large, too slow and broken off are answered at once."""

import asyncio
import errno
import io

import pytest

from config import bodies

SCOPE = {"type": "http", "path": "/sign-in/", "headers": []}


def received(*messages: dict):
    """A receive that yields these messages and then waits for ever."""
    waiting = list(messages)

    async def receive():
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(3600)

    return receive


def part(body: bytes, more: bool = False) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


async def read(scope: dict, receive) -> bytes:
    """What the page gets."""
    again = await bodies.spool(scope, receive)
    whole, more = b"", True
    while more:
        message = await again()
        whole, more = whole + message["body"], message["more_body"]
    return whole


def test_a_body_arrives_whole():
    pieces = [part(b"a" * 70_000, True), part(b"b" * 70_000, True), part(b"c")]
    assert asyncio.run(read(SCOPE, received(*pieces))) == b"a" * 70_000 + b"b" * 70_000 + b"c"
    assert asyncio.run(read(SCOPE, received(part(b"")))) == b""


@pytest.mark.parametrize(
    ("headers", "messages", "status"),
    [
        ([(b"content-length", b"99999999999")], [part(b"a")], 413),
        ([(b"content-length", b"-1")], [part(b"a")], 413),
        ([], [part(b"a" * 2**20, True)] * 5, 413),
        ([], [part(b"a", True)], 408),
        ([], [part(b"a", True), {"type": "http.disconnect"}], 400),
    ],
)
def test_a_body_that_is_too_much_is_refused(monkeypatch, headers, messages, status):
    monkeypatch.setattr(bodies, "PATIENCE", 0.1)
    with pytest.raises(bodies.Refused) as refused:
        asyncio.run(bodies.spool({**SCOPE, "headers": headers}, received(*messages)))
    assert refused.value.status == status


def test_a_body_for_which_there_is_no_room_is_read_to_its_end_and_refused(monkeypatch):
    class Full(io.BytesIO):
        def write(self, piece):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bodies.tempfile, "SpooledTemporaryFile", lambda size: Full())
    waiting = [part(b"a", True), part(b"b", True), part(b"c")]

    async def receive():
        return waiting.pop(0)

    with pytest.raises(bodies.Refused) as refused:
        asyncio.run(bodies.spool(SCOPE, receive))
    assert (refused.value.status, waiting) == (503, [])


def test_evidence_may_be_larger_than_a_form(settings):
    settings.MAX_FILE_BYTES = 50 * 2**20
    assert bodies.limit("/incidents/kestrel/appendix/") > 50 * 2**20
    assert bodies.limit("/sign-in/") < 4 * 2**20
