"""Request bodies are read in the event loop, with a limit and a deadline, before a page takes a thread.

A client that sends its body slowly, or never ends it, costs a socket and nothing else.
"""

import asyncio
import re
import tempfile

from django.conf import settings

from config.middleware import raw_headers

MEMORY = 2**20  # bytes of a body that stay in memory; the rest is on disk
SLACK = 2**20  # what the other fields of an upload may need
PATIENCE = 20.0  # seconds without a byte
CHUNK = 2**16
UPLOADS = re.compile(r"/incidents/[^/]+/appendix/")


class Refused(Exception):
    """The body will not be read: the status to answer with."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


def limit(path: str) -> int:
    """The largest body (bytes) that an address takes."""
    return (
        settings.MAX_FILE_BYTES + SLACK
        if UPLOADS.fullmatch(path)
        else settings.DATA_UPLOAD_MAX_MEMORY_SIZE + SLACK
    )


async def spool(scope, receive):
    """Read the whole body; returns a `receive` that hands it on.

    Raises Refused when it is too large or too slow, or when there is no room for it; then it is read to its end,
    because a browser that is still sending does not see an answer.
    """
    most = limit(scope["path"])
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > most:
        raise Refused(413)
    held = tempfile.SpooledTemporaryFile(MEMORY)
    size, more, room = 0, True, True
    try:
        while more:
            message = await asyncio.wait_for(receive(), PATIENCE)
            if message["type"] == "http.disconnect":
                raise Refused(400)
            size += len(message.get("body", b""))
            if size > most:
                raise Refused(413)
            room = room and _written(held, message.get("body", b""))
            more = message.get("more_body", False)
        if not room:
            raise Refused(503)
    except TimeoutError:
        held.close()
        raise Refused(408) from None
    except Refused:
        held.close()
        raise
    held.seek(0)

    async def again():
        if held.closed:
            return await receive()
        body = held.read(CHUNK)
        left = held.tell() < size
        if not left:
            held.close()
        return {"type": "http.request", "body": body, "more_body": left}

    return again


def _written(held, piece: bytes) -> bool:
    """Whether there was room for one more piece."""
    try:
        held.write(piece)
    except OSError:
        return False
    return True


async def refuse(send, status: int) -> None:
    """A short answer to a body that is not read; the connection is closed."""
    known = {
        408: "The request took too long.",
        413: "The request is too large.",
        503: "The server has no room. Try again in a moment.",
    }
    text = known.get(status, "Not understood.")
    plain = (b"content-type", b"text/plain; charset=utf-8")
    headers = [plain, (b"connection", b"close"), *raw_headers()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{text} Nothing was changed.".encode()})
