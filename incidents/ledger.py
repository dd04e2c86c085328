"""The ledger: one row for each change of an incident. It is the history, the audit trail and the live outbox.

Floor 1. Rows are chained by SHA-256 over a canonical JSON form and are append-only: triggers of the
database refuse UPDATE and DELETE (migration 0002). Revisions of an incident run 1, 2, 3 … in commit order,
because they are given under the lock of the incident's row.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC
from functools import partial
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone


class Action(models.TextChoices):
    """What a row says that somebody did."""

    START = "start", "started the incident"
    ADD = "add", "added"
    CHANGE = "change", "changed"
    REMOVE = "remove", "hid"
    RESTORE = "restore", "brought back"
    SET = "set", "set"
    INVITE = "invite", "invited"
    WITHDRAW = "withdraw", "withdrew the invitation of"
    JOIN = "join", "came in as"
    LET_IN = "let in", "let in"
    SET_ROLE = "set role", "changed the role of"
    SET_PRIVILEGED = "set privileged", "decided on privileged entries for"
    LET_OUT = "let out", "removed"
    EXPIRE = "expire", "had set an end to the access of"
    OFFER = "offer", "offered command to"
    RETRACT = "retract", "took back the offer of command to"
    DECLINE = "decline", "did not take command from"
    HAND_OVER = "hand over", "handed command to"
    TAKE = "take command", "took command from"
    ASK_GLASS = "ask glass", "asked for break-glass"
    BREAK_GLASS = "break glass", "approved break-glass for"
    END_GLASS = "end glass", "ended the break-glass of"
    CLOSED = "closed account", "had their account closed"
    HOLD = "hold", "set a legal hold"
    LIFT_HOLD = "lift hold", "lifted the legal hold"
    COMMENT = "comment", "commented on"
    AMEND = "amend comment", "changed a comment on"
    RESOLVE = "resolve", "resolved a comment on"
    REOPEN = "reopen", "reopened a comment on"
    HIDE_COMMENT = "hide comment", "hid a comment on"
    SHOW_COMMENT = "show comment", "brought back a comment on"
    ACKNOWLEDGE = "acknowledge", "accepted the classification"


# What changes who is in, or what waits for whom.
PEOPLE_ACTIONS = frozenset(
    {Action.JOIN, Action.LET_IN, Action.SET_ROLE, Action.SET_PRIVILEGED, Action.LET_OUT, Action.EXPIRE}
    | {Action.HAND_OVER, Action.TAKE, Action.ACKNOWLEDGE}
)
# What stands in the head of the document.
HEAD_ACTIONS = frozenset(
    {Action.SET, Action.OFFER, Action.DECLINE, Action.HAND_OVER, Action.TAKE, Action.ASK_GLASS}
    | {Action.RETRACT, Action.CLOSED, Action.BREAK_GLASS, Action.END_GLASS, Action.HOLD, Action.LIFT_HOLD}
)
ENTRY_ACTIONS = frozenset({Action.ADD, Action.CHANGE, Action.REMOVE, Action.RESTORE})
# What is said about an entry; the entry itself stays as it is.
COMMENT_ACTIONS = frozenset(
    {Action.COMMENT, Action.AMEND, Action.RESOLVE, Action.REOPEN, Action.HIDE_COMMENT, Action.SHOW_COMMENT}
)


CHANNEL = "sitroom_changes"


class Herald(Protocol):
    """Who tells of a row in a process that serves; `prepare` is asked in the transaction, `committed` after it."""

    def prepare(self, change: "Change", entry) -> Any:
        """What to tell; its text() goes to the other processes."""

    def committed(self, prepared: Any) -> None:
        """It stands: tell."""


heralds: list[Herald] = []


def announce(change: "Change", entry=None) -> None:
    """Tell every process that this incident has a new row, once the transaction is committed.

    PostgreSQL delivers the notice with the commit; on SQLite the herald tells, and other processes see the file
    change. A command has no herald: its notice is the incident's id.
    """
    prepared = [(herald, herald.prepare(change, entry)) for herald in heralds]
    if connection.vendor == "postgresql":
        text = prepared[0][1].text() if prepared else str(change.incident_id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
    for herald, ready in prepared:
        transaction.on_commit(partial(herald.committed, ready), robust=True)  # it is stored: never a fault


class Change(models.Model):
    """One row. `at` is the server's clock in UTC; order is `revision`, never the clock.

    `values` is what holds after the change (for an entry: all its fields), `privileged` is the mark of
    the entry at that time, `previous_hash` and `hash` make the chain.
    """

    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="changes")
    revision = models.PositiveIntegerField()
    section = models.CharField(max_length=32, blank=True)
    entry_id = models.UUIDField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    action = models.CharField(max_length=16, choices=Action.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    values = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    privileged = models.BooleanField(default=False)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    before: dict | None = None  # in the writer's hands only: the values that it changed; {} for a new entry

    class Meta:
        ordering = ["incident", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "revision"], name="revisions_have_no_twin")
        ]
        indexes = [models.Index(fields=["entry_id", "version"], name="change_of_entry")]

    def __str__(self) -> str:
        return f"revision {self.revision}: {self.action} {self.section}".strip()

    def digest(self) -> str:
        """SHA-256 (hex) over everything that this row says and the hash of the row before it."""
        said = {
            "incident": str(self.incident_id),
            "revision": self.revision,
            "section": self.section,
            "entry": str(self.entry_id or ""),
            "version": self.version,
            "action": str(self.action),
            "actor": str(self.actor_id),
            "at": self.at.astimezone(UTC).isoformat(),
            "values": self.values,
            "reason": self.reason,
            "privileged": self.privileged,
            "previous": self.previous_hash,
        }
        canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def values_at(entry_id: uuid.UUID, version: int) -> dict | None:
    """The fields of an entry as they were at a version; None when there was no such version."""
    rows = Change.objects.filter(entry_id=entry_id, version=version, action__in=list(ENTRY_ACTIONS))
    row = rows.order_by("-revision").first()
    return row.values if row else None


def version_before(entry_id: uuid.UUID, version: int) -> int | None:
    """The version of an entry's words before this one; None for the first."""
    rows = Change.objects.filter(
        entry_id=entry_id, version__lt=version, action__in=[Action.ADD, Action.CHANGE]
    )
    return rows.aggregate(before=models.Max("version"))["before"]


def was_hidden(entry_id: uuid.UUID, version: int) -> bool:
    """Whether an entry was hidden at a version."""
    return Change.objects.filter(entry_id=entry_id, version=version, action=Action.REMOVE).exists()


def undo_of(change: Change) -> str:
    """The reason that the undo of a row carries, by which it can be found."""
    return f"Undo of revision {change.revision}"


def undone_by(change: Change) -> int | None:
    """The revision that this row undid; None when it is no undo."""
    found = re.fullmatch(r"Undo of revision (\d{1,18})", change.reason)
    return int(found[1]) if found else None


def has_times(incident) -> bool:
    """Whether a time was ever written down in this incident."""
    rows = incident.changes.filter(action__in=[Action.ADD, Action.CHANGE]).values_list("values", flat=True)
    return any(value for row in rows for name, value in row.items() if name.endswith("_precision"))


def faults(incident, head: str = "") -> Iterator[str]:
    """Sentences that say where the chain of one incident is broken; none when it is whole.

    `head` is a hash printed on an export: it must be in the chain, so that a cut tail shows.
    """
    previous, expected, heads = "", 1, set()
    for row in incident.changes.order_by("revision").iterator():
        if row.revision != expected:
            yield f"revision {expected} is missing"
            expected = row.revision
        if row.previous_hash != previous:
            yield f"revision {row.revision} does not follow the row before it"
        if row.digest() != row.hash:
            yield f"revision {row.revision} was edited"
        previous, expected = row.hash, expected + 1
        heads.add(row.hash)
    if expected - 1 != incident.revision:
        yield f"the ledger ends at revision {expected - 1}, the incident at {incident.revision}"
    elif previous != incident.head:
        yield "the last row is not the incident's head"
    if head and head not in heads:
        yield f"the head {head} of an export is not in the ledger"
