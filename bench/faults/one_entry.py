"""Two people on one entry: merged where the changes do not touch, else both texts shown."""

import asyncio
import uuid

from bench.faults.clients import VERSION, new_word, stored
from bench.faults.harness import World, main

CODENAME = "basalt-finch"


async def experiment(world: World, *, rounds: int = 100) -> None:
    """So often: both begin at the same version and save at the same time, apart or on the same words."""
    noted = world.noted(CODENAME)
    one, other = world.person("writer0"), world.person("writer1")
    screens = [world.screen("writer0", CODENAME), world.screen("writer1", CODENAME)]
    wrong: list = []
    outcomes = {"merged": 0, "shown": 0, "hidden": 0}

    async def text_of(entry_id: str) -> str:
        return world.store.entries(CODENAME)[f"theories-{entry_id}"].text

    async def resolve(person, entry_id: str, shown, words: list[str]) -> None:
        """The one who came second sees both texts, and saves them joined; nobody's word is lost."""
        if not all(word in shown.text for word in words):
            wrong.append(("a word is not on the screen of both texts", words))
        version = max(int(found) for found in VERSION.findall(shown.text))
        joined = await person.change(CODENAME, entry_id, version, " ".join(words), restore="1")
        if not stored(joined):
            wrong.append(("the joined text was not taken", joined))

    for number in range(rounds):
        entry_id = str(uuid.uuid4())
        first, middle, last, mine, theirs = (new_word() for _ in range(5))
        base = f"{first} ends here. {middle} goes on. {last} was it."
        assert stored(await one.add(CODENAME, base, entry_id))
        kind = ("merged", "shown", "hidden")[number % 3]
        if kind == "merged":
            texts = (base.replace(first, f"{first} {mine}"), base.replace(last, f"{last} {theirs}"))
        else:
            texts = (base.replace(middle, mine), base.replace(middle, theirs))
        if kind == "hidden":
            answers = [
                await one.hide(CODENAME, entry_id),
                await other.change(CODENAME, entry_id, 1, texts[1]),
            ]
            if [answer.status_code for answer in answers] != [200, 409]:
                wrong.append((kind, [answer.status_code for answer in answers]))
            await resolve(other, entry_id, answers[1], [theirs])
            noted.add(theirs, entry_id)
        else:
            answers = await asyncio.gather(
                one.change(CODENAME, entry_id, 1, texts[0]), other.change(CODENAME, entry_id, 1, texts[1])
            )
            statuses = sorted(answer.status_code for answer in answers)
            if statuses != ([200, 200] if kind == "merged" else [200, 409]):
                wrong.append((kind, statuses))
            if kind == "shown" and 409 in statuses:
                second = 0 if answers[0].status_code == 409 else 1
                await resolve((one, other)[second], entry_id, answers[second], [mine, theirs])
            noted.add(mine, entry_id)
            noted.add(theirs, entry_id)
            now = await text_of(entry_id)
            if kind == "merged" and now != base.replace(first, f"{first} {mine}").replace(
                last, f"{last} {theirs}"
            ):
                wrong.append((kind, now))
        outcomes[kind] += 1
    world.findings.holds(f"every save was merged or shown with both texts {outcomes}", not wrong, wrong[:3])
    await world.equal(screens, CODENAME)
    world.whole(CODENAME)


if __name__ == "__main__":
    main(experiment)
