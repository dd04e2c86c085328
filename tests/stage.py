"""A process that streams an incident with somebody in every role, driven as a server would.

The streams run in this process as raw ASGI calls; whoever writes does so in a thread, as a view would.
"""

import asyncio
import json
from urllib.parse import urlencode

from django.db import connection
from django.test import Client

from incidents import ledger
from incidents.live import Live
from incidents.vocabulary import Role
from tests import factories

PATIENCE = 10  # seconds until a test gives up on something that must happen
SILENCE = 0.4  # seconds in which nothing must happen
ROLES = {
    "executive": Role.EXECUTIVE,
    "reader": Role.READER,
    "responder": Role.RESPONDER,
    "legal": Role.LEGAL,
    "revoked": Role.READER,
    "disabled": Role.READER,
    "pending": Role.READER,
}


class Browser:
    """One open stream and the events that arrived on it."""

    def __init__(self, live: Live, client: Client | None, slug: str, last: str = "", query: str = ""):
        cookie = client.cookies.output(attrs=[], header="", sep=";").strip() if client else ""
        headers = [(b"cookie", cookie.encode())] + ([(b"last-event-id", last.encode())] if last else [])
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": f"/incidents/{slug}/live/",
            "query_string": query.encode(),
            "headers": headers,
        }
        self.live = live
        self.left = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.status: asyncio.Future = asyncio.get_running_loop().create_future()
        self.can: str | None = None
        self.events: asyncio.Queue = asyncio.Queue()
        self.here: asyncio.Queue = asyncio.Queue()  # who is here, apart from what was changed
        self.task = asyncio.create_task(live.stream(self.scope, self._receive, self._send))
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task) -> None:
        if not self.status.done() and not task.cancelled() and task.exception():
            self.status.set_exception(task.exception())

    async def _receive(self) -> dict:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
            self.status.set_result(message["status"])
            return
        await self.reading.wait()
        for block in message["body"].decode().split("\n\n"):
            lines = [line.partition(": ")[::2] for line in block.splitlines()]
            fields = {name: value for name, value in lines if name in ("event", "id")}
            if "event" in fields:
                fields["data"] = "\n".join(value for name, value in lines if name == "data")
                if fields["event"] == "you":
                    self.token = fields["data"]
                elif fields["event"] == "can" and self.can is None:
                    self.can = fields["data"]  # said first; later ones say that it changed
                elif fields["event"] == "here":
                    self.here.put_nowait(json.loads(fields["data"]))
                else:
                    self.events.put_nowait(fields)

    async def opened(self) -> "Browser":
        """Wait until it is admitted."""
        assert await asyncio.wait_for(asyncio.shield(self.status), PATIENCE) == 200
        return self

    async def refused(self) -> int:
        """Wait until it is answered, and say how."""
        status = await asyncio.wait_for(asyncio.shield(self.status), PATIENCE)
        await self.leave()
        return status

    async def event(self) -> dict:
        """The next event."""
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def silence(self) -> list[dict]:
        """What arrives although nothing should."""
        await asyncio.sleep(SILENCE)
        return [self.events.get_nowait() for _ in range(self.events.qsize())]

    async def ended(self) -> None:
        """Wait until the server ends it."""
        await asyncio.wait_for(asyncio.shield(self.task), PATIENCE)

    async def leave(self) -> None:
        """Close the tab."""
        self.left.set()
        self.reading.set()
        await self.ended()


class Stage:
    """An incident with somebody in every role, and a process that streams it."""

    def __init__(self):
        self.dana = factories.user("commander")
        self.people = {"commander": self.dana}
        self.incident = factories.incident(self.dana)
        for name, role in ROLES.items():
            self.people[name] = factories.user(name)
            factories.participant(self.incident, self.people[name], role, accepted=name != "pending")
        for name in ("outsider", "superuser"):
            self.people[name] = factories.user(name, is_superuser=name == "superuser")
        self.clients = {name: Client() for name in self.people}
        for name, client in self.clients.items():
            client.force_login(self.people[name])
        self.browsers: list[Browser] = []
        self.others: list[Live] = []

    def play(self, scenario) -> None:
        """Run a scenario, an async function that takes this stage."""
        asyncio.run(self._play(scenario))

    async def _play(self, scenario) -> None:
        self.live = Live()
        try:
            await scenario(self)
        finally:
            for live in (self.live, *self.others):
                live.close()
                await asyncio.gather(*live.tasks, return_exceptions=True)
            await asyncio.gather(*(browser.leave() for browser in self.browsers), return_exceptions=True)
            for live in (self.live, *self.others):
                await live._in_database(lambda: connection.close())  # the one of that thread
                live.database.shutdown()
                live.door.shutdown()

    def browser(self, name: str | None, slug: str = "kestrel", at: Live | None = None, **options) -> Browser:
        """A tab of this person that asks for the stream, of another process if it is named."""
        self.browsers.append(Browser(at or self.live, self.clients.get(name), slug, **options))
        return self.browsers[-1]

    async def open(self, name: str, **options) -> Browser:
        """A tab of this person that has the stream; an executive's first summary is taken off."""
        browser = await self.browser(name, **options).opened()
        if name == "executive":
            await browser.event()
        return browser

    async def say(self, browser: Browser, name: str, **fields: str) -> int:
        """What the page of this person says about one of the streams; the status of the answer."""
        cookie = self.clients[name].cookies.output(attrs=[], header="", sep=";").strip()
        scope = {"type": "http", "method": "POST", "path": browser.scope["path"], "query_string": b""}
        scope["headers"] = [(b"cookie", cookie.encode())]
        answered = []

        async def receive() -> dict:
            return {"type": "http.request", "body": urlencode({"token": browser.token, **fields}).encode()}

        async def send(message: dict) -> None:
            answered.append(message)

        await browser.live.answer(scope, receive, send)
        return answered[0]["status"]

    async def another_process(self) -> Live:
        """A second process that serves the same database; what is written here is not told by it."""
        other = Live()
        self.others.append(other)
        other._start()
        ledger.heralds.remove(other.delivery)
        await asyncio.sleep(SILENCE)
        return other

    async def act(self, deed, *args, **kwargs):
        """Do something in a thread, as a view would."""

        def run():
            try:
                return deed(*args, **kwargs)
            finally:
                connection.close()

        return await asyncio.to_thread(run)

    async def write(self, section: str = "theories", **fields):
        """The commander adds an entry."""
        return await self.act(factories.entry, self.incident, section, **fields)
