"""What one document costs: opening it and adding to it. Prints ratios within one run; bench/live.py tells of the push.

    .venv/bin/python bench/document.py [--entries 50 500] [--database-url postgres://…]

Starts the product (uvicorn, one process) on a database of its own and compares each figure with a bare request
to the same server (the page that starts an incident) in the same run. Times are medians in milliseconds of the
client's clock.
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
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
PORT = 8765
BASE = f"http://127.0.0.1:{PORT}"
ROUNDS = 30

PREPARE = """
import sys, uuid
from datetime import timedelta
from django.utils import timezone
from accounts.links import sign_in_link
from accounts.models import User
from incidents.incident import Incident
from incidents.sections import SECTIONS
commander = User.objects.create_user(f"{uuid.uuid4()}@example.com", display_name="Bench")
incident = Incident.start(title="Bench", by=commander)
for number in range(ENTRIES):
    at = timezone.now() - timedelta(minutes=number)
    fields = {"text": f"Fact number {number}", "at": at, "at_precision": "minute"}
    incident.add(SECTIONS["timeline"].model(**fields), by=commander)
print(incident.slug, sign_in_link(commander, ""))
"""


def manage(environment: dict, *arguments: str) -> str:
    """A management command in the bench's own database."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


async def median(act, rounds: int = ROUNDS) -> float:
    """The median time of an awaitable act, in milliseconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        await act()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def measure(environment: dict, entries: int) -> None:
    """One document of a size: print its figures."""
    slug, link = manage(environment, "shell", "-v0", "-c", PREPARE.replace("ENTRIES", str(entries))).split()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=BASE, follow_redirects=True, limits=limits, timeout=30) as client:
        await client.get(link)
        page = await client.get(f"/incidents/{slug}/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        headers = {"X-CSRFToken": token, "HX-Request": "true", "Origin": BASE}
        form = {"at_0": "24 Nov 2026", "at_1": "12:00", "text": "One more fact"}

        async def add() -> None:
            answer = await client.post(f"/incidents/{slug}/timeline/", data=form, headers=headers)
            assert answer.status_code == 200, answer.status_code

        bare = await median(lambda: client.get("/incidents/start/"))
        opened = await median(lambda: client.get(f"/incidents/{slug}/"))
        added = await median(add)
        print(f"{entries} entries: bare request {bare:.1f} ms; open {opened:.1f} ({opened / bare:.1f}×); "
              f"add {added:.1f} ({added / bare:.1f}×)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--database-url", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DATA_DIR": folder, "DEBUG": "1", "DATABASE_URL": chosen.database_url}
        manage(environment, "migrate", "--verbosity", "0")
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "config.asgi:application",
            "--port",
            str(PORT),
            "--log-level",
            "error",
        ]
        server = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            for _ in range(100):
                try:
                    httpx.get(f"{BASE}/sign-in/")
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            for entries in chosen.entries:
                asyncio.run(measure(environment, entries))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
