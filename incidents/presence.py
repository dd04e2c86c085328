"""Who looks at an incident now, and which entry they edit. Floor 7. Never stored: it lives in the processes.

A browser says every few seconds that somebody looks; whoever has not for LASTS seconds is gone. The processes tell
each other what they know. Only people who read the document are counted and told.
"""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Iterable

from incidents.bus import Bus, Message
from incidents.sections import SECTIONS
from incidents.streams import Room, Stream, told
from incidents.vocabulary import Audience, Capability

log = logging.getLogger("sitroom.live")
LASTS = 12.0  # seconds after which a browser that is silent does not count
AGAIN = 5.0  # seconds after which a process tells the others what it knows, changed or not
PAUSE = 0.3  # seconds in which changes are gathered
MOST = 40  # people in one message
ELEMENT = re.compile(r"([a-z_]{1,32})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class Presence:
    """What this process knows of who is where. Event loop only, but for `privileged_of`."""

    def __init__(self, rooms: dict[object, Room], in_database: Callable, bus: Bus):
        self.rooms, self.in_database, self.bus = rooms, in_database, bus
        self.loop = asyncio.get_running_loop()
        self.elsewhere: dict[str, dict[str, tuple[float, list]]] = {}  # incident → process → (when, people)
        self.shown: dict[
            object, tuple[bytes, bytes]
        ] = {}  # incident → as document and privileged audience saw it
        self.said: dict[object, tuple[float, list]] = {}  # incident → when and what the others were told
        self.stale: set = set()
        self.changed = asyncio.Event()

    def beat(self, stream: Stream, editing: str, away: bool) -> None:
        """A browser says that somebody looks, and what they edit (element ids); or that nobody does any more."""
        if stream.audience == Audience.SUMMARY:
            return
        named = tuple(sorted(elements_of(editing))) if Capability.WRITE in stream.held else ()
        now = 0.0 if away else self.loop.time()
        news = bool(stream.beat_at) != bool(now) or named != stream.editing
        stream.beat_at, stream.editing = now, () if away else named
        if news:
            self.stir(stream.incident_id)

    def stir(self, incident_id) -> None:
        """Something changed in an incident."""
        self.stale.add(incident_id)
        self.changed.set()

    def heard(self, message: Message) -> None:
        """What another process knows of an incident."""
        incident_id = message.head["incident"]
        self.elsewhere.setdefault(incident_id, {})[message.origin] = self.loop.time(), message.head["people"]
        self.stir(uuid.UUID(incident_id))

    def sweep(self) -> None:
        """Look for browsers and processes that fell silent, and for what is to be told again."""
        now = self.loop.time()
        for incident_id, room in self.rooms.items():
            if any(s.beat_at and s.beat_at < now - LASTS for s in room.streams):
                self.stir(incident_id)
            when, people = self.said.get(incident_id, (0.0, []))
            if people and when < now - AGAIN:
                self.stir(incident_id)
        for incident_id, processes in list(self.elsewhere.items()):
            for origin in [origin for origin, (when, _) in processes.items() if when < now - LASTS]:
                del processes[origin]
                self.stir(uuid.UUID(incident_id))
            if not processes:
                del self.elsewhere[incident_id]

    async def run(self) -> None:
        """For as long as the process serves: tell of changes, a few times a second at most."""
        while True:
            await self.changed.wait()
            await asyncio.sleep(PAUSE)
            self.changed.clear()
            stale, self.stale = self.stale, set()
            for incident_id in stale:
                try:
                    await self._tell(incident_id)
                except Exception:
                    log.exception("live: who is here could not be told; it is tried again")
                    self.stale.add(incident_id)  # with the next change or round

    async def _tell(self, incident_id) -> None:
        now = self.loop.time()
        room = self.rooms.get(incident_id) or Room()
        for stream in room.streams:
            if stream.beat_at < now - LASTS:
                stream.beat_at, stream.editing = 0.0, ()
        mine = merged((str(s.user_id), s.name, s.editing) for s in room.everybody if s.beat_at)
        when, before = self.said.get(incident_id, (0.0, []))
        if mine != before or (mine and when < now - AGAIN):
            self.said[incident_id] = now, mine
            await self.in_database(self.bus.say, self._word(incident_id, mine))
        if not mine:
            self.said.pop(incident_id, None)
        if not room.streams:
            self.shown.pop(incident_id, None)
            return
        others = [p for _, people in self.elsewhere.get(str(incident_id), {}).values() for p in people]
        people = merged((p["id"], p["name"], p["editing"]) for p in [*mine, *others])
        hidden = await self.in_database(
            privileged_of, incident_id, {e for person in people for e in person["editing"]}
        )
        open_ = [
            {**person, "editing": [e for e in person["editing"] if e not in hidden]} for person in people
        ]
        shown = told("here", open_), told("here", people)
        if shown != self.shown.get(incident_id):
            self.shown[incident_id] = shown
            room.push(shown[0], Audience.DOCUMENT)
            room.push(shown[1], Audience.PRIVILEGED)

    def _word(self, incident_id, people: list[dict]) -> Message:
        """What the other processes are told: as many people as go into one message."""
        word = Message("here", self.bus.origin, {"incident": str(incident_id), "people": people})
        return word if word.fits() or not people else self._word(incident_id, people[:-1])

    def forget(self, incident_id) -> None:
        """Nobody here has this incident open any more."""
        self.shown.pop(incident_id, None)

    def greeting(self, stream: Stream) -> bytes:
        """What a stream that is opened is told of those who are here already."""
        if stream.audience == Audience.SUMMARY:
            return b""
        shown = self.shown.get(stream.incident_id)
        return shown[stream.audience == Audience.PRIVILEGED] if shown else b""


def elements_of(editing: str) -> list[str]:
    """The ids of entries in what a browser says that it edits, ten at most."""
    return [word for word in editing.split()[:10] if ELEMENT.fullmatch(word)]


def merged(rows: Iterable[tuple[str, str, Iterable[str]]]) -> list[dict]:
    """One item for each person, whichever browsers and processes they are in, by name."""
    people: dict[str, dict] = {}
    for user_id, name, editing in rows:
        person = people.setdefault(user_id, {"id": user_id, "name": name, "editing": []})
        person["editing"] = sorted({*person["editing"], *editing})
    return sorted(people.values(), key=lambda person: (person["name"], person["id"]))[:MOST]


def privileged_of(incident_id, elements: set[str]) -> set[str]:
    """Those of the elements that not every reader may know to be edited: of entries that are privileged, or unknown."""
    found = set(elements)
    for name, section in SECTIONS.items():
        ids = {match[2]: match[0] for e in elements if (match := ELEMENT.fullmatch(e)) and match[1] == name}
        if ids:
            open_ = section.model._default_manager.filter(incident=incident_id, pk__in=ids, privileged=False)
            found -= {ids[str(pk)] for pk in open_.values_list("pk", flat=True)}
    return found
