"""Undo: one's own last change, for a minute, as a new row; nobody else's, and never twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.door import Impossible, Refused
from incidents.incident import Conflict, Incident
from incidents.sections import SECTIONS
from incidents.vocabulary import Role
from tests import factories
from tests.signing import sign_in

UNDO = "/incidents/kestrel/undo/"
HX = {"HX-Request": "true"}


@pytest.fixture
def tomas(incident):
    """A responder in the incident."""
    return factories.participant(incident, factories.user("tomas"))


def undo(incident, entry, by):
    """Take back the newest row of the ledger."""
    section = SECTIONS[entry.section]
    saved = incident.undo(entry, incident.changes.order_by("revision").last(), by=by, hides=section.many)
    entry.refresh_from_db()
    return saved


def test_an_added_entry_goes_out_of_sight(incident, dana):
    entry = factories.entry(incident, "timeline")
    undo(incident, entry, dana)
    row = incident.changes.last()
    assert (entry.hidden, row.action, row.reason) == (True, "remove", f"Undo of revision {row.revision - 1}")


def test_a_change_goes_back_to_the_words_before(incident, dana):
    entry = factories.entry(incident, "timeline", text="First words", source="Log")
    incident.change(entry, by=dana, version=1, text="Second words", source="")
    undo(incident, entry, dana)
    row = incident.changes.last()
    assert (entry.text, entry.source, entry.version) == ("First words", "Log", 3)
    assert (row.action, row.reason) == ("change", f"Undo of revision {row.revision - 1}")


def test_a_hidden_entry_comes_back_and_one_brought_back_goes(incident, dana):
    entry = factories.entry(incident, "lessons")
    incident.remove(entry, by=dana)
    undo(incident, entry, dana)
    assert (entry.hidden, incident.changes.last().action) == (False, "restore")
    incident.remove(entry, by=dana)
    incident.restore(entry, by=dana)
    undo(incident, entry, dana)
    assert entry.hidden


def test_words_that_brought_an_entry_back_go_and_hide_it_again(incident, dana):
    entry = factories.entry(incident, "lessons", text="First words")
    incident.remove(entry, by=dana)
    incident.change(entry, by=dana, version=1, restore=True, text="Second words")
    undo(incident, entry, dana)
    assert (entry.text, entry.hidden) == ("First words", True)


def test_a_verb_is_undone_like_any_change(incident, as_dana):
    step = factories.entry(incident, "next_steps")
    for verb, field, before in [("take", "assignee", None), ("done", "state", "open")]:
        as_dana.post(f"/incidents/kestrel/next_steps/{step.pk}/do/{verb}/")
        as_dana.post(UNDO)
        step.refresh_from_db()
        assert getattr(step, field) == before


def test_the_first_words_of_a_section_of_one_thing_go_back_to_none(incident, dana):
    entry = factories.entry(incident, "summary", business_impact="None yet")
    undo(incident, entry, dana)
    assert (entry.business_impact, entry.hidden) == ("", False)


def test_what_a_colleague_changed_since_stays(incident, dana, tomas, as_dana):
    entry = factories.entry(incident, "theories", text="First words")
    incident.change(entry, by=dana, version=1, text="Second words")
    incident.change(entry, by=tomas, version=2, why="A colleague's")
    answer = as_dana.post(UNDO, headers=HX)
    assert "What was changed in it since stays." in answer.content.decode()
    entry.refresh_from_db()
    assert (entry.text, entry.why) == ("First words", "A colleague's")


def test_the_same_words_changed_by_a_colleague_are_a_conflict(incident, dana, tomas, as_dana):
    entry = factories.entry(incident, "theories", text="First words")
    incident.change(entry, by=dana, version=1, text="Second words")
    incident.change(entry, by=tomas, version=2, text="Third words")
    with pytest.raises(Conflict):
        incident.undo(entry, incident.last_change(dana), by=dana)
    answer = as_dana.post(UNDO, headers=HX)
    assert (answer.status_code, answer["HX-Retarget"]) == (409, f"#theories-{entry.pk}-body")
    assert "First" in answer.content.decode() and "Third" in answer.content.decode()


def test_an_entry_that_a_colleague_wrote_in_is_not_hidden_by_undoing_its_add(incident, dana, tomas, as_dana):
    entry = factories.entry(incident, "theories", text="First words")
    incident.change(entry, by=tomas, version=1, why="A colleague's")
    answer = as_dana.post(UNDO, headers=HX)
    assert answer.status_code == 409 and "Tomas changed it since" in answer.content.decode()
    entry.refresh_from_db()
    assert not entry.hidden


def test_words_of_an_entry_that_a_colleague_hid_stay_hidden(incident, dana, tomas, as_dana):
    entry = factories.entry(incident, "theories", text="First words")
    incident.change(entry, by=dana, version=1, text="Second words")
    incident.remove(entry, by=tomas)
    answer = as_dana.post(UNDO, headers=HX)
    assert answer.status_code == 409 and "Tomas hid it since" in answer.content.decode()


def test_nobody_undoes_what_somebody_else_did(incident, dana, tomas, as_dana):
    entry = factories.entry(incident, "theories", by=tomas)
    with pytest.raises(Impossible, match="your own"):
        undo(incident, entry, dana)
    before = incident.revision
    answer = as_dana.post(UNDO, {"revision": str(before)}, headers=HX)
    assert answer.status_code == 409 and "no change of yours" in answer.content.decode()
    incident.refresh_from_db()
    assert incident.revision == before


def test_undoing_twice_undoes_once(incident, dana, as_dana):
    factories.entry(incident, "lessons")
    revision = str(incident.revision)
    first = as_dana.post(UNDO, {"revision": revision}, headers=HX)
    second = as_dana.post(UNDO, {"revision": revision}, headers=HX)
    third = as_dana.post(UNDO, headers=HX)
    assert [first.status_code, second.status_code, third.status_code] == [200, 409, 409]
    assert "undone already" in second.content.decode()
    assert "was an undo" in third.content.decode()
    assert incident.changes.filter(reason__startswith="Undo of").count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_undos_at_once_undo_once():
    dana = factories.user("dana")
    incident = factories.incident(dana)
    factories.entry(incident, "lessons", text="kept")
    factories.entry(incident, "lessons", text="undone")
    clients = [sign_in(Client(), dana) for _ in range(10)]
    answers = []

    def press(client):
        answers.append(client.post(UNDO, {"revision": str(incident.revision)}, headers=HX).status_code)
        connection.close()

    presses = [threading.Thread(target=press, args=[client]) for client in clients]
    for each in presses:
        each.start()
    for each in presses:
        each.join()
    assert sorted(answers) == [200] + [409] * 9
    assert list(SECTIONS["lessons"].model.objects.filter(hidden=False).values_list("text", flat=True)) == [
        "kept"
    ]


def test_only_the_last_change_can_be_undone(incident, dana, as_dana):
    factories.entry(incident, "lessons")
    first = str(incident.revision)
    factories.entry(incident, "lessons")
    answer = as_dana.post(UNDO, {"revision": first}, headers=HX)
    assert answer.status_code == 409 and "something else since" in answer.content.decode()


def test_after_a_minute_it_is_too_late(incident, dana, as_dana, monkeypatch):
    factories.entry(incident, "lessons")
    assert "data-undo=" in as_dana.get("/incidents/kestrel/").content.decode()
    monkeypatch.setattr("incidents.incident.UNDO", timedelta(0))
    assert "data-undo=" not in as_dana.get("/incidents/kestrel/").content.decode()
    answer = as_dana.post(UNDO, headers=HX)
    assert answer.status_code == 409 and "more than a minute old" in answer.content.decode()


def test_an_undo_of_a_marked_entry_needs_the_right_to_it(incident, dana, tomas):
    incident.set_role(tomas, Role.RESPONDER, by=dana, reads_privileged=True)
    entry = factories.entry(incident, "theories", by=tomas, privileged=True)
    incident.set_role(tomas, Role.RESPONDER, by=dana)
    with pytest.raises(Refused):
        incident.undo(entry, incident.last_change(tomas), by=tomas)


def test_the_button_stands_after_a_change_and_after_loading_the_page_again(incident, as_dana):
    added = as_dana.post("/incidents/kestrel/lessons/", {"text": "x"}, headers=HX).content.decode()
    incident.refresh_from_db()
    wanted = f'name="revision" value="{incident.revision}"'
    assert wanted in added and 'data-undo="60"' in added
    assert wanted in as_dana.get("/incidents/kestrel/").content.decode()
    undone = as_dana.post(UNDO, {"revision": str(incident.revision)}, headers=HX).content.decode()
    assert "Undone." in undone and "data-undo" not in undone and "data-gone" in undone
    assert "data-undo" not in as_dana.get("/incidents/kestrel/").content.decode()


def test_without_scripts_the_document_or_a_page_answers(incident, as_dana):
    entry = factories.entry(incident, "lessons")
    revision = str(incident.revision)
    done = as_dana.post(UNDO, {"revision": revision})
    assert (done.status_code, done["Location"]) == (302, "/incidents/kestrel/#lessons")
    again = as_dana.post(UNDO, {"revision": revision})
    assert again.status_code == 409 and "undone already" in again.content.decode()
    entry.refresh_from_db()
    assert entry.hidden


def test_a_reader_is_offered_nothing(incident, dana, tomas):
    factories.entry(incident, "lessons", by=tomas)
    incident.set_role(tomas, Role.READER, by=dana)
    client = sign_in(Client(), tomas)
    assert "data-undo" not in client.get("/incidents/kestrel/").content.decode()
    assert client.post(UNDO).status_code == 403


def test_an_undo_costs_the_same_queries_in_a_small_and_a_large_incident(incident, as_dana):
    counts = []
    for more in (1, 3):
        for _ in range(more):
            factories.entry(incident, "lessons")
        with CaptureQueriesContext(connection) as asked:
            assert as_dana.post(UNDO, headers=HX).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1], counts


def test_the_incident_is_whole_after_an_undo(incident, dana):
    from incidents import ledger

    entry = factories.entry(incident, "theories")
    undo(incident, entry, dana)
    assert list(ledger.faults(Incident.objects.get(pk=incident.pk))) == []
