"""The history: who changed what, with the words that changed, and the way back."""

from incidents import history
from incidents.conflicts import word_diff
from incidents.vocabulary import Audience, Role
from tests import factories

HISTORY = "/incidents/kestrel/history/"


def told(incident, audience: str = Audience.PRIVILEGED) -> list:
    """Every row of the history, newest first."""
    return history.described(incident, list(history.changes_for(incident, audience)), audience)


def test_each_deed_is_told_in_words(incident, dana):
    entry = factories.entry(incident, "timeline", text="Found")
    incident.change(entry, by=dana, version=1, reason="Typo", text="Found and closed")
    incident.remove(entry, by=dana)
    incident.set_fields(by=dana, status="contained", title="New title")
    mei = factories.participant(incident, factories.user("mei"), Role.LEGAL)
    incident.set_role(mei, Role.READER, by=dana)
    incident.let_out(mei, by=dana)
    rows = [(row.deed, row.section.title if row.section else "", row.subject) for row in told(incident)]
    assert rows == [
        ("removed", "", "Mei"),
        ("changed the role of", "", "Mei, reader"),
        ("accepted the classification", "", ""),
        ("let in", "", "Mei, legal"),
        ("set", "", "status Contained, title “New title”"),
        ("hid", "Timeline", "Found and closed"),
        ("changed", "Timeline", "Found and closed"),
        ("added", "Timeline", "Found"),
        ("started the incident", "", "title “Intruder in the wiki”, time zone “UTC”"),
    ]


def test_a_difference_shows_the_words_and_escapes_them():
    html = word_diff("closed by <b>Tomas</b>", "closed by <b>Priya</b>")
    assert "<del>Tomas</del><ins>Priya</ins>" in html and "&lt;b&gt;" in html.replace(
        "<span>&lt;</span>", "&lt;"
    )
    assert "<b>" not in html


def test_times_choices_and_people_are_shown_as_words(incident, dana):
    step = factories.entry(incident, "next_steps")
    incident.change(
        step, by=dana, version=1, assignee=dana, state="doing", due=factories.NOON, due_precision="minute"
    )
    shown = {diff.label: diff.html for diff in told(incident)[0].diffs}
    assert "<ins>Dana</ins>" in shown["Assignee"]
    assert "<ins>Doing</ins>" in shown["State"]
    assert "2026" in shown["Due"] and "12" in shown["Due"]


def test_line_46_an_earlier_version_is_restored_as_a_new_revision(incident, dana, as_dana):
    entry = factories.entry(incident, "timeline", text="First words", source="Log", at=factories.NOON)
    incident.change(entry, by=dana, version=1, text="Second words", source="")
    page = as_dana.get(f"{HISTORY}?entry={entry.pk}").content.decode()
    assert "Restore version 1" in page and "Restore version 2" not in page
    answer = as_dana.post(f"/incidents/kestrel/timeline/{entry.pk}/revert/1/")
    assert answer.status_code == 302
    entry.refresh_from_db()
    assert (entry.text, entry.source, entry.version) == ("First words", "Log", 3)
    assert incident.changes.last().reason == "Version 1 restored"
    assert as_dana.post(f"/incidents/kestrel/timeline/{entry.pk}/revert/9/").status_code == 404


def test_restoring_brings_back_links_and_assignees(incident, dana, as_dana):
    step = factories.entry(incident, "next_steps")
    incident.change(step, by=dana, version=1, assignee=dana)
    as_dana.post(f"/incidents/kestrel/next_steps/{step.pk}/revert/1/")
    step.refresh_from_db()
    assert step.assignee is None


def test_a_long_text_is_compared_in_no_time():
    log = "".join(f"10:{number % 60:02} deny 203.0.113.{number % 250}\n" for number in range(8000))
    assert "<ins>" in word_diff(log, log.replace("10:44 deny 203.0.113.44", "10:44 allow 203.0.113.44"))


def test_texts_that_would_take_long_to_compare_are_shown_whole():
    signs = "".join(chr(number) + " " for number in range(0x4E00, 0x4E00 + 140)) * 20
    assert word_diff(signs, signs[::-1]) == f"<del>{signs}</del><ins>{signs[::-1]}</ins>"


def test_line_46_a_hidden_entry_is_brought_back_from_the_history(incident, dana, as_dana):
    entry = factories.entry(incident, "lessons", text="Rotate everything")
    incident.remove(entry, by=dana)
    assert "Bring it back" in as_dana.get(f"{HISTORY}?kind=hidden").content.decode()
    as_dana.post(f"/incidents/kestrel/lessons/{entry.pk}/restore/")
    entry.refresh_from_db()
    assert not entry.hidden
    assert "Bring it back" not in as_dana.get(f"{HISTORY}?kind=hidden").content.decode()


def test_filters_and_pages(incident, dana, as_dana, monkeypatch):
    monkeypatch.setattr("incidents.views.history.PAGE", 3)
    entry = factories.entry(incident, "timeline", text="timelineword")
    factories.entry(incident, "lessons", text="lessonword")
    incident.change(entry, by=dana, version=1, text="corrected")
    timeline = as_dana.get(f"{HISTORY}?section=timeline").content.decode()
    assert "timelineword" in timeline and "lessonword" not in timeline
    corrections = as_dana.get(f"{HISTORY}?kind=corrections").content.decode()
    assert corrections.count('class="chg"') == 1
    first = as_dana.get(HISTORY).content.decode()
    assert "?before=2" in first and "started the incident" not in first
    assert "started the incident" in as_dana.get(f"{HISTORY}?before=2").content.decode()
    assert as_dana.get(f"{HISTORY}?entry=nonsense").status_code == 404


def test_one_change_has_an_address(incident, as_dana):
    factories.entry(incident, "timeline", text="Found")
    assert "Found" in as_dana.get(f"{HISTORY}2/").content.decode()
    assert as_dana.get(f"{HISTORY}99/").status_code == 404


def test_words_of_a_privileged_version_are_never_the_before_of_an_open_one(incident, dana):
    entry = factories.entry(incident, "timeline", text="zebra secret", privileged=True)
    incident.change(entry, by=dana, version=1, text="open words", privileged=False)
    open_rows = told(incident, Audience.DOCUMENT)
    assert "open words" in str(open_rows[0].diffs) and "zebra" not in str(open_rows)
    assert "zebra" in str(told(incident))


def test_a_history_costs_the_same_queries_for_few_and_many(incident, as_dana, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_dana.get(HISTORY)
        return len(captured)

    factories.entry(incident, "timeline")
    few = cost()
    for name in ("timeline", "lessons", "theories"):
        factories.entry(incident, name)
    assert cost() == few
