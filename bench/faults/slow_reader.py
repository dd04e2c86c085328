"""A reader that takes one byte a second: the server's buffer is bounded, the others do not notice."""

import asyncio
import statistics

from bench.faults.clients import insist, new_word, stored, until
from bench.faults.harness import World, main
from bench.faults.proxy import Proxy

CODENAME = "amber-crane"
SLACK = 32 * 2**20  # bytes that the server may grow by for reasons of its own


async def experiment(world: World, *, rounds: int = 700, size: int = 18_000, slow: int = 3) -> None:
    """So many entries of so many characters, without slow readers and then with some."""
    noted, clock = world.noted(CODENAME), asyncio.get_running_loop().time
    person, quick = world.person("writer0"), world.screen("commander", CODENAME)
    filling = "lorem ipsum " * (size // 12)
    proxy = await Proxy(world.product.port).start()
    took: dict[str, list[float]] = {"alone": [], "beside": []}

    async def write(kind: str) -> None:
        for _ in range(rounds):
            word = new_word()
            began = clock()
            answer = await insist(lambda word=word: person.add(CODENAME, f"{word} {filling}"))
            await until(lambda word=word: quick.has(word), "an entry arrives at the quick reader")
            took[kind].append(clock() - began)
            quick.received.clear()
            if stored(answer):
                noted.add(word, _id_of(answer))

    try:
        await write("alone")
        readers = [world.screen("reader", CODENAME, proxy.url, since=quick.seen) for _ in range(slow)]
        for reader in readers:
            reader.elements = dict(quick.elements)  # the page as they opened it
        await until(lambda: all(reader.connections for reader in readers), "the slow readers are admitted")
        proxy.rate = 1.0
        before, passed = world.product.memory(), proxy.passed
        await write("beside")
        grown, passed = world.product.memory() - before, proxy.passed - passed
        sent = rounds * size * slow
        world.findings.holds(
            f"the server grew by less than {SLACK >> 20} MB", grown < SLACK, f"{grown / 2**20:.1f} MB"
        )
        world.findings.seen(
            f"it grew by {grown / 2**20:.1f} MB; {sent / 2**20:.1f} MB were meant for {slow} slow readers, "
            f"who took {passed} bytes"
        )
        alone, beside = (statistics.median(took[kind]) for kind in ("alone", "beside"))
        world.findings.seen(
            f"POST to the quick reader's screen: median {beside * 1000:.0f} ms, {beside / alone:.2f} × as without"
        )
        proxy.rate = None
        await world.equal([quick, *readers], CODENAME, limit=300)  # they load a long section again
        dropped = sum(reader.connections > 1 for reader in readers)
        world.findings.seen(f"{dropped} of the slow readers were dropped and came back by themselves")
    finally:
        await world.close()
        await proxy.close()
    world.whole(CODENAME)


def _id_of(answer) -> str:
    """The id of the entry that an answer carries."""
    return answer.text.partition('id="theories-')[2][:36]


if __name__ == "__main__":
    main(experiment)
