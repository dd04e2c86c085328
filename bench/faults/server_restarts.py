"""The server is restarted in order while streams and forms are open."""

import asyncio
import uuid

from bench.faults.clients import insist, new_word, stored
from bench.faults.harness import World, main

CODENAME = "amber-crane"


async def experiment(world: World, *, rounds: int = 10, streams: int = 20) -> None:
    """So often: a form is open and a request is on its way when the server stops; both are sent after it is back."""
    noted = world.noted(CODENAME)
    screens = [world.screen("reader" if number % 2 else "legal", CODENAME) for number in range(streams)]
    person, hasty = world.person("writer5"), world.person("writer6")
    took, wrong = [], []
    for _ in range(rounds):
        entry_id, word = str(uuid.uuid4()), new_word()
        assert stored(await insist(lambda: person.add(CODENAME, f"{word} before", entry_id)))  # noqa: B023
        noted.add(word, entry_id)
        late, draft, hurried = str(uuid.uuid4()), new_word(), new_word()
        on_its_way = asyncio.create_task(hasty.add(CODENAME, hurried, late))
        await asyncio.sleep(0.002)
        took.append(await world.product.end())
        first = await on_its_way
        await world.product.start()
        changed = await insist(lambda: person.change(CODENAME, entry_id, 1, f"{word} {draft}"))  # noqa: B023
        again = await insist(lambda: hasty.add(CODENAME, hurried, late))  # noqa: B023
        if not (stored(changed) and stored(again)):
            wrong.append((changed, first, again))
        noted.add(draft, entry_id)
        noted.add(hurried, late)
    world.findings.holds(
        "drafts and what was on its way are taken afterwards, each once", not wrong, wrong[:3]
    )
    world.findings.seen(f"the server stopped with {streams} streams in {min(took):.2f} to {max(took):.2f} s")
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
