"""The live stream: the tail of the ledger as Server-Sent Events. Floor 7.

A raw ASGI endpoint in front of Django, so that a stream costs no thread and no database connection. One
tailer per process wakes up (PostgreSQL: LISTEN; SQLite: PRAGMA data_version; in this process: a nudge), reads
the new rows of incidents that somebody here has open, renders each once per audience and hands the same bytes
to every stream. Who may still look is asked again at every change of people and at every heartbeat.
"""

import asyncio
import contextlib
import io
import logging
import re
import signal
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection
from django.http import Http404
from django.utils import timezone

from config.middleware import raw_headers
from incidents import gate, ledger, rendering
from incidents.access import audience_of, standing
from incidents.converters import whole_number
from incidents.history import changes_for
from incidents.incident import Incident
from incidents.vocabulary import Audience, Capability
from incidents.wakeup import watch

log = logging.getLogger("sitroom.live")
PATH = re.compile(r"/incidents/([a-z0-9]+(?:-[a-z0-9]+)*)/live/")
HEARTBEAT = (
    1.5  # seconds; a revocation that no ledger row announces (session ended, account disabled) bites by then
)
FAR_BEHIND = 200  # revisions; more than this is told as “load these sections again”
BACKLOG = 256  # messages that a slow reader may be behind before the stream is closed, to be resumed
GONE = b"event: gone\ndata: \n\n"
HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]


def event(html: str, revision: int | None, name: str = "change") -> bytes:
    """One message; lines of the HTML are data lines, the id is the revision to resume from."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    identity = f"id: {revision}\n" if revision is not None else ""
    return f"{identity}event: {name}\n{lines}\n".encode()


@dataclass(eq=False)
class Stream:
    """One open browser tab."""

    incident_id: object
    user_id: object
    session_key: str
    login: str  # changes with the password, and then the session is worth nothing
    held: frozenset[str]  # what its reader may do, as their page was told
    audience: str
    seen: int  # revision up to which its browser has everything
    brief: bytes = b""  # the executive's summary as it was sent last
    queue: asyncio.Queue = field(default_factory=lambda: asyncio.Queue(BACKLOG))

    def push(self, message: bytes | None) -> None:
        """Hand over a message; None closes. A reader that is too slow is closed and resumes by itself."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


@dataclass
class Delivery:
    """What brings an incident's streams to a revision: a message for each audience and revision that they
    have seen; and who may do what."""

    revision: int
    messages: dict[tuple[str, int], bytes]
    standing: dict[object, frozenset[str]]


class Live:
    """The streams of this process and the tailer that feeds them."""

    def __init__(self) -> None:
        self.streams: dict[object, set[Stream]] = defaultdict(set)
        self.tasks: list[asyncio.Task] = []
        self.woken = asyncio.Event()
        self.recheck = False  # whether everybody's right to look is asked at the next delivery
        self.closing = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.database = ThreadPoolExecutor(1, thread_name_prefix="live")
        self.door = ThreadPoolExecutor(
            2, thread_name_prefix="live-door"
        )  # who comes in never delays who must go

    # --- ASGI --------------------------------------------------------------------------------------

    def serves(self, scope) -> bool:
        """Whether a request is for a live stream."""
        return scope["method"] == "GET" and PATH.fullmatch(scope["path"]) is not None

    async def lifespan(self, receive, send) -> None:
        """Start and stop with the server; stopping ends the streams at once."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start()
                self._end_with_the_server()
                await send({"type": "lifespan.startup.complete"})
            else:
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def stream(self, scope, receive, send) -> None:
        """One stream, from admission to the end."""
        self._start()
        try:
            opened = await self._in_database(self._admit, scope, at=self.door)
        except Exception:
            log.exception("live: the database did not answer; the browser asks again")
            opened = 503
        if isinstance(opened, int) or self.closing:
            status = opened if isinstance(opened, int) else 503
            await send({"type": "http.response.start", "status": status, "headers": raw_headers()})
            await send({"type": "http.response.body", "body": b""})
            return
        stream, backlog = opened
        self.streams[stream.incident_id].add(stream)
        self.woken.set()
        gone = asyncio.ensure_future(self._until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *raw_headers()]})
            await send(
                {"type": "http.response.body", "body": b"retry: 1000\n\n" + backlog, "more_body": True}
            )
            while not gone.done():
                message = await self._next(stream, gone)
                if message is None:
                    break
                await send({"type": "http.response.body", "body": message, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self.streams[stream.incident_id].discard(stream)
            if not self.streams[stream.incident_id]:
                del self.streams[stream.incident_id]

    def _end_with_the_server(self) -> None:
        """The server waits for open connections before it tells anybody that it stops: end them at the signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def stop(caught, frame, before=before) -> None:
                loop.call_soon_threadsafe(self.close)
                if callable(before):
                    before(caught, frame)

            with contextlib.suppress(
                ValueError
            ):  # not in the main thread: the server's own time limit applies
                signal.signal(number, stop)

    def close(self) -> None:
        """End every stream and the tailer."""
        self.closing = True
        with contextlib.suppress(ValueError):  # it never started, or was closed before
            ledger.wakers.remove(self._wake)
        for task in self.tasks:
            task.cancel()
        for stream in self._all():
            stream.push(None)

    async def _next(self, stream: Stream, gone: asyncio.Future) -> bytes | None:
        waiting = asyncio.ensure_future(stream.queue.get())
        await asyncio.wait({waiting, gone}, timeout=15, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        return None if gone.done() else b": still here\n\n"

    async def _until_gone(self, receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    # --- admission, in the database thread ---------------------------------------------------------

    def _admit(self, scope) -> "int | tuple[Stream, bytes]":
        request = ASGIRequest(scope, io.BytesIO())
        request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        user = get_user(request)
        if not user.is_authenticated:
            return 401
        try:
            incident = gate.admit(user, scope["path"].split("/")[2], Capability.SUMMARY)
        except Http404:
            return 404
        except (PermissionDenied, gate.MustAcknowledge):
            return 403
        stream = Stream(
            incident.pk,
            user.pk,
            request.session.session_key or "",
            user.get_session_auth_hash(),
            incident.held,
            incident.audience,
            incident.revision,
        )
        return stream, self._missed(incident, stream, request)

    def _missed(self, incident, stream: Stream, request) -> bytes:
        """Everything since the revision that the browser saw last; nothing twice, nothing skipped."""
        if stream.audience == Audience.SUMMARY:
            stream.brief = event(rendering.brief(incident), None)
            return stream.brief
        since = whole_number(request.headers.get("Last-Event-ID") or request.GET.get("since", ""))
        if since is None or since >= incident.revision:
            return b""
        rows = incident.changes.filter(revision__gt=since, revision__lte=incident.revision)
        if incident.revision - since > FAR_BEHIND:
            names = sorted(
                set(changes_for(incident, stream.audience, rows).values_list("section", flat=True)) - {""}
            )
            return event(" ".join(names), incident.revision, "reload")
        html = rendering.message(incident, list(rows), stream.audience)
        return event(html, incident.revision) if html else b""

    # --- the tailer --------------------------------------------------------------------------------

    def _start(self) -> None:
        if self.tasks or self.closing:
            return
        self.loop = loop = asyncio.get_running_loop()
        ledger.wakers.append(self._wake)
        self.tasks = [
            loop.create_task(coroutine) for coroutine in (watch(self.woken), self._tail(), self._heartbeat())
        ]

    def _wake(self) -> None:
        """Called in a thread that has just committed."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.woken.set)

    async def _tail(self) -> None:
        """The only one who delivers, so that a stream gets its messages in order."""
        while True:
            await self.woken.wait()
            self.woken.clear()
            recheck, self.recheck = self.recheck, False
            for incident_id in list(self.streams):
                await self._deliver(incident_id, recheck)

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self.recheck = True
            self.woken.set()

    async def _deliver(self, incident_id, recheck: bool) -> None:
        streams = list(self.streams.get(incident_id, ()))
        wanted = {(stream.audience, stream.seen) for stream in streams}
        users = {stream.user_id for stream in streams}
        try:
            found = await self._in_database(self._prepare, incident_id, wanted, users, recheck)
            ended = set(await self._in_database(self._signed_out, streams)) if found else set()
        except Exception:
            log.exception("live: the database did not answer; the streams wait")
            return
        if found is None:
            return
        for stream in streams:
            message = found.messages.get((stream.audience, stream.seen))
            held = found.standing.get(stream.user_id, frozenset())
            if stream in ended or audience_of(held) != stream.audience:
                self._shut(stream)
                continue
            if held != stream.held:
                stream.push(event(" ".join(sorted(held)), None, "can"))
                stream.held = held
            if message and message != stream.brief:
                stream.push(message)
                stream.brief = message if stream.audience == Audience.SUMMARY else b""
            stream.seen = max(stream.seen, found.revision)

    def _prepare(
        self, incident_id, wanted: set[tuple[str, int]], users: set, recheck: bool
    ) -> Delivery | None:
        """Render once for each audience, and once more for streams that were opened between two deliveries."""
        incident = Incident.objects.get(pk=incident_id)
        behind = {(audience, seen) for audience, seen in wanted if seen < incident.revision}
        if not behind and not recheck:
            return None
        since = min((seen for _, seen in behind), default=incident.revision)
        rows = list(incident.changes.filter(revision__gt=since, revision__lte=incident.revision))
        brief = any(audience == Audience.SUMMARY for audience, _ in behind) and rendering.brief(incident)
        messages = {}
        for audience, seen in behind:
            if audience == Audience.SUMMARY:
                messages[audience, seen] = event(str(brief), None)
            elif html := rendering.message(incident, [r for r in rows if r.revision > seen], audience):
                messages[audience, seen] = event(html, incident.revision)
        return Delivery(incident.revision, messages, standing(incident, users))

    def _signed_out(self, streams: list[Stream]) -> list[Stream]:
        """Those whose session ended, or whose password was changed since."""
        sessions = Session.objects.filter(
            session_key__in=[stream.session_key for stream in streams], expire_date__gt=timezone.now()
        )
        alive = set(sessions.values_list("session_key", flat=True))
        people = get_user_model().objects.filter(pk__in={stream.user_id for stream in streams})
        logins: dict[object, str] = {person.pk: person.get_session_auth_hash() for person in people}
        return [s for s in streams if s.session_key not in alive or logins.get(s.user_id) != s.login]

    def _shut(self, stream: Stream) -> None:
        """Access is withdrawn: nothing that waits is sent, the page is told to blank itself, the stream ends."""
        while not stream.queue.empty():
            stream.queue.get_nowait()
        stream.push(GONE)
        stream.push(None)
        self.streams.get(stream.incident_id, set()).discard(stream)

    def _all(self) -> list[Stream]:
        return [stream for streams in self.streams.values() for stream in streams]

    async def _in_database(self, function, *arguments, at: ThreadPoolExecutor | None = None):
        """Run in the one thread that has a database connection for all streams, or at the door."""

        def run():
            close_old_connections()
            try:
                return function(*arguments)
            except Exception:
                connection.close()
                raise

        return await asyncio.get_running_loop().run_in_executor(at or self.database, run)
