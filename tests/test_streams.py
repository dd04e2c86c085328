"""A stream on a real uvicorn and a real socket, whose client stopped reading."""

import asyncio
import contextlib
import socket
import uuid
from types import SimpleNamespace

import uvicorn

from incidents.streams import GONE, Stream, event

PIECE = event("x" * 50_000, 1)
PATIENCE = 5  # seconds


async def until(holds) -> None:
    """Wait for something that must come true; raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


def test_line_03_a_client_that_does_not_read_is_disconnected_when_its_stream_ends():
    incident = SimpleNamespace(pk=1, held=frozenset(), audience="document", revision=1)
    user = SimpleNamespace(pk=uuid.uuid4(), display_name="Dana", password="", epoch=0)
    stream = Stream(incident, user, "key", None, "here")

    async def application(scope, receive, send) -> None:
        await stream.serve(send, receive, [], event("", 1))

    async def scenario() -> None:
        server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        place = server.servers[0].sockets[0].getsockname()
        with contextlib.closing(socket.create_connection(place)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: stream.task is not None)
            while stream.waiting is None:
                stream.push(PIECE)  # the kernel takes some megabytes
            stream.end(GONE)
            await until(lambda: not server.server_state.connections)
        server.should_exit = True
        await serving

    asyncio.run(scenario())
