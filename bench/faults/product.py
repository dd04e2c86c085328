"""The product as an operator runs it: uvicorn on a free port, one worker or more, on a database of its own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent

# Incidents with the same people in each, and a session for everybody. One transaction: one wait for the disk.
PREPARE = """
import json
from django.conf import settings
from django.db import transaction
from django.test import Client
from accounts.models import User
from incidents.incident import Incident
from incidents.vocabulary import Role
from tests.signing import sign_in
codenames, writers = {codenames!r}, {writers!r}
people = {{"commander": User.objects.create_user("commander@example.com", display_name="Commander")}}
roles = {{f"writer{{number}}": Role.RESPONDER for number in range(writers)}}
roles |= {{"reader": Role.READER, "legal": Role.LEGAL, "executive": Role.EXECUTIVE}}
with transaction.atomic():
    for name in roles:
        people[name] = User.objects.create_user(f"{{name}}@example.com", display_name=name.capitalize())
    for codename in codenames:
        incident = Incident.start(title="Faults", codename=codename, by=people["commander"])
        for name, role in roles.items():
            incident.let_in(people[name], role, by=people["commander"])
            incident.acknowledge(by=people[name])
    known = {{}}
    for name, person in people.items():
        session = sign_in(Client(), person).cookies[settings.SESSION_COOKIE_NAME].value
        known[name] = [str(person.pk), session]
print("KNOWN", json.dumps(known))
"""


class Product:
    """One server with its data. `beside`: another server on the same data, with a clock of its own if wished.

    `shift` is how many seconds its clock is off.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        *,
        workers: int = 1,
        shift: float = 0,
        beside: "Product | None" = None,
        environment: dict[str, str] | None = None,
    ):
        self.folder, self.workers, self.port = folder, workers, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.application = "bench.faults.shifted" if shift else "config.asgi"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SITROOM_")}
        own = {"DATA_DIR": str(folder), "DEBUG": "0", "DATABASE_URL": database_url, "BASE_URL": self.url}
        self.environment = {**kept, **own, **(environment or {}), "CLOCK_IS_OFF_BY": str(shift)}
        self.people: dict[str, list[str]] = beside.people if beside else {}
        self.process: asyncio.subprocess.Process | None = None

    @property
    def database_url(self) -> str:
        """The address of the database; "" for SQLite in the data folder."""
        return self.environment["DATABASE_URL"]

    @property
    def vendor(self) -> str:
        """sqlite or postgresql."""
        return "postgresql" if self.database_url else "sqlite"

    def manage(self, *arguments: str, check: bool = True) -> str:
        """The output of manage.py in a process of its own; without `check` also that of a command that failed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout + ("" if check else done.stderr)

    def shell(self, code: str) -> str:
        """What a piece of Python prints that runs inside the application, in a process of its own."""
        return self.manage("shell", "--verbosity", "0", "-c", code)

    def prepare(self, codenames: list[str], writers: int) -> None:
        """Tables, incidents, people, sessions."""
        self.manage("migrate", "--verbosity", "0")
        told = self.shell(PREPARE.format(codenames=codenames, writers=writers))
        [line] = [line for line in told.splitlines() if line.startswith("KNOWN ")]
        self.people |= json.loads(line.removeprefix("KNOWN "))

    async def start(self) -> None:
        """Start, and wait until it answers. It leads a process group, so that all of it can be killed at once."""
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            f"{self.application}:application",
            "--log-level",
            "warning",
        ]
        command += ["--port", str(self.port), "--workers", str(self.workers)]
        with open(self.folder / "server.log", "ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(1200):
            if await self._answers():
                return
            if self.process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise AssertionError((self.folder / "server.log").read_text()[-2000:])

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.write(b"GET /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        try:
            return b" 200 " in await reader.readline()
        except OSError:
            return False
        finally:
            writer.close()

    async def end(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End it, and wait until all of it is gone; how long that took (seconds)."""
        if self.process is None or self.process.returncode is not None:
            return 0.0
        clock = asyncio.get_running_loop().time
        began = clock()
        if how == signal.SIGKILL:
            os.killpg(self.process.pid, how)  # the workers as well: they would outlive their parent
        else:
            self.process.send_signal(how)
        await self.process.wait()
        return clock() - began

    def memory(self) -> int:
        """Resident memory of the server's processes, in bytes."""
        found = subprocess.run(
            ["ps", "-o", "rss=", "-g", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return sum(int(line) for line in found.stdout.split()) * 1024


def database_name(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
