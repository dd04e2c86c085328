"""What every section must bring: template, form, capture, facts, page, push, history, report.

A new section is picked up by itself.
"""

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents import facts, history, rendering, report
from incidents.exports import json
from incidents.people import IncidentGrant
from incidents.reading import AccessRecord, record
from incidents.sections import SECTIONS
from incidents.vocabulary import Audience, Capability
from tests import factories
from tests.markup import filled, parse

ALL = list(SECTIONS.values())
MANY = [section for section in ALL if section.many]
names = {"ids": lambda section: section.name}
HX = {"HX-Request": "true"}


def marker(section) -> tuple[str, str]:
    """A text field of a section, and a word for it."""
    field = next(f for f in ("text", "business_impact", "treatment", "note") if f in section.model.own)
    return field, f"marker{section.name.replace('_', '')}"


@pytest.fixture
def entry_of(incident):
    """Makes an entry of a section with its marker in it."""

    def make(section):
        field, word = marker(section)
        return factories.entry(incident, section.name, **{field: word})

    return make


def everything(section) -> dict:
    """A value in every field of a section that a form can hold, each unlike the usual."""
    fields: dict = {}
    for name in section.model.fields():
        column = section.model._meta.get_field(name)
        if name in section.model.moments():
            fields[name] = factories.NOON.replace(second=31)
            if f"{name}_precision" in section.model.fields():
                fields[f"{name}_precision"] = "minute"
        elif isinstance(column, models.BooleanField):
            fields[name] = True
        elif isinstance(column, models.URLField):
            fields[name] = f"https://{name}.example/"
        elif isinstance(column, models.TextField):
            fields[name] = f"a {name}\nof two lines"
        elif isinstance(column, models.CharField) and column.editable and not column.choices:
            fields[name] = f"a {name}"
    return fields


def test_numbers_are_the_order_of_the_registry():
    assert [section.number for section in ALL] == list(range(1, len(ALL) + 1))
    assert [section.name for section in ALL][:12] == [
        "classification",
        "summary",
        "timeline",
        "indicators",
        "details",
        "response",
        "next_steps",
        "theories",
        "lessons",
        "background",
        "comms",
        "appendix",
    ]


@pytest.mark.parametrize("section", ALL, **names)
def test_a_section_says_what_it_is_for(section):
    assert section.title and section.guidance.endswith(".") and section.kind


@pytest.mark.parametrize("section", ALL, **names)
def test_every_field_that_people_write_is_in_the_form_or_set_by_the_server(section, incident):
    form = section.form(incident=incident, held=set(Capability), instance=section.model(incident=incident))
    by_server = {name for name in section.model.fields() if not section.model._meta.get_field(name).editable}
    assert set(section.model.fields()) - by_server - set(form.fields) == set()


@pytest.mark.parametrize("section", ALL, **names)
def test_every_field_is_a_fact_of_a_case_file(section):
    written = set(facts.names(section).values()) | {field for field, _ in section.links.values()}
    precisions = {f"{moment}_precision" for moment in section.model.moments()}
    assert set(section.model.fields()) - written - precisions == set()


@pytest.mark.parametrize("section", ALL, **names)
def test_the_page_the_push_the_history_and_the_report_show_it(section, incident, dana, as_dana, entry_of):
    _, word = marker(section)
    entry = entry_of(section)
    page = as_dana.get("/incidents/kestrel/").content.decode()
    fragment = as_dana.get(f"/incidents/kestrel/{section.name}/", headers=HX).content.decode()
    pushed = rendering.message(incident, [incident.changes.last()], Audience.DOCUMENT)
    copy = record(incident, dana, AccessRecord.Kind.REPORT)
    printed = report.compose(incident, copy, Audience.DOCUMENT)
    told = history.described(incident, [incident.changes.last()], Audience.DOCUMENT)
    body = type(entry).objects.get(pk=entry.pk).rendered
    assert word in body
    assert [body in place for place in (page, fragment, pushed)] == [True] * 3
    assert report.for_paper(body) in printed
    assert word in str([difference.html for difference in told[0].diffs])
    assert word in str(json.case(incident, Audience.DOCUMENT))


@pytest.mark.parametrize("section", MANY, **names)
def test_one_typed_line_makes_an_entry(section, incident, dana):
    fields = section.capture("203.0.113.77", timezone.now())
    entry = section.model(**fields)
    incident.add(entry, by=dana)
    assert "203.0.113" in str(section.shown(incident, Audience.DOCUMENT).get().values())


@pytest.mark.parametrize("section", [section for section in MANY if section.capture_label], **names)
def test_capture_puts_the_line_where_it_goes(section, incident, as_dana):
    address = reverse("capture", args=["kestrel"])
    answer = as_dana.post(address, {"text": "198.51.100.4", "dest": section.name}, headers=HX)
    assert answer.status_code == 200 and "data-arrivals" in answer.content.decode()
    plain = as_dana.post(address, {"text": "198.51.100.5", "dest": section.name})
    assert plain.status_code == 302
    assert section.shown(incident, Audience.DOCUMENT).count() == 2


@pytest.mark.parametrize(
    ("text", "said"), [("  ", "the line is empty"), ("a\x00b", "damaged"), ("x" * 30_000, "too long")]
)
def test_capture_keeps_a_line_that_it_cannot_take(incident, as_dana, text, said):
    for headers in ({}, HX):
        answer = as_dana.post(
            "/incidents/kestrel/capture/", {"text": text, "dest": "timeline"}, headers=headers
        )
        assert answer.status_code == 422 and said in answer.content.decode()
    assert incident.changes.count() == 1
    assert as_dana.post("/incidents/kestrel/capture/", {"text": "x", "dest": "summary"}).status_code == 404


@pytest.mark.parametrize("section", ALL, **names)
def test_the_form_opens_alone_and_as_a_page_and_saves_what_it_shows(section, incident, as_dana):
    entry = factories.entry(incident, section.name, **everything(section))
    edit = reverse("edit", args=["kestrel", section.name, entry.pk])
    alone = as_dana.get(edit, headers=HX).content.decode()
    page = as_dana.get(edit).content.decode()
    assert alone.lstrip().startswith("<form") and "<html" in page
    answer = as_dana.post(reverse("entry", args=["kestrel", section.name, entry.pk]), filled(parse(alone)))
    assert answer.status_code == 302
    assert incident.changes.filter(action="change").count() == 0, (
        "saving the form as it stands changes nothing"
    )


@pytest.mark.parametrize("section", MANY, **names)
def test_the_list_costs_the_same_queries_for_one_and_for_three(section, incident, as_dana, entry_of):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost() -> int:
        as_dana.get(f"/incidents/kestrel/{section.name}/")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            as_dana.get(f"/incidents/kestrel/{section.name}/")
        return len(captured)

    entry_of(section)
    one = cost()
    entry_of(section)
    entry_of(section)
    assert cost() == one


def test_steps_are_taken_and_ticked_in_one_tap(incident, dana, as_dana):
    step = factories.entry(incident, "next_steps")
    tomas = factories.participant(incident, factories.user("tomas"))

    def act(verb: str) -> str:
        answer = as_dana.post(reverse("act", args=["kestrel", "next_steps", step.pk, verb]), headers=HX)
        assert answer.status_code == (404 if verb == "promote" else 200)
        step.refresh_from_db()
        return answer.content.decode()

    act("take")
    act("done")
    act("done")
    assert (step.assignee, step.state) == (dana, "done")
    act("reopen")
    assert step.state == "open"
    incident.change(step, by=tomas, version=step.version, assignee=tomas)
    assert "Tomas took it 1 s ago." in act("take")
    assert step.assignee == tomas
    act("promote")


def test_without_scripts_the_same_addresses_work_by_page(incident, dana):
    browser = Client()
    browser.force_login(dana)
    added = browser.post(
        "/incidents/kestrel/timeline/",
        {"at_0": "24 Nov 2026", "at_1": "10:44", "text": "Last sign"},
    )
    entry = SECTIONS["timeline"].shown(incident, Audience.DOCUMENT).get()
    assert added["Location"] == f"/incidents/kestrel/#timeline-{entry.pk}"
    hidden = browser.post(f"/incidents/kestrel/timeline/{entry.pk}/hide/")
    assert hidden["Location"] == "/incidents/kestrel/#timeline"
    assert "Undo" in browser.get(hidden["Location"]).content.decode()
    browser.post(f"/incidents/kestrel/timeline/{entry.pk}/restore/")
    assert SECTIONS["timeline"].shown(incident, Audience.DOCUMENT).get() == entry


def test_a_long_section_sends_its_newest_part_and_the_rest_on_demand(incident, as_dana):
    for number in range(105):
        factories.entry(incident, "lessons", text=f"lesson number {number}.")
    first = as_dana.get("/incidents/kestrel/").content.decode()
    assert "lesson number 104." in first and "lesson number 4." not in first and "5 earlier" in first
    assert "lesson number 4." in as_dana.get("/incidents/kestrel/?all=1").content.decode()
    assert "lesson number 4." in as_dana.get("/incidents/kestrel/lessons/").content.decode()


def test_a_body_is_rendered_once_and_anew_after_a_release(incident, monkeypatch):
    rendered = []
    original = rendering.render_to_string
    monkeypatch.setattr(
        rendering, "render_to_string", lambda name, *rest: rendered.append(name) or original(name, *rest)
    )
    entry = factories.entry(incident, "timeline", text="As it stands")
    for _ in range(3):
        rendering.listed(SECTIONS["timeline"], incident, Audience.DOCUMENT)
    assert rendered == ["sections/timeline.html#body"]
    monkeypatch.setattr(rendering, "release", lambda: "another release")
    rendering.listed(SECTIONS["timeline"], incident, Audience.DOCUMENT)
    assert rendered == ["sections/timeline.html#body"] * 2
    entry.author.display_name = "Dana Whitfield-Jones"
    entry.author.save()
    assert "Dana Whitfield-Jones" in str(
        rendering.listed(SECTIONS["timeline"], incident, Audience.DOCUMENT).groups[0][2][0].body
    )


def test_grants_are_individual(incident):
    assert set(IncidentGrant.objects.values_list("user__email", flat=True)) == {"dana@example.com"}


def test_editing_keeps_an_assignee_who_left_and_a_link_to_what_was_hidden(incident, dana, as_dana):
    tomas = factories.participant(incident, factories.user("tomas"))
    step = factories.entry(incident, "next_steps", assignee=tomas)
    fact = factories.entry(incident, "timeline", text="zebra words")
    detail = factories.entry(incident, "details", timeline_entry=fact)
    incident.let_out(tomas, by=dana)
    incident.remove(fact, by=dana)
    for entry, name, kept in ((step, "assignee", tomas.pk), (detail, "timeline_entry", fact.pk)):
        form = as_dana.get(
            reverse("edit", args=["kestrel", entry.section, entry.pk]), headers=HX
        ).content.decode()
        assert f'value="{kept}" selected' in form and "zebra" not in form
        values = {
            **factories.LEAST[entry.section],
            name: kept,
            "version": 1,
            "priority": "normal",
            "state": "open",
        }
        as_dana.post(
            reverse("entry", args=["kestrel", entry.section, entry.pk]), {**values, "text": "New words"}
        )
        entry.refresh_from_db()
        assert (entry.text, getattr(entry, f"{name}_id")) == ("New words", kept)
    assert str(tomas.pk) not in as_dana.get("/incidents/kestrel/next_steps/new/", headers=HX).content.decode()
