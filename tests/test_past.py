"""As known at: the fold of the ledger is the document, at the newest revision and at every one before it."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from incidents import past, rendering, report
from incidents.incident import Incident
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.vocabulary import Audience, Role
from tests import factories
from tests.room import canaries_in, canaries_of_text, canary

CASES = sorted((Path(__file__).parent / "cases").glob("*-20??.json"))
HISTORY = "/incidents/kestrel/history/"
MANY = [name for name, section in SECTIONS.items() if section.many]


def drawn(listed: list[rendering.Listed]) -> list:
    """What a document shows, as far as it is not the page around it."""
    return [
        (
            each.section.name,
            each.count,
            each.latest and (each.latest.pk, each.latest.changed_at, each.latest.changed_by),
            [
                (key, [(e.pk, e.number, e.version, e.day, e.sort, e.marks, e.body, e.author_id) for e in inside])
                for key, _, inside in [
                    (key, label, [e for e in entries if e.version]) for key, label, entries in each.groups
                ]
            ],
        )
        for each in listed
    ]  # fmt: skip


def present(incident, audience: str) -> list:
    """The document as it is, with its head."""
    fresh = Incident.objects.select_related("commander").get(pk=incident.pk)
    head = (fresh.title, fresh.status, fresh.zone_name, fresh.commander, fresh.revision, fresh.head)
    return [head, drawn_unwritten(rendering.document(fresh, audience))]


def known(incident, revision: int, audience: str) -> list:
    """The document as it was, read from the ledger."""
    then = past.at(Incident.objects.get(pk=incident.pk), revision, audience)
    was = then.incident
    head = (was.title, was.status, was.zone_name, was.commander, was.revision, was.head)
    return [head, drawn_unwritten(then.listed())]


def drawn_unwritten(listed: list[rendering.Listed]) -> list:
    """As `drawn`; a section of one thing that nobody wrote yet has no author."""
    for each in listed:
        for entry in each.entries:
            if not entry.version:
                entry.author_id = None
    return drawn(listed)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_the_fold_at_the_newest_revision_is_the_document(case, dana):
    call_command("load_incident", str(case), commander=dana.email, verbosity=0)
    incident = Incident.objects.get()
    for audience in (Audience.DOCUMENT, Audience.PRIVILEGED):
        assert known(incident, incident.revision, audience) == present(incident, audience)


STEP = st.tuples(st.sampled_from(["add", "change", "hide", "restore", "title", "status", "mark", "hand over"]),
                 st.integers(0, 7), st.sampled_from(["one", "two", "three"]))  # fmt: skip


class EveryRevision(TestCase):
    """Random edits; after each the document is kept, and later compared with what the ledger says it was."""

    @settings(max_examples=8, deadline=None, derandomize=True)
    @given(st.lists(STEP, min_size=6, max_size=14))
    def test_the_fold_at_each_revision_is_what_the_document_was(self, steps):
        dana, tomas = factories.user("dana"), factories.user("tomas")
        incident = factories.incident(dana)
        factories.participant(incident, tomas)
        entries, was = [], {}
        for deed, pick, word in steps:
            commander = incident.commander
            other = tomas if commander == dana else dana
            entry = entries[pick % len(entries)] if entries else None
            if deed == "title":
                incident.set_fields(by=commander, title=word)
            elif deed == "status":
                incident.set_fields(by=commander, status="contained" if pick % 2 else "recovered")
            elif deed == "hand over":
                incident.hand_over(other, by=commander, reason="Shift")
            elif deed == "add" or entry is None:
                name = ["timeline", "response", "next_steps", "details", "lessons", "theories"][pick % 6]
                by = [commander, other][pick % 2]
                fields = {"at": None, "at_precision": ""} if name == "response" and pick % 2 else {}
                entries.append(factories.entry(incident, name, by=by, **fields))
            else:
                entry.refresh_from_db()
                if deed == "change":
                    extra = linked(entry, entries, other)
                    if not entry.hidden:
                        incident.change(entry, by=commander, version=entry.version, text=word, **extra)
                elif deed == "mark":
                    if not entry.hidden:
                        incident.change(entry, by=commander, version=entry.version, privileged=bool(pick % 2))
                else:
                    (incident.remove if deed == "hide" else incident.restore)(entry, by=commander)
            was[incident.revision] = present(incident, Audience.PRIVILEGED)
        for revision, document in was.items():
            assert known(incident, revision, Audience.PRIVILEGED) == document
        assert known(incident, incident.revision, Audience.DOCUMENT) == present(incident, Audience.DOCUMENT)


def linked(entry, entries: list, person) -> dict:
    """A link from this entry to somebody or to another entry."""
    if entry.section == "next_steps":
        return {"assignee": person}
    targets = {"details": ("timeline_entry", "timeline"), "response": ("next_step", "next_steps")}
    field, section = targets.get(entry.section, ("", ""))
    found = [other for other in entries if other.section == section]
    return {field: found[-1]} if found else {}


def test_a_page_of_the_past_shows_each_entry_as_it_was_and_nothing_to_press(incident, dana, as_dana):
    entry = factories.entry(incident, "timeline", text="First words")
    then = incident.revision
    incident.change(entry, by=dana, version=1, text="Second words")
    factories.entry(incident, "lessons", text="Written later")
    incident.set_fields(by=dana, title="Another title", status="contained")
    page = as_dana.get(f"{HISTORY}{then}/document/").content.decode()
    assert "First words" in page and "Second words" not in page and "Written later" not in page
    assert "Intruder in the wiki" in page and "Another title" not in page and "Investigating" in page
    assert f"revision {then}.</b> Read-only." in page
    assert f"{HISTORY}{then + 1}/document/" in page and f"{HISTORY}1/document/" in page
    body = page[page.index("<fieldset") :]
    assert "hx-" not in body and "data-edit" not in body and "<form" not in body
    entry.refresh_from_db()
    assert "Second words" in as_dana.get("/incidents/kestrel/").content.decode()


def test_a_revision_that_is_not_there_is_not_found(incident, as_dana):
    for revision in (0, incident.revision + 1, 10**17):
        assert as_dana.get(f"{HISTORY}{revision}/document/").status_code == 404
        assert as_dana.get(f"{HISTORY}{revision}/report.pdf").status_code == 404


def test_a_moment_leads_to_the_last_revision_in_it(incident, as_dana, monkeypatch):
    monkeypatch.setattr("incidents.incident.timezone.now", lambda: factories.NOON)
    factories.entry(incident, "timeline")
    noon = incident.revision
    monkeypatch.setattr("incidents.incident.timezone.now", lambda: factories.NOON + timedelta(minutes=2))
    factories.entry(incident, "lessons")
    asked = {"12:00": noon, "12:00:00": noon, "12:01": noon, "12:02": noon + 1, "": noon + 1}
    found = {
        clock: as_dana.get(f"{HISTORY}at/", {"day": "24 Nov 2026", "clock": clock}).headers.get("Location")
        for clock in asked
    }
    assert found == {clock: f"{HISTORY}{revision}/document/" for clock, revision in asked.items()}


@pytest.mark.parametrize(
    ("day", "clock", "words"),
    [
        ("the other day", "12:00", "is not a date"),
        ("24 Nov 2026", "noon", "is not a time"),
        ("", "12:00", "is not a date"),
        ("1 Jan 2001", "", "had not been started then"),
        ("31 Dec 2999", "23:59", ""),
    ],
)
def test_a_moment_that_cannot_be_shown_says_why_and_keeps_what_was_typed(
    incident, as_dana, day, clock, words
):
    answer = as_dana.get(f"{HISTORY}at/", {"day": day, "clock": clock})
    if not words:
        assert answer.status_code == 302
        return
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page
    assert f'value="{day}"' in page and f'value="{clock}"' in page


# --- who may read it --------------------------------------------------------------------------------------


def test_what_is_privileged_now_or_was_then_is_left_out_for_who_may_not_read_it(incident, dana):
    then_marked = factories.entry(incident, "timeline", text="zebra", privileged=True)
    marked_now = factories.entry(incident, "timeline", text="quagga")
    both = factories.entry(incident, "details", text="fact", timeline_entry=marked_now)
    first = incident.revision
    incident.change(then_marked, by=dana, version=1, text="zebra opened", privileged=False)
    incident.change(marked_now, by=dana, version=1, privileged=True)

    def bodies(revision: int, audience: str) -> str:
        then = past.at(incident, revision, audience)
        return "".join(entry.body for listed in then.listed() for entry in listed.entries)

    for revision in range(first, incident.revision + 1):
        seen = bodies(revision, Audience.DOCUMENT)
        assert "quagga" not in seen and f"timeline-{marked_now.pk}" not in seen
        assert ("zebra" in seen) == (revision > first)
        assert "fact" in seen and both.number == 1
        assert "quagga" in bodies(revision, Audience.PRIVILEGED)


def test_no_page_of_the_past_holds_a_word_that_its_reader_may_not_see(room, monkeypatch):
    monkeypatch.setattr(report, "print_pdf", lambda html, found: html.encode())
    marked = canaries_of_text(str([entry.values() for entry in room.marked.values()]))
    for persona in ("reader", "responder", "commander", "executive", "outsider", "revoked"):
        client, seen = room.client(persona), set()
        for revision in (1, room.incident.revision // 2, room.incident.revision):
            for rest in ("document/", "report.pdf"):
                seen |= canaries_in(client.get(f"{HISTORY}{revision}/{rest}"))
        if persona == "commander":
            assert marked <= seen
        elif persona in ("reader", "responder"):
            assert seen & marked == set() and canary("timeline", "text") in seen
        else:
            assert seen - {canary("classification", "scheme")} == set()


def test_the_moment_of_a_change_that_one_may_not_see_cannot_be_found(incident, as_dana, dana, monkeypatch):
    reader = factories.participant(incident, factories.user("tomas"), Role.READER)
    open_until = incident.revision
    factories.entry(incident, "timeline", privileged=True)
    assert past.until(incident, Audience.DOCUMENT, incident.updated_at + timedelta(days=1)) == open_until
    assert past.beside(incident, Audience.DOCUMENT, 1) == (None, None)
    assert past.at(incident, incident.revision, Audience.DOCUMENT).at == (
        incident.changes.get(revision=open_until).at
    )
    assert reader


def test_reading_the_past_is_recorded(incident, as_dana):
    as_dana.get(f"{HISTORY}1/document/")
    assert AccessRecord.objects.get().subject == "document at revision 1"


# --- its report -------------------------------------------------------------------------------------------


def test_the_report_of_the_past_says_so_on_the_cover_and_on_every_page(incident, dana, as_dana):
    from tests.test_report import text_of

    entry = factories.entry(incident, "timeline", text="First words")
    then = incident.revision
    incident.change(entry, by=dana, version=1, text="Second words")
    answer = as_dana.get(f"{HISTORY}{then}/report.pdf")
    copy = AccessRecord.objects.get(kind="report")
    assert (copy.revision, copy.subject) == (then, f"as known at revision {then}")
    named = f"kestrel-as-known-at-revision-{then}-copy-{copy.copy}.pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{named}"'
    pages = text_of(answer.content, "-raw")
    assert len(pages) > 1
    assert all(page.count("As known at") >= 1 and f"revision {then}" in page for page in pages)
    assert incident.changes.get(revision=then).hash in "".join(pages)
    assert "First words" in "".join(pages) and "Second words" not in "".join(pages)


def test_a_report_of_the_past_is_not_handed_over_once_the_right_is_gone(room, monkeypatch):
    commander, legal = room.people["commander"], room.people["legal"]

    def withdrawn(html, found):
        room.incident.let_out(legal, by=commander)
        return b"%PDF-"

    monkeypatch.setattr(report, "print_pdf", withdrawn)
    assert room.client("legal").get(f"{HISTORY}2/report.pdf").status_code == 404
    assert AccessRecord.objects.filter(kind="report").count() == 0


def test_files_of_the_past_are_listed_with_their_hashes(room):
    then = past.at(room.incident, room.incident.revision, Audience.DOCUMENT)
    then.listed()
    [body] = [entry.body for entry in then.shown("appendix") if entry.pk == room.file.pk]
    assert room.file.sha256 in body and f"/files/{room.file.pk}/" in body


def test_the_past_costs_the_same_queries_whatever_its_size(incident, dana, as_dana):
    def grow():
        for name in MANY:
            factories.entry(incident, name)

    counts = []
    for times in (1, 2):
        for _ in range(times):
            grow()
        with CaptureQueriesContext(connection) as asked:
            assert as_dana.get(f"{HISTORY}{incident.revision}/document/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] and counts[0] <= 22, counts


def test_nothing_of_the_past_is_kept(incident, dana, as_dana):
    entry = factories.entry(incident, "timeline", text="First words")
    then = incident.revision
    incident.change(entry, by=dana, version=1, text="Second words")
    as_dana.get("/incidents/kestrel/")
    before = type(entry).objects.values("rendered", "rendered_key").get()
    with transaction.atomic():
        as_dana.get(f"{HISTORY}{then}/document/")
    assert type(entry).objects.values("rendered", "rendered_key").get() == before
