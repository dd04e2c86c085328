"""What there is to tell, and whom: rules over the rows of the ledger and the clock. Floor 7.

Nobody is told of what they did themselves, or of an entry that they may not read.
"""

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Max, Q

from incidents import access
from incidents.checks import REQUESTS, waiting
from incidents.hooks import HookEvent
from incidents.incident import Incident
from incidents.ledger import Action, Change
from incidents.mentions import AT, mentioned
from incidents.notices import NoticeKind
from incidents.sections import SECTIONS
from incidents.sections.next_steps import NextStep
from incidents.vocabulary import Capability, StepState

SOON = timedelta(hours=1)  # before a step is due
PATIENCE = timedelta(minutes=10)  # so long something has waited before the commander is told
WORDS = {Action.ADD, Action.CHANGE}
REMARKS = {Action.COMMENT, Action.AMEND}
COMMANDS = {Action.HAND_OVER, Action.TAKE}


@dataclass
class Circle:
    """Who reads the document now, and how much of it."""

    people: dict
    held: dict

    @classmethod
    def of(cls, incident) -> "Circle":
        """Everybody who reads the document; executives do not."""
        held = {user: names for user, names in access.everybody(incident).items() if Capability.READ in names}
        return cls({user.pk: user for user in held}, {user.pk: names for user, names in held.items()})

    def reads(self, user_id, privileged: bool) -> bool:
        """Whether this person reads entries with or without the mark."""
        return user_id in self.held and (not privileged or Capability.PRIVILEGED in self.held[user_id])

    def named(self, text: str) -> Counter:
        """How often each of them stands behind an @."""
        if "@" not in text:
            return Counter()
        names = {user_id: user.display_name for user_id, user in self.people.items()}
        starts = [at.start() for at in AT.finditer(text)]
        parts = zip(starts, [*starts[1:], len(text)], strict=True)
        return Counter(user_id for start, end in parts for user_id in mentioned(text[start:end], names))

    def commanders(self) -> list:
        """Who commands, break-glass included."""
        return [user_id for user_id, names in self.held.items() if Capability.COMMAND in names]


@dataclass(frozen=True)
class Fact:
    """One person is to be told of one thing; without `mailed` in the list only."""

    user_id: uuid.UUID
    kind: NoticeKind
    once: str
    by_id: uuid.UUID | None = None
    section: str = ""
    entry_id: uuid.UUID | None = None
    privileged: bool = False
    mailed: bool = True


@dataclass
class Past:
    """What the rules know of the rows before: the last words of entries and comments, authors, threads."""

    incident: Incident
    words: dict = field(default_factory=dict)  # id → text, assignee, mark
    authors: dict = field(default_factory=dict)  # entry → who added it
    threads: dict = field(default_factory=dict)  # comment → first of its thread
    voices: dict = field(default_factory=lambda: defaultdict(set))  # first of a thread → who spoke in it

    @classmethod
    def before(cls, incident, rows: list[Change]) -> "Past":
        """What led up to the first of the rows, as far as it concerns their entries; three queries at most."""
        past = cls(incident)
        earlier = incident.changes.filter(revision__lt=rows[0].revision)
        spoken = {row.entry_id for row in rows if row.action in REMARKS}
        changed = {row.entry_id for row in rows if row.action == Action.CHANGE}
        known = Q(entry_id__in=spoken, action__in=[Action.ADD, *REMARKS])
        if changed:
            last = earlier.filter(entry_id__in=changed, action__in=WORDS).values("entry_id")
            known |= Q(revision__in=[row["last"] for row in last.annotate(last=Max("revision")).order_by()])
        if spoken or changed:
            for row in earlier.filter(known).order_by("revision"):
                past.learn(row)
        return past

    def learn(self, row: Change) -> None:
        """This row is past now."""
        if row.action == Action.ADD:
            self.authors[row.entry_id] = row.actor_id
        if row.action == Action.COMMENT:
            first = row.values.get("reply_to") or row.values["comment"]
            self.threads[row.values["comment"]] = self.threads.get(first, first)
            self.voices[self.thread(row)].add(row.actor_id)
        if row.action in WORDS | REMARKS:
            self.words[about(row)] = (text_of(row), row.values.get("assignee"), row.privileged)

    def thread(self, row: Change) -> str:
        """The first comment of the thread that a remark is in."""
        first = row.values.get("reply_to") or row.values["comment"]
        return self.threads.get(first, first)


def about(row: Change) -> str:
    """Which entry or comment a row has words of."""
    return row.values["comment"] if row.action in REMARKS else str(row.entry_id)


def text_of(row: Change) -> str:
    """The prose that a row holds: of a comment, or of all fields of an entry that take a text."""
    if row.action in REMARKS:
        return row.values["text"]
    prose = SECTIONS[row.section].model.prose()
    return "\n".join(row.values.get(name) or "" for name in sorted(prose))


# --- the rules: a row → who is told of it ------------------------------------------------------------


def assigned(row: Change, past: Past, circle: Circle) -> Iterator:
    """Who has got a step that was somebody else's, or nobody's."""
    _, before, _ = past.words.get(about(row), ("", None, False))
    now = row.values.get("assignee")
    return (user_id for user_id in circle.people if now != before and str(user_id) == now)


def named(row: Change, past: Past, circle: Circle) -> Iterator:
    """Who is named more often than in the words before, as far as they could read those."""
    text, _, mark = past.words.get(about(row), ("", None, False))
    now, before = circle.named(text_of(row)), circle.named(text)
    if mark and not row.privileged:  # the words are open now to people who could not read them before
        told = past.incident.notices.filter(entry_id=row.entry_id, kind=NoticeKind.MENTION)
        could = set(told.values_list("user_id", flat=True))
        before = Counter(
            {who: often for who, often in before.items() if who in could or circle.reads(who, mark)}
        )
    return (user_id for user_id, often in now.items() if often > before[user_id])


def concerned(row: Change, past: Past, circle: Circle) -> Iterable:
    """Whose entry it is, and who spoke in the thread."""
    return {past.authors.get(row.entry_id), *past.voices[past.thread(row)]}


def inviter(row: Change, past: Past, circle: Circle) -> Iterable:
    """Who invited the person that came in."""
    came = past.incident.invitations.filter(accepted_by=row.actor_id).order_by("-accepted_at")
    return came.values_list("invited_by", flat=True)[:1]


def all_readers(row: Change, past: Past, circle: Circle) -> Iterable:
    """Everybody who reads the document."""
    return circle.people


RULES = {
    Action.ADD: ((NoticeKind.ASSIGNED, assigned), (NoticeKind.MENTION, named)),
    Action.CHANGE: ((NoticeKind.ASSIGNED, assigned), (NoticeKind.MENTION, named)),
    Action.COMMENT: ((NoticeKind.MENTION, named), (NoticeKind.COMMENT, concerned)),
    Action.AMEND: ((NoticeKind.MENTION, named),),
    Action.JOIN: ((NoticeKind.ACCEPTED, inviter),),
    Action.HAND_OVER: ((NoticeKind.COMMAND, all_readers),),
    Action.TAKE: ((NoticeKind.COMMAND, all_readers),),
}


def of_rows(incident, rows: list[Change], circle: Circle) -> Iterator[Fact]:
    """Who is told of these rows, one thing of each row at most."""
    past = Past.before(incident, rows)
    for row in rows:
        told: dict = {}
        for kind, rule in RULES.get(Action(row.action), ()):
            for user_id in rule(row, past, circle):
                told.setdefault(user_id, kind)
        past.learn(row)
        written_to = set(_written_to(incident, row)) if row.action in COMMANDS else set()
        for user_id, kind in told.items():
            if user_id != row.actor_id and circle.reads(user_id, row.privileged):
                yield Fact(
                    user_id,
                    kind,
                    once=str(row.revision),
                    by_id=row.actor_id,
                    section=row.section,
                    entry_id=row.entry_id,
                    privileged=row.privileged,
                    mailed=str(user_id) not in written_to,
                )


def _written_to(incident, row: Change) -> Iterator[str]:
    """Who got a letter of its own when command passed: the one before and the one after."""
    passed = incident.changes.filter(action__in=[Action.START, *COMMANDS], revision__lte=row.revision)
    for change in passed.order_by("-revision")[:2]:
        successor = change.values.get("user") or change.values.get("commander")
        yield str(change.actor_id if change.action == Action.TAKE else successor)


# --- the clock -----------------------------------------------------------------------------------------


def of_steps(incident, circle: Circle, now: datetime) -> list[Fact]:
    """Steps that are due within the hour or overdue, of which their owner was not told."""
    steps = NextStep.objects.filter(
        incident=incident,
        hidden=False,
        state__in=[StepState.OPEN, StepState.DOING],
        assignee__in=list(circle.people),
        due__lte=now + SOON,
    )
    facts = []
    for step in steps:
        owner, deadline = step.assignee_id, step.deadline
        if owner and deadline and deadline <= now + SOON and circle.reads(owner, step.privileged):
            kind = NoticeKind.OVERDUE if deadline < now else NoticeKind.DUE
            once = _digest(kind, step.pk, step.due.isoformat(), step.due_precision)
            facts.append(Fact(owner, kind, once, None, step.section, step.pk, step.privileged))
    known = incident.notices.filter(once__in=[fact.once for fact in facts])
    told = set(known.values_list("user_id", "once")) if facts else set()
    return [fact for fact in facts if (fact.user_id, fact.once) not in told]


def of_checks(incident, known: dict, circle: Circle, now: datetime) -> tuple[list[Fact], dict]:
    """What newly waits for the commander, and what waits in all. A check that goes on waiting is told once."""
    waits, ripe = {}, set()
    for check in waiting(incident, now):
        tell_at = known.get(check.name, (now + PATIENCE).isoformat())
        if tell_at and datetime.fromisoformat(tell_at) <= now:
            ripe.add(check.name)
            tell_at = ""
        waits[check.name] = tell_at
    mailed = ripe != {REQUESTS}  # for those the commander gets a letter of its own
    once = _digest(NoticeKind.CHECK, now.isoformat())
    people = circle.commanders() if ripe else []
    return [Fact(user_id, NoticeKind.CHECK, once, mailed=mailed) for user_id in people], waits


def _digest(*parts: object) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


# --- a chat ---


def event_of(row: Change) -> HookEvent | None:
    """What a chat may be told of a row; never of an entry that is prepared at the request of counsel."""
    if row.privileged:
        return None
    if row.action in COMMANDS:
        return HookEvent.COMMAND
    if row.action == Action.SET and "status" in row.values:
        return HookEvent.STATUS
    if row.action in WORDS and row.section == "summary":
        return HookEvent.SUMMARY
    return HookEvent.ADDED if row.action == Action.ADD else None
