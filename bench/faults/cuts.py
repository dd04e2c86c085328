"""The network is cut for a second, a minute, ten minutes: nothing is lost, nothing is sent twice."""

import asyncio
import uuid

from bench.faults.clients import Person, insist, new_word, stored
from bench.faults.harness import World, main
from bench.faults.proxy import Proxy

CODENAME = "amber-crane"


async def experiment(
    world: World, *, seconds: tuple[float, ...] = (1.0, 60.0, 600.0), pause: float = 0.5, delay: float = 0.1
) -> None:
    """Each length twice: the cable is out (connections are reset), and a black hole (nothing comes and nobody says so).

    One person, whose line takes `delay` seconds each way, writes on through the cut and sends the same again until it
    is acknowledged; a colleague writes meanwhile.
    """
    noted = world.noted(CODENAME)
    proxy = await Proxy(world.product.port).start()
    proxy.delay = delay
    away, home = world.person("writer2", proxy.url), world.person("writer3")
    away.http.timeout = 10.0
    screens = [world.screen("writer2", CODENAME, proxy.url), world.screen("writer3", CODENAME)]
    attempts = 0

    async def write(person: Person) -> None:
        while True:
            word, entry_id = new_word(), str(uuid.uuid4())

            async def send(word=word, entry_id=entry_id):
                nonlocal attempts
                attempts += 1
                return await person.add(CODENAME, word, entry_id)

            if stored(await insist(send, tries=10_000, pause=pause)):
                noted.add(word, entry_id)
            await asyncio.sleep(pause)

    async def cut(duration: float, silent: bool) -> None:
        writing = [asyncio.create_task(write(person)) for person in (away, home)]
        await asyncio.sleep(pause)
        before = len(noted.words)
        (proxy.silence if silent else proxy.cut)()
        await asyncio.sleep(duration)
        meanwhile = len(noted.words) - before
        proxy.heal()
        await asyncio.sleep(pause * 4)
        for task in writing:
            task.cancel()
        ended = await asyncio.gather(*writing, return_exceptions=True)
        failed = [repr(error) for error in ended if not isinstance(error, asyncio.CancelledError)]
        how = "a black hole" if silent else "the cable out"
        world.findings.holds(f"{duration:g} s of {how}: everybody could go on", not failed, failed)
        world.findings.seen(f"{meanwhile} entries by the colleague meanwhile")
        await world.equal(screens, CODENAME)

    try:
        for duration in seconds:
            await cut(duration, silent=False)
            await cut(duration, silent=True)
        world.findings.seen(f"{attempts} requests for {len(noted.words)} acknowledged entries")
    finally:
        await world.close()
        await proxy.close()
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
