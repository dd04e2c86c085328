"""A bare event stream server: what is POSTed to it goes to everybody who listens, and it does nothing else.

    python bench/bare.py PORT STAMPS

The measure for bench/live.py: the same loop (uvloop), the same bytes, no users, no storage. It stamps each message
as bench/stamped.py does, when it has read it.
"""

import asyncio
import os
import sys
import time

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
START = HEAD + b"d\r\nretry: 1000\n\n\r\n"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
listeners: set[asyncio.Transport] = set()


class Peer(asyncio.Protocol):
    """One connection: a listener after its GET, a writer with its POSTs."""

    def __init__(self, stamps: int):
        self.stamps, self.held = stamps, b""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def connection_lost(self, error) -> None:
        listeners.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        if not found:
            return
        if head.startswith(b"GET"):
            self.held = b""
            self.transport.write(START)
            listeners.add(self.transport)
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self.held = b""
        revision = body.partition(b"\n")[0].removeprefix(b"id: ").decode()
        os.write(self.stamps, f"{revision} {time.clock_gettime_ns(time.CLOCK_MONOTONIC)}\n".encode())
        chunk = b"%x\r\n%s\r\n" % (length, body)
        for listener in listeners:
            listener.write(chunk)
        self.transport.write(DONE)


async def main() -> None:
    """Serve until the process is ended."""
    stamps = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(stamps), "127.0.0.1", int(sys.argv[1]), backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
