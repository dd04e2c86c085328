"""A PostgreSQL of one's own that can be stopped and started again. It keeps what it acknowledged."""

import asyncio
import shutil
import uuid
from urllib.parse import quote

import psycopg

from tests.postgres_plugin import find_binaries, find_owner, make_folder

# The operating system survives these experiments, so nothing must reach the disk; but what was committed must
# reach the operating system, because the server is also stopped in the middle of its work.
OPTIONS = "-c listen_addresses='' -c max_connections=100 -c fsync=off -c synchronous_commit=on"


class Postgres:
    """A cluster in a temporary folder, reached by the socket there."""

    def __init__(self):
        self.owner = find_owner()
        self.folder = make_folder(self.owner)
        self.environment = {"PATH": f"{find_binaries()}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    @property
    def url(self) -> str:
        """The address in the form that DATABASE_URL has."""
        return f"postgres://postgres@{quote(str(self.folder), safe='')}/postgres"

    async def start(self) -> None:
        """Make the cluster and start it."""
        await self._run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-N", "-E", "UTF8")
        await self._control("start")

    async def restart(self, how: str) -> None:
        """Stop it (fast: connections are cut; immediate: as if it crashed) and start it again."""
        await self._control("stop", "-m", how)
        await self._control("start")

    async def stop(self) -> None:
        """Stop it and forget everything."""
        await self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _control(self, *what: str) -> None:
        where = ["-D", "data", "-w", "-l", "server.log", "-o", f"-k {self.folder} {OPTIONS}"]
        await self._run("pg_ctl", *where, *what)

    async def _run(self, *command: str) -> None:
        as_owner = (
            {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []} if self.owner else {}
        )
        with open(self.folder / "control.log", "ab") as log:
            process = await asyncio.create_subprocess_exec(
                shutil.which(command[0], path=self.environment["PATH"]), *command[1:],
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, **as_owner,
            )  # fmt: skip
            if await process.wait():
                raise AssertionError((self.folder / "control.log").read_text()[-2000:])


def new_database(server_url: str) -> str:
    """Make an empty database on a server; its name."""
    name = f"faults_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return name


def drop_database(server_url: str, name: str) -> None:
    """Remove a database, whoever is connected to it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
