"""The document as it was known: a fold of the ledger up to a revision. Floor 6.

Nothing here is saved, and no rendering of the past is kept. The reader's rights are those of now: without the
right to read privileged entries, an entry that was marked then, or is marked now, does not exist.
"""

import copy
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from incidents import rendering
from incidents.history import changes_for
from incidents.incident import Incident
from incidents.ledger import ENTRY_ACTIONS, Action, Change
from incidents.sections import SECTIONS
from incidents.sections.base import Entry
from incidents.vocabulary import Audience, Capability, Status

# What changes the document itself; invitations, comments and acceptances do not.
SHOWN = ENTRY_ACTIONS | {Action.START, Action.SET, Action.HAND_OVER, Action.TAKE}
READING = {Capability.SUMMARY, Capability.READ, Capability.EXPORT, Capability.PRIVILEGED}


@dataclass
class Past:
    """An incident at a revision.

    `incident` is an unsaved copy with title, status, zone, commander, revision and head as they were; `at` (UTC) and
    `newest` are time and revision of the newest change in it that its reader may know of.
    """

    incident: Incident
    at: datetime
    newest: int
    audience: str
    entries: dict[str, dict[uuid.UUID, Entry]]

    def listed(self, oldest_first: bool = False) -> list[rendering.Listed]:
        """All twelve sections, as the page and the report show them."""
        return [self._section(section, oldest_first) for section in SECTIONS.values()]

    def shown(self, name: str) -> list[Any]:
        """The entries of a section that were on the page, of the section's model."""
        privileged = self.audience == Audience.PRIVILEGED
        found = self.entries.get(name, {}).values()
        return [entry for entry in found if not entry.hidden and (privileged or not entry.privileged)]

    def _section(self, section, oldest_first: bool) -> rendering.Listed:
        shown = self.shown(section.name)
        if not section.many and not shown:
            shown = [section.model(pk=uuid.uuid5(self.incident.pk, section.name), incident=self.incident)]
        return rendering.arranged(section, shown, self.incident, oldest_first)


def at(incident: Incident, revision: int, audience: str) -> Past | None:
    """The document at a revision for an audience; None when there was no such revision.

    Costs the same queries whatever the size: the rows, the people named in them, the marks since, the files.
    """
    if not 0 < revision <= incident.revision:
        return None
    rows = list(incident.changes.filter(revision__lte=revision, action__in=SHOWN).order_by("revision"))
    told = changes_for(incident, audience).filter(revision__lte=revision).latest("revision")
    people = User.objects.in_bulk(_people(rows))
    then = copy.copy(incident)
    then.revision, then.status = revision, Status.INVESTIGATING
    then.held = frozenset(getattr(incident, "held", frozenset()) & READING)
    then.head = incident.changes.values_list("hash", flat=True).get(revision=revision)
    entries: dict[str, dict[uuid.UUID, Entry]] = {}
    for row in rows:
        if row.action in ENTRY_ACTIONS:
            _apply(row, then, entries.setdefault(row.section, {}), people)
        else:
            _apply_to_incident(row, then, people)
    if audience != Audience.PRIVILEGED:
        _mark_as_now(incident, revision, entries)
    _link(entries, people)
    _name_files(incident, entries)
    return Past(then, told.at, told.revision, audience, entries)


def until(incident, audience: str, moment: datetime) -> int | None:
    """The last revision before a moment that an audience may know of; None before the incident began."""
    row = changes_for(incident, audience).filter(at__lt=moment).first()
    return row.revision if row else None


def beside(incident, audience: str, revision: int) -> tuple[int | None, int | None]:
    """The revisions before and after that changed the document; None at either end."""
    rows = changes_for(incident, audience).filter(action__in=SHOWN).values_list("revision", flat=True)
    before = rows.filter(revision__lt=revision).first()
    after = rows.filter(revision__gt=revision).order_by("revision").first()
    return before, after


def _people(rows: list[Change]) -> set:
    """The ids of everybody whom these rows name."""
    found = {row.actor_id for row in rows}
    for row in rows:
        if row.action in ENTRY_ACTIONS:
            found |= {row.values.get(name) for name in _relations(SECTIONS[row.section].model, User)}
        else:
            found |= {row.values.get("user"), row.values.get("commander")}
    return found - {None}


def _relations(model: type[Entry], *targets: type) -> list[str]:
    """The fields of a section's own that point to somebody or to another entry; with targets, to these only."""
    columns = [model._meta.get_field(name) for name in model.own]
    return [c.name for c in columns if c.many_to_one and (not targets or c.related_model in targets)]


def _apply(row: Change, then, known: dict, people: dict) -> None:
    """An entry after one more row."""
    entry = known.get(row.entry_id)
    if entry is None:
        entry = SECTIONS[row.section].model(pk=row.entry_id, incident=then, number=len(known) + 1)
        entry.author, entry.recorded_at = people[row.actor_id], row.at
        known[row.entry_id] = entry
    entry.assign(row.values)
    entry.version, entry.hidden = row.version, row.action == Action.REMOVE
    entry.changed_by, entry.changed_at = people[row.actor_id], row.at
    entry.settle()


def _apply_to_incident(row: Change, then, people: dict) -> None:
    for name in ("title", "zone_name", "status"):
        setattr(then, name, row.values.get(name, getattr(then, name)))
    if row.action == Action.START:
        then.commander = people[row.actor_id]
    elif row.action == Action.HAND_OVER:
        then.commander = people[uuid.UUID(row.values["user"])]
    elif row.action == Action.TAKE:
        then.commander = people[row.actor_id]


def _mark_as_now(incident, revision: int, entries: dict) -> None:
    """What is marked privileged now counts as marked then for who may not read it."""
    since = incident.changes.filter(revision__gt=revision, action__in=ENTRY_ACTIONS).order_by("revision")
    now = dict(since.values_list("entry_id", "privileged"))
    for known in entries.values():
        for entry in known.values():
            entry.privileged = entry.privileged or now.get(entry.pk, False)


def _link(entries: dict, people: dict) -> None:
    """Let entries point to people, and to the other entries as they were then."""
    everything = {pk: entry for known in entries.values() for pk, entry in known.items()}
    for entry in everything.values():
        for name in _relations(type(entry)):
            target = getattr(entry, f"{name}_id")
            if target is not None:
                setattr(entry, name, people.get(target) or everything[target])


def _name_files(incident, entries: dict) -> None:
    """Where the bytes of a file lie is no part of the ledger, and never changes."""
    files = entries.get("appendix", {})
    stored = SECTIONS["appendix"].model._default_manager.filter(incident=incident).exclude(stored="")
    for pk, name in stored.values_list("pk", "stored"):
        if pk in files:
            files[pk].stored = name
