"""People without a browser: who writes, and who has the document open."""

import asyncio
import itertools
import random
import re
import secrets
import uuid
from dataclasses import dataclass

import httpx

SHELL = re.compile(
    r'<li class="entry[^"]*" id="([a-z_]+-[0-9a-f-]{36})" data-rev="(\d+)".*?\n</li>', re.DOTALL
)
TALK = re.compile(r'<div class="talk"[^>]*></div>\s*')  # the stream leaves a page's comments as they are
GONE = re.compile(r'<li id="([a-z_]+-[0-9a-f-]{36})" data-gone></li>')
VERSION = re.compile(r'name="version" value="(\d+)"')
PATIENCE = (
    30.0  # seconds without a byte of a stream after which it is opened anew; the server sends one every 15
)
DAY = {"at_0": "2026-11-20", "at_1": "10:00"}  # for sections that ask when

_count = itertools.count()
_run = secrets.token_hex(3)


def new_word() -> str:
    """A word that nobody has written yet."""
    return f"w{_run}{next(_count)}"


async def until(holds, what: str, limit: float = 60.0) -> None:
    """Wait for a condition; AssertionError says what did not happen in so many seconds."""
    clock = asyncio.get_running_loop().time
    end = clock() + limit
    while not holds():
        if clock() > end:
            raise AssertionError(f"{what}: not within {limit:.0f} s")
        await asyncio.sleep(0.02)


class Person:
    """Somebody who is signed in and sends what htmx would send."""

    def __init__(self, url: str, session: str, name: str = ""):
        token = secrets.token_hex(16)
        self.name = name
        self.http = httpx.AsyncClient(
            base_url=url,
            cookies={"sessionid": session, "csrftoken": token},
            headers={"X-CSRFToken": token},
            timeout=httpx.Timeout(60.0, connect=5.0),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=4),
        )

    async def post(self, path: str, **fields) -> httpx.Response | None:
        """The answer, or None when there was none."""
        try:
            return await self.http.post(path, data=fields, headers={"HX-Request": "true"})
        except httpx.TransportError:
            return None

    async def get(self, path: str) -> httpx.Response:
        """A page, or a fragment of one."""
        return await self.http.get(path)

    async def add(self, codename: str, text: str, entry_id: str = "", section: str = "theories", **fields):
        """Send a new entry with an id that the client chose; the answer or None."""
        when = DAY if section == "timeline" else {}
        filled = {"id": entry_id or str(uuid.uuid4()), "text": text, "state": "open", **when, **fields}
        return await self.post(f"/incidents/{codename}/{section}/", **filled)

    async def change(self, codename: str, entry_id: str, version: int, text: str, **fields):
        """Send a theory as it shall be, begun at a version; the answer or None."""
        path = f"/incidents/{codename}/theories/{entry_id}/"
        return await self.post(path, version=version, text=text, state="open", **fields)

    async def hide(self, codename: str, entry_id: str, verb: str = "hide"):
        """Hide a theory, or restore it."""
        return await self.post(f"/incidents/{codename}/theories/{entry_id}/{verb}/")

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()


def stored(answer: httpx.Response | None) -> bool:
    """Whether an answer says that it was stored."""
    return answer is not None and answer.is_success


async def insist(send, tries: int = 400, pause: float = 0.1) -> httpx.Response:
    """Send the same until there is an answer other than 503, as a browser with unsent text does."""
    for _ in range(tries):
        answer = await send()
        if answer is not None and answer.status_code != 503:
            return answer
        await asyncio.sleep(pause * (0.5 + random.random()))
    raise AssertionError("The server did not come back.")


@dataclass
class Element:
    """An entry on a screen."""

    version: int
    html: str


class Screen:
    """An open document: a mirror that is fed by the stream alone, after a first look at the page.

    It reconnects by itself and says what it saw last, as a browser does.
    """

    def __init__(self, person: Person, codename: str, *, since: int | None = 0, resume: str = "header"):
        self.person, self.codename, self.seen, self.resume = person, codename, since, resume
        self.elements: dict[str, Element] = {}
        self.received: list[str] = []  # the data of every message
        self.connections, self.refused, self.backwards = 0, 0, []
        self.blanked = False
        self.troubles: list[str] = []  # faults of this mirror, not of the server
        self._cut = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self.blanked:
            self._cut.clear()
            reading = asyncio.create_task(self._read())
            cut = asyncio.create_task(self._cut.wait())
            try:
                await asyncio.wait({reading, cut}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                reading.cancel()
                cut.cancel()
                ended, _ = await asyncio.gather(reading, cut, return_exceptions=True)
            if isinstance(ended, Exception) and not isinstance(ended, httpx.HTTPError):
                self.troubles.append(repr(ended))
            await asyncio.sleep(0.05 + random.random() * 0.1)

    async def _read(self) -> None:
        path = f"/incidents/{self.codename}/live/"
        headers = {"Accept": "text/event-stream"}
        if self.seen is not None and self.resume == "header":
            headers["Last-Event-ID"] = str(self.seen)
        elif self.seen is not None:
            path += f"?since={self.seen}"
        timeout = httpx.Timeout(10.0, read=PATIENCE)
        try:
            async with self.person.http.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if answer.status_code != 200:
                    await self._not_admitted(answer.status_code)
                    return
                self.connections += 1
                fields: dict[str, str] = {}
                async for line in answer.aiter_lines():
                    if line:
                        name, _, value = line.partition(": ")
                        fields[name] = f"{fields[name]}\n{value}" if name in fields else value
                    elif fields:
                        await self._take(fields)
                        fields = {}
        except httpx.TransportError:
            return

    async def _not_admitted(self, status: int) -> None:
        if status in (401, 403, 404):
            self.refused, self.blanked = status, True
        else:
            await asyncio.sleep(0.2)

    async def _take(self, fields: dict[str, str]) -> None:
        name, data = fields.get("event"), fields.get("data", "")
        if name == "gone":
            self.blanked = True
            self.elements.clear()
        elif name == "reload":
            self.received.append(data)
            for section in data.split():
                await self.load(section)
        elif name == "change":
            self.received.append(data)
            self._apply(data)
        if "id" in fields:
            seen = int(fields["id"])
            if self.seen is not None and seen < self.seen:
                self.backwards.append((self.seen, seen))
            self.seen = seen

    def _apply(self, html: str) -> None:
        for found in SHELL.finditer(html):
            self.elements[found[1]] = Element(int(found[2]), TALK.sub("", found[0]))
        for found in GONE.finditer(html):
            self.elements.pop(found[1], None)

    async def load(self, section: str) -> None:
        """Take a section as the server sends it whole."""
        answer = await self.person.get(f"/incidents/{self.codename}/{section}/")
        answer.raise_for_status()
        for element in [element for element in self.elements if element.startswith(f"{section}-")]:
            del self.elements[element]
        self._apply("\n".join(answer.text.splitlines()))

    def cut(self) -> None:
        """Lose the connection; it is opened again at once."""
        self._cut.set()

    def versions(self) -> dict[str, int]:
        """Element id → version of what stands on the screen."""
        return {element: shown.version for element, shown in self.elements.items()}

    def has(self, word: str) -> bool:
        """Whether a word ever arrived."""
        shown = (element.html for element in self.elements.values())
        return any(word in data for data in itertools.chain(self.received, shown))

    async def differs_from_a_new_page(self, section: str) -> list[str]:
        """Elements that are not letter by letter what the server sends to somebody who opens the section now."""
        fresh = Screen.__new__(Screen)
        fresh.person, fresh.codename, fresh.elements = self.person, self.codename, {}
        await fresh.load(section)
        mine = {name: shown.html for name, shown in self.elements.items() if name.startswith(f"{section}-")}
        theirs = {name: shown.html for name, shown in fresh.elements.items()}
        return sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))

    async def close(self) -> None:
        """Close the page."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
