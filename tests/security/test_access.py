"""Addresses that somebody kept."""

import pytest

from incidents import codenames, report
from incidents.reading import AccessRecord
from incidents.vocabulary import Audience, Role
from tests import factories
from tests.markup import parse
from tests.test_matrix import SENT, TABLE, address

WITH_INCIDENT = sorted(route for route in TABLE if "<codename:codename>" in route)


def withdraw(room, how: str) -> None:
    """Take the responder's access away."""
    responder, commander = room.people["responder"], room.people["commander"]
    if how == "removed":
        room.incident.let_out(responder, by=commander)
    else:
        type(responder).objects.filter(pk=responder.pk).update(is_active=False)


@pytest.mark.parametrize(("how", "status"), [("removed", 404), ("disabled", 302)])
def test_line_11_links_that_were_kept_obey_todays_grants(room, how, status):
    client = room.client("responder")
    kept = [where for route in WITH_INCIDENT if client.get(where := address(route, room)).status_code == 200]
    step = room.entries["next_steps"]
    kept += [f"/incidents/kestrel/#next_steps-{step.pk}", "/incidents/kestrel/?all=1"]
    assert len(kept) > 8
    withdraw(room, how)
    assert {where: client.get(where).status_code for where in kept} == dict.fromkeys(kept, status)
    posted = {
        route: client.post(address(route, room), SENT.get(route, {})).status_code
        for route in WITH_INCIDENT
        if "POST" in TABLE[route]
    }
    assert set(posted.values()) == {status}


PRINTED_FOR = {"removed": 404, "a reader now": 403, "an executive now": 403, "disabled": 404}


@pytest.mark.parametrize(("how", "status"), PRINTED_FOR.items())
def test_line_03_a_report_is_not_handed_to_whoever_loses_the_right_while_it_is_printed(
    room, monkeypatch, how, status
):
    legal, commander = room.people["legal"], room.people["commander"]

    def print_slowly(html, found):
        if how == "removed":
            room.incident.let_out(legal, by=commander)
        elif how == "disabled":
            type(legal).objects.filter(pk=legal.pk).update(is_active=False)
        else:
            role = Role.READER if how == "a reader now" else Role.EXECUTIVE
            room.incident.set_role(legal, role, by=commander)
        return b"%PDF-"

    client = room.client("legal")
    monkeypatch.setattr(report, "print_pdf", print_slowly)
    answer = client.get("/incidents/kestrel/report.pdf")
    assert (answer.status_code, b"%PDF-" in answer.content) == (status, False)
    assert AccessRecord.objects.filter(kind="report").count() == 0


def test_line_03_a_report_with_marked_entries_is_not_handed_to_whoever_may_not_read_them_any_more(
    room, monkeypatch
):
    legal, commander = room.people["legal"], room.people["commander"]

    def print_slowly(html, found):
        room.incident.set_role(legal, Role.READER, by=commander, may_export=True)
        return b"%PDF-"

    client = room.client("legal")
    monkeypatch.setattr(report, "print_pdf", print_slowly)
    assert client.get("/incidents/kestrel/report.pdf").status_code == 403
    monkeypatch.setattr(report, "print_pdf", lambda html, found: b"%PDF-")
    assert client.get("/incidents/kestrel/report.pdf").status_code == 200


def test_line_11_a_report_holds_no_address_of_this_site(room):
    copy = report.reading.numbered(room.incident, room.people["legal"])
    factories.entry(room.incident, "background", text="See [the plan](/incidents/kestrel/) and /incidents/")
    html = report.compose(room.incident, copy, Audience.PRIVILEGED)
    links = [link.attrs["href"] for link in parse(html).all("a") if "href" in link.attrs]
    assert links and [link for link in links if not link.startswith(("#", "https://"))] == []


def test_line_06_a_proposed_codename_cannot_be_waited_for_and_tried(client, db, monkeypatch):
    monkeypatch.setattr(codenames, "FIRST", ["quiet"])
    monkeypatch.setattr(codenames, "SECOND", ["heron", "quill"])
    outsider, dana = factories.user("outsider"), factories.user("dana")
    factories.incident(dana, codename="QUIET HERON")
    client.force_login(outsider)
    proposed = {client.get("/incidents/start/").context["form"].initial["codename"] for _ in range(20)}
    assert proposed == {"QUIET QUILL"}  # always the same, and never one that is taken
    for codename in ("QUIET HERON", "BUSY HERON"):
        answer = client.post("/incidents/start/", {"title": "Mine", "codename": codename})
        assert answer.headers["Location"].count("-") == 2  # typed, so one more word, taken or not
    answer = client.post("/incidents/start/", {"title": "Mine", "codename": ""})
    assert answer.headers["Location"] == "/incidents/quiet-quill/"
