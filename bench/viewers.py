"""What bench/live.py looks through: open streams that note when each message came, and a client that posts.

Raw sockets, so that the client costs as little as it can; it costs the same for both servers.
"""

import asyncio
import re
import time
from collections import defaultdict

IDENTITY = re.compile(rb"\nid: (\d+)\n|^id: (\d+)\n")


class Viewers:
    """N streams: `arrived` maps a revision to the times (ns, CLOCK_MONOTONIC) at which it came, one for each viewer."""

    def __init__(self, port: int):
        self.port = port
        self.arrived: dict[int, list[int]] = defaultdict(list)
        self.open = 0
        self.ended = 0
        self.sample = b""
        self.transports: list[asyncio.Transport] = []

    async def join(self, request: str) -> None:
        """Open one more stream with this request."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _Viewer(self), "127.0.0.1", self.port)
        self.transports.append(transport)
        transport.write(request.encode())

    async def until(self, revision: int, count: int, patience: float = 30.0) -> None:
        """Wait until so many have a revision; raises TimeoutError."""
        given_up = time.monotonic() + patience
        while len(self.arrived[revision]) < count:
            if time.monotonic() > given_up:
                raise TimeoutError(f"{len(self.arrived[revision])} of {count} got revision {revision}")
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """Leave, all of them."""
        for transport in self.transports:
            transport.abort()


class _Viewer(asyncio.Protocol):
    def __init__(self, group: Viewers):
        self.group, self.began = group, False

    def data_received(self, data: bytes) -> None:
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if not self.began and b"retry:" in data:
            self.began = True
            self.group.open += 1
        for found in IDENTITY.finditer(data):
            self.group.arrived[int(found[1] or found[2])].append(now)
            self.group.sample = self.group.sample or data

    def connection_lost(self, error) -> None:
        self.group.ended += 1


class Writer:
    """One connection that posts, one request after the other."""

    def __init__(self, port: int, headers: str):
        self.port, self.headers = port, headers

    async def connect(self) -> "Writer":
        """Open the connection."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def post(self, path: str, body: bytes) -> tuple[int, int]:
        """Send a body; when it began (ns, CLOCK_MONOTONIC) and the status of the answer, once it is read whole."""
        host = f"Host: 127.0.0.1:{self.port}\r\n"
        head = f"POST {path} HTTP/1.1\r\n{host}{self.headers}content-length: {len(body)}\r\n\r\n"
        began = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.writer.write(head.encode() + body)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in answer:
            while size := int(await self.reader.readline(), 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readline()
        elif length := re.search(rb"content-length: (\d+)", answer):
            await self.reader.readexactly(int(length[1]))
        return began, int(answer.split()[1])
