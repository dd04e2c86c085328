"""The ledger: append-only, chained, without gaps; and what verify_ledger says when it is not."""

from importlib import import_module
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from incidents import ledger
from incidents.ledger import Action, Change
from tests import factories

triggers = import_module("incidents.migrations.0002_append_only").triggers


@pytest.fixture
def written(incident):
    """An incident with a few revisions."""
    for number in range(3):
        factories.entry(incident, "timeline", text=f"Fact {number}")
    return incident


def tamper(sql: str, *parameters: object) -> None:
    """Change the ledger as somebody with the database's own rights could, past the triggers."""
    with connection.cursor() as cursor:
        for _, drop in reversed(triggers(connection.vendor)):
            cursor.execute(drop)
        cursor.execute(sql, parameters)


def verify(*arguments: str) -> str:
    """What verify_ledger prints."""
    out = StringIO()
    call_command("verify_ledger", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE incidents_change SET reason = 'x'",
        "DELETE FROM incidents_change",
        "UPDATE incidents_change SET reason = 'x' WHERE revision = 2",
    ],
)
def test_the_database_refuses_to_change_the_ledger(written, sql):
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_the_orm_cannot_change_the_ledger_either(written):
    for attempt in (lambda: Change.objects.update(reason="x"), lambda: Change.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            attempt()


def test_revisions_have_no_gap_and_chain(written):
    rows = list(written.changes.order_by("revision"))
    assert [row.revision for row in rows] == list(range(1, written.revision + 1))
    assert [row.previous_hash for row in rows] == ["", *(row.hash for row in rows[:-1])]
    assert rows[-1].hash == written.head


def test_verify_says_whole(written):
    assert verify() == "1 ledger whole.\n"
    assert verify("kestrel", "--head", written.head) == "1 ledger whole.\n"


def test_verify_finds_an_edited_row(written):
    tamper("UPDATE incidents_change SET reason = 'never happened' WHERE revision = 2")
    with pytest.raises(CommandError, match="KESTREL: revision 2 was edited"):
        verify("KESTREL")


def test_verify_finds_a_removed_row(written):
    tamper("DELETE FROM incidents_change WHERE revision = 2")
    with pytest.raises(CommandError, match="revision 2 is missing"):
        verify()


def test_verify_finds_a_cut_tail(written):
    tamper("DELETE FROM incidents_change WHERE revision = %s", written.revision)
    with pytest.raises(CommandError, match="the ledger ends at revision 3, the incident at 4"):
        verify()


def test_verify_finds_a_cut_tail_that_was_covered_up_by_the_head_of_an_export(written):
    head = written.head
    last = written.changes.get(revision=written.revision - 1)
    tamper("DELETE FROM incidents_change WHERE revision = %s", written.revision)
    tamper_incident = "UPDATE incidents_incident SET revision = %s, head = %s"
    with connection.cursor() as cursor:
        cursor.execute(tamper_incident, [last.revision, last.hash])
    assert verify() == "1 ledger whole.\n"
    with pytest.raises(CommandError, match=f"the head {head} of an export is not in the ledger"):
        verify("kestrel", "--head", head)


def test_verify_finds_a_row_that_was_made_up(written):
    last = written.changes.order_by("revision").last()
    forged = Change(
        incident=written,
        revision=written.revision + 1,
        action=Action.SET,
        actor=written.commander,
        previous_hash="0" * 64,
    )
    forged.hash = forged.digest()
    forged.save()
    faults = list(ledger.faults(written))
    assert faults == [
        f"revision {last.revision + 1} does not follow the row before it",
        f"the ledger ends at revision {last.revision + 1}, the incident at {last.revision}",
    ]


def test_a_row_keeps_every_field_and_who_and_why(incident, dana):
    entry = factories.entry(incident, "timeline", text="First words")
    incident.change(entry, by=dana, version=1, reason="The log says so", text="Better words")
    row = incident.changes.get(revision=incident.revision)
    assert (row.action, row.actor, row.section, row.version, row.reason) == (
        "change",
        dana,
        "timeline",
        2,
        "The log says so",
    )
    assert row.values["text"] == "Better words"
    assert set(row.values) == set(type(entry).fields())
    assert ledger.values_at(entry.pk, 1)["text"] == "First words"
    assert ledger.values_at(entry.pk, 7) is None


@pytest.mark.django_db
def test_unknown_codename_is_one_line():
    with pytest.raises(CommandError, match=r"^There is no incident nobody\.$"):
        verify("nobody")
