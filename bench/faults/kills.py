"""kill -9 of the whole server in mid-save."""

import asyncio
import random
import signal
import uuid

from bench.faults.clients import Person, insist, new_word, stored
from bench.faults.harness import World, main

CODENAME = "amber-crane"


async def experiment(world: World, *, rounds: int = 50, writers: int = 8, seconds: float = 1.0) -> None:
    """So often: people add and change entries, the server is killed, is started again, everybody goes on."""
    people = world.writers(writers)
    screens = [world.screen("reader", CODENAME), world.screen("commander", CODENAME)]
    noted = world.noted(CODENAME)
    unanswered = 0

    async def work(person: Person) -> None:
        """Until it is cancelled: a new entry, then a change of it."""
        nonlocal unanswered
        while True:
            entry_id, word, later = str(uuid.uuid4()), new_word(), new_word()
            again = random.random() < 0.5

            async def send(entry_id=entry_id, word=word):
                return await person.add(CODENAME, word, entry_id)

            answer = await insist(send) if again else await send()
            if answer is None:
                unanswered += 1
                await asyncio.sleep(0.05)
                continue
            if stored(answer):
                noted.add(word, entry_id)
            if stored(await person.change(CODENAME, entry_id, 1, f"{word} {later}")):
                noted.add(later, entry_id)

    working = [asyncio.create_task(work(person)) for person in people]
    for _ in range(rounds):
        await asyncio.sleep(seconds * (0.3 + random.random()))
        await world.product.end(signal.SIGKILL)
        await world.product.start()
    await asyncio.sleep(seconds)
    for task in working:
        task.cancel()
    ended = await asyncio.gather(*working, return_exceptions=True)
    failed = [repr(error) for error in ended if not isinstance(error, asyncio.CancelledError)]
    world.findings.holds("everybody could go on after each start", not failed, failed)
    world.findings.seen(
        f"{rounds} kills, {unanswered} requests that were not sent again after no answer came"
    )
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
