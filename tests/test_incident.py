"""The aggregate: the one door for writing, and what it refuses."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections

from incidents.door import Impossible, Refused
from incidents.incident import Conflict, Incident
from incidents.sections import SECTIONS
from incidents.vocabulary import Role
from tests import factories

MANY = [name for name, section in SECTIONS.items() if section.many]


@pytest.fixture
def tomas(incident):
    """A responder."""
    return factories.participant(incident, factories.user("tomas"))


def reread(entry):
    """The entry as the database has it."""
    return type(entry).objects.get(pk=entry.pk)


def test_starting_makes_the_starter_commander_and_lets_nobody_else_in(incident, dana):
    assert (incident.commander, incident.revision, incident.status) == (dana, 1, "investigating")
    assert [(p.user, p.role) for p in incident.participants.all()] == [(dana, Role.COMMANDER)]
    assert list(Incident.objects.visible_to(factories.user("root", is_superuser=True))) == []


def test_a_codename_is_drawn_and_a_taken_one_gets_another_word(dana):
    drawn = Incident.start(title="x", by=dana)
    assert len(drawn.codename.split()) == 2 and drawn.slug == drawn.codename.lower().replace(" ", "-")
    first, second = (factories.incident(dana, codename="Paper Tiller") for _ in range(2))
    assert first.codename == "Paper Tiller"
    assert second.codename.startswith("Paper Tiller ") and second.slug != first.slug


@pytest.mark.parametrize("name", SECTIONS)
def test_line_46_add_change_hide_restore_in_every_section(incident, dana, name):
    entry = factories.entry(incident, name)
    assert (reread(entry).version, reread(entry).author) == (1, dana)
    field = next(
        field for field in ("text", "business_impact", "scheme", "value", "name") if field in entry.own
    )
    incident.change(entry, by=dana, version=1, **{field: "198.51.100.9"})
    assert (getattr(reread(entry), field), reread(entry).version) == ("198.51.100.9", 2)
    incident.remove(entry, by=dana)
    assert reread(entry).hidden
    assert SECTIONS[name].shown(incident, "privileged").count() == 0
    incident.restore(entry, by=dana)
    assert not reread(entry).hidden
    actions = list(incident.changes.filter(entry_id=entry.pk).values_list("action", "version"))
    assert actions == [("add", 1), ("change", 2), ("remove", 3), ("restore", 4)]


def test_a_codename_never_takes_the_address_of_a_page(dana):
    assert factories.incident(dana, codename="Start").slug.startswith("start-")


def test_the_same_id_twice_is_one_entry(incident, dana):
    model = SECTIONS["timeline"].model
    pk = uuid.uuid4()
    for _ in range(2):
        incident.add(model(pk=pk, **factories.LEAST["timeline"]), by=dana)
    assert model.objects.count() == 1
    assert incident.changes.filter(action="add").count() == 1


def test_an_id_of_another_incident_is_refused(incident, dana):
    other = factories.incident(dana, codename="OSPREY")
    theirs = factories.entry(other, "timeline")
    with pytest.raises(Impossible):
        incident.add(SECTIONS["timeline"].model(pk=theirs.pk, **factories.LEAST["timeline"]), by=dana)


def test_numbers_count_within_a_section_and_are_never_given_twice(incident, dana):
    first, second = (factories.entry(incident, "indicators") for _ in range(2))
    incident.remove(second, by=dana)
    third = factories.entry(incident, "indicators")
    assert [first.number, second.number, third.number] == [1, 2, 3]


def test_a_change_that_changes_nothing_is_no_revision(incident, dana):
    entry = factories.entry(incident, "timeline", text="As it is")
    before = incident.revision
    assert incident.change(entry, by=dana, version=1, text="As it is").change is None
    assert incident.remove(entry, by=dana).change is not None
    assert incident.remove(entry, by=dana).change is None
    assert Incident.objects.get(pk=incident.pk).revision == before + 1


def test_two_fields_changed_by_two_people_are_merged(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="Found", source="")
    incident.change(entry, by=tomas, version=1, source="Gateway log")
    saved = incident.change(entry, by=dana, version=1, text="Found and closed")
    assert saved.merged
    assert (reread(entry).text, reread(entry).source) == ("Found and closed", "Gateway log")


def test_words_apart_in_one_text_are_merged(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="The account was found in the wiki.")
    incident.change(entry, by=tomas, version=1, text="The rogue account was found in the wiki.")
    incident.change(entry, by=dana, version=1, text="The account was found in the wiki and closed.")
    assert reread(entry).text == "The rogue account was found in the wiki and closed."


def test_the_same_words_changed_differently_are_a_conflict_with_both_texts(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="Found at 17:23.")
    incident.change(entry, by=tomas, version=1, text="Found at 17:18.")
    with pytest.raises(Conflict) as raised:
        incident.change(entry, by=dana, version=1, text="Found at 17:30.")
    conflict = raised.value
    assert conflict.fields == ["text"]
    assert (conflict.base["text"], conflict.theirs["text"], conflict.mine["text"]) == (
        "Found at 17:23.",
        "Found at 17:18.",
        "Found at 17:30.",
    )
    assert reread(entry).text == "Found at 17:18."


def test_a_time_and_its_precision_are_merged_as_one(incident, dana, tomas):
    entry = factories.entry(incident, "timeline")
    later = factories.NOON + timedelta(hours=1)
    incident.change(entry, by=tomas, version=1, at=later, at_precision="second")
    with pytest.raises(Conflict) as raised:
        incident.change(entry, by=dana, version=1, at=factories.NOON, at_precision="day")
    assert raised.value.fields == ["at"]


def test_writing_to_an_entry_hidden_meanwhile_is_a_conflict_and_can_restore(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="Words")
    incident.remove(entry, by=tomas)
    with pytest.raises(Conflict) as raised:
        incident.change(entry, by=dana, version=1, text="Better words")
    assert raised.value.hidden
    incident.change(entry, by=dana, version=1, restore=True, text="Better words")
    assert (reread(entry).text, reread(entry).hidden) == ("Better words", False)


@pytest.mark.parametrize("role", [Role.READER, Role.EXECUTIVE, Role.LEGAL])
def test_who_may_not_write_writes_nothing(incident, role):
    person = factories.participant(incident, factories.user("visitor"), role)
    entry = factories.entry(incident, "timeline")
    before = Incident.objects.get(pk=incident.pk).revision
    attempts = [
        lambda: factories.entry(incident, "lessons", by=person),
        lambda: incident.change(entry, by=person, version=1, text="x"),
        lambda: incident.remove(entry, by=person),
        lambda: incident.set_fields(by=person, status="closed"),
        lambda: incident.let_in(factories.user("friend"), Role.READER, by=person),
        lambda: incident.hand_over(person, by=person, reason="x"),
    ]
    for attempt in attempts:
        with pytest.raises(Refused):
            attempt()
    assert Incident.objects.get(pk=incident.pk).revision == before


def test_somebody_removed_a_moment_ago_writes_nothing(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="Words")
    incident.let_out(tomas, by=dana)
    with pytest.raises(Refused):
        incident.change(entry, by=tomas, version=1, text="Mine")
    assert reread(entry).text == "Words"


def test_an_account_disabled_a_moment_ago_writes_nothing(incident, tomas):
    type(tomas).objects.filter(pk=tomas.pk).update(is_active=False)
    with pytest.raises(Refused):
        factories.entry(incident, "timeline", by=tomas)


def test_only_who_reads_privileged_entries_may_mark_one(incident, dana, tomas):
    entry = factories.entry(incident, "timeline")
    with pytest.raises(Refused):
        incident.change(entry, by=tomas, version=1, privileged=True)
    with pytest.raises(Refused):
        factories.entry(incident, "timeline", by=tomas, privileged=True)
    incident.change(entry, by=dana, version=1, privileged=True)
    assert list(SECTIONS["timeline"].shown(incident, "document")) == []
    assert list(SECTIONS["timeline"].shown(incident, "privileged")) == [entry]


def test_a_version_that_was_privileged_is_no_base_for_who_may_not_read_it(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="counsel says", privileged=True)
    incident.change(entry, by=dana, version=1, text="open words", privileged=False)
    with pytest.raises(Conflict) as raised:
        incident.change(entry, by=tomas, version=1, text="other words")
    assert "counsel says" not in str(raised.value.base)


def test_set_fields_writes_one_row(incident, dana):
    incident.set_fields(by=dana, status="contained", title="New title")
    row = incident.changes.last()
    assert (row.action, row.values) == ("set", {"status": "contained", "title": "New title"})
    assert incident.set_fields(by=dana, status="contained").change is None


def test_timeline_order_holds_with_mixed_precision(incident):
    def add(text: str, **fields):
        return factories.entry(incident, "timeline", text=text, **fields)

    day = factories.NOON.replace(hour=0)
    add("afternoon", at=day.replace(hour=14, minute=36, second=37), at_precision="second")
    add("after 14:36", at=day, at_precision="day", stands_after=day.replace(hour=14, minute=36, second=37))
    add("after that too", at=day, at_precision="day", stands_after=day.replace(hour=14, minute=36, second=37))
    add("evening", at=day.replace(hour=18), at_precision="hour")
    add("some time that day", at=day, at_precision="day")
    add("the day before", at=day - timedelta(days=1), at_precision="day")
    assert [entry.text for entry in SECTIONS["timeline"].shown(incident, "document")] == [
        "the day before",
        "some time that day",
        "afternoon",
        "after 14:36",
        "after that too",
        "evening",
    ]


@pytest.mark.parametrize("name", MANY)
def test_the_queries_of_adding_do_not_grow_with_the_section(
    incident, dana, name, django_assert_max_num_queries
):
    for _ in range(5):
        factories.entry(incident, name)
    with django_assert_max_num_queries(12):
        factories.entry(incident, name)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_get_revisions_without_a_gap(dana):
    """On PostgreSQL eight threads at once; SQLite's test database is one connection, so there one by one."""
    incident = factories.incident(dana)

    def write(number: int) -> None:
        try:
            factories.entry(Incident.objects.get(pk=incident.pk), "timeline", by=dana, text=f"Fact {number}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
        if connection.vendor == "sqlite":
            thread.join()
    for thread in threads:
        thread.join()
    incident.refresh_from_db()
    assert list(incident.changes.values_list("revision", flat=True)) == list(range(1, 10))
    numbers = SECTIONS["timeline"].model.objects.values_list("number", flat=True)
    assert sorted(numbers) == list(range(1, 9))


def test_only_the_commander_changes_the_classification(incident, dana, tomas):
    entry = factories.entry(incident, "classification")
    incident.acknowledge(by=tomas)
    with pytest.raises(Refused):
        incident.change(entry, by=tomas, version=1, scheme="Public")
    incident.change(entry, by=dana, version=1, scheme="Secret")
    assert reread(entry).scheme == "Secret"


def test_an_entry_marked_while_somebody_writes_is_out_of_their_reach(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="open words")
    incident.change(entry, by=dana, version=1, text="counsel says", privileged=True)
    for attempt in (
        lambda: incident.change(entry, by=tomas, version=1, text="clash"),
        lambda: incident.remove(entry, by=tomas),
    ):
        with pytest.raises(Refused):
            attempt()
    assert reread(entry).text == "counsel says"


def test_a_version_made_by_restoring_is_a_base_like_any_other(incident, dana, tomas):
    entry = factories.entry(incident, "timeline", text="Words", note="A note", constructed=True)
    incident.remove(entry, by=dana)
    incident.restore(entry, by=dana)
    incident.change(entry, by=tomas, version=3, note="", constructed=False)
    incident.change(entry, by=dana, version=3, text="Better words", note="A note", constructed=True)
    assert (reread(entry).text, reread(entry).note, reread(entry).constructed) == ("Better words", "", False)


def test_the_zone_stays_once_a_time_is_recorded(incident, dana):
    incident.set_fields(by=dana, zone_name="Europe/Berlin")
    entry = factories.entry(incident, "timeline")
    with pytest.raises(Impossible, match="The zone stays"):
        incident.set_fields(by=dana, zone_name="UTC")
    assert reread(entry).incident.zone_name == "Europe/Berlin"


def test_a_long_codename_that_is_taken_ends_too(dana):
    names = [factories.incident(dana, codename="ﬃ" * 22).codename for _ in range(3)]
    assert len(set(names)) == 3


def test_an_executive_never_holds_the_right_to_download(incident):
    alan = factories.participant(incident, factories.user("alan"), Role.EXECUTIVE, may_export=True)
    assert not incident.participants.get(user=alan).may_export


def test_the_classification_is_accepted_as_it_was_read(incident, dana):
    kofi = factories.participant(incident, factories.user("kofi"), Role.READER, accepted=False)
    read = incident.classification_revision
    factories.entry(incident, "classification", scheme="Stricter")
    with pytest.raises(Impossible, match="changed while you were reading"):
        incident.acknowledge(by=kofi, read=read)
    assert incident.acknowledge(by=kofi, read=incident.classification_revision).change
