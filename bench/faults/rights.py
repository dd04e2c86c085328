"""Rights change while a stream is offline: whoever comes back gets what is theirs now, and nothing else."""

import uuid

from bench.faults.clients import new_word, stored, until
from bench.faults.harness import World, main
from bench.faults.proxy import Proxy

CODENAME = "cobalt-heron"


async def experiment(world: World, *, rounds: int = 10) -> None:
    """So often each: removed; made an executive; no longer reading what is marked privileged; and let back."""
    noted = world.noted(CODENAME)
    commander = world.person("commander")
    here = f"/incidents/{CODENAME}/people/"
    proxy = await Proxy(world.product.port).start()

    async def write(**fields) -> str:
        word, entry_id = new_word(), str(uuid.uuid4())
        assert stored(await commander.add(CODENAME, word, entry_id, **fields))
        noted.add(word, entry_id)
        return word

    async def decide(path: str, **fields) -> None:
        answer = await commander.post(f"{here}{path}", **fields)
        assert answer is not None and answer.status_code in (200, 204, 302, 303), answer

    async def offline(name: str, decision, also=()):
        """Somebody's screen, cut while a decision falls and something is written; the words of before and after."""
        screen = world.screen(name, CODENAME, proxy.url)
        before = await write()
        await until(lambda: screen.has(before), "the screen has what was written before")
        proxy.cut()
        await decision()
        after = [await write(), *[await write(**fields) for fields in also]]
        proxy.heal()
        return screen, after

    try:
        for number in range(rounds):
            name = f"writer{number % 8 + 8}"
            person = world.product.people[name][0]

            screen, after = await offline(name, lambda: decide(f"{person}/", role="executive", ends="keep"))  # noqa: B023
            summaries = len(screen.received)
            await until(
                lambda: screen.blanked or len(screen.received) > summaries,
                "the executive gets the summary, or a blank page",
            )  # noqa: B023
            world.findings.holds(
                "made an executive: the summary, and nothing that was written since",
                not any(map(screen.has, after)),
            )
            await screen.close()
            await decide(f"{person}/", role="responder", reads_privileged="on", ends="keep")

            privileged = {"privileged": "on"}
            screen, after = await offline(name, lambda: decide(f"{person}/privileged/"), [privileged])  # noqa: B023
            await until(lambda: screen.blanked or screen.has(after[0]), "what everybody reads arrives")  # noqa: B023
            world.findings.holds("no longer privileged: not what was marked since", not screen.has(after[1]))
            await screen.close()

        for number in range(min(rounds, 8)):
            name = f"writer{number + 8}"
            screen, after = await offline(name, lambda: decide(f"{world.product.people[name][0]}/remove/"))  # noqa: B023
            await until(lambda: screen.blanked, "the page blanks itself")  # noqa: B023
            world.findings.holds("removed: 404", screen.refused == 404, screen.refused)
            world.findings.holds("removed: nothing that was written since", not any(map(screen.has, after)))
            await screen.close()
    finally:
        await world.close()
        await proxy.close()
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
