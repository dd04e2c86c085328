"""What changed since somebody last looked: a bookmark of their own, that reading a page never moves."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import looking
from incidents.looking import SITTING, Looked
from incidents.news import news
from incidents.vocabulary import Audience, Role
from tests import factories
from tests.markup import parse
from tests.room import canaries_in, canaries_of_text, canary
from tests.signing import sign_in

DOCUMENT = "/incidents/kestrel/"
SINCE = f"{DOCUMENT}since/"
HX = {"HX-Request": "true"}


@pytest.fixture
def tomas(incident):
    """A responder who has seen everything so far, an hour ago."""
    person = factories.participant(incident, factories.user("tomas"))
    looking.seen(incident, person, incident.revision)
    pause(person, timedelta(hours=1))
    return person


@pytest.fixture
def as_tomas(tomas):
    return sign_in(Client(), tomas)


def pause(person, by: timedelta) -> None:
    """Let time pass since this person looked."""
    at = timezone.now() - by
    Looked.objects.filter(user=person).update(at=at, since_at=at)


def marked(client) -> set[str]:
    """The sections with a mark in the navigation."""
    page = parse(client.get(DOCUMENT).content.decode())
    return {
        each.attrs["data-mark"]
        for each in page.all("span")
        if "data-mark" in each.attrs and "New to you" in each.text()
    }


def test_sections_that_others_changed_are_marked_and_listed_with_their_words(incident, dana, tomas, as_tomas):
    entry = factories.entry(incident, "timeline", text="First words")
    incident.change(entry, by=dana, version=1, text="Second words")
    factories.entry(incident, "lessons", text="Rotate")
    factories.entry(incident, "theories", by=tomas, text="My own")
    assert marked(as_tomas) == {"timeline", "lessons"}
    page = as_tomas.get(DOCUMENT).content.decode()
    assert f'data-unseen="timeline-{entry.pk} lessons-' in page or f" timeline-{entry.pk}" in page
    assert "3 changes since" in page
    listed = as_tomas.get(SINCE).content.decode()
    assert "<del>First</del><ins>Second</ins>" in listed and "Rotate" in listed and "My own" not in listed
    assert listed.index("Timeline") < listed.index("Lessons")


def test_reading_moves_nothing(incident, tomas, as_tomas):
    factories.entry(incident, "timeline")
    before = Looked.objects.values().get(user=tomas)
    for _ in range(2):
        assert marked(as_tomas) == {"timeline"}
        as_tomas.get(SINCE)
    assert Looked.objects.values().get(user=tomas) == before


def test_what_was_seen_loses_its_mark_and_stays_listed_for_this_sitting(incident, tomas, as_tomas):
    factories.entry(incident, "timeline", text="While away")
    assert as_tomas.post(SINCE, {"revision": str(incident.revision)}, headers=HX).status_code == 204
    assert marked(as_tomas) == set()
    assert "While away" in as_tomas.get(SINCE).content.decode()
    factories.entry(incident, "lessons", text="While here")
    assert marked(as_tomas) == {"lessons"}
    as_tomas.post(SINCE, {"revision": str(incident.revision)})
    page = as_tomas.get(SINCE).content.decode()
    assert "While away" in page and "While here" in page


def test_a_pause_begins_a_new_sitting(incident, tomas, as_tomas):
    factories.entry(incident, "timeline", text="While away")
    as_tomas.post(SINCE, {"revision": str(incident.revision)})
    pause(tomas, SITTING)
    factories.entry(incident, "lessons", text="The day after")
    page = as_tomas.get(SINCE).content.decode()
    assert "The day after" in page and "While away" not in page
    as_tomas.post(SINCE, {"revision": str(incident.revision)})
    page = as_tomas.get(SINCE).content.decode()
    assert "The day after" in page and "While away" not in page


def test_only_what_was_seen_is_seen(incident, tomas, as_tomas):
    factories.entry(incident, "timeline")
    seen = incident.revision
    factories.entry(incident, "lessons")
    as_tomas.post(SINCE, {"revision": str(seen)})
    assert marked(as_tomas) == {"lessons"}
    as_tomas.post(SINCE, {"revision": "1"})
    assert Looked.objects.get(user=tomas).revision == seen
    as_tomas.post(SINCE, {"revision": "999999"})
    assert Looked.objects.get(user=tomas).revision == incident.revision


@pytest.mark.parametrize("revision", ["", "-1", "²", "9" * 30])
def test_a_look_without_a_revision_is_refused(incident, as_tomas, revision):
    assert as_tomas.post(SINCE, {"revision": revision}).status_code == 400


def test_looking_leaves_no_row_in_the_ledger(incident, as_tomas):
    before = incident.changes.count()
    as_tomas.post(SINCE, {"revision": "3"})
    assert incident.changes.count() == before


def test_the_first_look_marks_nothing(incident, as_dana):
    factories.entry(incident, "timeline", by=factories.participant(incident, factories.user("mei")))
    assert marked(as_dana) == set()
    assert "Everything is new to you" in as_dana.get(SINCE).content.decode()
    as_dana.post(SINCE, {"revision": "1"})
    assert marked(as_dana) == {"timeline"}


def test_the_line_names_the_day_unless_it_is_today(incident, tomas):
    factories.entry(incident, "timeline")
    now = timezone.now()
    Looked.objects.filter(user=tomas).update(at=now - timedelta(days=2))
    earlier = news(incident, tomas, Audience.DOCUMENT).since
    Looked.objects.filter(user=tomas).update(at=now, since_at=now)
    assert (len(earlier.split()), len(news(incident, tomas, Audience.DOCUMENT).since)) == (4, 5)


def test_without_scripts_seen_is_a_button(incident, as_tomas):
    factories.entry(incident, "timeline")
    page = as_tomas.get(DOCUMENT).content.decode()
    assert f'action="{SINCE}"' in page and f'name="revision" value="{incident.revision}"' in page
    assert as_tomas.post(SINCE, {"revision": str(incident.revision)})["Location"] == DOCUMENT
    assert f'action="{SINCE}"' not in as_tomas.get(DOCUMENT).content.decode()


def test_privileged_entries_are_no_news_to_who_may_not_read_them(incident, dana, tomas, as_tomas):
    factories.entry(incident, "timeline", text="zebra", privileged=True)
    entry = factories.entry(incident, "lessons", text="quagga")
    incident.change(entry, by=dana, version=1, privileged=True)
    assert marked(as_tomas) == set()
    assert news(incident, tomas, Audience.DOCUMENT).count == 0
    assert "zebra" not in as_tomas.get(SINCE).content.decode()
    assert "quagga" not in as_tomas.get(SINCE).content.decode()


def test_executives_have_no_line(room):
    client = room.client("executive")
    assert client.get("/incidents/kestrel/since/").status_code == 403
    assert client.post("/incidents/kestrel/since/", {"revision": "1"}).status_code == 403
    client.get("/incidents/kestrel/summary/")
    assert Looked.objects.count() == 0


def test_no_word_that_its_reader_may_not_see_is_in_the_list(room):
    marked = canaries_of_text(str([entry.values() for entry in room.marked.values()]))
    for persona, sees in [("reader", set()), ("legal", marked)]:
        looking.seen(room.incident, room.people[persona], 1)
        seen = canaries_in(room.client(persona).get("/incidents/kestrel/since/"))
        assert seen & marked == sees
        assert canary("timeline", "text") in seen


def test_the_marks_and_the_list_cost_the_same_queries_for_one_change_and_for_three(incident, as_tomas):
    counts = []
    for more in (1, 2):
        for _ in range(more):
            for name in ("timeline", "lessons", "theories"):
                factories.entry(incident, name)
        counts.append([])
        for where in (DOCUMENT, SINCE):
            as_tomas.get(where)
            with CaptureQueriesContext(connection) as asked:
                as_tomas.get(where)
            counts[-1].append(len(asked))
    assert counts[0] == counts[1], counts


def test_looks_of_two_tabs_at_once_make_one_line(incident, dana):
    reader = factories.participant(incident, factories.user("mei"), Role.READER)
    for revision in (2, 3, 2):
        looking.seen(incident, reader, revision)
    assert Looked.objects.get(user=reader).revision == 3


# --- the drawer's part on the server ----------------------------------------------------------------------


def test_the_drawer_gets_the_list_alone_and_a_browser_a_page(incident, as_dana):
    factories.entry(incident, "timeline", text="Found")
    fragment = as_dana.get(f"{DOCUMENT}history/", headers=HX).content.decode()
    page = as_dana.get(f"{DOCUMENT}history/").content.decode()
    assert "<html" not in fragment and "data-close" in fragment and "Found" in fragment
    assert "<html" in page and "data-close" not in page and "Found" in page


def test_the_history_is_sieved_by_section_person_and_kind(incident, dana, tomas, as_dana):
    entry = factories.entry(incident, "timeline", text="danaword")
    factories.entry(incident, "lessons", by=tomas, text="tomasword")
    incident.change(entry, by=tomas, version=1, text="corrected by tomas")
    incident.remove(entry, by=dana)
    where = f"{DOCUMENT}history/"

    def rows(**query) -> list[str]:
        page = parse(as_dana.get(where, query).content.decode())
        return [each.attrs["id"] for each in page.all("li") if each.attrs.get("class") == "chg"]

    newest = incident.revision
    names = {number: f"revision-{newest - number}" for number in range(4)}
    assert rows(person=str(tomas.pk), kind="corrections") == [names[1]]
    assert rows(person=str(tomas.pk), section="lessons") == [names[2]]
    assert rows(kind="hidden") == [names[0]]
    assert rows(entry=str(entry.pk), person=str(dana.pk)) == [names[0], names[3]]
    page = as_dana.get(where).content.decode()
    assert f'<option value="{tomas.pk}"' in page
