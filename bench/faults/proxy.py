"""A TCP proxy that can be cut, silenced, delayed and throttled; it stands between a client and the server."""

import asyncio
import contextlib
import socket
import struct

CHUNK = 16_384
BUFFER = 131_072  # bytes; with less than two segments of the loopback interface a line stalls


class Proxy:
    """Passes bytes on. `rate`: bytes a second towards the client (None: unlimited); `delay`: seconds for each piece."""

    def __init__(self, port: int):
        self.target = port
        self.delay = 0.0
        self.rate: float | None = None
        self.swallow = False  # requests go through, answers are thrown away and the line is cut
        self.passing = asyncio.Event()
        self.passing.set()
        self.refusing = False
        self.lines: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self.passed = 0  # bytes towards clients
        self._tasks: set[asyncio.Task] = set()

    async def start(self) -> "Proxy":
        """Listen on a port of its own."""
        self.server = await asyncio.start_server(self._line, "127.0.0.1", 0, limit=CHUNK)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection(sock=await self._small(), limit=CHUNK)
        except OSError:
            _reset(writer)
            return
        line = (writer, back)
        self.lines.add(line)
        up = asyncio.create_task(self._pump(reader, back, answers=False))
        down = asyncio.create_task(self._pump(there, writer, answers=True))
        self._tasks |= {up, down}
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.lines.discard(line)
            for task in (up, down):
                task.cancel()
                self._tasks.discard(task)
            _reset(writer)
            _reset(back)

    async def _small(self) -> socket.socket:
        """A connection to the server whose buffer on this side is small, so that the server notices who is slow."""
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        small.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", self.target))
        except OSError:
            small.close()
            raise
        return small

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(CHUNK):
                await self.passing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if answers and self.swallow:
                    return
                await (self._dribble if answers else _write)(writer, piece)

    async def _dribble(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        """Towards the client, byte by byte as long as the rate is limited."""
        while piece:
            now, piece = (piece[:1], piece[1:]) if self.rate else (piece, b"")
            await _write(writer, now)
            self.passed += len(now)
            if self.rate:
                await asyncio.sleep(1 / self.rate)

    def cut(self) -> None:
        """Reset every line and refuse new ones: the cable is out."""
        self.refusing = True
        for client, server in list(self.lines):
            _reset(client)
            _reset(server)

    def silence(self) -> None:
        """Pass nothing and say nothing: a black hole. What was sent is passed on after `heal`."""
        self.passing.clear()

    def heal(self) -> None:
        """Everything passes again."""
        self.refusing = self.swallow = False
        self.passing.set()

    async def close(self) -> None:
        """End everything."""
        self.server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    writer.write(piece)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of a polite end."""
    held = writer.get_extra_info("socket")
    if held is not None:
        with contextlib.suppress(OSError):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
