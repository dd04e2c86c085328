"""A real server with a database and a folder of its own, and the people who use it."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
CASE = ROOT / "tests" / "cases" / "cloudflare-2023.json"
EXAMPLE = "/incidents/copper-sluice/"
HIDDEN = re.compile(r'<input type="hidden" name="(next|read)" value="([^"]*)">')
PASSWORD = "correct horse battery"

# Tables, the example incident and a public case, an account that is in no incident; a password for everybody.
PREPARE = f"""
from django.conf import settings
from django.core.management import call_command
from accounts.links import sign_in_link
from accounts.models import User
call_command("migrate", verbosity=0)
call_command("load_example")
call_command("load_incident", {str(CASE)!r}, commander="hanne.verbrugge@larkmere.example")
outsider = User.objects.create_user("outsider@example.com", display_name="Olga Outside")
print("outsider", outsider.email, sign_in_link(outsider, settings.BASE_URL))
for user in User.objects.all():
    user.set_password({PASSWORD!r})
    user.save()
"""


class Server:
    """uvicorn on a free port; it can be killed, stopped and started again on the same port."""

    log_level = "warning"

    def __init__(self, folder: Path, debug: bool = True, beside: "Server | None" = None):
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environment = {**os.environ, "DATA_DIR": str(folder), "BASE_URL": self.url}
        self.environment["DEBUG"] = "1" if debug else "0"
        self.database = None
        if beside:
            self.environment["DATABASE_URL"] = beside.environment.get("DATABASE_URL", "")
        elif os.environ.get("DATABASE_URL", "").startswith("postgres"):
            self.database = f"browser_{uuid.uuid4().hex[:12]}"
            self._on_postgres(f"CREATE DATABASE {self.database}")
            parts = urlsplit(os.environ["DATABASE_URL"])
            self.environment["DATABASE_URL"] = urlunsplit(parts._replace(path=f"/{self.database}"))
        self.log = open(folder / "server.log", "ab")  # noqa: SIM115 (open as long as the server)

    def manage(self, *arguments: str) -> str:
        """The output of manage.py, another process on the same database."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def prepare(self) -> None:
        """Fill the database; learn who is who."""
        told = self.manage("shell", "--verbosity", "0", "-c", PREPARE)
        self.case = f"/incidents/{re.findall('^[a-z]+-[a-z]+$', told, re.MULTILINE)[-1]}/"
        self.links: dict[str, str] = {}
        for role, link in re.findall(r"^\s*(\w+) .* (http\S+)$", told, re.MULTILINE):
            self.links.setdefault(role, link)

    def start(self) -> None:
        """Start, and wait until it answers."""
        where = ["--host", "127.0.0.1", "--port", str(urlsplit(self.url).port)]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                *where,
                "--log-level",
                self.log_level,
                "tests.browser.generous:application",
            ],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )
        for _ in range(200):
            try:
                httpx.get(f"{self.url}/sign-in/")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("The server did not start.")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, politely or not, and wait until it is gone."""
        self.process.send_signal(how)
        self.process.wait(timeout=10)

    def close(self) -> None:
        """End it and drop what was made for it."""
        if self.process.poll() is None:
            self.end()
        self.log.close()
        if self.database:
            self._on_postgres(f"DROP DATABASE {self.database} WITH (FORCE)")

    @staticmethod
    def _on_postgres(statement: str) -> None:
        import psycopg

        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(statement)


class Person:
    """Somebody who works without a browser: what is not under test is done quickly by this."""

    def __init__(self, server: Server, role: str):
        self.http = httpx.Client(base_url=server.url, follow_redirects=True)
        self.http.get(server.links[role])

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a page would."""
        token = self.http.cookies.get("csrftoken") or self._token()
        answer = self.http.post(path, data={**fields, "csrfmiddlewaretoken": token})
        assert answer.is_success, (path, answer.status_code, answer.text[:500])
        return answer

    def _token(self) -> str:
        self.http.get("/incidents/start/")
        return self.http.cookies["csrftoken"]

    def start(self, title: str = "A case of its own") -> str:
        """Start an incident; its address."""
        return self.post("/incidents/start/", title=title, codename=f"T{uuid.uuid4().hex[:8]}").url.path

    def let_in(self, incident: str, other: "Person", email: str, role: str) -> None:
        """Invite somebody, who comes in."""
        self.post(f"{incident}people/", email=email, role=role)
        other.come_in(self.codename(incident))

    def codename(self, incident: str) -> str:
        """The codename of an incident, as its list of people has it."""
        page = self.http.get(f"{incident}people/").text
        return re.search("<h1>People in (.*?)</h1>", page)[1]

    def invitation(self, codename: str) -> str:
        """The address of an invitation, as it stands among one's incidents."""
        page = self.http.get("/incidents/").text
        return re.search(
            rf'href="(/incidents/invitations/[^"]*)">[^<]*<span class="nm"><b>{codename}<', page
        )[1]

    def come_in(self, codename: str) -> None:
        """Accept an invitation, with the classification as its page shows it."""
        gate = self.invitation(codename)
        self.post(gate, **dict(HIDDEN.findall(self.http.get(gate).text)))

    def add(self, incident: str, section: str, **fields: str) -> str:
        """Add an entry; its id."""
        chosen = str(uuid.uuid4())
        self.post(f"{incident}{section}/", id=chosen, **fields)
        return chosen
