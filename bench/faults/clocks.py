"""Two servers, one of them an hour off, and a night in which the clocks change: order is by revision."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from bench.faults.clients import new_word, stored
from bench.faults.harness import World, main
from bench.faults.product import Product

CODENAME = "basalt-finch"
ZONE = "Europe/Berlin"
NIGHT = "night-watch"
FOLD = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)  # 02:50 summer time; an hour later it is 02:50 again

PREPARE = f"""
from incidents.incident import Incident
from accounts.models import User
from incidents.vocabulary import Role
commander, writer = (User.objects.get(email=f"{{name}}@example.com") for name in ("commander", "writer0"))
incident = Incident.start(title="Night", codename="{NIGHT}", by=commander, zone_name="{ZONE}")
incident.let_in(writer, Role.RESPONDER, by=commander)
incident.acknowledge(by=writer)
"""


async def beside(world: World, shift: timedelta) -> Product:
    """A second server on the same data, with another clock."""
    product = world.product
    other = Product(
        product.folder, product.database_url, beside=product, shift=shift.total_seconds(),
        environment={"BASE_URL": product.url},
    )  # fmt: skip
    await other.start()
    return other


async def experiment(world: World, *, rounds: int = 30) -> None:
    """People write in turn through two servers, one of them an hour ahead; then before and after the clocks change."""
    await ahead(world, rounds)
    await in_the_night(world)
    world.whole(CODENAME, NIGHT)


async def ahead(world: World, rounds: int) -> None:
    """One server is an hour ahead: both see everything, in one order."""
    noted = world.noted(CODENAME)
    other = await beside(world, timedelta(hours=1))
    try:
        people = [world.person("writer0"), world.person("writer1", other.url)]
        screens = [world.screen("reader", CODENAME), world.screen("reader", CODENAME, other.url)]
        order = []
        for number in range(rounds):
            word, entry_id = new_word(), str(uuid.uuid4())
            if stored(await people[number % 2].add(CODENAME, word, entry_id)):
                noted.add(word, entry_id)
                order.append(entry_id)
        await world.equal(screens, CODENAME)
        rows = [
            entry
            for _, action, entry, _ in world.store.ledger(CODENAME)
            if action == "add" and entry in order
        ]
        world.findings.holds("the ledger has them in the order in which they were written", rows == order)
        times = [_moment(at) for (at,) in world.store.ask(
            "SELECT at FROM incidents_change WHERE incident_id = %s ORDER BY revision",
            world.store.incident_id(CODENAME),
        )]  # fmt: skip
        back = sum(later < earlier for earlier, later in zip(times, times[1:], strict=False))
        world.findings.holds("although the clock went back between rows (the experiment is one)", back > 0)
        world.findings.seen(f"the clock went back {back} times in {len(times)} rows")
    finally:
        await world.close()
        await other.end()


async def in_the_night(world: World) -> None:
    """The hour from two to three comes twice: two moments that read the same stay apart and in order."""
    await asyncio.to_thread(world.product.shell, PREPARE)
    now = datetime.now(UTC)
    captured = []
    for moment in (FOLD, FOLD + timedelta(hours=1)):
        server = await beside(world, moment - now)
        try:
            person, word = world.person("writer0", server.url), new_word()
            path = f"/incidents/{NIGHT}/capture/"
            answer = await person.post(path, dest="timeline", id=str(uuid.uuid4()), text=word)
            captured.append((word, answer))
            kept = await person.add(NIGHT, new_word(), section="timeline", at_0="2026-10-25", at_1="02:30")
            missing = await person.add(NIGHT, new_word(), section="timeline", at_0="2026-03-29", at_1="02:30")
        finally:
            await server.end()
    world.findings.holds(
        "what was captured is taken", all(stored(answer) for _, answer in captured), captured
    )
    told = [answer.status_code for answer in (kept, missing)]
    world.findings.holds("a time that is twice, or never, is asked about (422)", told == [422, 422], told)
    order = [row[0] for row in world.store.ask(
        "SELECT text FROM incidents_timelineentry WHERE incident_id = %s ORDER BY at",
        world.store.incident_id(NIGHT),
    )]  # fmt: skip
    world.findings.holds(
        "02:50 and 02:50 an hour later are two moments", order == [word for word, _ in captured], order
    )


def _moment(at) -> datetime:
    """A time of either database."""
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


if __name__ == "__main__":
    main(experiment)
