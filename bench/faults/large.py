"""A document of ten thousand entries: its page opens, and what is added is delivered."""

import asyncio
import statistics
import uuid

from bench.faults.clients import insist, new_word, stored, until
from bench.faults.harness import World, main

FILL = """
import uuid
from django.db import transaction
from accounts.models import User
from incidents.incident import Incident
from incidents.sections import SECTIONS
from incidents.vocabulary import Role
commander, reader = (User.objects.get(email=f"{{name}}@example.com") for name in ("commander", "reader"))
with transaction.atomic():
    incident = Incident.start(title="Large", codename="{codename}", by=commander)
    incident.let_in(reader, Role.READER, by=commander)
    incident.acknowledge(by=reader)
    for number in range({entries}):
        model = SECTIONS["theories" if number % 2 else "lessons"].model
        incident.add(model(pk=uuid.uuid4(), text=f"Number {{number}} of many."), by=commander)
print(Incident.objects.get(slug="{codename}").revision)
"""


async def experiment(world: World, *, entries: int = 10_000, small: int = 100, rounds: int = 20) -> None:
    """The same is done in a small document and in a large one; figures are ratios of the two."""
    took: dict[str, dict[str, float]] = {}
    sizes = {"little-brook": small, "broad-river": entries}
    for codename, size in sizes.items():
        told = await asyncio.to_thread(world.product.shell, FILL.format(codename=codename, entries=size))
        took[codename] = await _measure(world, codename, int(told.split()[-1]), rounds)
    for what, little in took["little-brook"].items():
        large = took["broad-river"][what]
        world.findings.seen(f"{what}: {large * 1000:.0f} ms, {large / little:.2f} × as with {small} entries")
    world.whole(*sizes)


async def _measure(world: World, codename: str, revision: int, rounds: int) -> dict[str, float]:
    person, clock = world.person("commander"), asyncio.get_running_loop().time
    opened, added, delivered, late, statuses = [], [], [], [], set()
    for _ in range(rounds):
        began = clock()
        answer = await person.get(f"/incidents/{codename}/")
        opened.append(clock() - began)
        statuses.add(answer.status_code)
    world.findings.holds(f"{codename}: the page opens", statuses == {200}, statuses)
    screen = world.screen("reader", codename, since=revision)
    await until(lambda: screen.connections, "the stream opens")
    for _ in range(rounds):
        word, entry_id = new_word(), str(uuid.uuid4())
        began = clock()
        answer = await insist(lambda word=word, entry_id=entry_id: person.add(codename, word, entry_id))
        added.append(clock() - began)
        if stored(answer):
            world.noted(codename).add(word, entry_id)
        try:
            await until(lambda word=word: screen.has(word), "an added entry arrives")
        except AssertionError:
            late.append(word)
        delivered.append(clock() - began)
    world.findings.holds(f"{codename}: {rounds} added entries were delivered", not late, late[:3])
    return {
        "opening the page": statistics.median(opened),
        "adding an entry": statistics.median(added),
        "from the POST to a reader's screen": statistics.median(delivered),
    }


if __name__ == "__main__":
    main(experiment)
