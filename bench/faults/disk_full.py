"""The disk is full: nothing is acknowledged, no partial file stays, it recovers by itself. Needs root (for a tmpfs)."""

import asyncio
import sqlite3
import subprocess
import tempfile
import uuid
from collections import Counter
from contextlib import AsyncExitStack, closing
from pathlib import Path

from bench.faults.clients import Person, insist, new_word, stored
from bench.faults.harness import CODENAMES, World, main
from bench.faults.product import Product

CODENAME = CODENAMES[0]
SIZE = 60  # MB of the disk
FILE = 2_000_000  # bytes of an uploaded file: more than is held in memory


def mounted(stack: AsyncExitStack) -> Path:
    """A folder on a small disk of its own, in memory."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sitroom-full-")))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(folder)], check=True)
    stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
    return folder


def copy(database: Path, to: Path) -> None:
    """Copy an SQLite database that is in use."""
    with closing(sqlite3.connect(database)) as used, closing(sqlite3.connect(to)) as new:
        used.backup(new)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(b"\0" * 4096)
        except OSError:
            return ballast


async def experiment(world: World, *, rounds: int = 10) -> None:
    """So often: people add entries and files, the disk fills up, room is made again.

    With SQLite, database, files and temporary files share the disk; with PostgreSQL it is the files only, because
    a database server without room is not ours to save.
    """
    async with AsyncExitStack() as stack:
        folder = await asyncio.to_thread(mounted, stack)
        temporary = folder / "tmp"
        temporary.mkdir()
        secret = (world.product.folder / "secret-key").read_text()  # the sessions are signed with it
        environment = {"TMPDIR": str(temporary), "SECRET_KEY": secret}
        product = Product(folder, world.product.database_url, environment=environment)
        product.people = world.product.people
        if product.vendor == "sqlite":
            await asyncio.to_thread(copy, world.store.file, folder / "sitroom.sqlite3")
        await product.start()
        stack.push_async_callback(product.end)
        small = World(product, world.findings)
        stack.push_async_callback(small.close)
        await _fill_and_clear(small, folder, rounds)


async def _fill_and_clear(world: World, folder: Path, rounds: int) -> None:
    noted, statuses = world.noted(CODENAME), {"full": Counter(), "room": Counter()}
    people, screen = world.writers(3), world.screen("reader", CODENAME)
    left_over: list[str] = []
    await _file(people[0], statuses["room"])  # from now on the server's temporary files are on the small disk
    for _ in range(rounds):
        ballast = fill(folder)
        for person in people:
            await _entry(person, noted, statuses["full"])
        await _file(people[0], statuses["full"])
        left_over += [str(path) for path in folder.rglob("*.part")]
        ballast.unlink()
        for person in people:
            word, entry_id = new_word(), str(uuid.uuid4())
            answer = await insist(
                lambda person=person, word=word, entry_id=entry_id: person.add(CODENAME, word, entry_id)
            )
            statuses["room"][answer.status_code] += 1
            if stored(answer):
                noted.add(word, entry_id)
        await _file(people[1], statuses["room"])
        for uploaded in (folder / "files").rglob("*"):
            if uploaded.is_file() and uploaded.stat().st_size != FILE:
                left_over.append(f"{uploaded}: {uploaded.stat().st_size} bytes")
    told = set(statuses["full"])
    world.findings.holds(
        "full: stored in the room that was left, or 422 or 503", told <= {200, 422, 503}, statuses
    )
    world.findings.holds(
        "room again: everything is taken at once", set(statuses["room"]) == {200}, statuses["room"]
    )
    world.findings.holds("no partial file", not left_over, left_over[:3])
    world.findings.seen(f"answers while full {dict(statuses['full'])}, afterwards {dict(statuses['room'])}")
    await world.equal([screen], CODENAME)
    world.whole(CODENAME)
    told = world.product.manage("verify_files", check=False).strip()
    world.findings.holds(
        f"manage.py verify_files: {told.splitlines()[-1]}",
        "missing" not in told and "changed" not in told,
        told,
    )


async def _entry(person: Person, noted, statuses: Counter) -> None:
    word, entry_id = new_word(), str(uuid.uuid4())
    answer = await person.add(CODENAME, f"{word} {'long ' * 3000}", entry_id)
    statuses[answer.status_code if answer is not None else "none"] += 1
    if stored(answer):
        noted.add(word, entry_id)


async def _file(person: Person, statuses: Counter) -> None:
    """Upload a file."""
    fields = {"kind": "file", "id": str(uuid.uuid4()), "name": new_word()}
    answer = await person.http.post(
        f"/incidents/{CODENAME}/appendix/", data=fields, files={"upload": ("a.bin", b"abcd" * (FILE // 4))},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    statuses[answer.status_code] += 1


if __name__ == "__main__":
    main(experiment)
