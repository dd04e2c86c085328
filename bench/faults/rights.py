"""Rights change while a stream is offline: whoever comes back gets what is theirs now, and nothing else."""

import uuid

from bench.faults.clients import Screen, new_word, stored, until
from bench.faults.harness import World, main
from bench.faults.proxy import Proxy

CODENAME = "cobalt-heron"


async def experiment(world: World, *, rounds: int = 10) -> None:
    """So often each: made an executive, and a responder again; no longer reading what is privileged; then removed."""
    proxy = await Proxy(world.product.port).start()
    stage = Stage(world, proxy)
    try:
        for number in range(rounds):
            name = f"writer{number % 8 + 8}"
            await stage.made_an_executive(name)
            await stage.no_longer_privileged(name)
        for number in range(min(rounds, 8)):
            await stage.removed(f"writer{number + 8}")
    finally:
        await world.close()
        await proxy.close()
    world.whole(CODENAME)


class Stage:
    """The commander decides and writes; somebody's screen is behind a proxy."""

    def __init__(self, world: World, proxy: Proxy):
        self.world, self.proxy, self.commander = world, proxy, world.person("commander")

    async def made_an_executive(self, name: str) -> None:
        """Gets the summary of now, or is told to blank the page."""
        screen = await self._open(name)
        self.proxy.cut()
        await self._decide(f"{self._id(name)}/", role="executive", ends="keep")
        after, before = await self._write(), len(screen.received)
        self.proxy.heal()
        await until(lambda: screen.blanked or len(screen.received) > before, "an answer to the new executive")
        self._holds("made an executive: nothing that was written since", not screen.has(after))
        await screen.close()
        await self._decide(f"{self._id(name)}/", role="responder", reads_privileged="on", ends="keep")

    async def no_longer_privileged(self, name: str) -> None:
        """Gets what everybody reads, or is told to blank the page."""
        screen = await self._open(name)
        self.proxy.cut()
        await self._decide(f"{self._id(name)}/privileged/")
        open_to_all, marked = await self._write(), await self._write(privileged="on")
        self.proxy.heal()
        await until(lambda: screen.blanked or screen.has(open_to_all), "what everybody reads arrives")
        self._holds("no longer reads what is privileged: not what was marked since", not screen.has(marked))
        await screen.close()

    async def removed(self, name: str) -> None:
        """Gets 404."""
        screen = await self._open(name)
        self.proxy.cut()
        await self._decide(f"{self._id(name)}/remove/")
        after = await self._write()
        self.proxy.heal()
        await until(lambda: screen.blanked, "the page blanks itself")
        self._holds("removed: 404", screen.refused == 404)
        self._holds("removed: nothing that was written since", not screen.has(after))
        await screen.close()

    async def _open(self, name: str) -> Screen:
        screen, word = self.world.screen(name, CODENAME, self.proxy.url), await self._write()
        await until(lambda: screen.has(word), "the screen has what was written before")
        return screen

    async def _write(self, **fields) -> str:
        word, entry_id = new_word(), str(uuid.uuid4())
        assert stored(await self.commander.add(CODENAME, word, entry_id, **fields))
        self.world.noted(CODENAME).add(word, entry_id)
        return word

    async def _decide(self, path: str, **fields) -> None:
        answer = await self.commander.post(f"/incidents/{CODENAME}/people/{path}", **fields)
        assert answer is not None and answer.status_code in (200, 302), answer

    def _id(self, name: str) -> str:
        return self.world.product.people[name][0]

    def _holds(self, what: str, whether: bool) -> None:
        self.world.findings.holds(what, whether)


if __name__ == "__main__":
    main(experiment)
