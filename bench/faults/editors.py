"""Ten random editors: whatever they do, all screens converge to the store."""

import asyncio
import random
import uuid

from bench.faults.clients import VERSION, Person, Screen, new_word, stored
from bench.faults.harness import World, main

CODENAME = "cobalt-heron"


async def experiment(world: World, *, editors: int = 10, rounds: int = 60, seed: int = 1) -> None:
    """Each editor does so many things, seen from their own screen, which lags, is cut, and is resumed."""
    noted, chance = world.noted(CODENAME), random.Random(seed)
    people = [world.person(f"writer{number}") for number in range(editors)]
    screens = [world.screen(f"writer{number}", CODENAME) for number in range(editors)]
    statuses: dict[int, int] = {}

    def counted(answer):
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        return answer

    async def add(person: Person, screen: Screen) -> None:
        entry_id, word = str(uuid.uuid4()), new_word()
        if stored(counted(await person.add(CODENAME, f"{word} was seen.", entry_id))):
            noted.add(word, entry_id)

    async def change(person: Person, screen: Screen) -> None:
        """From what stands on the editor's own screen, which may be old; after a conflict most save it again."""
        if not screen.elements:
            return
        element = chance.choice(sorted(screen.elements))
        shown, entry_id, word = screen.elements[element], element.partition("-")[2], new_word()
        words = world.store.text_at(entry_id, shown.version).split()
        words.insert(chance.randrange(len(words) + 1), word)
        if chance.random() < 0.3:
            words.pop(chance.randrange(len(words)))
        if word not in words:
            return
        answer = counted(await person.change(CODENAME, entry_id, shown.version, " ".join(words)))
        if stored(answer):
            noted.add(word, entry_id)
        elif answer.status_code == 409 and chance.random() < 0.8:
            version = max(int(found) for found in VERSION.findall(answer.text))
            joined = counted(await person.change(CODENAME, entry_id, version, " ".join(words), restore="1"))
            if stored(joined):
                noted.add(word, entry_id)

    async def hide(person: Person, screen: Screen) -> None:
        if screen.elements:
            entry_id = chance.choice(sorted(screen.elements)).partition("-")[2]
            counted(await person.hide(CODENAME, entry_id))
            if chance.random() < 0.7:
                counted(await person.hide(CODENAME, entry_id, "restore"))

    async def stumble(person: Person, screen: Screen) -> None:
        screen.cut()

    async def edit(person: Person, screen: Screen) -> None:
        for _ in range(rounds):
            deed = chance.choices((add, change, hide, stumble), (3, 6, 1, 1))[0]
            await deed(person, screen)

    await asyncio.gather(*(edit(*each) for each in zip(people, screens, strict=True)))
    world.findings.holds("every answer was 200 or 409", set(statuses) <= {200, 409}, statuses)
    world.findings.seen(f"seed {seed}, answers {statuses}")
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
