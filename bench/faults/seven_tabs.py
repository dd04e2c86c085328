"""Seven tabs of one person, each with a stream: pages still load, and every tab is up to date."""

import asyncio
import statistics
import uuid

from bench.faults.clients import new_word, stored, until
from bench.faults.harness import World, main

CODENAME = "basalt-finch"


async def experiment(world: World, *, rounds: int = 40, tabs: int = 7) -> None:
    """So many page loads without and with the tabs' streams, while entries come in."""
    person, clock = world.person("writer1"), asyncio.get_running_loop().time
    took: dict[str, list[float]] = {"without": [], "with": []}
    statuses = set()

    async def load(kind: str) -> None:
        for _ in range(rounds):
            began = clock()
            statuses.add((await person.get(f"/incidents/{CODENAME}/")).status_code)
            took[kind].append(clock() - began)

    await load("without")
    screens = [world.screen("writer1", CODENAME) for _ in range(tabs)]
    await until(lambda: all(screen.connections for screen in screens), "every tab has its stream")
    await load("with")
    word, entry_id = new_word(), str(uuid.uuid4())
    if stored(await person.add(CODENAME, word, entry_id)):
        world.noted(CODENAME).add(word, entry_id)
    world.findings.holds(f"every page loaded beside {tabs} open streams", statuses == {200}, statuses)
    without, beside = (statistics.median(took[kind]) for kind in ("without", "with"))
    world.findings.seen(
        f"a page takes {beside * 1000:.0f} ms, {beside / without:.2f} × as without the streams"
    )
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
