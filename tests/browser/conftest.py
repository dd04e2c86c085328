"""Fixtures of the browser tests: one server and one Chromium for the run, a watched page for each visit."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.server import Person, Server

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ARGUMENTS = [
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
# What the tests ask for: requests that are refused, and a server that is down.
ASKED_FOR = ("Failed to load resource", "htmx: htmx:error: Failed to fetch")

EMAILS = {
    "commander": "hanne.verbrugge@larkmere.example",
    "responder": "yusuf.arslan@larkmere.example",
    "reader": "paolo.ferrante@larkmere.example",
    "legal": "sabine.kessler@larkmere.example",
    "executive": "callum.reyes@larkmere.example",
    "outsider": "outsider@example.com",
}


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """The server of the run, with the example incident, a public case and a sign-in link for each role."""
    running = Server(tmp_path_factory.mktemp("server"))
    running.prepare()
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def plain(server) -> Iterator[Server]:
    """A second server on the same data as in operation: its pages of refusal are ours, not Django's."""
    running = Server(server.folder, debug=False, beside=server)
    running.manage("collectstatic", "--no-input", "--verbosity", "0")
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless. Playwright's loop runs in this thread, which Django must not mind."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield browser
        browser.close()


class Watch:
    """Opens pages and collects what must not happen on any of them."""

    def __init__(self, server: Server, chromium: Browser):
        self.server, self.chromium = server, chromium
        self.contexts, self.troubles = [], []

    def visit(
        self,
        role: str | None,
        path: str = "/incidents/",
        *,
        phone: bool = False,
        scheme: str = "light",
        scripts: bool = True,
        server: Server | None = None,
    ) -> Page:
        """A page in a browser of its own, signed in unless the role is None."""
        context = self.chromium.new_context(
            **(PHONE if phone else DESK),
            base_url=(server or self.server).url,
            color_scheme=scheme,
            reduced_motion="reduce",
            java_script_enabled=scripts,
            accept_downloads=True,
        )
        self.contexts.append(context)
        context.set_default_timeout(5000)
        context.on("request", self._request)
        page = context.new_page()
        page.answer = lambda dialog: dialog.accept()  # to questions; a test that asks itself takes it off
        page.on("dialog", page.answer)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        if role:
            page.goto(self.server.links[role])
        if path != "/incidents/" or not role:
            page.goto(path)
        return page

    def _request(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "http://localhost:", "blob:", "data:")):
            self.troubles.append(f"request to {request.url}")

    def _console(self, message) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(ASKED_FOR):
            self.troubles.append(f"console: {message.text} ({message.location.get('url')})")

    def close(self) -> None:
        """Close all pages; whatever went wrong on one of them fails the test."""
        for context in self.contexts:
            context.close()
        assert self.troubles == []


@pytest.fixture
def visit(server, chromium) -> Iterator[Callable[..., Page]]:
    """visit(role, path, phone=…, scheme=…, scripts=…) opens a watched page."""
    watch = Watch(server, chromium)
    yield watch.visit
    watch.close()


@pytest.fixture(scope="session")
def people(server) -> dict[str, Person]:
    """Everybody, without a browser."""
    return {role: Person(server, role) for role in EMAILS}


@pytest.fixture
def fresh(people) -> str:
    """The address of an incident that has just been started, with a responder in it."""
    address = people["commander"].start()
    people["commander"].let_in(address, people["responder"], EMAILS["responder"], "responder")
    return address
