"""The database is locked by another process while people write."""

import asyncio
import sqlite3
import uuid
from contextlib import asynccontextmanager, closing

from bench.faults.clients import new_word, stored
from bench.faults.harness import World, main

CODENAME = "amber-crane"


@asynccontextmanager
async def lock(world: World):
    """Hold what every writer needs: SQLite's write lock, or the row of the incident."""
    held, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def until_released() -> None:
        loop.call_soon_threadsafe(held.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    def hold() -> None:
        if world.vendor == "sqlite":
            with closing(sqlite3.connect(world.store.file, timeout=60, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                until_released()
                connection.execute("ROLLBACK")
            return
        import psycopg

        with psycopg.connect(world.product.database_url) as connection:
            connection.execute("SELECT id FROM incidents_incident WHERE slug = %s FOR UPDATE", [CODENAME])
            until_released()

    holding = asyncio.create_task(asyncio.to_thread(hold))
    await held.wait()
    try:
        yield
    finally:
        release.set()
        await holding


async def experiment(
    world: World, *, seconds: tuple[float, ...] = (10.0, 30.0), writers: int = 8, each: int = 5
) -> None:
    """For so many seconds each: writers send, a reader looks on. They wait, or are told 503 and send again; who only
    reads does not wait for them."""
    noted, clock = world.noted(CODENAME), asyncio.get_running_loop().time
    people, screen = world.writers(writers), world.screen("reader", CODENAME)
    reader = world.person("reader")
    for duration in seconds:
        sent = [(person, new_word(), str(uuid.uuid4())) for person in people * each]

        async def write(person, word, entry_id):
            began = clock()
            answer = await person.add(CODENAME, word, entry_id)
            return answer, clock() - began

        async with lock(world):
            writing = [asyncio.create_task(write(*one)) for one in sent]
            await asyncio.sleep(duration / 2)
            began = clock()
            page = await reader.get("/incidents/")
            took = clock() - began
            world.findings.holds(
                "a page opens meanwhile", page.status_code == 200 and took < duration / 2, f"{took:.1f} s"
            )
            await asyncio.sleep(max(0, duration / 2 - took))
        answers = await asyncio.gather(*writing)
        statuses = [answer.status_code if answer is not None else None for answer, _ in answers]
        world.findings.holds(
            f"locked for {duration:.0f} s: whoever writes waits or is told 503",
            set(statuses) <= {200, 503},
            statuses,
        )
        world.findings.seen(f"answers {statuses} after {[round(took, 1) for _, took in answers]} s")
        again = {entry_id: answer for (_, _, entry_id), (answer, _) in zip(sent, answers, strict=True)}
        told = [answer.text for answer in again.values() if answer is not None and answer.status_code == 503]
        kept = "what you typed is still in the form"
        world.findings.holds("a 503 says that the text is kept", all(kept in text for text in told))
        for person, word, entry_id in sent:
            answer = again[entry_id]
            if not stored(answer):
                answer = await person.add(CODENAME, word, entry_id)
            world.findings.holds("afterwards it is stored", stored(answer), answer)
            noted.add(word, entry_id)
    await world.equal([screen], CODENAME)
    world.findings.holds(
        "the reader's stream stayed open all the time", screen.connections == 1, screen.connections
    )
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
