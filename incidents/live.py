"""The live stream: the tail of the ledger as Server-Sent Events. Floor 7.

A raw ASGI endpoint in front of Django, so that a stream costs no thread and no database connection. Who comes in is
decided here, as the gate does for a page; what they get then is decided in delivery.py, and who is here in presence.py.
"""

import asyncio
import contextlib
import hashlib
import io
import logging
import re
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection
from django.http import Http404
from django.http.cookie import parse_cookie
from django.utils import timezone

from accounts.sessions import SessionStore
from config.middleware import raw_headers
from incidents import access, gate, ledger, rendering
from incidents.bell import Bell
from incidents.bus import Bus, Message
from incidents.converters import whole_number
from incidents.delivery import Delivery
from incidents.history import changes_for
from incidents.presence import Presence, elements_of
from incidents.streams import Room, Stream, event
from incidents.vocabulary import Audience, Capability

log = logging.getLogger("sitroom.live")
PATH = re.compile(r"/incidents/([a-z0-9]+(?:-[a-z0-9]+)*)/live/")
HEARTBEAT = (
    1.5  # seconds; a revocation that no ledger row announces (session ended, account disabled) bites by then
)
STILL_HERE = 10  # heartbeats after which a quiet stream is written to, so that a dead connection is noticed
FAR_BEHIND = 200  # revisions; more than this, or
MOST_MISSED = 1024 * 1024  # bytes, is told as “load these sections again”
MOST_STREAMS = 50  # of one person in one process; a browser holds three at most
LONGEST_WORD = 4096  # bytes of what a browser says about itself
LONGEST_TOKEN = 64
PATIENCE = 20.0  # seconds for a browser to say it
AGAIN = 1.0  # seconds until what feeds the streams begins again after a fault
HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]


class Live:
    """The streams of this process, what feeds them, and who comes in."""

    def __init__(self) -> None:
        self.rooms: dict[object, Room] = {}
        self.tokens: dict[str, Stream] = {}
        self.tasks: list[asyncio.Task] = []
        self.closing = False
        self.database = ThreadPoolExecutor(1, thread_name_prefix="live")
        self.door = ThreadPoolExecutor(
            2, thread_name_prefix="live-door"
        )  # who comes in never delays who must go
        self.delivery: Delivery
        self.presence: Presence
        self.bell: Bell
        self.bus: Bus

    # --- ASGI --------------------------------------------------------------------------------------

    def serves(self, scope) -> bool:
        """Whether a request is for a live stream, or says something about one."""
        return scope["method"] in ("GET", "POST") and PATH.fullmatch(scope["path"]) is not None

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

    async def answer(self, scope, receive, send) -> None:
        """A stream, or a word about one."""
        if scope["method"] == "GET":
            await self.stream(scope, receive, send)
        else:
            await _answer(send, await self._word(scope, receive))

    async def stream(self, scope, receive, send) -> None:
        """One stream, from admission to the end."""
        self._start()
        try:
            opened = await self._in_database(self._admit, scope, at=self.door)
        except Exception:
            log.exception("live: the database did not answer; the browser asks again")
            opened = 503
        if isinstance(opened, int) or self.closing:
            await _answer(send, opened if isinstance(opened, int) else 503)
            return
        stream, backlog = opened
        if self._holds_most(stream.user_id):  # others of theirs were admitted meanwhile
            await _answer(send, 429)
            return
        greeting = event(stream.token, None, "you") + event(" ".join(sorted(stream.held)), None, "can")
        first = b"retry: 1000\n\n" + greeting + backlog + self.presence.greeting(stream)
        room = self.rooms.setdefault(stream.incident_id, Room())
        room.add(stream)
        self.tokens[stream.token] = stream
        self.delivery.woken.set()
        try:
            await stream.serve(send, receive, [*HEADERS, *raw_headers()], first)
        finally:
            self.tokens.pop(stream.token, None)
            room.discard(stream)
            if stream.beat_at:
                self.presence.stir(stream.incident_id)
            if not room.streams and self.rooms.get(stream.incident_id) is room:
                del self.rooms[stream.incident_id]
                self.presence.forget(stream.incident_id)

    async def _word(self, scope, receive) -> int:
        """What a browser says about who looks through its stream; the status to answer with.

        The token is as secret as the session, which must be the stream's own: so the stream's admission holds for it.
        """
        try:
            body = await asyncio.wait_for(_body(receive), PATIENCE)
        except TimeoutError:
            return 408
        if body is None:
            return 400
        said = {name: values[-1] for name, values in parse_qs(body.decode("ascii", "replace")).items()}
        token, key = said.get("token", "")[:LONGEST_TOKEN], _session_key(scope)
        head = {"token": token, "key": _digest(key), "away": "away" in said}
        head["editing"] = " ".join(elements_of(said.get("editing", "")))
        if token.partition(".")[0] == self.bus.origin or "." not in token:
            return 204 if self._beat(head) else 404
        return await self._in_database(
            self._pass_on, Message("beat", self.bus.origin, head), key, at=self.door
        )

    def _pass_on(self, message: Message, session_key: str | None) -> int:
        """A word about a stream that another process holds, from somebody who is signed in."""
        if not Session.objects.filter(session_key=session_key, expire_date__gt=timezone.now()).exists():
            return 404
        self.bus.say(message)
        return 204

    def _beat(self, head: dict) -> bool:
        stream = self.tokens.get(head["token"])
        if stream is None or _digest(stream.session_key) != head["key"]:
            return False
        self.presence.beat(stream, head["editing"], head["away"])
        return True

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
        """End every stream and what feeds them."""
        self.closing = True
        if self.tasks and self.delivery in ledger.heralds:
            ledger.heralds.remove(self.delivery)
        for task in self.tasks:
            task.cancel()
        for stream in list(self.tokens.values()):
            stream.end()

    # --- admission, in the database thread ---------------------------------------------------------

    def _admit(self, scope) -> "int | tuple[Stream, bytes]":
        request = ASGIRequest(scope, io.BytesIO())
        request.session = SessionStore(_session_key(scope))
        user = get_user(request)
        if not user.is_authenticated:
            return 401
        if request.GET.get("me", str(user.pk)) != str(user.pk):
            return 404  # the page is somebody else's, who used this browser before
        try:
            incident = gate.admit(user, scope["path"].split("/")[2], Capability.SUMMARY)
        except Http404:
            return 404
        except (PermissionDenied, gate.MustAcknowledge):
            return 403
        if self._holds_most(user.pk):
            return 429
        until = access.ends(incident, [user.pk]).get(user.pk)
        stream = Stream(incident, user, request.session.session_key or "", until, self.bus.origin)
        return stream, self._missed(incident, stream, request)

    def _holds_most(self, user_id) -> bool:
        return sum(stream.user_id == user_id for stream in list(self.tokens.values())) >= MOST_STREAMS

    def _missed(self, incident, stream: Stream, request) -> bytes:
        """Everything since the revision that the browser saw last; nothing twice, nothing skipped."""
        if stream.audience == Audience.SUMMARY:
            stream.brief = event(rendering.brief(incident), None)
            return stream.brief
        since = whole_number(request.headers.get("Last-Event-ID") or request.GET.get("since", ""))
        if since is None or since >= incident.revision:
            return b""
        rows = incident.changes.filter(revision__gt=since, revision__lte=incident.revision)
        if incident.revision - since <= FAR_BEHIND:
            html = rendering.message(incident, list(rows), stream.audience)
            message = event(html, incident.revision) if html else b""
            if len(message) <= MOST_MISSED:
                return message
        changed = set(changes_for(incident, stream.audience, rows).values_list("section", flat=True))
        names = " ".join(sorted(changed - {""}))  # "" is the head of the document
        return event(names, incident.revision, "reload") if changed else b""

    # --- what runs beside the streams --------------------------------------------------------------

    def _start(self) -> None:
        if self.tasks or self.closing:
            return
        loop = asyncio.get_running_loop()
        self.delivery = Delivery(self.rooms, self._in_database, asyncio.Event())
        self.bus = self.delivery.bus = Bus(self._heard, self.delivery.stirring.set)
        self.presence = Presence(self.rooms, self._in_database, self.bus)
        # Not in the thread that finds out who must go: a table that is locked holds up nothing but the bell.
        self.bell = Bell(self.tokens, partial(self._in_database, at=self.door))
        ledger.heralds.append(self.delivery)
        running = [self.bus.run, self.delivery.tail, self.delivery.watch_over]
        running += [self.presence.run, self._heartbeat, self.bell.run]
        self.tasks = [loop.create_task(_always(run)) for run in running]

    def _heard(self, message: Message) -> None:
        """Another process says something."""
        if message.kind == "here":
            self.presence.heard(message)
        elif message.kind == "beat":
            self._beat(message.head)
        else:
            self.delivery.heard(message)

    async def _heartbeat(self) -> None:
        beats = 0
        while True:
            await asyncio.sleep(HEARTBEAT)
            self.delivery.recheck = True
            self.delivery.woken.set()
            self.presence.sweep()
            beats += 1
            if beats % STILL_HERE == 0:
                for stream in list(self.tokens.values()):
                    stream.push(b": still here\n\n")

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


async def _always(run: Callable[[], Coroutine]) -> None:
    """Run something that never ends; after a fault it begins again."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("live: a fault; going on")
        await asyncio.sleep(AGAIN)


async def _body(receive) -> bytes | None:
    """A short body; None when it is too long or breaks off."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or len(body) > LONGEST_WORD:
            return None
        if not message.get("more_body", False):
            return body


def _session_key(scope) -> str | None:
    """The session that a request names; None where it names nothing that could be one."""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    named = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    return SessionStore(named).session_key


def _digest(session_key: str | None) -> str:
    return hashlib.sha256((session_key or "").encode()).hexdigest()


async def _answer(send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": raw_headers()})
    await send({"type": "http.response.body", "body": b""})
