"""What every experiment stands on: a running product, people, open screens, and the list of what must hold.

    .venv/bin/python -m bench.faults.NAME [--rounds N] [--database sqlite|postgresql]

Each client writes words that are nowhere else and counts one as acknowledged only after a 2xx.
"""

import argparse
import asyncio
import inspect
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from bench.faults.clients import Person, Screen
from bench.faults.postgres import Postgres, drop_database, new_database
from bench.faults.product import Product, database_name
from bench.faults.store import Acknowledged, Store, faults

CODENAMES = ["amber-crane", "basalt-finch", "cobalt-heron"]
WRITERS = 16


class Findings:
    """What must hold, and whether it did; printed as it is found."""

    def __init__(self, say: Callable[[str], None] = print):
        self.say, self.broken = say, []

    def holds(self, what: str, whether: bool, detail: object = "") -> None:
        """Write one invariant down."""
        told = f"{what}{f': {detail}' if detail != '' and not whether else ''}"
        self.say(f"  {'holds ' if whether else 'BROKEN'}  {told}")
        if not whether:
            self.broken.append(told)

    def seen(self, what: str) -> None:
        """A figure, for the reader."""
        self.say(f"          {what}")


class World:
    """A running product with people in it, on SQLite or on a PostgreSQL server."""

    def __init__(self, product: Product, findings: Findings, postgres: Postgres | None = None):
        self.product, self.findings, self.postgres = product, findings, postgres
        self.store = Store(product)
        self.acknowledged: dict[str, Acknowledged] = {}
        self.verifying = True  # whether each experiment asks manage.py to verify the ledgers at its end
        self._open: list = []

    @property
    def vendor(self) -> str:
        """sqlite or postgresql."""
        return self.product.vendor

    def person(self, name: str, url: str = "") -> Person:
        """Somebody in a browser of their own; `url` leads through a proxy or to another server."""
        person = Person(url or self.product.url, self.product.people[name][1], name)
        self._open.append(person)
        return person

    def writers(self, number: int) -> list[Person]:
        """So many responders."""
        return [self.person(f"writer{place}") for place in range(number)]

    def screen(self, name: str, codename: str, url: str = "", **options) -> Screen:
        """The document of an incident, open in a browser of its own."""
        screen = Screen(self.person(name, url), codename, **options)
        self._open.insert(0, screen)
        return screen

    def noted(self, codename: str) -> Acknowledged:
        """What was acknowledged in an incident."""
        return self.acknowledged.setdefault(codename, Acknowledged())

    async def equal(self, screens: list[Screen], codename: str, limit: float = 60.0) -> None:
        """Wait until every screen shows what is stored; write down whether it came to that."""
        clock = asyncio.get_running_loop().time
        began = clock()
        wanted = self.store.shown(codename)
        while any(screen.versions() != wanted for screen in screens) and clock() < began + limit:
            await asyncio.sleep(0.2)
            wanted = self.store.shown(
                codename
            )  # what was on its way when the last client left may come in late
        wrong = [
            f"{s.person.name}: {_difference(s.versions(), wanted)}" for s in screens if s.versions() != wanted
        ]
        self.findings.holds(
            f"{len(screens)} screens show what is stored ({len(wanted)} entries)", not wrong, wrong[:3]
        )
        self.findings.seen(f"{clock() - began:.1f} s until they did")
        troubles = [screen.troubles for screen in screens if screen.troubles]
        assert troubles == [], troubles
        back = [screen.backwards for screen in screens if screen.backwards]
        self.findings.holds("no stream went back to an earlier revision", not back, back[:2])
        while any(text := [await screen.differs_from_a_new_page("theories") for screen in screens]):
            if clock() > began + limit:
                break
            await asyncio.sleep(0.2)  # a late write came between the page and the look at the screen
        self.findings.holds("each screen is letter by letter a page opened now", not any(text), text)

    def whole(self, *codenames: str) -> None:
        """Write down the invariants of the store."""
        for codename in codenames:
            self._whole(codename)
        if self.verifying:
            self.verify()

    def _whole(self, codename: str) -> None:
        for what, broken in faults(self.store, codename, self.noted(codename)).items():
            self.findings.holds(f"{codename}: {what}", not broken, broken)

    def verify(self) -> None:
        """manage.py verify_ledger and check_access, as an operator runs them."""
        for command, good in (("verify_ledger", "whole"), ("check_access", "agree")):
            told = self.product.manage(command, check=False).strip()
            self.findings.holds(
                f"manage.py {command}: {told.splitlines()[-1] if told else ''}", good in told, told
            )

    async def close(self) -> None:
        """Close what was opened for an experiment; the product goes on."""
        for opened in self._open:
            await opened.close()
        self._open.clear()


def _difference(mine: dict, theirs: dict) -> dict:
    """What one has otherwise than the other: (mine, theirs), at most three."""
    names = [name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)]
    return {name: (mine.get(name), theirs.get(name)) for name in names[:3]}


async def build(
    stack: AsyncExitStack, database: str, server_url: str = "", findings: Findings | None = None, **options
) -> World:
    """A product that runs, until the stack is closed. `server_url`: a PostgreSQL that runs already."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sitroom-faults-")))
    postgres, url = None, ""
    if database == "postgresql":
        if not server_url:
            postgres = Postgres()
            await postgres.start()
            stack.push_async_callback(postgres.stop)
            server_url = postgres.url
        name = new_database(server_url)
        stack.callback(drop_database, server_url, name)
        url = database_name(server_url, name)
    product = Product(folder, url, **options)
    product.prepare(CODENAMES, WRITERS)
    await product.start()
    stack.push_async_callback(product.end)
    return World(product, findings or Findings(), postgres)


def main(
    experiment: Callable[..., Awaitable[None]],
    *,
    databases: tuple[str, ...] = ("sqlite", "postgresql"),
    workers: int = 1,
) -> None:
    """Run an experiment from the command line; its keyword arguments are options. Exit 1: something is broken."""
    parser = argparse.ArgumentParser(description=inspect.getmodule(experiment).__doc__.splitlines()[0])
    parser.add_argument("--database", choices=databases, default=databases[0])
    parser.add_argument("--workers", type=int, default=workers, help="processes of the server")
    for name, parameter in inspect.signature(experiment).parameters.items():
        if parameter.default is not parameter.empty:
            several = isinstance(parameter.default, tuple)
            kind = type(parameter.default[0] if several else parameter.default)
            parser.add_argument(
                f"--{name}", type=kind, default=parameter.default, nargs="+" if several else None
            )
    chosen = vars(parser.parse_args())
    findings = Findings()
    told = ", ".join(f"{name} {value}" for name, value in chosen.items())
    print(f"{parser.description} ({told})", flush=True)
    database, workers = chosen.pop("database"), chosen.pop("workers")

    async def run() -> None:
        async with AsyncExitStack() as stack:
            world = await build(stack, database, findings=findings, workers=workers)
            stack.push_async_callback(world.close)
            await experiment(world, **chosen)

    began = time.monotonic()
    asyncio.run(run())
    print(f"{len(findings.broken)} broken, {time.monotonic() - began:.0f} s", flush=True)
    raise SystemExit(1 if findings.broken else 0)
