"""A section or an export that nobody has classified fails the suite, as a route does (tests/test_matrix.py).

Both tables are written by hand: say in them who may see the new one, and that the room plants canaries in it.
"""

import pkgutil

import pytest

from incidents import exports, past, report
from incidents.exports import json as case_file
from incidents.management.commands import export_incident
from incidents.reading import AccessRecord
from incidents.sections import SECTIONS
from incidents.sections.background import BackgroundSection
from incidents.vocabulary import Audience
from tests.room import canaries_of, canaries_of_text, canary

EXECUTIVE, READERS, GATE = "the executive too", "readers of the document", "everybody let in, at the gate"

# Who is shown a section, and the fields in which the room plants a canary.
CLASSIFIED = {
    "classification": (GATE, "discussion scheme treatment"),
    "summary": (
        EXECUTIVE,
        "business_impact current_state decisions_wanted detected_by incident_type organisation statement",
    ),
    "timeline": (READERS, "link note source text"),
    "indicators": (READERS, "note value"),
    "details": (READERS, "source technique text"),
    "response": (READERS, "done_by source text"),
    "next_steps": (READERS, "assignee_role outcome text"),
    "theories": (READERS, "evidence_against evidence_for text why"),
    "lessons": (READERS, "link owner text"),
    "background": (READERS, "heading text"),
    "comms": (READERS, "approver audience channel link text"),
    "appendix": (READERS, "custody link name note text"),
}

# Formats of `manage.py export_incident` that the tests below look through.
EXPORTED = {"json"}


def unclassified_sections() -> dict:
    """Sections of which the registry and the table say different things."""
    planted = {name: " ".join(sorted(canaries_of(name))) for name in SECTIONS}
    told = {name: fields for name, (_, fields) in CLASSIFIED.items()}
    return {name: planted.get(name) for name in planted.keys() | told if planted.get(name) != told.get(name)}


def unclassified_exports() -> set[str]:
    """Formats, and modules of incidents/exports/, that only one side knows."""
    modules = {module.name for module in pkgutil.iter_modules(exports.__path__)}
    return (set(export_incident.FORMATS) ^ EXPORTED) | (modules ^ EXPORTED)


def test_every_section_is_classified_and_bears_canaries():
    assert unclassified_sections() == {}
    assert all(fields for _, fields in CLASSIFIED.values())


def test_a_section_that_is_not_classified_is_named(monkeypatch):
    monkeypatch.setitem(SECTIONS, "costs", BackgroundSection())
    assert set(unclassified_sections()) == {"costs"}


def test_a_section_that_loses_a_canary_is_named(monkeypatch):
    model = SECTIONS["theories"].model
    monkeypatch.setattr(model, "own", tuple(name for name in model.own if name != "text"))
    assert set(unclassified_sections()) == {"theories"}


def test_every_export_is_classified():
    assert unclassified_exports() == set()


def test_an_export_that_is_not_classified_is_named(monkeypatch):
    monkeypatch.setitem(export_incident.FORMATS, "csv", case_file.text)
    assert unclassified_exports() == {"csv"}


def planted(*suffixes: str) -> set[str]:
    """The canaries of every section."""
    texts = (str(canaries_of(name, suffix)) for name in SECTIONS for suffix in suffixes)
    return canaries_of_text(" ".join(texts))


def test_line_02_the_executive_is_given_no_entry_of_a_section_for_readers(room):
    given = {name for name, section in SECTIONS.items() if section.visible(room.incident, Audience.SUMMARY)}
    assert given == {name for name, (who, _) in CLASSIFIED.items() if who == EXECUTIVE}


@pytest.mark.parametrize("format", sorted(EXPORTED))
def test_an_export_holds_every_open_canary_and_none_that_is_closed(room, format):
    said = {
        audience: canaries_of_text(export_incident.FORMATS[format](room.incident, audience))
        for audience in (Audience.DOCUMENT, Audience.PRIVILEGED)
    }
    files = {canary("file", "name"), canary("picture", "name")}
    opened = planted("") | files | {canary("title")}
    marked = {found for found in planted("marked") if not found.startswith(canary("classification"))}
    marked -= canaries_of_text(str(canaries_of("summary", "marked")))
    assert said == {Audience.DOCUMENT: opened, Audience.PRIVILEGED: opened | marked}


def test_a_report_of_the_past_holds_every_open_canary_and_none_that_is_closed(room):
    said = {}
    for audience in (Audience.DOCUMENT, Audience.PRIVILEGED):
        then = past.at(room.incident, room.incident.revision, audience)
        copy = AccessRecord(incident=room.incident, user=room.people["legal"], kind="report", revision=1)
        said[audience] = canaries_of_text(report.compose(room.incident, copy, audience, then))
    files = {canary("file", "name"), canary("picture", "name")}
    opened = planted("") | files | {canary("title")}
    marked = {found for found in planted("marked") if not found.startswith(canary("classification"))}
    marked -= canaries_of_text(str(canaries_of("summary", "marked")))
    # An edited sentence stands in the place of the facts that it is made of, as in the report of today.
    copy = AccessRecord(incident=room.incident, user=room.people["legal"], kind="report", revision=1)
    today = canaries_of_text(report.compose(room.incident, copy, Audience.PRIVILEGED))
    assert said[Audience.PRIVILEGED] == today and opened & today == opened
    assert said[Audience.DOCUMENT] == today - marked
