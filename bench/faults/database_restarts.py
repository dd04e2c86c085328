"""PostgreSQL is restarted while people write."""

import asyncio
import uuid
from collections import Counter

from bench.faults.clients import Person, insist, new_word, stored
from bench.faults.harness import World, main

CODENAME = "amber-crane"


async def experiment(world: World, *, rounds: int = 10, writers: int = 6, seconds: float = 1.0) -> None:
    """So often, in turn: connections are cut in order, and as in a crash; people send again what got a 503."""
    noted, statuses = world.noted(CODENAME), Counter()
    screens = [world.screen("reader", CODENAME), world.screen("commander", CODENAME)]

    async def work(person: Person) -> None:
        while True:
            entry_id, word, later = str(uuid.uuid4()), new_word(), new_word()

            async def add(entry_id=entry_id, word=word):
                answer = await person.add(CODENAME, word, entry_id)
                statuses[answer and answer.status_code] += 1
                return answer

            async def change(entry_id=entry_id, word=word, later=later):
                answer = await person.change(CODENAME, entry_id, 1, f"{word} {later}")
                statuses[answer and answer.status_code] += 1
                return answer

            if stored(await insist(add)):
                noted.add(word, entry_id)
            if stored(await insist(change)):
                noted.add(later, entry_id)

    working = [asyncio.create_task(work(person)) for person in world.writers(writers)]
    for number in range(rounds):
        await asyncio.sleep(seconds)
        await world.postgres.restart("immediate" if number % 2 else "fast")
    await asyncio.sleep(seconds)
    for task in working:
        task.cancel()
    ended = await asyncio.gather(*working, return_exceptions=True)
    failed = [repr(error) for error in ended if not isinstance(error, asyncio.CancelledError)]
    world.findings.holds("everybody could go on after each restart", not failed, failed)
    world.findings.holds("every answer was 2xx or 503", set(statuses) <= {200, 503}, dict(statuses))
    world.findings.seen(f"{rounds} restarts, answers {dict(statuses)}")
    await world.equal(screens, CODENAME)
    opened = [screen.connections for screen in screens]
    world.findings.seen(f"connections of the {len(screens)} streams: {opened}")
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment, databases=("postgresql",))
