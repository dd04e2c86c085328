"""An incident as one case file: facts only, so that loading it again gives the same file. Floor 7."""

import json

from incidents import facts
from incidents.sections import SECTIONS
from incidents.sections.base import Entry
from incidents.vocabulary import AppendixKind

FIRST = ("organisation", "incident_type", "notified_at", "business_impact")
NOTE_NAME = "Note on this record"


def case(incident, audience: str) -> dict:
    """The facts of everything that the audience may read, in the shape of tests/cases/*.json."""
    zone = incident.zone
    single = {name: facts.written(SECTIONS[name], _single(name, incident), zone)
              for name in ("classification", "summary")}  # fmt: skip
    lists = _lists(incident, audience)
    appendix, background = lists.pop("appendix"), lists.pop("background")
    notes = [
        row for row in appendix if row["kind"] == AppendixKind.NOTE and set(row) == {"name", "kind", "text"}
    ]
    head = {"codename": incident.codename, "title": incident.title}
    return {
        **head,
        "zone": incident.zone_name,
        **{key: single["summary"][key] for key in FIRST if key in single["summary"]},
        "sources": [_source(row) for row in appendix if row["kind"] == AppendixKind.SOURCE],
        "classification": single["classification"],
        "summary": {**head, **single["summary"], "status": str(incident.status)},
        **lists,
        "background": background[0]["text"] if [set(row) for row in background] == [{"text"}] else background,
        "appendix": [
            _evidence(row) for row in appendix if row["kind"] != AppendixKind.SOURCE and row not in notes
        ],
        "compiler_notes": [row["text"] for row in notes],
    }


def text(incident, audience: str) -> str:
    """The same as indented JSON text."""
    return json.dumps(case(incident, audience), ensure_ascii=False, indent=2) + "\n"


def _single(name: str, incident) -> Entry:
    entry = SECTIONS[name].single(incident)
    entry.incident = incident
    return entry


def _lists(incident, audience: str) -> dict[str, list[dict]]:
    shown = {
        name: list(section.shown(incident, audience)) for name, section in SECTIONS.items() if section.many
    }
    position = {entry.pk: number for entries in shown.values() for number, entry in enumerate(entries, 1)}
    return {name: [_row(incident, entry, position) for entry in entries] for name, entries in shown.items()}


def _row(incident, entry: Entry, position: dict) -> dict:
    entry.incident = incident
    section = SECTIONS[entry.section]
    row = section.to_case(facts.written(section, entry, incident.zone))
    for key, (field, _) in section.links.items():
        target = getattr(entry, f"{field}_id")
        if target in position:
            row[key] = position[target]
    if entry.author_id != incident.commander_id:
        row["author"] = entry.author.email
    return row


def _source(row: dict) -> dict:
    reference, _, title = row["name"].partition(" ")
    renamed = {"link": "url", "source_checked": "checked"}
    rest = {renamed.get(key, key): value for key, value in row.items() if key not in ("name", "kind")}
    return {"id": reference, "title": title, **rest}


def _evidence(row: dict) -> dict:
    return {key: value for key, value in row.items() if not (key == "kind" and value == AppendixKind.EXTRACT)}
