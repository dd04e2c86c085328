"""The product as it runs behind a proxy with TLS, in a process of its own, with the full room in it."""

import json
import re
from pathlib import Path

import httpx

from tests.browser.server import Server

HOST = "sitroom.example"
BROKEN = "/incidents/broken-page/now/broken/"

# The room of canaries, a session for each persona, and the address of each route in it.
PREPARE = """
import json
from django.conf import settings
from django.urls import reverse
from tests.room import PERSONAS, Room
from tests.test_matrix import TABLE, address
room = Room()
sessions = {
    name: room.client(name).cookies[settings.SESSION_COOKIE_NAME].value
    for name in PERSONAS if name != "anonymous"
}
addresses = {route: address(route, room) for route in TABLE}
names = {name: reverse(name) for name in ("sign-in", "sign-out")}
entries = {name: str(entry.pk) for name, entry in room.entries.items()}
print("ROOM", json.dumps([sessions, addresses, names, entries]))
"""


class Production(Server):
    """uvicorn with the settings of operation: no debugging, https in BASE_URL, a proxy that is trusted."""

    log_level = "debug"

    def __init__(self, folder: Path):
        super().__init__(folder, debug=False)
        self.environment |= {
            "BASE_URL": f"https://{HOST}",
            "ALLOWED_HOSTS": HOST,
            "SITROOM_TRUSTED_PROXY": "1",
            "SECRET_KEY": "x" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
            "DJANGO_SETTINGS_MODULE": "tests.security.loud",
        }

    def prepare(self) -> None:
        """Tables, static files, the room."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        told = self.manage("shell", "--verbosity", "0", "-c", PREPARE)
        [line] = [line for line in told.splitlines() if line.startswith("ROOM ")]
        self.sessions, self.addresses, self.names, self.entries = json.loads(line.removeprefix("ROOM "))

    def visitor(self, persona: str = "anonymous", *, tls: bool = True) -> httpx.Client:
        """A browser of this persona, as the proxy passes its requests on."""
        headers = {"Host": HOST, "Origin": f"https://{HOST}"}
        if tls:
            headers["X-Forwarded-Proto"] = "https"
        if persona != "anonymous":
            headers["Cookie"] = f"__Host-session={self.sessions[persona]}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def poster(self, persona: str) -> httpx.Client:
        """A browser that has the token without which nothing is taken."""
        visitor = self.visitor(persona)
        answer = visitor.get("/incidents/start/" if persona != "anonymous" else self.names["sign-in"])
        [token] = re.findall(r"__Host-csrf=(\w+)", answer.headers["Set-Cookie"])
        cookies = [visitor.headers.get("Cookie"), f"__Host-csrf={token}"]
        visitor.headers["Cookie"] = "; ".join(filter(None, cookies))
        visitor.headers["X-CSRFToken"] = token
        return visitor

    def logged(self) -> str:
        """Everything that the server wrote."""
        self.log.flush()
        return (self.folder / "server.log").read_text(errors="replace")
