"""Case files that are broken are refused whole with one line; what is unknown is named; the example loads."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from incidents import loading
from incidents.incident import Incident
from incidents.ledger import Change
from incidents.sections import SECTIONS
from tests import factories

ROOT = Path(__file__).parent.parent

SMALL = {
    "codename": "QUIET HARBOUR",
    "title": "A small case",
    "zone": "Europe/Berlin",
    "summary": {"status": "contained", "severity": "low"},
    "timeline": [
        {"at": "2026-11-20T10:00:00+01:00", "precision": "minute", "text": "First"},
        {"at": "2026-11-20T00:00:00+01:00", "precision": "day", "text": "Second"},
    ],
    "indicators": [{"type": "domain", "value": "evil.example"}],
    "next_steps": [{"text": "Look", "due": "2026-11-25", "done": False}],
    "response": [{"at": "2026-11-20T11:00:00+01:00", "precision": "minute", "text": "Did", "next_step": 1}],
    "background": "About the systems.",
    "compiler_notes": ["Invented."],
}


def changed(**keys) -> dict:
    return {**SMALL, **keys}


@pytest.fixture
def load(db, tmp_path):
    """Write a case and load it by the command; returns the codename and what was said on the side."""

    def run(
        case: object, name: str = "case.json", commander: str = "lead@example.com"
    ) -> tuple[str, list[str]]:
        path = tmp_path / name
        path.write_bytes(case if isinstance(case, bytes) else json.dumps(case).encode())
        out, err = io.StringIO(), io.StringIO()
        call_command("load_incident", str(path), commander=commander, stdout=out, stderr=err)
        said = [line for line in err.getvalue().splitlines() if "had no account" not in line]
        return out.getvalue().strip(), said

    return run


def nothing_was_loaded() -> bool:
    rows = [section.model.objects.count() for section in SECTIONS.values()]
    return (Incident.objects.count(), Change.objects.count(), sum(rows)) == (0, 0, 0)


def deep(levels: int) -> bytes:
    return b'{"codename": "X", "title": "x", "background": ' + b"[" * levels + b"]" * levels + b"}"


ROW = {"at": "2026-11-20T10:00:00Z", "precision": "minute", "text": "x"}
BROKEN = {
    "not JSON": (b'{"codename": "X",,}', "is not JSON at line 1, column 18"),
    "empty": (b"", "is not JSON at line 1, column 1"),
    "cut off": (json.dumps(SMALL).encode()[:200], "is not JSON at line 1"),
    "not UTF-8": (b'{"title": "\xff"}', "is not UTF-8 at byte 11"),
    "UTF-16": (json.dumps(SMALL).encode("utf-16"), "is not UTF-8 at byte 0"),
    "a list": ([1, 2], "is not an object with the keys of a case"),
    "a text": ("case", "is not an object with the keys of a case"),
    "nested deeply": (deep(100_000), "is nested too deeply"),
    "nested": (deep(40), "background: is not a list of objects"),
    "a huge number": (b'{"title": ' + b"9" * 5000 + b"}", "holds a number that is too large"),
    "no title": ({k: v for k, v in SMALL.items() if k != "title"}, "title: is missing or not a text"),
    "empty title": (changed(title=" "), "title: is missing or not a text"),
    "title a number": (changed(title=7), "title: is missing or not a text"),
    "title too long": (changed(title="x" * 201), "title: "),
    "no codename": (
        {k: v for k, v in SMALL.items() if k != "codename"},
        "codename: is missing or not a text",
    ),
    "codename too long": (changed(codename="x" * 200), "codename: "),
    "title with NUL": (changed(title="a\0b"), "title: The text holds a character that is damaged"),
    "title with a lone surrogate": (
        changed(title="a\ud800b"),
        "title: The text holds a character that is damaged",
    ),
    "unknown zone": (changed(zone="Europe/Atlantis"), "zone: 'Europe/Atlantis' is not an IANA time zone"),
    "zone a path": (changed(zone="../../etc/passwd"), "zone: '../../etc/passwd' is not an IANA time zone"),
    "zone a list": (changed(zone=["UTC"]), "zone: ['UTC'] is not an IANA time zone"),
    "summary a list": (changed(summary=[1]), "summary: is not an object"),
    "unknown status": (
        changed(summary={"status": "over"}),
        "summary.status: 'over' is not one of investigating",
    ),
    "status a list": (changed(summary={"status": ["closed"]}), "summary.status: ['closed'] is not one of"),
    "unknown severity": (changed(summary={"severity": "awful"}), "summary.severity: "),
    "days a text": (changed(summary={"dwell_days": "ten"}), "summary.dwell_days: is not a whole number"),
    "days true": (changed(summary={"dwell_days": True}), "summary.dwell_days: is not a whole number"),
    "days negative": (changed(summary={"dwell_days": -1}), "summary.dwell_days: "),
    "days too many": (changed(summary={"dwell_days": 10**30}), "summary.dwell_days: "),
    "timeline an object": (changed(timeline={}), ""),
    "timeline a text": (changed(timeline="x"), "timeline: is not a list of objects"),
    "row a text": (changed(timeline=[ROW, "x"]), "timeline: is not a list of objects"),
    "bad date": (
        changed(timeline=[ROW, {**ROW, "at": "yesterday"}]),
        "timeline[2].at: 'yesterday' is not an ISO 8601 date or time",
    ),
    "no such day": (
        changed(timeline=[{**ROW, "at": "2026-02-30T00:00:00Z"}]),
        "timeline[1].at: '2026-02-30T00:00:00Z' is not an ISO 8601 date or time",
    ),
    "no offset": (
        changed(timeline=[{**ROW, "at": "2026-02-03T10:00:00"}]),
        "timeline[1].at: '2026-02-03T10:00:00' has no offset; write Z or one such as +02:00",
    ),
    "year one": (
        changed(timeline=[{**ROW, "at": "0001-01-01T00:00:00Z"}]),
        "timeline[1].at: '0001-01-01T00:00:00Z' is not between the years 1900 and 2999",
    ),
    "date a number": (
        changed(timeline=[{**ROW, "at": 1700000000}]),
        "timeline[1].at: is not a text with a date",
    ),
    "unknown precision": (
        changed(timeline=[{**ROW, "precision": "week"}]),
        "timeline[1].precision: 'week' is not one of second, minute, hour, day",
    ),
    "precision a list": (changed(timeline=[{**ROW, "precision": ["day"]}]), "timeline[1].precision: "),
    "text a number": (changed(timeline=[{**ROW, "text": 5}]), "timeline[1].text: is not a text"),
    "text too long": (changed(timeline=[{**ROW, "text": "x" * 20_001}]), "timeline[1].text: "),
    "no text": (changed(timeline=[{"at": ROW["at"]}]), "timeline[1].text: This field cannot be blank."),
    "text with NUL": (
        changed(timeline=[{**ROW, "text": "a\0"}]),
        "timeline[1].text: The text holds a character",
    ),
    "text with a lone surrogate": (
        changed(timeline=[{**ROW, "text": "\udc00"}]),
        "timeline[1].text: The text holds a character",
    ),
    "source too long": (changed(timeline=[{**ROW, "source": "x" * 301}]), "timeline[1].source: "),
    "link to a script": (
        changed(timeline=[{**ROW, "link": "javascript:alert(1)"}]),
        "timeline[1].link: Enter a valid URL.",
    ),
    "mark a text": (
        changed(timeline=[{**ROW, "constructed": "yes"}]),
        "timeline[1].constructed: is not true or false",
    ),
    "unknown type": (changed(indicators=[{"type": "ipv5", "value": "x"}]), "indicators[1].type: "),
    "unknown phase": (changed(details=[{"phase": "lunch", "text": "x"}]), "details[1].phase: "),
    "done a text": (
        changed(next_steps=[{"text": "x", "done": "no"}]),
        "next_steps[1].done: is not true or false",
    ),
    "due in no form": (
        changed(next_steps=[{"text": "x", "due": "soon"}]),
        "next_steps[1].due: 'soon' is not an ISO",
    ),
    "assignee a list": (changed(next_steps=[{"text": "x", "assignee": ["a"]}]), "next_steps[1].assignee"),
    "step that is not there": (
        changed(response=[{**ROW, "next_step": 9}]),
        "response[1].next_step: is not the position of an entry of next_steps",
    ),
    "sources a text": (changed(sources="S1"), "sources: is not a list of objects"),
    "source without a name": (changed(sources=[{"url": "https://a.example"}]), "appendix[1].name: "),
    "notes a text": (changed(compiler_notes="x"), "compiler_notes: is not a list of texts"),
    "classification a text": (changed(classification="secret"), "classification: is not an object"),
}
LOADS = {"timeline an object"}  # nothing in it, so nothing is wrong


@pytest.mark.parametrize("kind", sorted(set(BROKEN) - LOADS))
def test_broken_case_is_refused_in_one_line_and_nothing_is_loaded(load, kind):
    content, reason = BROKEN[kind]
    with pytest.raises(CommandError) as refusal:
        load(content)
    assert str(refusal.value).startswith(f"case.json: {reason}")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400
    assert nothing_was_loaded()


def test_file_that_cannot_be_read_is_named(db, tmp_path):
    for path, reason in ((tmp_path / "none.json", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(CommandError) as refusal:
            call_command("load_incident", str(path), commander="lead@example.com")
        assert str(refusal.value) == f"{path.name}: cannot be read: {reason}"


def test_file_with_a_byte_order_mark_is_read(load):
    slug, said = load("\ufeff".encode() + json.dumps(SMALL).encode())
    assert (slug, said) == ("quiet-harbour", [])


def test_whole_case_is_loaded_through_the_door(load):
    slug, said = load(SMALL)
    assert (slug, said) == ("quiet-harbour", [])
    incident = Incident.objects.get(slug=slug)
    assert (incident.title, incident.zone_name, incident.status) == (
        "A small case",
        "Europe/Berlin",
        "contained",
    )
    assert incident.commander.email == "lead@example.com"
    assert incident.changes.count() == incident.revision == 10
    call_command("verify_ledger", slug)
    call_command("check_access")
    first, second = SECTIONS["timeline"].shown(incident, "document")
    assert (first.text, second.text, second.at_precision, second.stands_after) == (
        "First",
        "Second",
        "day",
        first.at,
    )
    [did] = SECTIONS["response"].shown(incident, "document")
    assert did.next_step.text == "Look"


def test_unknown_keys_are_named_and_the_rest_is_loaded(load):
    case = changed(
        weather="rain",
        summary={"status": "closed", "mood": "low"},
        timeline=[{**ROW, "colour": "red", "stored": "0" * 48, "number": 9, "hidden": True}],
    )
    slug, said = load(case)
    assert said == [
        "case.json: weather is not a key that is known; it was left out",
        "case.json: summary.mood is not a key that is known; it was left out",
        *(
            f"case.json: timeline[1].{key} is not a key that is known; it was left out"
            for key in ("colour", "hidden", "number", "stored")
        ),
    ]
    [entry] = SECTIONS["timeline"].model.objects.filter(incident__slug=slug)
    assert (entry.text, entry.number, entry.hidden) == ("x", 1, False)


def test_case_cannot_claim_a_stored_file(load):
    row = {
        "name": "x",
        "kind": "file",
        "stored": "0" * 48,
        "sha256": "f" * 64,
        "size": 7,
        "content_type": "image/png",
    }
    slug, said = load(changed(appendix=[row]))
    assert said == ["case.json: appendix[1].stored is not a key that is known; it was left out"]
    entry = SECTIONS["appendix"].model.objects.get(incident__slug=slug, name="x")
    assert (entry.stored, entry.is_picture) == ("", False)
    call_command("verify_files")


def test_codename_that_is_taken_gets_another_word(load):
    names = [load(SMALL)[0] for _ in range(3)]
    assert names[0] == "quiet-harbour" and len(set(names)) == 3
    assert all(name.startswith("quiet-harbour-") for name in names[1:])
    assert Incident.objects.count() == 3


def test_two_names_for_one_fact_are_told(load):
    slug, said = load(changed(organisation="A", summary={"organisation": "B", "status": "closed"}))
    assert said == [
        "case.json: summary.organisation differs from organisation; summary.organisation was taken"
    ]
    assert SECTIONS["summary"].single(Incident.objects.get(slug=slug)).organisation == "B"


def test_people_of_a_case_who_are_not_here_are_told(load):
    case = changed(
        timeline=[{**ROW, "author": "stranger@example.com"}],
        next_steps=[{"text": "Look", "assignee": "stranger@example.com"}],
    )
    slug, said = load(case)
    assert said == [
        "case.json: timeline[1].author: stranger@example.com cannot write here; the commander was taken",
        "case.json: next_steps[1].assignee: stranger@example.com is not in this incident; "
        "kept as text in assignee_role",
    ]
    [step] = SECTIONS["next_steps"].model.objects.filter(incident__slug=slug)
    assert (step.assignee, step.assignee_role) == (None, "stranger@example.com")
    [entry] = SECTIONS["timeline"].model.objects.filter(incident__slug=slug)
    assert entry.author.email == "lead@example.com"


def test_days_that_fit_no_zone_are_told(load):
    rows = [
        {**ROW, "at": f"2026-11-20T00:00:00{offset}", "precision": "day"}
        for offset in ("+01:00", "-07:00", "Z")
    ]
    case = {key: value for key, value in changed(timeline=rows).items() if key != "zone"}
    slug, said = load(case)
    assert said == ["case.json: the offsets of day-only times fit no time zone; UTC was taken"]
    shown = SECTIONS["timeline"].shown(Incident.objects.get(slug=slug), "document")
    assert {entry.at.isoformat() for entry in shown} == {"2026-11-20T00:00:00+00:00"}


def test_account_of_the_commander_is_made_once_without_a_password(load):
    load(SMALL, commander="New.Person@Example.com")
    account = User.objects.get(email="new.person@example.com")
    assert not account.has_usable_password()
    load(SMALL, commander="new.person@example.com")
    assert User.objects.count() == 1


# --- the example ----------------------------------------------------------------------------------------


@pytest.fixture
def example(db):
    """The example incident with its people, and the warnings of loading it."""
    rows = json.loads((ROOT / "examples" / "people.json").read_text())
    roles = {User.objects.create_user(row["email"], display_name=row["name"]): row["role"] for row in rows}
    commander = next(person for person, role in roles.items() if role == "commander")
    return (*loading.load(ROOT / "examples" / "incident.json", commander, others(roles)), roles)


def others(roles: dict) -> dict:
    """Those who are let in beside the commander."""
    return {person: role for person, role in roles.items() if role != "commander"}


def test_example_loads_with_its_people_and_nothing_to_warn_of(example):
    incident, warnings, roles = example
    assert warnings == []
    assert {(row.user.email, row.role) for row in incident.participants.select_related("user")} == {
        (person.email, role) for person, role in roles.items()
    }
    case = json.loads((ROOT / "examples" / "incident.json").read_text())
    for name in (
        "timeline",
        "indicators",
        "details",
        "next_steps",
        "theories",
        "lessons",
        "response",
        "comms",
    ):
        assert SECTIONS[name].model.objects.filter(incident=incident).count() == len(case[name]), name
    authors = {row["author"] for row in case["timeline"] if "author" in row}
    assert {entry.author.email for entry in SECTIONS["timeline"].model.objects.all()} >= authors


def test_example_survives_the_round_through_its_export(example, tmp_path):
    incident, _, roles = example
    first = exported(incident)
    path = tmp_path / "again.json"
    path.write_text(json.dumps(first))
    again, warnings = loading.load(path, incident.commander, others(roles))
    assert warnings == []
    second = exported(again)
    assert json.loads(json.dumps(second).replace(again.codename, incident.codename)) == first


def exported(incident) -> dict:
    out = io.StringIO()
    call_command("export_incident", incident.slug, format="json", stdout=out)
    return json.loads(out.getvalue())


def test_export_leaves_out_what_the_audience_may_not_read(room):
    from incidents.exports import json as export

    for audience, marked in (("document", False), ("privileged", True)):
        text = export.text(room.incident, audience)
        assert ("marked" in text) is marked and "hidden" not in text
    assert "marked" in exported_text(room.incident)


def exported_text(incident) -> str:
    out = io.StringIO()
    call_command("export_incident", incident.slug, stdout=out)
    return out.getvalue()


def test_typed_incident_survives_the_round_through_its_export(dana, tmp_path):
    incident = factories.incident(dana, zone_name="Europe/Berlin")
    step = factories.entry(incident, "next_steps", state="doing", priority="urgent", outcome="half")
    fact = factories.entry(
        incident, "timeline", until=factories.NOON, until_precision="day", milestone="detected"
    )
    for name in SECTIONS:
        links = {"response": {"next_step": step}, "details": {"timeline_entry": fact}}.get(name, {})
        factories.entry(incident, name, **links)
    factories.entry(incident, "background", heading="Second", text="block")
    factories.entry(incident, "appendix", name="S1 Report", kind="source", text="", link="https://a.example/")
    first = exported(incident)
    path = tmp_path / "again.json"
    path.write_text(json.dumps(first))
    again, warnings = loading.load(path, dana)
    assert warnings == []
    assert json.loads(json.dumps(exported(again)).replace(again.codename, incident.codename)) == first
