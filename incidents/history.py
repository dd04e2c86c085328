"""The ledger as a story: rows that an audience may read, each with its words and its difference. Floor 6."""

from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from incidents.conflicts import Difference, differences, names_of, word_diff
from incidents.ledger import COMMENT_ACTIONS, ENTRY_ACTIONS, Action, Change
from incidents.sections import SECTIONS
from incidents.sections.base import Section
from incidents.vocabulary import Audience, Role, Status


@dataclass
class Told:
    """A row of the ledger as it is told: what was done, to what, and what changed."""

    change: Change
    deed: str
    subject: str
    section: Section | None = None
    diffs: list[Difference] = field(default_factory=list)
    restores: int = 0  # version that can be restored from here
    is_hidden: bool = False  # whether the entry can be brought back from here
    hid: str = ""  # the comment that can be brought back from here
    author: object = None  # of that comment


class Talk:
    """What the rows about comments say, told with the words before."""

    def __init__(self) -> None:
        self.words: dict[str, list[Change]] = {}  # comment → the rows that hold its words
        self.hiding: dict[str, Change] = {}  # comment → the row that hid it or brought it back last

    def hear(self, row: Change) -> None:
        """Take in a row; rows come in order."""
        if "text" in row.values:
            self.words.setdefault(row.values["comment"], []).append(row)
        elif row.action in (Action.HIDE_COMMENT, Action.SHOW_COMMENT):
            self.hiding[row.values["comment"]] = row

    def told(self, row: Change, versions: dict[tuple, dict]) -> Told:
        """A row about a comment: the entry as its subject, and the words that changed."""
        section, comment = SECTIONS[row.section], row.values["comment"]
        known = [version for entry, version in versions if entry == row.entry_id and version <= row.version]
        subject = section.label(versions[row.entry_id, max(known)]) if known else ""
        told = Told(row, row.get_action_display(), subject, section)
        said = [word for word in self.words.get(comment, []) if word.revision < row.revision]
        before = said[-1].values["text"] if said else ""
        told.diffs = [Difference("text", "Comment", word_diff(before, row.values.get("text", before)))]
        if row.action == Action.HIDE_COMMENT and self.hiding[comment].revision == row.revision and said:
            told.hid, told.author = comment, said[0].actor_id
        return told


def changes_for(incident, audience: str, rows: QuerySet | None = None) -> QuerySet:
    """The rows that an audience may read, newest first: none about an entry that is or was privileged then."""
    rows = (incident.changes.all() if rows is None else rows).select_related("actor").order_by("-revision")
    if audience == Audience.PRIVILEGED:
        return rows
    marked = Q()
    for section in SECTIONS.values():
        marked |= Q(
            section=section.name,
            entry_id__in=section.model._default_manager.filter(incident=incident, privileged=True).values(
                "pk"
            ),
        )
    return rows.filter(privileged=False).exclude(marked)


def left(incident) -> list[Told]:
    """Who was in and is not any more: the newest row of each that took somebody out, newest first."""
    inside = {str(pk) for pk in incident.participants.values_list("user_id", flat=True)}
    rows = incident.changes.filter(action__in=[Action.LET_OUT, Action.EXPIRE]).select_related("actor")
    newest: dict[str, Change] = {}
    for row in rows.order_by("-revision"):
        newest.setdefault(row.values["user"], row)
    gone = [row for user, row in newest.items() if user not in inside]
    return [Told(row, row.get_action_display(), row.values["name"]) for row in gone]


def described(incident, rows: list[Change], audience: str) -> list[Told]:
    """The rows with their differences to the version before; three queries whatever their number.

    A version that was privileged is nobody's “before” unless the audience may read it.
    """
    people = names_of(incident)
    talk = Talk()
    ids = {row.entry_id for row in rows if row.entry_id}
    versions: dict[tuple, dict] = {}
    newest: dict = {}
    states: dict = {}
    about = list(ENTRY_ACTIONS | COMMENT_ACTIONS)
    known = incident.changes.filter(entry_id__in=ids, action__in=about).order_by("revision")
    if audience != Audience.PRIVILEGED:
        known = known.filter(privileged=False)
    for row in known:
        if row.action in COMMENT_ACTIONS:
            talk.hear(row)
            continue
        if row.action in (Action.ADD, Action.CHANGE):
            versions[row.entry_id, row.version] = row.values
        newest[row.entry_id] = row
        states[row.entry_id] = row.action == Action.REMOVE
    return [
        talk.told(row, versions)
        if row.action in COMMENT_ACTIONS
        else _told(incident, row, people, versions, newest, states)
        for row in rows
    ]


def _told(incident, row: Change, people: dict, versions: dict, newest: dict, states: dict) -> Told:
    if row.action not in ENTRY_ACTIONS:
        return Told(row, row.get_action_display(), _about_incident(row))
    section = SECTIONS[row.section]
    told = Told(row, row.get_action_display(), section.label(row.values), section)
    if row.action in (Action.ADD, Action.CHANGE):
        earlier = [version for entry, version in versions if entry == row.entry_id and version < row.version]
        before = versions[row.entry_id, max(earlier)] if earlier else {}
        told.diffs = differences(section.model, before, row.values, incident.zone, people)
        if row.revision != newest[row.entry_id].revision:
            told.restores = row.version
    else:
        told.is_hidden = row.revision == newest[row.entry_id].revision and states[row.entry_id]
    return told


def _about_incident(row: Change) -> str:
    values = row.values
    if row.action == Action.JOIN:
        return f"{Role(values['role']).label.lower()}, invited by {values['invited_by']}"
    if row.action == Action.ASK_GLASS:
        return f"for {values['hours']} h"
    if "email" in values:
        role = values.get("role", "")
        return f"{values['email']}, {Role(role).label.lower()}" if role else values["email"]
    if "name" in values:
        role = dict(Role.choices).get(values.get("role", ""), "")
        words = [values["name"], role.lower(), "on the server's command line" if "operator" in values else ""]
        return ", ".join(word for word in words if word)
    words = []
    if "status" in values:
        words.append(f"status {Status(values['status']).label}")
    if "title" in values:
        words.append(f"title “{values['title']}”")
    if "zone_name" in values:
        words.append(f"time zone “{values['zone_name']}”")
    if "webhook" in values:
        where = f", a chat at {values['host']} is told" if values["webhook"] == "on" else ""
        words.append(f"webhook {values['webhook']}{where}")
    return ", ".join(words)
