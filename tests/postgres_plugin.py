"""Chooses the database of a test run.

Loaded by name, before pytest-django reads the settings:

    TEST_DATABASE=postgresql python -m pytest -p tests.postgres_plugin

``TEST_DATABASE`` is one of

``sqlite``
    SQLite, whatever ``DATABASE_URL`` says;
``postgresql``
    the server that ``DATABASE_URL`` names, or else a throw-away one from the installed
    PostgreSQL binaries: a new cluster in a temporary folder that listens on a Unix socket
    there, tuned for speed and not for keeping data;
absent
    whatever ``DATABASE_URL`` says.

The workers of pytest-xdist inherit ``DATABASE_URL`` and so share the server of the process that
started them.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest

OPTIONS = " ".join(
    f"-c {option}"
    for option in (
        "listen_addresses=''",
        "max_connections=200",
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
    )
)

# The server lives in this shell, which waits for its standard input to end. That happens when
# the test run stops it and also when the test run dies, however it dies: no server is left over.
# Ctrl-C reaches the test run only.
KEEPER = """
cd "$FOLDER" || exit
{
    initdb -D data -A trust -U postgres -N -E UTF8 &&
    pg_ctl -D data -w -l server.log -o "-k $FOLDER $OPTIONS" start
} >start.log 2>&1 || { cat start.log server.log 2>/dev/null; exit 1; }
echo ready
cat >/dev/null
pg_ctl -D data -m immediate stop >/dev/null 2>&1
cd / && rm -rf "$FOLDER" 2>/dev/null
"""

SHARED_MEMORY = Path("/dev/shm")
ENOUGH_SHARED_MEMORY = 1 << 30

server_key = pytest.StashKey["ThrowawayPostgres"]()


class ThrowawayPostgres:
    """A PostgreSQL server that ends with this process and keeps nothing."""

    def __init__(self):
        self.binaries = find_binaries()
        self.owner = find_owner()
        self.folder = make_folder(self.owner)

    @property
    def url(self):
        """The address in the form that DATABASE_URL has; the folder of the socket is the host."""
        return f"postgres://postgres@{quote(str(self.folder), safe='')}/postgres"

    def start(self):
        self.keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                "PATH": f"{self.binaries}:/usr/bin:/bin",
                "LC_ALL": "C.UTF-8",
                "FOLDER": str(self.folder),
                "OPTIONS": OPTIONS,
            },
            **self._as_owner(),
        )
        if self.keeper.stdout.readline() != "ready\n":
            log = self.keeper.stdout.read()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise pytest.UsageError(f"PostgreSQL did not start:\n{log}")

    def stop(self):
        self.keeper.stdin.close()
        self.keeper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_owner(self):
        if self.owner is None:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}


def find_binaries():
    """The folder of the newest PostgreSQL server that is installed."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda initdb: int(initdb.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    if not found:
        raise pytest.UsageError("no PostgreSQL server is installed: apt install postgresql")
    return Path(found).resolve().parent


def find_owner():
    """Whom the server runs as: PostgreSQL refuses root, anybody else runs it himself."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def make_folder(owner):
    """An empty folder that belongs to the owner, in memory where there is room.

    Not in $TMPDIR: the path of a Unix socket must be short, and another user must reach it.
    """
    folder = Path(tempfile.mkdtemp(prefix="sitroom-test-", dir=SHARED_MEMORY if has_room() else "/tmp"))
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def has_room():
    return os.access(SHARED_MEMORY, os.W_OK) and shutil.disk_usage(SHARED_MEMORY).free > ENOUGH_SHARED_MEMORY


# A wrapper, because pytest-django reads the settings in the same hook and asks to be first.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config):
    choose_database(early_config)
    return (yield)


def choose_database(config):
    wanted = os.environ.get("TEST_DATABASE", "")
    if wanted not in ("", "sqlite", "postgresql"):
        raise pytest.UsageError(f"TEST_DATABASE is '{wanted}': sqlite or postgresql")
    if wanted == "sqlite":
        os.environ.pop("DATABASE_URL", None)
    if wanted == "postgresql" and not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        server = ThrowawayPostgres()
        server.start()
        config.stash[server_key] = server
        os.environ["DATABASE_URL"] = server.url


def pytest_configure(config):
    """Refuse to run on another database than the one that was asked for."""
    wanted = os.environ.get("TEST_DATABASE")
    if wanted and wanted != configured_database():
        raise pytest.UsageError(f"TEST_DATABASE is {wanted}, but the settings use {configured_database()}")


def pytest_report_header(config):
    server = config.stash.get(server_key, None)
    return f"database: {configured_database()}" + (f" (throw-away, {server.binaries})" if server else "")


def pytest_unconfigure(config):
    server = config.stash.get(server_key, None)
    if server:
        server.stop()


def configured_database():
    """The kind of database that the settings name: ``sqlite`` or ``postgresql``."""
    from django.db import connection

    return connection.vendor
