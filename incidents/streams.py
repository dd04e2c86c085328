"""Open streams: writing to each directly, a queue only for a client that blocks. Floor 7. Event loop only."""

import asyncio
import contextlib
import json
import re
import secrets
import types
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from datetime import datetime
from typing import Any

BACKLOG = 256 * 1024  # bytes that a slow reader may be behind before its stream is closed, to be resumed
BREAK = re.compile(r"\r\n?|\n")  # what ends a line of a stream; other separators are part of the text
GONE = b"event: gone\ndata: \n\n"


def event(text: str, revision: int | None, name: str = "change") -> bytes:
    """One message; lines of the text are data lines, the id is the revision to resume from."""
    lines = "".join(f"data: {line}\n" for line in BREAK.split(text))
    identity = f"id: {revision}\n" if revision is not None else ""
    return f"{identity}event: {name}\n{lines}\n".encode()


class Stream:
    """One open stream of one browser.

    `held` is what its reader may do, as their page was told; `until` when some of that ends by itself (UTC); `login`
    what the session is tied to; `seen` the revision up to which the browser has everything.
    """

    __slots__ = (
        "audience", "beat_at", "brief", "editing", "held", "incident_id", "login", "name", "over", "seen", "send",
        "session_key", "task", "token", "until", "user_id", "waiting", "writing",
    )  # fmt: skip

    def __init__(self, incident, user, session_key: str, until: datetime | None, origin: str):
        self.incident_id, self.user_id, self.name = incident.pk, user.pk, user.display_name
        self.session_key, self.login = session_key, (user.password, user.epoch)
        self.held, self.audience, self.seen, self.until = (
            incident.held,
            incident.audience,
            incident.revision,
            until,
        )
        self.token = f"{origin}.{secrets.token_urlsafe(16)}"
        self.brief = b""  # the executive's summary as it was sent last
        self.beat_at = 0.0  # when the browser said last that somebody looks (event loop's clock)
        self.editing: tuple[str, ...] = ()
        self.over = False
        self.waiting: deque[bytes] | None = None  # what a client that blocks has not got yet
        self.writing: asyncio.Task | None = None
        self.task: asyncio.Task | None = None
        self.send: Callable[[Any], Awaitable[None]]

    async def serve(self, send, receive, headers: list, first: bytes) -> None:
        """Send the beginning, then wait until the client leaves or the stream is ended."""
        self.send, self.task = send, asyncio.current_task()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            while not self.over and (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if not self.over:
                raise
        finally:
            if self.writing:
                self.writing.cancel()
        if self.writing is None:
            await send({"type": "http.response.body", "body": b""})

    def push(self, message: bytes) -> None:
        """Hand over a message now, if the client takes it; a reader that is too slow is closed and resumes."""
        if self.over:
            return
        if self.waiting is not None:
            self.waiting.append(message)
            if sum(map(len, self.waiting)) > BACKLOG:
                self.end()
            return
        step: Any = self.send({"type": "http.response.body", "body": message, "more_body": True})
        try:
            blocked = step.send(None)
        except StopIteration:
            return
        self.waiting = deque()
        self.writing = asyncio.get_running_loop().create_task(self._catch_up(step, blocked))

    def end(self, last: bytes = b"") -> None:
        """Close the stream; nothing that waits is sent, `last` is if the client takes it, else it is cut off."""
        if self.over or self.task is None:
            self.over = True
            return
        if last and self.waiting is None:
            self.push(last)
        self.over = True
        if self.waiting is not None:
            self._cut()
        self.task.cancel()

    def _cut(self) -> None:
        """Drop the connection of a client that blocks: what uvicorn holds for it would go out whenever it reads on."""
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()

    async def _catch_up(self, step, blocked) -> None:
        """Go on with a write that blocked, then with what came meanwhile."""
        with contextlib.suppress(OSError):
            await _rest(step, blocked)
            while self.waiting:
                body = self.waiting.popleft()
                await self.send({"type": "http.response.body", "body": body, "more_body": True})
        self.waiting = self.writing = None


@types.coroutine
def _rest(step, blocked) -> Generator:
    """Await what was begun by hand: `blocked` is the future that it waits for."""
    while True:
        try:
            answer = yield blocked
        except BaseException as error:
            step.throw(error)
            raise
        try:
            blocked = step.send(answer)
        except StopIteration:
            return


class Room:
    """The streams of one incident in this process."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.everybody: tuple[Stream, ...] = ()  # the same, for another thread to read
        self.looked: tuple | None = None  # what incidents/logins.py found when it last looked at them

    def add(self, stream: Stream) -> None:
        """A stream was opened."""
        self.streams.add(stream)
        self.everybody = tuple(self.streams)

    def discard(self, stream: Stream) -> None:
        """A stream ended."""
        self.streams.discard(stream)
        self.everybody = tuple(self.streams)

    def push(self, message: bytes, audience: str) -> None:
        """The same bytes to everybody of an audience."""
        for stream in self.everybody:
            if stream.audience == audience:
                stream.push(message)


def told(name: str, value) -> bytes:
    """An event whose data is JSON."""
    return event(json.dumps(value, separators=(",", ":")), None, name)
