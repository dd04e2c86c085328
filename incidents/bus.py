"""How the processes of an installation hear what another one committed, and who is looking there. Floor 1.

PostgreSQL: NOTIFY, and one LISTEN connection in each process (a pooler in transaction mode breaks it). SQLite: a
datagram socket of each process in DATA_DIR; PRAGMA data_version, which changes when another connection commits,
is the safety net, and tells of processes that have no socket, such as a command.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import socket
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection

from incidents.ledger import CHANNEL

log = logging.getLogger("sitroom.live")
POLL = 0.05  # seconds between two looks at SQLite's counter, 7 µs each
AGAIN = 0.5  # seconds until a lost LISTEN connection is tried again
MOST = {"postgresql": 7_900, "sqlite": 100_000}  # bytes of a message; NOTIFY refuses 8,000


@dataclass(frozen=True)
class Message:
    """What a process says: `kind` is row, here or beat; `origin` names the process ("" for a command)."""

    kind: str
    origin: str = ""
    head: dict = field(default_factory=dict)
    html: str = ""

    def text(self) -> str:
        """As it travels; without the HTML where it would be too long."""
        return self._whole() if self.fits() else Message(self.kind, self.origin, self.head)._whole()

    def fits(self) -> bool:
        """Whether it is short enough to travel whole."""
        return len(self._whole().encode()) <= MOST[connection.vendor]

    def _whole(self) -> str:
        head = {"kind": self.kind, "origin": self.origin, **self.head}
        return f"{json.dumps(head, ensure_ascii=False)}\n{self.html}"

    @classmethod
    def read(cls, text: str) -> "Message":
        """The message of a text; raises ValueError when it is none."""
        head, _, html = text.partition("\n")
        fields = json.loads(head)
        return cls(fields.pop("kind"), fields.pop("origin"), fields, html)


class Bus:
    """One process's end. `heard` gets what others say, `stirred` is called when something may have been committed."""

    def __init__(self, heard: Callable[[Message], None], stirred: Callable[[], None]):
        self.heard, self.stirred = heard, stirred
        self.origin = secrets.token_hex(8)
        self.ear: socket.socket | None = None
        self.folder = Path(settings.DATA_DIR) / "live"

    async def run(self) -> None:
        """Listen for as long as the process serves."""
        if connection.vendor == "postgresql":
            await self._listen()
        else:
            with self._socket() as self.ear:
                asyncio.get_running_loop().add_reader(self.ear, self._received)
                await self._poll()

    def say(self, message: Message) -> None:
        """Tell the other processes. May wait for the database, so never in the event loop on PostgreSQL."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, message.text()])
        elif self.ear is not None:
            data = message.text().encode()
            for peer in self._peers():
                try:
                    self.ear.sendto(data, self._short(peer))
                except (ConnectionRefusedError, FileNotFoundError):
                    peer.unlink(missing_ok=True)  # its process was killed
                except OSError as error:  # its buffer is full: it will see the counter change
                    log.warning("a process was not told: %s", error)

    def _take(self, text: str) -> None:
        try:
            message = Message.read(text)
        except (ValueError, KeyError):
            self.stirred()
            return
        if message.origin != self.origin:
            self.heard(message)

    # --- PostgreSQL --------------------------------------------------------------------------------

    async def _listen(self) -> None:
        theirs = {"cursor_factory", "context"}  # what Django adds for its own connections
        parameters = {
            key: value for key, value in connection.get_connection_params().items() if key not in theirs
        }
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as listening:
                    await listening.execute(f"LISTEN {CHANNEL}")
                    self.stirred()
                    async for notice in listening.notifies():
                        self._take(notice.payload)
            except Exception as error:
                log.warning("the LISTEN connection was lost: %s", type(error).__name__)
            await asyncio.sleep(AGAIN)

    # --- SQLite ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _socket(self) -> Iterator[socket.socket]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.place = os.open(self.folder, os.O_RDONLY)
        mine = self.folder / self.origin
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ear.setblocking(False)
        try:
            ear.bind(self._short(mine))
            yield ear
        finally:
            asyncio.get_running_loop().remove_reader(ear)
            ear.close()
            mine.unlink(missing_ok=True)
            os.close(self.place)

    def _short(self, path: Path) -> str:
        """A path that fits into the 108 bytes of a socket's address, however deep DATA_DIR lies."""
        if len(os.fspath(path)) < 100:
            return os.fspath(path)
        return f"/proc/self/fd/{self.place}/{path.name}"

    def _peers(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name != self.origin]

    def _received(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.ear is not None:
                self._take(self.ear.recv(MOST["sqlite"] * 2).decode())

    async def _poll(self) -> None:
        while True:
            try:
                with contextlib.closing(
                    sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
                ) as database:
                    seen = None
                    while True:
                        counter = database.execute("PRAGMA data_version").fetchone()[0]
                        if counter != seen:
                            seen = counter
                            self.stirred()
                        await asyncio.sleep(POLL)
            except sqlite3.Error as error:
                log.warning("SQLite's counter could not be read: %s", error)
            await asyncio.sleep(AGAIN)
