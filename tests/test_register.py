"""The reading register, and who reads privileged entries."""

import pytest

from incidents.access import capabilities
from incidents.reading import AccessRecord
from incidents.vocabulary import BUNDLES, Role
from tests import factories
from tests.room import canary
from tests.test_people import signed_in

BASE = "/incidents/kestrel/"


def register(client, query: str = "") -> list[tuple]:
    """Who, what and about what, as the page lists it."""
    rows = client.get(f"{BASE}register/{query}").context["rows"]
    return [(str(row.user), str(row.kind), row.subject) for row in rows]


def test_line_44_the_register_tells_who_opened_what(room, monkeypatch):
    from incidents import report

    monkeypatch.setattr(report, "print_pdf", lambda html, found: b"%PDF-")
    AccessRecord.objects.all().delete()
    room.client("reader").get(BASE)
    room.client("executive").get(f"{BASE}summary/")
    room.client("legal").get(f"{BASE}report.pdf")
    room.client("responder").get(f"{BASE}files/{room.file.pk}/")
    room.client("responder").get(f"{BASE}timeline/")
    room.client("responder").get(f"{BASE}theories/{room.entries['theories'].pk}/")
    legal = room.client("legal")
    assert register(legal) == [
        ("Legal", "register", ""),
        ("Responder", "document", "theories"),
        ("Responder", "document", "timeline"),
        ("Responder", "file", f"A-{room.file.number}"),
        ("Legal", "report", ""),
        ("Executive", "summary", ""),
        ("Reader", "document", ""),
    ]
    assert register(legal, f"?person={room.people['responder'].pk}&kind=downloads") == [
        ("Responder", "file", f"A-{room.file.number}")
    ]
    revision = room.incident.revision
    room.incident.refresh_from_db()
    assert room.incident.revision == revision  # reading writes nothing into the ledger


def test_downloads_and_last_visits_are_shown_to_commander_and_legal_only(room):
    room.client("responder").get(f"{BASE}files/{room.file.pk}/")
    shown = {
        name: "1 download" in room.client(name).get(f"{BASE}people/").content.decode()
        for name in ("commander", "legal", "responder", "reader")
    }
    assert shown == {"commander": True, "legal": True, "responder": False, "reader": False}


@pytest.mark.parametrize("decider", ["commander", "legal"])
def test_commander_and_legal_decide_who_reads_privileged_entries(room, decider):
    reader = room.people["reader"]
    secret = canary("timeline", "text", "marked")
    where = f"{BASE}people/{reader.pk}/privileged/"
    assert secret not in room.client("reader").get(BASE).content.decode()
    assert room.client(decider).post(where, {"reads_privileged": "on"}).status_code == 302
    assert secret in room.client("reader").get(BASE).content.decode()
    assert capabilities(reader, room.incident) == BUNDLES[Role.READER] | {"privileged"}
    assert room.client(decider).post(where).status_code == 302
    assert secret not in room.client("reader").get(BASE).content.decode()


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.LEGAL, Role.COMMANDER])
def test_for_other_roles_the_role_decides(incident, as_dana, dana, role):
    person = dana if role == Role.COMMANDER else factories.participant(incident, factories.user("ruth"), role)
    held = capabilities(person, incident)
    answer = as_dana.post(f"{BASE}people/{person.pk}/privileged/", {"reads_privileged": "on"})
    assert (answer.status_code, capabilities(person, incident)) == (422, held)


def test_a_change_of_role_takes_privileged_entries_away_where_the_role_does_not_take_them(incident, dana):
    ruth = factories.participant(incident, factories.user("ruth"), Role.READER, reads_privileged=True)
    incident.set_role(ruth, Role.EXECUTIVE, by=dana, reads_privileged=True)
    assert capabilities(ruth, incident) == BUNDLES[Role.EXECUTIVE]


def test_marks_are_decided_by_whoever_reads_privileged_entries(incident, dana):
    ruth = factories.participant(incident, factories.user("ruth"), reads_privileged=True)
    sent = {"text": "For counsel", "state": "open", "privileged": "on"}
    signed_in(ruth).post(f"{BASE}theories/", sent)
    theo = factories.participant(incident, factories.user("theo"))
    assert "For counsel" in signed_in(ruth).get(BASE).content.decode()
    assert "For counsel" not in signed_in(theo).get(BASE).content.decode()
