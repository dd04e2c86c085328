"""Who read what is written down, without a word of what they read."""

import pytest

from incidents.reading import AccessRecord
from tests.room import canaries_of_text

READ = {
    "": "document",
    "summary/": "summary",
    "history/": "history",
    "history/2/document/": "history",
    "since/": "history",
    "files/{file}/": "file",
    "report.pdf": "report",
    "register/": "register",
}


@pytest.mark.parametrize(("where", "kind"), READ.items())
def test_line_44_each_reading_is_recorded_without_content(room, monkeypatch, where, kind):
    monkeypatch.setattr("incidents.report.print_pdf", lambda html, found: b"%PDF-")
    room.client("commander").get(f"/incidents/kestrel/{where.format(file=room.file.pk)}")
    [row] = AccessRecord.objects.values()
    assert (row["kind"], row["user_id"], row["incident_id"]) == (
        kind,
        room.people["commander"].pk,
        room.incident.pk,
    )
    assert (row["revision"], canaries_of_text(str(row))) == (room.incident.revision, set())


def test_line_44_every_kind_of_reading_is_proved():
    assert set(READ.values()) == set(AccessRecord.Kind.values)


def test_line_44_a_refusal_is_no_reading(room):
    for persona in ("outsider", "superuser", "revoked"):
        for where in READ:
            room.client(persona).get(f"/incidents/kestrel/{where.format(file=room.file.pk)}")
    assert AccessRecord.objects.count() == 0
