"""How long a change takes from its commit to everybody who looks, against a server that does nothing else.

    .venv/bin/python bench/live.py [--viewers 1 50 200 1000] [--database sqlite postgresql] [--workers 1 2]
                                   [--rounds 60] [--busy]

Starts the product (uvicorn) on a database of its own and, for each number of viewers in the same run, bench/bare.py,
which hands the same bytes to as many listeners. Every viewer is a person of their own with a session of their own. An
entry is POSTed by the signed-in commander; the next one when the last viewer has it. The bare server's messages come
after as long a pause. Printed, in milliseconds:

    all     from the commit to each viewer            last    from the commit to the last one
    post    from the start of the POST to each        last    and to the last one
    answer  from the start of the POST to its answer
    cpu     of the server for one POST                kB      of the server's memory for one idle stream

p50/p99 each, and the ratio to the bare server. With --busy two people load the document all the time and a report
is built again and again meanwhile. PostgreSQL is started for the run from Debian's binaries.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from viewers import Viewers, Writer  # noqa: E402

PORT, BARE = 8766, 8767
BASE = f"http://127.0.0.1:{PORT}"
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
PAUSE = 0.002  # seconds between two rounds

PREPARE = """
import sys, uuid
from datetime import timedelta
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from accounts.sessions import SessionStore
from django.db import transaction
from django.utils import timezone
from accounts.models import User
from incidents.incident import Incident
from incidents.people import Acknowledgement, Participant, write_grants
from incidents.sections import SECTIONS
from incidents.vocabulary import Role, capabilities_of

def session(user):
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return store.session_key

with transaction.atomic():
    commander = User.objects.create_user(f"{uuid.uuid4()}@example.com", display_name="Bench")
    incident = Incident.start(title="Bench", by=commander)
    for number in range(ENTRIES):
        at = timezone.now() - timedelta(minutes=number)
        fields = {"text": f"Fact number {number}", "at": at, "at_precision": "minute"}
        incident.add(SECTIONS["timeline"].model(**fields), by=commander)
    print(incident.slug, session(commander))
    for number in range(VIEWERS):
        viewer = User(email=f"{uuid.uuid4()}@example.com", display_name=f"Viewer {number}")
        viewer.set_unusable_password()
        viewer.save()
        incident.let_in(viewer, Role.READER, by=commander)
        Acknowledgement.objects.create(incident=incident, user=viewer, revision=incident.revision)
        print(session(viewer))
"""


def percentiles(times: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    ordered = sorted(times)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def shown(times: list[float]) -> str:
    """p50/p99 in milliseconds."""
    return "/".join(f"{value:.1f}" for value in percentiles(times))


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    found = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def memory(pid: int) -> int:
    """Bytes that a server's processes hold."""
    return sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE for one in family(pid))


def cpu(pid: int) -> float:
    """Seconds of processor time that a server's processes used."""
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICK


class Stamps:
    """The file in which a server writes when it committed what."""

    def __init__(self, path: Path):
        self.path = path
        path.touch()

    def read(self) -> dict[int, int]:
        """Revision → nanoseconds."""
        return {int(line.split()[0]): int(line.split()[1]) for line in self.path.read_text().splitlines()}


@contextmanager
def served(command: list[str], environment: dict, port: int):
    """A server that runs meanwhile; its process."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/sign-in/", timeout=0.2)
                break
            except httpx.ReadTimeout:  # the bare server takes it for a listener
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process
    finally:
        began = time.monotonic()
        process.terminate()
        process.wait()
        print(f"    stopped in {time.monotonic() - began:.2f} s", flush=True)


@contextmanager
def database(kind: str):
    """DATABASE_URL of a database that lasts as long as the run."""
    if kind == "sqlite":
        yield ""
        return
    from tests import postgres_plugin

    postgres_plugin.OPTIONS = "-c listen_addresses='' -c max_connections=200"  # durable, as in operation
    server = postgres_plugin.ThrowawayPostgres()
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def manage(environment: dict, *arguments: str) -> str:
    """The output of a management command in the run's database."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


async def joined(port: int, requests: list[str]) -> Viewers:
    """Viewers whose streams are all open and quiet."""
    viewers = Viewers(port)
    for start in range(0, len(requests), 50):
        for request in requests[start : start + 50]:
            await viewers.join(request)
        while viewers.open < start + len(requests[start : start + 50]):
            await asyncio.sleep(0.01)
    await asyncio.sleep(3)
    return viewers


class Run:
    """One database and number of workers."""

    def __init__(self, folder: Path, environment: dict, process, keys: list[str], rounds: int):
        self.folder, self.environment, self.process, self.rounds = folder, environment, process, rounds
        (self.slug, self.commander), *others = [line.split() for line in keys]
        self.keys = [key for (key,) in others]
        self.stamps = Stamps(Path(environment["STAMPS"]))

    async def product(self, count: int) -> tuple[dict[str, list[float]], Viewers]:
        """Figures of the product with so many viewers."""
        idle = memory(self.process.pid)
        path = f"/incidents/{self.slug}/live/"
        requests = [
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nCookie: sessionid={key}\r\n\r\n"
            for key in self.keys[:count]
        ]
        viewers = await joined(PORT, requests)
        held = memory(self.process.pid) - idle
        async with httpx.AsyncClient(
            base_url=BASE, cookies={"sessionid": self.commander}, timeout=60
        ) as client:
            page = (await client.get(f"/incidents/{self.slug}/")).text
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
            cookies = f"sessionid={self.commander}; csrftoken={client.cookies['csrftoken']}"
        headers = (
            f"Cookie: {cookies}\r\nX-CSRFToken: {token}\r\nHX-Request: true\r\nOrigin: {BASE}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        )
        writer = await Writer(PORT, headers).connect()
        form = {"at_0": "24 Nov 2026", "at_1": "12:00"}
        used, answers, posted = cpu(self.process.pid), [], {}
        for number in range(self.rounds):
            before = set(self.stamps.read())
            body = urlencode({**form, "text": f"One more fact, the {number}th of this run"}).encode()
            began, status = await writer.post(f"/incidents/{self.slug}/timeline/", body)
            assert status == 200, status
            answers.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC) - began) / 1e6)
            (revision,) = set(self.stamps.read()) - before
            posted[revision] = began
            await viewers.until(revision, count)
            await asyncio.sleep(PAUSE)
        used = (cpu(self.process.pid) - used) / self.rounds * 1000
        stamps = self.stamps.read()
        figures = self.figures(viewers, {revision: stamps[revision] for revision in posted}, posted, count)
        figures |= {"answer": answers, "cpu": [used], "kB": [held / count / 1000]}
        return figures, viewers

    async def bare(self, count: int, message: bytes, pause: float) -> dict[str, list[float]]:
        """Figures of the bare server with as many listeners, messages of the same size, and as long a pause (seconds)
        before each: a client that just slept reads later, whoever writes."""
        stamps = Stamps(self.folder / f"bare-{count}")
        with served(["bench/bare.py", str(BARE), str(stamps.path)], self.environment, BARE) as process:
            idle = memory(process.pid)
            viewers = await joined(BARE, ["GET / HTTP/1.1\r\n\r\n"] * count)
            held = memory(process.pid) - idle
            writer = await Writer(BARE, "").connect()
            used, posted = cpu(process.pid), {}
            for number in range(1, self.rounds + 1):
                head = f"id: {number}\n".encode()
                posted[number], _ = await writer.post("/", head + message[: max(0, len(message) - len(head))])
                await viewers.until(number, count)
                await asyncio.sleep(PAUSE + pause)
            used = (cpu(process.pid) - used) / self.rounds * 1000
            figures = self.figures(viewers, stamps.read(), posted, count)
            viewers.close()
        return figures | {"cpu": [used], "kB": [held / count / 1000]}

    def figures(self, viewers: Viewers, stamps: dict, posted: dict, count: int) -> dict[str, list[float]]:
        """Times in milliseconds; fails when a viewer missed a message or got one twice."""
        wrong = {r: len(viewers.arrived[r]) for r in posted if len(viewers.arrived[r]) != count}
        assert not wrong and not viewers.ended, (wrong, viewers.ended)
        arrived = {r: viewers.arrived[r] for r in posted}
        return {
            "last": [(max(times) - stamps[r]) / 1e6 for r, times in arrived.items()],
            "all": [(at - stamps[r]) / 1e6 for r, times in arrived.items() for at in times],
            "post": [(at - posted[r]) / 1e6 for r, times in arrived.items() for at in times],
            "posted": [(max(times) - posted[r]) / 1e6 for r, times in arrived.items()],
            "commit": [(stamps[r] - posted[r]) / 1e6 for r in arrived],
        }

    async def measure(self, count: int) -> None:
        """Print one line for a number of viewers, product and bare server."""
        product, viewers = await self.product(count)
        sample = viewers.sample.partition(b"\r\n")[2] or viewers.sample
        viewers.close()
        await asyncio.sleep(1)
        working = statistics.median(product["commit"]) / 1000
        bare = await self.bare(count, sample, working)
        for name in ("all", "last"):
            ratios = [
                mine / theirs
                for mine, theirs in zip(*map(percentiles, (product[name], bare[name])), strict=True)
            ]
            ratio = "/".join(f"{value:.2f}" for value in ratios)
            print(
                f"  {count:5} {name:4} {shown(product[name]):>13}  bare {shown(bare[name]):>11}  ratio {ratio}"
            )
        print(
            f"        post {shown(product['post']):>13}  last {shown(product['posted'])}"
            f"  answer {shown(product['answer'])}  cpu {product['cpu'][0]:.1f} (bare {bare['cpu'][0]:.1f})"
            f"  kB {product['kB'][0]:.1f} (bare {bare['kB'][0]:.1f})  message {len(sample)} B",
            flush=True,
        )


@contextmanager
def others(run: Run, busy: bool):
    """Two people who load the document and one who prints the report, all the time, if it is busy."""
    loads: list[subprocess.Popen] = []
    if busy:
        loop = "while kill -0 {bench}; do curl -s -o /dev/null -b sessionid={key} {address}; done 2>/dev/null"
        pages = [
            f"{BASE}/incidents/{run.slug}/",
            f"{BASE}/incidents/{run.slug}/?all",
            f"{BASE}/incidents/{run.slug}/report.pdf",
        ]
        for page in pages:
            command = loop.format(bench=os.getpid(), key=run.commander, address=page)
            loads.append(subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True))
    try:
        yield
    finally:
        for load in loads:
            os.killpg(load.pid, 15)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 50, 200, 1000])
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"]
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--entries", type=int, default=50)
    parser.add_argument("--busy", action="store_true")
    chosen = parser.parse_args()
    for kind in chosen.database:
        with tempfile.TemporaryDirectory() as folder, database(kind) as address:
            environment = {
                **os.environ,
                "DATA_DIR": folder,
                "DEBUG": "0",
                "BASE_URL": BASE,
                "DATABASE_URL": address,
                "STAMPS": f"{folder}/stamps",
                "PYTHONPATH": f"{ROOT}:{ROOT / 'bench'}",
            }
            manage(environment, "migrate", "--verbosity", "0")
            manage(environment, "collectstatic", "--no-input", "--verbosity", "0")
            script = PREPARE.replace("ENTRIES", str(chosen.entries)).replace(
                "VIEWERS", str(max(chosen.viewers))
            )
            keys = manage(environment, "shell", "-v0", "-c", script).splitlines()
            for workers in chosen.workers:
                command = [
                    "-m",
                    "uvicorn",
                    "stamped:application",
                    "--port",
                    str(PORT),
                    "--log-level",
                    "error",
                ]
                command += ["--workers", str(workers), "--backlog", "2048"]
                print(f"{kind}, {workers} worker(s), {chosen.entries} entries", flush=True)
                with served(command, environment, PORT) as process:
                    run = Run(Path(folder), environment, process, keys, chosen.rounds)
                    with others(run, chosen.busy):
                        for count in chosen.viewers:
                            uvloop.run(run.measure(count))


if __name__ == "__main__":
    main()
