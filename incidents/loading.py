"""A case file → an incident, whole or not at all. Floor 7.

Everything goes through the incident's own door in one transaction, so the ledger of a loaded incident is as
complete as that of a typed one. Keys that nobody knows are named in warnings; nothing is dropped silently.
"""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.zones import zones
from incidents import facts, moments
from incidents.exports.json import FIRST, NOTE_NAME
from incidents.facts import Unreadable
from incidents.incident import Incident
from incidents.sections import SECTIONS
from incidents.sections.base import Section, TimedEntry
from incidents.vocabulary import AppendixKind, Precision, Status

HEAD = {"codename", "title", "status"}
TOP = {*HEAD, *FIRST, "zone", "sources", "compiler_notes", *SECTIONS}
ORDER = [name for name in SECTIONS if name != "response"] + ["response"]  # its links point into next steps


class Broken(Exception):
    """The file cannot be loaded; the text is one line naming file, key and reason."""


def load(path: Path, commander: User, roles: dict[User, str] | None = None) -> tuple[Incident, list[str]]:
    """Load a case file; returns the incident and the warnings. Raises Broken, and then nothing was loaded.

    `roles` are the people who are let in beside the commander; they may be authors and assignees.
    """
    case = _parse(path)
    loader = Loader(case, commander, roles or {})
    try:
        with transaction.atomic():
            return loader.run(), loader.warnings
    except Unreadable as fault:
        raise Broken(f"{path.name}: {fault.key}: {fault.reason}") from fault
    except ValidationError as fault:
        named = getattr(fault, "message_dict", {})
        key = f"{next(iter(named))}: " if named else ""
        raise Broken(f"{path.name}: {key}{' '.join(fault.messages)}") from fault


def _parse(path: Path) -> dict:
    try:
        case = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise Broken(f"{path.name}: cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise Broken(f"{path.name}: is not UTF-8 at byte {fault.start}") from fault
    except json.JSONDecodeError as fault:
        raise Broken(
            f"{path.name}: is not JSON at line {fault.lineno}, column {fault.colno}: {fault.msg}"
        ) from fault
    except RecursionError as fault:
        raise Broken(f"{path.name}: is nested too deeply") from fault
    except ValueError as fault:
        raise Broken(f"{path.name}: holds a number that is too large") from fault
    if not isinstance(case, dict):
        raise Broken(f"{path.name}: is not an object with the keys of a case")
    return case


class Loader:
    """One run over one case file; `warnings` fills up on the way."""

    def __init__(self, case: dict, commander: User, roles: dict[User, str]):
        self.case, self.commander, self.roles = case, commander, roles
        self.people = {user.email: user for user in [commander, *roles]}
        self.warnings: list[str] = []
        self.ids: dict[str, list] = {}

    def run(self) -> Incident:
        """Write everything; raises Unreadable at the first fact that cannot be taken."""
        self._warn_unknown("", set(self.case) - TOP)
        summary = self._object("summary")
        self.zone = self._find_zone()
        self.incident = Incident.start(
            title=self._line("title"),
            codename=self._line("codename"),
            by=self.commander,
            zone_name=self.zone.key,
        )
        self._let_people_in()
        self._load_single("classification", self._object("classification"))
        self._load_single("summary", {**self._summary_from_top(summary), **summary})
        for name in ORDER:
            if SECTIONS[name].many:
                self._load_list(SECTIONS[name], self._rows(name))
        status = summary.get("status", self.case.get("status", Status.INVESTIGATING))
        if status not in Status.values:
            raise Unreadable("summary.status", f"{status!r} is not one of {', '.join(Status.values)}")
        self.incident.set_fields(by=self.commander, status=status)
        return self.incident

    def _line(self, key: str) -> str:
        value = self.case.get(key)
        if not isinstance(value, str) or not value.strip():
            raise Unreadable(key, "is missing or not a text")
        try:
            facts.check_text(value)
        except ValidationError as fault:
            raise Unreadable(key, " ".join(fault.messages)) from fault
        return value.strip()

    def _object(self, key: str) -> dict:
        value = self.case.get(key) or {}
        if not isinstance(value, dict):
            raise Unreadable(key, "is not an object")
        return value

    def _summary_from_top(self, summary: dict) -> dict:
        top = {key: self.case[key] for key in FIRST if key in self.case}
        for key in {*FIRST, "codename", "title"} & set(summary):
            if key in self.case and self.case[key] != summary[key]:
                self.warnings.append(f"summary.{key} differs from {key}; summary.{key} was taken")
        return top

    def _find_zone(self) -> ZoneInfo:
        """The zone that the file names, else the one in which its day-only times are midnights."""
        named = self.case.get("zone")
        if named is not None:
            if not isinstance(named, str) or named not in zones():
                raise Unreadable("zone", f"{named!r} is not an IANA time zone")
            return ZoneInfo(named)
        days = []
        for name, section in SECTIONS.items():
            if issubclass(section.model, TimedEntry):
                for number, row in enumerate(self._rows(name), 1):
                    if row.get("precision") == Precision.DAY and row.get("at"):
                        days.append(
                            facts.read_moment(f"{name}[{number}].at", row["at"], ZoneInfo("UTC"), "second").at
                        )
        try:
            return moments.zone_of_days(days)
        except ValueError:
            self.warnings.append("the offsets of day-only times fit no time zone; UTC was taken")
            return ZoneInfo("UTC")

    def _rows(self, name: str) -> list[dict]:
        rows = self.case.get(name) or []
        if name == "background" and isinstance(rows, str):
            rows = [{"text": rows}]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Unreadable(name, "is not a list of objects")
        if name == "appendix":
            rows = [*self._sources(), *rows, *self._notes()]
        return rows

    def _sources(self) -> list[dict]:
        sources = self.case.get("sources") or []
        if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
            raise Unreadable("sources", "is not a list of objects")
        renamed = {"url": "link", "checked": "source_checked"}
        return [
            {
                "kind": str(AppendixKind.SOURCE),
                "name": f"{source.get('id', '')} {source.get('title', '')}".strip(),
                **{
                    renamed.get(key, key): value
                    for key, value in source.items()
                    if key not in ("id", "title")
                },
            }
            for source in sources
        ]

    def _notes(self) -> list[dict]:
        notes = self.case.get("compiler_notes") or []
        if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
            raise Unreadable("compiler_notes", "is not a list of texts")
        return [{"kind": str(AppendixKind.NOTE), "name": NOTE_NAME, "text": note} for note in notes]

    def _let_people_in(self) -> None:
        for user, role in self.roles.items():
            self.incident.let_in(user, role, by=self.commander)

    def _load_single(self, name: str, row: dict) -> None:
        section = SECTIONS[name]
        try:
            fields, unknown = facts.read(section, row, self.zone, self.people)
        except Unreadable as fault:
            raise Unreadable(f"{name}.{fault.key}", fault.reason) from fault
        self._warn_unknown(name, set(unknown) - (HEAD if name == "summary" else set()))
        if fields:
            entry = section.single(self.incident)
            for field, value in fields.items():
                setattr(entry, field, value)
            self.incident.add(entry, by=self.commander)

    def _load_list(self, section: Section, rows: list[dict]) -> None:
        self.ids[section.name] = []
        before = None
        for number, row in enumerate(rows, 1):
            try:
                entry = self._entry(section, dict(row), number)
                if isinstance(entry, TimedEntry) and "stands_after" not in row:
                    self._keep_order(entry, before)
                entry.full_clean(exclude=["incident", "author", "changed_by", "place"])
                self.incident.add(entry, by=self._author(section, row, number))
            except Unreadable as fault:
                raise Unreadable(f"{section.name}[{number}].{fault.key}", fault.reason) from fault
            except ValidationError as fault:
                key = next(iter(getattr(fault, "message_dict", {"": []})))
                raise Unreadable(f"{section.name}[{number}].{key}", " ".join(fault.messages)) from fault
            self.ids[section.name].append(entry.pk)
            before = entry

    def _entry(self, section: Section, row: dict, number: int):
        row.pop("author", None)
        try:
            row = section.from_case(row)
        except ValueError as fault:
            raise Unreadable(*fault.args) from fault
        self._keep_strangers(section, row, number)
        fields, unknown = facts.read(section, row, self.zone, self.people)
        self._warn_unknown(f"{section.name}[{number}]", set(unknown))
        for key, (field, target) in section.links.items():
            if key in row:
                fields[f"{field}_id"] = self._target(key, row[key], target)
        return section.model(incident=self.incident, **fields)

    def _target(self, key: str, position: object, section: str):
        ids = self.ids.get(section, [])
        if not isinstance(position, int) or not 1 <= position <= len(ids):
            raise Unreadable(key, f"is not the position of an entry of {section}")
        return ids[position - 1]

    def _keep_strangers(self, section: Section, row: dict, number: int) -> None:
        """Somebody who is not in the incident cannot be assigned; their address stays as text."""
        for key, kept in section.person_as_text.items():
            address = row.get(key)
            if not isinstance(address, str | None):
                raise Unreadable(key, "is not a text")
            if address and str(address).lower() not in self.people:
                where = f"{section.name}[{number}].{key}"
                self.warnings.append(f"{where}: {address} is not in this incident; kept as text in {kept}")
                row[kept] = "; ".join(filter(None, [row.get(kept), str(row.pop(key))]))

    def _author(self, section: Section, row: dict, number: int) -> User:
        address = row.get("author")
        if address is None:
            return self.commander
        author = self.people.get(str(address).lower())
        if author is None or not self.incident.participants.filter(
            user=author, role__in=("commander", "responder")
        ):
            self.warnings.append(
                f"{section.name}[{number}].author: {address} cannot write here; the commander was taken"
            )
            return self.commander
        return author

    def _keep_order(self, entry: TimedEntry, before: TimedEntry | None) -> None:
        """Array order is the true order: a coarse or missing time stands after the entry before it."""
        if before is None:
            return
        here = entry.moment("at")
        if here is None or here.at <= before.place < here.end and here.precision != Precision.SECOND:
            if here is None or before.place > here.at or before.tie:
                entry.stands_after = before.place

    def _warn_unknown(self, where: str, keys: set[str]) -> None:
        for key in sorted(keys):
            self.warnings.append(
                f"{where + '.' if where else ''}{key} is not a key that is known; it was left out"
            )
