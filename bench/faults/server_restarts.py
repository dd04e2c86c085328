"""The server is restarted in order while streams and forms are open."""

import asyncio
import uuid

from bench.faults.clients import Person, insist, new_word, stored
from bench.faults.harness import World, main
from bench.faults.store import Acknowledged

CODENAME = "amber-crane"


async def experiment(world: World, *, rounds: int = 10, streams: int = 20) -> None:
    """So often: a form is open and a request is on its way when the server stops; both are sent after it is back."""
    noted = world.noted(CODENAME)
    screens = [world.screen("reader" if number % 2 else "legal", CODENAME) for number in range(streams)]
    people = world.person("writer5"), world.person("writer6")
    took, wrong = [], []
    for _ in range(rounds):
        stopped, refused = await _restart(world, noted, *people)
        took.append(stopped)
        wrong += refused
    world.findings.holds(
        "drafts and what was on its way are taken afterwards, each once", not wrong, wrong[:3]
    )
    world.findings.seen(f"the server stopped with {streams} streams in {min(took):.2f} to {max(took):.2f} s")
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


async def _restart(world: World, noted: Acknowledged, person: Person, hasty: Person) -> tuple[float, list]:
    """One restart; how long stopping took (seconds), and what was not taken afterwards."""
    entry_id, late = str(uuid.uuid4()), str(uuid.uuid4())
    word, draft, hurried = new_word(), new_word(), new_word()
    assert stored(await insist(lambda: person.add(CODENAME, word, entry_id)))
    noted.add(word, entry_id)
    on_its_way = asyncio.create_task(hasty.add(CODENAME, hurried, late))
    await asyncio.sleep(0.002)
    took = await world.product.end()
    await on_its_way
    await world.product.start()
    changed = await insist(lambda: person.change(CODENAME, entry_id, 1, f"{word} {draft}"))
    again = await insist(lambda: hasty.add(CODENAME, hurried, late))
    noted.add(draft, entry_id)
    noted.add(hurried, late)
    return took, [answer for answer in (changed, again) if not stored(answer)]


if __name__ == "__main__":
    main(experiment)
