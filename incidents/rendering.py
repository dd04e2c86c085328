"""Entry → HTML, change → live message. Floor 6.

An entry's body is rendered once and kept beside it; the page, the push and the report use the same bytes.
Nothing here knows who is looking: only which of the three audiences.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from incidents import conversation, succession
from incidents.ledger import COMMENT_ACTIONS, ENTRY_ACTIONS, HEAD_ACTIONS, PEOPLE_ACTIONS, Action, Change
from incidents.sections import SECTIONS
from incidents.sections.base import Entry, Section
from incidents.vocabulary import Audience, Milestone, Status


@dataclass
class Listed:
    """A section as a page or a report shows it."""

    section: Section
    groups: list[tuple[str, str, list[Entry]]]
    count: int
    latest: Entry | None
    earlier: int = 0

    @property
    def entries(self) -> list[Any]:
        """All entries of its groups, of the section's model."""
        return [entry for _, _, entries in self.groups for entry in entries]

    @property
    def amount(self) -> str:
        """How many entries it has, in words."""
        return self.section.amount(self.count)


@lru_cache
def release() -> str:
    """A digest of everything that a body is made by, so that a release renders anew."""
    here = Path(__file__).parent
    sources = sorted((settings.BASE_DIR / "templates" / "sections").glob("*.html"))
    sources += [here / "text.py", here / "moments.py", here / "templatetags" / "sitroom.py"]
    return hashlib.blake2s(b"".join(path.read_bytes() for path in sources), digest_size=8).hexdigest()


def _key(entry: Entry) -> str:
    people = [getattr(entry, name, None) for name in entry.joins()]  # unwritten: no author
    names = "|".join(str(person) for person in people if person is not None)
    targets = [getattr(entry, field) for field, _ in SECTIONS[entry.section].links.values()]
    names += "".join(f"|{target.privileged}{target.hidden}" for target in targets if target is not None)
    made_from = f"{release()}|{entry.version}|{entry.incident.slug}|{entry.incident.zone_name}|{names}"
    return hashlib.blake2s(made_from.encode(), digest_size=16).hexdigest()


def render_bodies(entries: list[Entry]) -> None:
    """Make sure that each entry has its body; what had to be rendered is kept for the next reader."""
    stale = []
    for entry in entries:
        key = _key(entry)
        if entry.rendered_key != key:
            entry.rendered = render_to_string(f"sections/{entry.section}.html#body", {"entry": entry})
            entry.rendered_key = key
            if not entry._state.adding:
                stale.append(entry)
    if stale:
        type(stale[0])._default_manager.bulk_update(stale, ["rendered", "rendered_key"], batch_size=100)


def write_body(entry: Entry) -> None:
    """Give an entry that is about to be saved the body of its new version."""
    entry.rendered_key = _key(entry)
    entry.rendered = render_to_string(f"sections/{entry.section}.html#body", {"entry": entry})


def dress(entries: list[Entry], incident) -> list[Entry]:
    """Give entries what their shell shows: body, list, sort key, day, marks."""
    for entry in entries:
        entry.incident = incident
    render_bodies(entries)
    for entry in entries:
        section = SECTIONS[entry.section]
        entry.body = mark_safe(entry.rendered)  # noqa: S308 (our own template's output)
        entry.belongs = section
        entry.list_id = f"{section.name}-{section.group_of(entry)}" if section.many else ""
        entry.sort = section.sort_key(entry)
        entry.day = section.day_of(entry)
        entry.marks = section.marks(entry)
        entry.reference = section.reference(entry)
    return entries


def shell(entry: Entry, incident) -> SafeString:
    """The whole entry: shell and body. Made once for an entry in hand, however many places it goes to.

    What was said about it is sent apart (`talk`): a place is kept for it, and the page keeps what it has there.
    """
    if entry.shell is None or entry.shell[0] != entry.version:
        [dressed] = dress([entry], incident)
        entry.shell = entry.version, render_to_string("live/_entry.html", {"entry": dressed})
    return entry.shell[1]


def talk(entry: Entry, incident, audience: str) -> SafeString:
    """What was said about an entry, as one element."""
    dressed = dress([entry], incident)
    conversation.attach(incident, audience, dressed)
    return render_to_string("live/_talk.html", {"entry": dressed[0]})


def listed(
    section: Section, incident, audience: str, limit: int | None = None, oldest_first: bool = False
) -> Listed:
    """A section for an audience; with a limit only the newest entries, and how many there are before them.

    A section with groups is never cut: its groups say how many they hold.
    """
    if not section.many:
        return arranged(section, [section.single(incident)], incident, oldest_first)
    shown = section.shown(incident, audience)
    if limit and len(section.groups) == 1:
        entries = list(shown.reverse()[: limit + 1])[::-1]
        earlier = shown.count() - limit if len(entries) > limit else 0
        entries = entries[-limit:]
    else:
        entries, earlier = list(shown), 0
    return arranged(section, entries, incident, oldest_first, earlier)


def arranged(
    section: Section, entries: list[Entry], incident, oldest_first: bool = False, earlier: int = 0
) -> Listed:
    """Entries of a section as it shows them: dressed, in its order, under its groups. `earlier` stand before them."""
    dress(entries, incident)
    written = [entry for entry in entries if entry.version]
    latest = max(written, key=lambda entry: entry.changed_at, default=None)
    entries = sorted(entries, key=section.sort_key, reverse=section.newest_first and not oldest_first)
    groups = [
        (key, label, [e for e in entries if section.group_of(e) == key]) for key, label in section.groups
    ]
    return Listed(section, groups, earlier + len(entries), latest, earlier)


def document(incident, audience: str, limit: int | None = None, oldest_first: bool = False) -> list[Listed]:
    """All twelve sections."""
    return [listed(section, incident, audience, limit, oldest_first) for section in SECTIONS.values()]


def steps(incident) -> list[tuple[Status, bool, bool]]:
    """Each status with whether it lies behind and whether it is the present one."""
    order = list(Status)
    here = order.index(Status(incident.status))
    return [(status, position < here, position == here) for position, status in enumerate(order)]


def brief_context(incident) -> dict:
    """What the executive's page shows, and nothing else."""
    summary = SECTIONS["summary"].single(incident)
    milestones = list(SECTIONS["timeline"].shown(incident, Audience.DOCUMENT).exclude(milestone=""))
    for entry in [summary, *milestones]:
        entry.incident = incident
    return {"incident": incident, "summary": summary, "milestones": milestones, "steps": steps(incident)}


def brief(incident) -> str:
    """The executive's summary as a fragment that replaces itself."""
    return render_to_string("live/_brief.html", brief_context(incident))


def head_context(incident, audience: str) -> dict:
    """The document's title line and status, the same for everybody of an audience."""
    reached = SECTIONS["timeline"].shown(incident, audience).filter(milestone=Milestone.DETECTED)
    detected = reached.order_by("place").first()
    if detected:
        detected.incident = incident
    opened, asked = succession.openings(incident)
    return {
        "incident": incident,
        "detected": detected,
        "steps": steps(incident),
        "opened": opened,
        "asked": asked,
        "offer": succession.offered(incident),
    }


def message(incident, changes: list[Change], audience: str) -> str:
    """What the streams of an audience get for these changes: elements that replace those of the same id.

    Each entry is sent once however often it changed. Empty when the audience must not notice anything.
    The audience that reads the summary only is served by `brief`.
    """
    by_entry: dict = {}
    for change in changes:
        if change.action in ENTRY_ACTIONS:
            by_entry.setdefault(change.entry_id, []).append(change)
    parts = []
    told = []
    heard = {row.entry_id: row.section for row in changes if _is_heard(row, audience)}
    sections = {rows[0].section for rows in by_entry.values()} | set(heard.values())
    ids = by_entry.keys() | heard.keys()
    entries = {
        entry.pk: entry
        for name in sorted(sections)
        for entry in SECTIONS[name].visible(incident, audience).filter(pk__in=ids)
    }
    for entry_id, rows in by_entry.items():
        if part := _entry_message(incident, rows, audience, entries.get(entry_id), entry_id in heard):
            parts.append(part)
            told += rows
    for entry_id in heard.keys() - by_entry.keys():
        entry = entries.get(entry_id)
        if entry is not None and not entry.hidden:
            parts.append(talk(entry, incident, audience))
    actions = {change.action for change in changes}
    heads = any(SECTIONS[row.section].heads(row.values, None) for row in told)
    if heads or actions & HEAD_ACTIONS:
        parts.append(render_to_string("live/_head.html", head_context(incident, audience)))
    if actions & PEOPLE_ACTIONS:
        parts.append(f'<span class="num" id="people-count">{incident.participants.count()}</span>')
    return "".join(parts)


def inline(change: Change, entry: Entry | None) -> str:
    """What this row tells everybody who reads the document, made from the entry in hand.

    Empty when it takes more than the entry: it is privileged, or the title line, or the people, changed as well,
    or it stands on the screens anew, with what was said about it.
    """
    if entry is None or change.action not in ENTRY_ACTIONS or entry.privileged:
        return ""
    section, incident = SECTIONS[entry.section], change.incident
    if appears(change) or section.heads(change.values, change.before):
        return ""
    return gone(section, entry.pk) if entry.hidden else shell(entry, incident) + mini(entry, incident)


def appears(change: Change) -> bool:
    """Whether an entry stands on some screens anew with this row, in its writer's hands."""
    before = change.before or {}
    return change.action == Action.RESTORE or before.get("hidden", False) or before.get("privileged", False)


def _is_heard(row: Change, audience: str) -> bool:
    """Whether an audience may notice that a row is about a comment."""
    return row.action in COMMENT_ACTIONS and (audience == Audience.PRIVILEGED or not row.privileged)


def _entry_message(incident, rows: list[Change], audience: str, entry: Entry | None, heard: bool) -> str:
    """An entry after some changes; when it left the audience's sight in them (no entry), that it is gone."""
    section = SECTIONS[rows[0].section]
    entry_id = rows[0].entry_id
    if entry is not None and not entry.hidden:
        said = talk(entry, incident, audience) if heard or rows[-1].version > 1 else ""
        return shell(entry, incident) + said + mini(entry, incident)
    earlier = Change.objects.filter(entry_id=entry_id, revision__lt=rows[0].revision).order_by("-revision")[
        :1
    ]
    was_open = audience == Audience.PRIVILEGED or any(not row.privileged for row in [*earlier, *rows])
    return gone(section, entry_id) if was_open else ""


def gone(section: Section, entry_id) -> str:
    """Takes an entry off every screen."""
    places = [section.name, "now"] if section.in_rail else [section.name]
    return "".join(f'<li id="{place}-{entry_id}" data-gone></li>' for place in places)


def mini(entry: Entry, incident) -> str:
    """The row in the Now rail of an entry whose section stands there."""
    if not SECTIONS[entry.section].in_rail:
        return ""
    entry.incident = incident
    return render_to_string("live/_mini.html", {"step": entry, "incident": incident})
