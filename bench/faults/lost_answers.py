"""An answer is lost, or a form is sent twice: one entry, one row."""

import asyncio
import uuid

from bench.faults.clients import insist, new_word, stored, until
from bench.faults.harness import World, main
from bench.faults.proxy import Proxy

CODENAME = "basalt-finch"


async def experiment(world: World, *, rounds: int = 50) -> None:
    """So often: the line breaks after the request went through and the same is sent again; and five copies at once."""
    noted = world.noted(CODENAME)
    proxy = await Proxy(world.product.port).start()
    away = world.person("writer4", proxy.url)
    home = world.person("writer4")
    screen = world.screen("reader", CODENAME)
    wrong: list = []

    def rows(entry_id: str) -> list[str]:
        return [action for _, action, entry, _ in world.store.ledger(CODENAME) if entry == entry_id]

    try:
        for _ in range(rounds):
            entry_id, word, later = str(uuid.uuid4()), new_word(), new_word()
            for send in (
                lambda: away.add(CODENAME, word, entry_id),  # noqa: B023
                lambda: away.change(CODENAME, entry_id, 1, f"{word} {later}"),  # noqa: B023
            ):
                before = len(rows(entry_id))
                proxy.swallow = True
                lost = await send()
                if lost is not None:
                    wrong.append(("an answer came through", lost.status_code))
                await until(lambda: len(rows(entry_id)) == before + 1, "what was sent is stored")  # noqa: B023
                proxy.heal()
                if not stored(await insist(send)):
                    wrong.append("the repeated request was refused")
            noted.add(word, entry_id)
            noted.add(later, entry_id)
            if rows(entry_id) != ["add", "change"]:
                wrong.append((entry_id, rows(entry_id)))
            entry_id, word = str(uuid.uuid4()), new_word()
            answers = await asyncio.gather(*(home.add(CODENAME, word, entry_id) for _ in range(5)))
            if not all(stored(answer) for answer in answers) or rows(entry_id) != ["add"]:
                wrong.append(([answer and answer.status_code for answer in answers], rows(entry_id)))
            noted.add(word, entry_id)
        world.findings.holds(
            f"{rounds} lost answers, lost changes and fivefold submits: one row each", not wrong, wrong[:3]
        )
        await world.equal([screen], CODENAME)
    finally:
        await world.close()
        await proxy.close()
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
