"""Who is here: told to the team, gone when the browser falls silent, never stored, never shown to executives."""

import asyncio

import pytest
from django.db import OperationalError, connection
from django.test import Client

from incidents import bus, presence
from incidents.ledger import Change
from tests.stage import PATIENCE, SILENCE


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Changes are told at once."""
    monkeypatch.setattr(presence, "PAUSE", 0.02)


async def seen(browser) -> dict[str, list[str]]:
    """Who is here as a page was told last: name → what they edit."""
    people = await asyncio.wait_for(browser.here.get(), PATIENCE)
    while not browser.here.empty():
        people = browser.here.get_nowait()
    return {person["name"]: person["editing"] for person in people}


async def until_seen(browser, expected: dict) -> None:
    """Wait until a page was told just this."""
    async with asyncio.timeout(PATIENCE):
        while await seen(browser) != expected:
            pass


def names(stage, *roles: str) -> list[str]:
    return [stage.people[role].display_name for role in roles]


def test_whoever_looks_is_shown_to_the_team(stage):
    dana, ruth = names(stage, "commander", "responder")

    async def scenario(stage):
        mine, theirs = await stage.open("commander"), await stage.open("responder")
        assert await stage.say(mine, "commander") == 204
        await until_seen(theirs, {dana: []})
        assert await stage.say(theirs, "responder") == 204
        await until_seen(mine, {dana: [], ruth: []})
        late = await stage.open("reader")
        await until_seen(late, {dana: [], ruth: []})
        await stage.say(theirs, "responder", away="1")
        await until_seen(mine, {dana: []})

    stage.play(scenario)


def test_what_somebody_edits_is_shown_where_it_may_be_read(stage):
    dana, ruth = names(stage, "commander", "responder")

    async def scenario(stage):
        open_, secret = await stage.write(), await stage.write(privileged=True)
        mine, theirs, legal = [await stage.open(role) for role in ("commander", "responder", "legal")]
        both = sorted([f"theories-{open_.pk}", f"theories-{secret.pk}"])
        await stage.say(mine, "commander", editing=" ".join([*both, "nonsense", "<b>", "theories-1"]))
        await until_seen(theirs, {dana: [f"theories-{open_.pk}"]})
        await until_seen(legal, {dana: both})
        await stage.say(mine, "commander", editing="")
        await until_seen(theirs, {dana: []})

    stage.play(scenario)


def test_a_browser_that_falls_silent_or_leaves_is_gone(stage, monkeypatch):
    dana, ruth = names(stage, "commander", "responder")
    monkeypatch.setattr(presence, "LASTS", 0.5)

    async def scenario(stage):
        watching, silent, leaving = [await stage.open(role) for role in ("reader", "commander", "responder")]
        await stage.say(silent, "commander")
        await until_seen(watching, {dana: []})
        await until_seen(watching, {})
        await stage.say(leaving, "responder")
        await until_seen(watching, {ruth: []})
        await leaving.leave()
        await until_seen(watching, {})

    stage.play(scenario)


def test_executives_are_neither_shown_nor_told(stage):
    async def scenario(stage):
        executive, mine = await stage.open("executive"), await stage.open("commander")
        await stage.say(executive, "executive")
        await stage.say(mine, "commander")
        await until_seen(mine, {names(stage, "commander")[0]: []})
        await asyncio.sleep(SILENCE)
        assert (executive.here.empty(), await executive.silence()) == (True, [])

    stage.play(scenario)


def test_nobody_speaks_for_another_session(stage):
    async def scenario(stage):
        mine, theirs = await stage.open("commander"), await stage.open("responder")
        assert await stage.say(mine, "responder") == 404
        mine.token = "made.up"
        assert await stage.say(mine, "commander") == 204  # a process that is not this one may hold it
        mine.token = theirs.token + "x"
        assert await stage.say(mine, "commander") == 404
        await asyncio.sleep(SILENCE)
        assert theirs.here.empty()

    stage.play(scenario)


def test_a_reader_edits_nothing(stage):
    paolo = names(stage, "reader")[0]

    async def scenario(stage):
        entry = await stage.write()
        watching, reader = await stage.open("commander"), await stage.open("reader")
        await stage.say(reader, "reader", editing=f"theories-{entry.pk}")
        await until_seen(watching, {paolo: []})

    stage.play(scenario)


def test_only_who_is_signed_in_is_passed_on_to_another_process(stage, monkeypatch):
    async def scenario(stage):
        mine = await stage.open("commander")
        passed = []
        monkeypatch.setattr(stage.live.bus, "say", passed.append)
        mine.token = "another.one"
        stage.clients["nobody"] = Client()
        assert await stage.say(mine, "nobody") == 404
        assert await stage.say(mine, "commander", editing="\xff" * 300) == 204
        assert [message.head["editing"] for message in passed] == [""]

    stage.play(scenario)


def test_a_database_that_fails_once_ends_nothing(stage, monkeypatch):
    dana, ruth = names(stage, "commander", "responder")

    async def scenario(stage):
        mine, theirs = await stage.open("commander"), await stage.open("responder")
        failed = []

        def failing(*arguments):
            failed.append(arguments)
            raise OperationalError("gone for a moment")

        with monkeypatch.context() as patch:
            patch.setattr(presence, "privileged_of", failing)
            await stage.say(mine, "commander")
            async with asyncio.timeout(PATIENCE):
                while not failed:
                    await asyncio.sleep(0.02)
        await stage.say(theirs, "responder")
        await until_seen(theirs, {dana: [], ruth: []})

    stage.play(scenario)


def test_more_people_than_fit_are_told_as_far_as_they_fit(stage, monkeypatch):
    monkeypatch.setitem(bus.MOST, connection.vendor, 400)

    async def scenario(stage):
        stage.live._start()
        people = [{"id": str(n), "name": "Наталья", "editing": []} for n in range(40)]
        word = stage.live.presence._word(stage.incident.pk, people)
        assert (word.fits(), 0 < len(word.head["people"]) < 40) == (True, True)

    stage.play(scenario)


def test_presence_leaves_no_row(stage):
    before = Change.objects.count()

    async def scenario(stage):
        mine = await stage.open("commander")
        await stage.say(mine, "commander", editing="")
        await until_seen(mine, {names(stage, "commander")[0]: []})

    stage.play(scenario)
    assert Change.objects.count() == before


def test_two_processes_know_of_each_other(stage, monkeypatch):
    dana, ruth = names(stage, "commander", "responder")

    async def scenario(stage):
        other = await stage.another_process()
        here, there = await stage.open("commander"), await stage.open("responder", at=other)
        await stage.say(here, "commander")
        await until_seen(there, {dana: []})
        there.live = stage.live  # the word reaches the process that does not hold the stream
        assert await stage.say(there, "responder") == 204
        await until_seen(here, {dana: [], ruth: []})
        await there.leave()
        await until_seen(here, {dana: []})

    stage.play(scenario)


def test_a_process_that_dies_takes_its_people_along(stage, monkeypatch):
    dana = names(stage, "commander")[0]
    monkeypatch.setattr(presence, "LASTS", 1.0)
    monkeypatch.setattr(presence, "AGAIN", 0.2)

    async def scenario(stage):
        other = await stage.another_process()
        here, there = await stage.open("responder"), await stage.open("commander", at=other)
        await stage.say(there, "commander")
        await until_seen(here, {dana: []})
        for task in other.tasks:
            task.cancel()
        await until_seen(here, {})

    stage.play(scenario)


def test_what_one_process_writes_arrives_at_the_streams_of_another(stage, monkeypatch):
    async def scenario(stage):
        other = await stage.another_process()
        there = await stage.open("reader", at=other)
        reads = []
        read = other.delivery._read
        monkeypatch.setattr(other.delivery, "_read", lambda *a: reads.append(a[0]) or read(*a))
        first = await stage.write(text="a first word")
        arrived = await there.event()
        assert (arrived["id"], "a first word" in arrived["data"]) == (str(stage.incident.revision), True)
        await stage.act(stage.incident.change, first, by=stage.dana, version=1, text="x" * 200_000)
        assert "x" * 200_000 in (await there.event())["data"]  # too long to travel: read from the database
        await stage.act(stage.incident.let_out, stage.people["reader"], by=stage.dana)
        assert (await there.event())["event"] == "gone"

    stage.play(scenario)
