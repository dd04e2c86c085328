"""The incident: the aggregate, and the only door through which anything in it is written.

Floor 3. Every method that writes takes the incident's row lock, asks access again under it, saves, and
adds one row to the ledger, in one transaction (DESIGN: the one write path).
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.utils import timezone

from accounts.models import validate_zone
from incidents import access, codenames, ledger, merging
from incidents.door import Impossible, Refused, dressers
from incidents.ledger import Action, Change
from incidents.membership import Saved, Terms
from incidents.people import PERMISSIONS
from incidents.talk import Talk
from incidents.vocabulary import Audience, Capability, Role, Status

UNDO = timedelta(seconds=60)  # for how long one's own last change can be taken back


@dataclass
class Conflict(Exception):
    """Two people changed the same words. Holds both sides as ledger values; nothing was written."""

    entry: Any
    base: dict
    mine: dict
    theirs: dict
    merged: dict
    fields: list[str]
    hidden: bool = False


class IncidentQuerySet(models.QuerySet):
    def visible_to(self, user) -> models.QuerySet:
        """The incidents that this person may know to exist."""
        return access.visible(self, user)


class Incident(Talk):
    """One incident and its document. Its people are in membership.py and command.py, what they say about
    entries in talk.py, the door in door.py."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    codename = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.INVESTIGATING)
    zone_name = models.CharField("time zone", max_length=64, default="UTC", validators=[validate_zone])

    objects = IncidentQuerySet.as_manager()

    # What whoever asks may do and see here; incidents/gate.py sets it for one request.
    held: frozenset[str]
    audience: Audience
    accepted: bool

    class Meta:
        ordering = ["-updated_at"]
        default_permissions = ()
        permissions = PERMISSIONS  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.codename

    @property
    def zone(self) -> ZoneInfo:
        """The zone that everybody reads the document in."""
        return ZoneInfo(self.zone_name)

    @classmethod
    def is_taken(cls, slug: str) -> bool:
        """Whether an incident has this address already."""
        return cls.objects.filter(slug=slug).exists()

    @classmethod
    def start(cls, *, title: str, by, codename: str = "", zone_name: str = "UTC") -> "Incident":
        """Begin an incident; `by` is its commander. A codename that is taken gets one more word."""
        codename = codenames.plain(codename) if codenames.slug_of(codename) else codenames.draw()
        with transaction.atomic():
            codename = codenames.unused(codename, cls.is_taken)
            incident = cls(
                codename=codename,
                slug=codenames.slug_of(codename),
                title=title,
                zone_name=zone_name,
                commander=by,
            )
            incident.full_clean()
            incident.save(force_insert=True)
            incident._admit(by, Terms(Role.COMMANDER), by)
            values = {"codename": codename, "title": title, "zone_name": zone_name, "commander": str(by.pk)}
            incident._record(Action.START, by, values=values)
            incident._accept(by)
        return incident

    # --- entries -----------------------------------------------------------------------------------

    def add(self, entry, *, by) -> Saved:
        """Write a new entry. The client chose its id: a repeated POST is the same entry, not a second one.

        Raises Impossible where the id is taken elsewhere, or a value cannot stand (Entry.verify).
        """
        with self._door(by, entry.needs):
            model = type(entry)
            owner = model.objects.filter(pk=entry.pk).values_list("incident_id", flat=True).first()
            if owner:
                if owner != self.pk:
                    raise Impossible("This entry cannot be added here. Reload the page and add it again.")
                return Saved(None)
            entry.incident, entry.author, entry.changed_by = self, by, by
            entry.number = self.numbers[entry.section] = self.numbers.get(entry.section, 0) + 1
            entry.version = 1
            self._may_touch(entry.privileged, by)
            entry.verify({})
            return Saved(self._save(Action.ADD, entry, by, before={}))

    def change(self, entry, *, by, version: int, reason: str = "", restore: bool = False, **fields) -> Saved:
        """Change fields of an entry that the person began to edit at `version`.

        What others changed meanwhile is merged; raises Conflict where both touched the same words, or where
        the entry was hidden meanwhile (unless `restore` says to bring it back with these words); Impossible
        where a value cannot stand (Entry.verify).
        """
        with self._door(by, entry.needs):
            _read_again(entry)
            self._may_touch(entry.privileged, by)
            theirs = entry.values()
            base = theirs if version == entry.version else self.former(entry, version, by=by) or _blank(entry)
            mine = {**base, **type(entry)(**fields).values(fields)}
            merged, conflicts = merging.merge_fields(entry.units(), entry.prose(), base, mine, theirs)
            if conflicts or (entry.hidden and not restore):
                raise Conflict(entry, base, mine, theirs, merged, conflicts, hidden=entry.hidden)
            if merged == theirs and not entry.hidden:
                return Saved(None)
            if merged.get("privileged", entry.privileged) != entry.privileged:
                self._may_touch(True, by)
            entry.assign(merged)
            entry.verify(theirs)
            before = {**theirs, "hidden": entry.hidden}
            entry.hidden = False
            entry.version += 1
            row = self._save(Action.CHANGE, entry, by, reason, before=before)
            return Saved(row, merged=base != theirs)

    def remove(self, entry, *, by, reason: str = "") -> Saved:
        """Hide an entry. Nothing is destroyed: history shows it and it can be brought back."""
        return self._set_hidden(entry, True, Action.REMOVE, by, reason)

    def restore(self, entry, *, by, reason: str = "") -> Saved:
        """Bring a hidden entry back as it was."""
        return self._set_hidden(entry, False, Action.RESTORE, by, reason)

    def last_change(self, by) -> Change | None:
        """This person's newest change of an entry, while it can be undone: younger than UNDO, no undo itself."""
        row = self.changes.filter(actor=by, action__in=ledger.ENTRY_ACTIONS).order_by("-revision").first()
        if row is None or timezone.now() - row.at >= UNDO or ledger.undone_by(row):
            return None
        return row

    def undo(self, entry, change: Change, *, by, hides: bool = True) -> Saved:
        """Take back one's own last change, as a new change; what colleagues wrote since stays.

        `hides`: whether an entry that was added goes out of sight; else its words go back to none. Raises
        Impossible with a sentence, and Conflict as `change` does.
        """
        with self._door(by, entry.needs):
            last = self.last_change(by)
            if last is None or last.revision != change.revision:
                raise Impossible(self._why_not_undo(change, by))
            entry.refresh_from_db()
            reason = ledger.undo_of(change)
            words = change.action == Action.CHANGE or not hides
            if words and not entry.hidden:
                return self._undo_words(entry, change, by, reason)
            if entry.version != change.version:
                raise Impossible(
                    f"{entry.changed_by} {'hid' if entry.hidden else 'changed'} it since. Nothing was undone; "
                    "the history has every version."
                )
            hidden = change.action != Action.REMOVE
            return self._set_hidden(entry, hidden, Action.REMOVE if hidden else Action.RESTORE, by, reason)

    def _undo_words(self, entry, change: Change, by, reason: str) -> Saved:
        before = ledger.version_before(entry.pk, change.version)
        values = self.former(entry, before, by=by) if before else _blank(entry)
        if values is None:
            raise Refused
        former = type(entry)(pk=entry.pk, incident=self)
        former.assign(values)
        columns = [former._meta.get_field(name).attname for name in values]
        fields = {column: getattr(former, column) for column in columns}
        was_hidden = ledger.was_hidden(entry.pk, change.version - 1)
        saved = self.change(entry, by=by, version=change.version, reason=reason, **fields)
        return self.remove(entry, by=by, reason=reason) if was_hidden else saved

    def _why_not_undo(self, change: Change, by) -> str:
        """A sentence about a change that cannot be undone now."""
        if change.actor_id != by.pk:
            return "Only your own changes can be undone here. The history restores any version."
        if self.changes.filter(actor=by, reason=ledger.undo_of(change)).exists():
            return "That change was undone already."
        newer = self.changes.filter(
            actor=by, action__in=ledger.ENTRY_ACTIONS, revision__gt=change.revision
        ).exists()
        if newer:
            return "You changed something else since. Undo takes back the last change only; the history has the others."
        if ledger.undone_by(change):
            return "Your last change was an undo. The history has every version."
        return "That change is more than a minute old. The history restores any version."

    def former(self, entry, version: int, *, by) -> dict | None:
        """The values of an entry at a version; None when there was none or this person may not read it."""
        values = ledger.values_at(entry.pk, version)
        if values and values.get("privileged") and not access.can(by, self, Capability.PRIVILEGED):
            return None
        return values

    # --- the incident itself -----------------------------------------------------------------------

    def set_fields(self, *, by, reason: str = "", **fields) -> Saved:
        """Set title, status or zone of the incident."""
        with self._door(by, Capability.COMMAND):
            changed = {name: value for name, value in fields.items() if getattr(self, name) != value}
            if not changed:
                return Saved(None)
            if "zone_name" in changed and ledger.has_times(self):
                raise Impossible(
                    "Times are recorded already. The zone stays, so that each keeps the meaning it was written with."
                )
            for name, value in changed.items():
                setattr(self, name, value)
            self.full_clean(exclude=["commander"])
            self.save(update_fields=list(changed))
            return Saved(self._record(Action.SET, by, values=changed, reason=reason))

    # --- the door ----------------------------------------------------------------------------------

    def _save(self, action: Action, entry, by, reason: str = "", before: dict | None = None) -> Change:
        entry.incident, entry.changed_by, entry.changed_at = self, by, timezone.now()
        if action == Action.ADD:
            entry.recorded_at = entry.changed_at
        for dress in dressers:
            dress(entry)
        entry.save()
        if entry.asks_again:
            self.classification_revision = self.revision + 1
            self._accept(by)
        values = entry.values()
        # The row and the entry tell the same time, so that the document can be read from the ledger alone.
        return self._record(
            action,
            by,
            entry=entry,
            values=values,
            reason=reason,
            before=values if before is None else before,
            at=entry.changed_at,
        )

    def _set_hidden(self, entry, hidden: bool, action: Action, by, reason: str) -> Saved:
        with self._door(by, entry.needs):
            _read_again(entry)
            self._may_touch(entry.privileged, by)
            if entry.hidden == hidden:
                return Saved(None)
            entry.hidden = hidden
            entry.version += 1
            return Saved(self._save(action, entry, by, reason))


def why_not_close(user) -> str:
    """Why an account must stay open: a commander hands over first (SECURITY 20); "" when it may be closed."""
    if not Incident.objects.filter(commander=user).exclude(status=Status.CLOSED).exists():
        return ""
    return (
        "This person must hand something over first; they know what. "
        "If the account itself is the danger: manage.py close_account EMAIL --force."
    )


def account_closed(user) -> None:
    """What a closed account held open in its incidents ends for good, and each document says so."""
    concerned = models.Q(participants__user=user) | models.Q(invitations__invited_by=user)
    for incident in Incident.objects.filter(concerned).distinct():
        incident.note_closed_account(user)


def _read_again(entry) -> None:
    """The entry as it stands under the lock, with what its body shows."""
    entry.refresh_from_db(from_queryset=type(entry)._default_manager.select_related(*entry.joins()))


def _blank(entry) -> dict:
    """The values of an entry before its first version."""
    return type(entry)(incident=entry.incident).values()
