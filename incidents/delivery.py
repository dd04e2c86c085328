"""From a commit to every open stream: rendered once for each audience, the same bytes for everybody. Floor 7.

The short way: whoever writes an entry renders what the others get inside the transaction, hands it to the streams
of its process right after the commit, and to the other processes with the wake-up. The long way, for everything
else and as a safety net: the tail of the ledger is read from the database. Either way a stream gets a row only if
it has the one before it, so that nothing is skipped or told twice, and only if its session stood at the commit; a
row about people always goes the long way, where the grants are read again.
"""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from incidents import logins, rendering
from incidents.access import audience_of, ends, standing
from incidents.bus import Bus, Message
from incidents.incident import Incident
from incidents.streams import GONE, Room, Stream, event
from incidents.vocabulary import Audience

log = logging.getLogger("sitroom.live")
GRACE = 0.03  # seconds in which a row that SQLite's counter told of usually arrives the short way
PATIENCE = 0.05  # seconds that a writer lets the streams go first; its answer follows


@dataclass
class Tail:
    """What brings an incident's streams to a revision: a message for each audience and revision that they have;
    who may do what, and until when some of that ends."""

    revision: int
    messages: dict[tuple[str, int], bytes]
    standing: dict[object, frozenset[str]]
    ends: dict[object, datetime]


@dataclass
class Ready:
    """A row that is about to be committed: what to tell, and, if that is known already, which streams may hear it."""

    incident_id: object
    message: Message
    fit: list[Stream] | None

    def text(self) -> str:
        """What the other processes get."""
        return self.message.text()


class Delivery:
    """The only one who hands messages of the ledger to the streams of this process."""

    def __init__(self, rooms: dict[object, Room], in_database: Callable, woken: asyncio.Event):
        self.rooms, self.in_database, self.woken = rooms, in_database, woken
        self.recheck = False  # whether everybody's right to look is asked at the next turn
        self.loop = asyncio.get_running_loop()
        self.stirring = asyncio.Event()  # another process, or a command, may have committed
        self.tasks: set[asyncio.Task] = set()
        self.bus: Bus

    # --- the short way -----------------------------------------------------------------------------

    def prepare(self, change, entry) -> "Ready":
        """In the writer's transaction: what the other processes, and everybody who looks, will get."""
        room, fit = self.rooms.get(change.incident_id), None
        head = {"incident": str(change.incident_id), "revision": change.revision}
        try:
            html = rendering.inline(change, entry)
            if room and html:
                fit = logins.fit_until_commit(room)
        except Exception:
            log.exception("live: revision %d takes the long way", change.revision)
            html = ""
        return Ready(change.incident_id, Message("row", self.bus.origin, head, html), fit)

    def committed(self, ready: "Ready") -> None:
        """In the writer's thread, after the commit: the streams of this process, then the other processes."""
        if self.loop.is_closed():
            return
        room, message, done = self.rooms.get(ready.incident_id), ready.message, threading.Event()
        if room and message.html:
            fit = self._fit_now(room) if ready.fit is None else ready.fit
            self.loop.call_soon_threadsafe(self._hand_over, room, message, fit, done)
            done.wait(PATIENCE)
        elif room:
            self.loop.call_soon_threadsafe(self.woken.set)
        if connection.vendor == "sqlite":  # PostgreSQL told them with the commit
            self.bus.say(message)

    def _fit_now(self, room: Room) -> list[Stream]:
        try:
            return logins.fit(room)
        except Exception:
            log.exception("live: the sessions could not be read; the row takes the long way")
            return []

    async def watch_over(self) -> None:
        """For as long as the process serves: whenever something may have been committed, see that it was told.

        What was committed comes the short way as a rule, so it is given a moment.
        """
        while True:
            await self.stirring.wait()
            self.stirring.clear()
            try:
                there = await self.in_database(revisions, list(self.rooms))
            except Exception:
                log.exception("live: the database did not answer; the streams wait")
                there = {}
            await asyncio.sleep(GRACE)
            for incident_id, revision in there.items():
                room = self.rooms.get(incident_id)
                if room and any(stream.seen < revision for stream in room.streams):
                    self.woken.set()

    def heard(self, message: Message) -> None:
        """Another process committed. The tasks run in the order in which they are made."""
        task = self.loop.create_task(self._from_elsewhere(message))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _from_elsewhere(self, message: Message) -> None:
        """Another process committed."""
        room = self.rooms.get(uuid.UUID(message.head["incident"]))
        if room and message.html:
            self._hand_over(room, message, await self.in_database(self._fit_now, room))
        elif room:
            self.woken.set()

    def _hand_over(
        self, room: Room, message: Message, fit: Iterable[Stream], done: threading.Event | None = None
    ) -> None:
        revision, now = message.head["revision"], timezone.now()
        sent = event(message.html, revision)
        for stream in fit:
            up_to_date = stream.seen == revision - 1 and (stream.until is None or stream.until > now)
            if up_to_date and stream.audience != Audience.SUMMARY:
                stream.seen = revision
                stream.push(sent)
        if done:
            done.set()
        if any(stream.seen < revision for stream in room.streams):
            self.woken.set()

    # --- the long way ------------------------------------------------------------------------------

    async def tail(self) -> None:
        """For as long as the process serves: bring everybody up to date whenever something woke us."""
        while True:
            await self.woken.wait()
            self.woken.clear()
            recheck, self.recheck = self.recheck, False
            for incident_id in list(self.rooms):
                await self._bring_up_to_date(incident_id, recheck)

    async def _bring_up_to_date(self, incident_id, recheck: bool) -> None:
        room = self.rooms.get(incident_id)
        streams = room.everybody if room else ()
        wanted = {(stream.audience, stream.seen) for stream in streams}
        users = {stream.user_id for stream in streams}
        try:
            found = await self.in_database(self._read, incident_id, wanted, users, recheck)
            fit = set(await self.in_database(logins.one_by_one, streams)) if found else set()
        except Exception:
            log.exception("live: the database did not answer; the streams wait")
            return
        if found is None:
            return
        for stream in streams:
            held = found.standing.get(stream.user_id, frozenset())
            if stream not in fit or audience_of(held) != stream.audience:
                self._shut(stream)
                continue
            if held != stream.held:
                stream.push(event(" ".join(sorted(held)), None, "can"))
                stream.held = held
            stream.until = found.ends.get(stream.user_id)
            if stream.seen >= found.revision:
                continue
            if (stream.audience, stream.seen) not in wanted:  # it got a row the short way meanwhile
                self.woken.set()
                continue
            message = found.messages.get((stream.audience, stream.seen))
            if message and message != stream.brief:
                stream.push(message)
                stream.brief = message if stream.audience == Audience.SUMMARY else b""
            stream.seen = found.revision

    def _read(self, incident_id, wanted: set[tuple[str, int]], users: set, recheck: bool) -> Tail | None:
        """Render once for each audience, and once more for streams that were opened between two turns."""
        if not recheck and all(seen >= revisions([incident_id])[incident_id] for _, seen in wanted):
            return None
        incident = Incident.objects.select_related("commander").get(pk=incident_id)
        behind = {(audience, seen) for audience, seen in wanted if seen < incident.revision}
        since = min((seen for _, seen in behind), default=incident.revision)
        rows = list(incident.changes.filter(revision__gt=since, revision__lte=incident.revision))
        brief = any(audience == Audience.SUMMARY for audience, _ in behind) and rendering.brief(incident)
        messages = {}
        for audience, seen in behind:
            if audience == Audience.SUMMARY:
                messages[audience, seen] = event(str(brief), None)
            elif html := rendering.message(incident, [r for r in rows if r.revision > seen], audience):
                messages[audience, seen] = event(html, incident.revision)
        return Tail(incident.revision, messages, standing(incident, users), ends(incident, users))

    def _shut(self, stream: Stream) -> None:
        """Access is withdrawn: nothing that waits is sent, the page is told to blank itself, the stream ends."""
        stream.end(GONE)
        if room := self.rooms.get(stream.incident_id):
            room.discard(stream)


def revisions(incident_ids: list) -> dict:
    """Incident → the revision that it has reached."""
    return (
        dict(Incident.objects.filter(pk__in=incident_ids).values_list("pk", "revision"))
        if incident_ids
        else {}
    )
