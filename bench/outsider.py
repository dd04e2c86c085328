"""Can an outsider tell by the clock whether an incident exists? Prints two tests of it and a verdict.

    .venv/bin/python bench/outsider.py [--requests 1000] [--database-url postgres://…]

Starts the product (uvicorn, one process) on a database of its own with two incidents that the outsider is not
in. Over one kept connection the outsider asks for an incident that exists, for one that does not, and for
another one that does not, in an order that is drawn anew for each round; so many rounds on each route.

Two tests, both without an assumption about the shape of the times: Mann-Whitney U (does one sample tend to be
larger?) and Kolmogorov-Smirnov (do the distributions differ in any way?). The size of a difference is the AUC:
how often a request for the existing incident takes longer than one for the missing; 0.5 says nothing. Its 95 %
interval is that of Hanley and McNeil (1982). The same two tests on missing against missing are the control.
The p-values of all routes are judged together (Holm, 5 %); a sample of a route is all its times but the first
tenth, while caches fill.
"""

import argparse
import gc
import http.client
import math
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PORT = 8766
EXISTS, MISSING, CONTROL = "quiet-heron", "quiet-raven", "quiet-finch"

PREPARE = f"""
import uuid
from django.conf import settings
from django.test import Client
from django.urls import reverse
from accounts.models import User
from incidents.incident import Incident
from incidents.sections import SECTIONS
commander = User.objects.create_user("commander@example.com", display_name="Commander")
outsider = User.objects.create_user("outsider@example.com", display_name="Outsider")
for codename in ("{EXISTS}", "level linen"):
    incident = Incident.start(title="Bench", codename=codename, by=commander)
    for number in range(200):
        entry = SECTIONS["theories"].model(pk=uuid.uuid4(), text=f"Theory {{number}}")
        incident.add(entry, by=commander)
    for person in [User.objects.create_user(f"{{uuid.uuid4()}}@example.com", display_name="P") for _ in range(9)]:
        incident.let_in(person, "reader", by=commander)
assert Incident.objects.filter(slug="{EXISTS}").exists()
client = Client()
client.force_login(outsider)
print(client.cookies[settings.SESSION_COOKIE_NAME].value, entry.pk)
"""

# Name, method and address of what is asked; ENTRY is an entry of an incident.
ROUTES = [
    ("document", "GET", "/incidents/{}/"),
    ("section", "GET", "/incidents/{}/theories/"),
    ("entry", "GET", "/incidents/{}/theories/ENTRY/"),
    ("live stream", "GET", "/incidents/{}/live/"),
    ("report", "GET", "/incidents/{}/report.pdf"),
    ("people", "GET", "/incidents/{}/people/"),
    ("add an entry", "POST", "/incidents/{}/theories/"),
    ("change an entry", "POST", "/incidents/{}/theories/ENTRY/"),
    ("accept", "POST", "/incidents/{}/acknowledge/"),
]
BODY = b"text=A+theory&state=open&version=1"


def manage(environment: dict, *arguments: str) -> str:
    """A management command in the bench's own database."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


class Outsider:
    """One kept connection, signed in, with the token that a POST needs."""

    def __init__(self, session: str):
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = {"Cookie": f"sessionid={session}"}
        answer, _ = self.ask("GET", "/incidents/start/")
        token = re.search(r"csrftoken=(\w+)", answer.getheader("Set-Cookie"))[1]
        self.headers = {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token}

    def ask(self, method: str, path: str) -> tuple[http.client.HTTPResponse, int]:
        """The answer, read to its end, and how long it took (ns)."""
        form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        body = BODY if method == "POST" else None
        began = time.perf_counter_ns()
        self.connection.request(method, path, body, {**self.headers, **form})
        answer = self.connection.getresponse()
        answer.read()
        return answer, time.perf_counter_ns() - began


def ranks(values: list[int]) -> list[float]:
    """The rank of each value; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in order[first : last + 1]:
            found[place] = (first + last) / 2 + 1
        first = last + 1
    return found


def mann_whitney(one: list[int], other: list[int]) -> tuple[float, float]:
    """AUC (how often `one` is the larger) and the two-sided p-value of U by the normal approximation."""
    n, m = len(one), len(other)
    u = sum(ranks(one + other)[:n]) - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return u / (n * m), math.erfc(abs(z) / math.sqrt(2))


def interval(auc: float, n: int, m: int) -> tuple[float, float]:
    """The 95 % interval of an AUC (Hanley and McNeil)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (m - 1) * (q2 - auc**2)) / (n * m)
    return auc - 1.96 * math.sqrt(variance), auc + 1.96 * math.sqrt(variance)


def kolmogorov_smirnov(one: list[int], other: list[int]) -> float:
    """The p-value of the largest distance between the two distributions (asymptotic)."""
    one, other = sorted(one), sorted(other)
    i = j = 0
    largest = 0.0
    while i < len(one) and j < len(other):
        value = min(one[i], other[j])
        while i < len(one) and one[i] == value:
            i += 1
        while j < len(other) and other[j] == value:
            j += 1
        largest = max(largest, abs(i / len(one) - j / len(other)))
    n = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    scaled = (n + 0.12 + 0.11 / n) * largest
    return min(
        1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101)))
    )


def holm(values: list[float], level: float = 0.05) -> int:
    """How many of these p-values are significant together."""
    for place, value in enumerate(sorted(values)):
        if value > level / (len(values) - place):
            return place
    return len(values)


def compare(one: list[int], other: list[int]) -> tuple[str, list[float]]:
    """A line about two samples, and the p-values of the two tests."""
    auc, u = mann_whitney(one, other)
    low, high = interval(auc, len(one), len(other))
    ks = kolmogorov_smirnov(one, other)
    apart = (statistics.median(one) - statistics.median(other)) / 1000
    return f"{apart:+7.1f} µs  AUC {auc:.3f} [{low:.3f}, {high:.3f}]  U p={u:.3f}  KS p={ks:.3f}", [u, ks]


def measure(session: str, entry: str, rounds: int) -> bool:
    """Ask, compare, print; True when nothing can be told apart."""
    outsider = Outsider(session)
    found: dict[str, list[float]] = {"existing – missing": [], "missing – missing": []}
    together: dict[str, list[int]] = {EXISTS: [], MISSING: [], CONTROL: []}
    gc.disable()
    for name, method, path in ROUTES:
        times: dict[str, list[int]] = {EXISTS: [], MISSING: [], CONTROL: []}
        for _ in range(rounds + rounds // 9):
            for slug in random.sample(list(times), 3):
                answer, took = outsider.ask(method, path.format(slug).replace("ENTRY", entry))
                assert answer.status == 404, (name, slug, answer.status)
                times[slug].append(took)
        times = {slug: sample[-rounds:] for slug, sample in times.items()}
        middle = statistics.median(times[MISSING] + times[EXISTS] + times[CONTROL])
        for slug, sample in times.items():
            together[slug] += [round(took - middle) for took in sample]
        print(f"{name:16} {method:4} median {middle / 1000:.0f} µs")
        for pair, against in (("existing – missing", EXISTS), ("missing – missing", CONTROL)):
            line, p = compare(times[against], times[MISSING])
            found[pair] += p
            print(f"    {pair:19} {line}")
    print("all routes, each less its median")
    for pair, against in (("existing – missing", EXISTS), ("missing – missing", CONTROL)):
        line, p = compare(together[against], together[MISSING])
        found[pair] += p
        print(f"    {pair:19} {line}")
    counts = {pair: holm(values) for pair, values in found.items()}
    print(f"significant together (Holm, 5 %): {counts}")
    told = counts["existing – missing"] > 0
    print("verdict: they can be told apart" if told else "verdict: they cannot be told apart")
    return not told


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=1000, help="for each codename on each route")
    parser.add_argument("--database-url", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DATA_DIR": folder, "DEBUG": "0", "DATABASE_URL": chosen.database_url}
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "collectstatic", "--no-input", "--verbosity", "0")
        session, entry = manage(environment, "shell", "-v0", "-c", PREPARE).split()
        where = ["--port", str(PORT), "--log-level", "error", "--no-server-header"]
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", *where]
        log = open(Path(folder) / "server.log", "wb")
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        try:
            for _ in range(100):
                with socket.socket() as tried:
                    if tried.connect_ex(("127.0.0.1", PORT)) == 0:
                        break
                time.sleep(0.1)
            return 0 if measure(session, entry, chosen.requests) else 1
        finally:
            server.terminate()
            server.wait()
            log.close()


if __name__ == "__main__":
    sys.exit(main())
