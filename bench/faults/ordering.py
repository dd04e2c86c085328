"""Transactions out of order: many writers on one incident, two processes, readers that resume all the time."""

import asyncio
import random
import uuid

from bench.faults.clients import Person, Screen, insist, new_word, stored
from bench.faults.harness import World, main

CODENAME = "amber-crane"


async def experiment(world: World, *, rounds: int = 40, writers: int = 16, readers: int = 6) -> None:
    """Each writer adds so many entries; each reader loses the line every few moments."""
    noted = world.noted(CODENAME)
    screens = [
        world.screen("reader", CODENAME, resume="header" if number % 2 else "address")
        for number in range(readers)
    ]

    async def write(person: Person) -> None:
        for _ in range(rounds):
            word, entry_id = new_word(), str(uuid.uuid4())
            if stored(
                await insist(lambda word=word, entry_id=entry_id: person.add(CODENAME, word, entry_id))
            ):
                noted.add(word, entry_id)

    async def stumble(screen: Screen) -> None:
        while True:
            await asyncio.sleep(0.02 + random.random() * 0.4)
            screen.cut()

    stumbling = [asyncio.create_task(stumble(screen)) for screen in screens]
    await asyncio.gather(*(write(person) for person in world.writers(writers)))
    for task in stumbling:
        task.cancel()
    await asyncio.gather(*stumbling, return_exceptions=True)
    world.findings.holds(
        f"all {rounds * writers} entries were taken", len(noted.words) >= rounds * writers, len(noted.words)
    )
    world.findings.seen(f"{sum(screen.connections for screen in screens)} connections of {readers} readers")
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment, workers=2)
