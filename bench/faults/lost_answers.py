"""An answer is lost, or a form is sent twice: one entry, one row."""

import asyncio
import uuid

from bench.faults.clients import Person, insist, new_word, stored, until
from bench.faults.harness import World, main
from bench.faults.proxy import Proxy

CODENAME = "basalt-finch"


async def experiment(world: World, *, rounds: int = 50) -> None:
    """So often: the line breaks after the request went through and the same is sent again; and five copies at once."""
    proxy = await Proxy(world.product.port).start()
    away, home = world.person("writer4", proxy.url), world.person("writer4")
    screen = world.screen("reader", CODENAME)
    wrong: list = []
    try:
        for _ in range(rounds):
            wrong += await _lost(world, proxy, away)
            wrong += await _fivefold(world, home)
        told = f"{rounds} lost answers, lost changes and fivefold submits: one row each"
        world.findings.holds(told, not wrong, wrong[:3])
        await world.equal([screen], CODENAME)
    finally:
        await world.close()
        await proxy.close()
    world.whole(CODENAME)


async def _lost(world: World, proxy: Proxy, person: Person) -> list:
    """An entry and a change of it, each sent again because no answer came; what is wrong afterwards."""
    entry_id, word, later, wrong = str(uuid.uuid4()), new_word(), new_word(), []
    sending = (
        lambda: person.add(CODENAME, word, entry_id),
        lambda: person.change(CODENAME, entry_id, 1, f"{word} {later}"),
    )
    for number, send in enumerate(sending, start=1):
        proxy.swallow = True
        if (lost := await send()) is not None:
            wrong.append(("an answer came through", lost.status_code))
        await until(lambda number=number: len(_rows(world, entry_id)) == number, "what was sent is stored")
        proxy.heal()
        if not stored(await insist(send)):
            wrong.append("the repeated request was refused")
    world.noted(CODENAME).add(word, entry_id)
    world.noted(CODENAME).add(later, entry_id)
    rows = _rows(world, entry_id)
    return wrong + ([rows] if rows != ["add", "change"] else [])


async def _fivefold(world: World, person: Person) -> list:
    """The same new entry five times at once; what is wrong afterwards."""
    entry_id, word = str(uuid.uuid4()), new_word()
    answers = await asyncio.gather(*(person.add(CODENAME, word, entry_id) for _ in range(5)))
    world.noted(CODENAME).add(word, entry_id)
    if all(stored(answer) for answer in answers) and _rows(world, entry_id) == ["add"]:
        return []
    return [([answer and answer.status_code for answer in answers], _rows(world, entry_id))]


def _rows(world: World, entry_id: str) -> list[str]:
    """What the ledger says was done to an entry."""
    return [action for _, action, entry, _ in world.store.ledger(CODENAME) if entry == entry_id]


if __name__ == "__main__":
    main(experiment)
