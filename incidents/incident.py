"""The incident: the aggregate, and the only door through which anything in it is written.

Floor 3. Every method that writes takes the incident's row lock, asks access again under it, saves, and
adds one row to the ledger, in one transaction (DESIGN: the one write path).
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone

from accounts.models import validate_zone
from incidents import access, codenames, ledger, merging
from incidents.ledger import Action, Change
from incidents.people import PERMISSIONS, Acknowledgement, Participant, write_grants
from incidents.vocabulary import EXPORT_IS_OPTIONAL, Audience, Capability, Role, Status


class Refused(PermissionDenied):
    """The person no longer holds the capability that the act needs; nothing was written."""


class Impossible(ValueError):
    """The act makes no sense as things stand (its text says why); nothing was written."""


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


@dataclass
class Saved:
    """What came of a write: the row (None when nothing changed) and whether a colleague's words were merged in."""

    change: Change | None
    merged: bool = field(default=False)


class IncidentQuerySet(models.QuerySet):
    def visible_to(self, user) -> models.QuerySet:
        """The incidents that this person may know to exist."""
        return access.visible(self, user)


class Incident(models.Model):
    """One incident and its document. `revision` counts changes from 1; `head` is the ledger's last hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    codename = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.INVESTIGATING)
    zone_name = models.CharField("time zone", max_length=64, default="UTC", validators=[validate_zone])
    commander = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    revision = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    classification_revision = models.PositiveIntegerField(default=0)

    objects = IncidentQuerySet.as_manager()

    # What whoever asks may do and see here; incidents/gate.py sets it for one request.
    held: frozenset[str]
    audience: Audience

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
        codename = codename.strip() if codenames.slug_of(codename) else codenames.draw()
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
            incident._admit(by, Role.COMMANDER, by)
            values = {"codename": codename, "title": title, "zone_name": zone_name, "commander": str(by.pk)}
            incident._record(Action.START, by, values=values)
            incident._accept(by)
        return incident

    # --- entries -----------------------------------------------------------------------------------

    def add(self, entry, *, by) -> Saved:
        """Write a new entry. The client chose its id: a repeated POST is the same entry, not a second one."""
        with self._door(by, entry.needs):
            model = type(entry)
            present = model.objects.filter(pk=entry.pk).first()
            if present:
                if present.incident_id != self.pk:
                    raise Impossible("This entry cannot be added here. Reload the page and add it again.")
                return Saved(None)
            top = model.objects.filter(incident=self).aggregate(top=models.Max("number"))["top"] or 0
            entry.incident, entry.author, entry.changed_by = self, by, by
            entry.number, entry.version = top + 1, 1
            self._may_touch(entry.privileged, by)
            return Saved(self._save(Action.ADD, entry, by))

    def change(self, entry, *, by, version: int, reason: str = "", restore: bool = False, **fields) -> Saved:
        """Change fields of an entry that the person began to edit at `version`.

        What others changed meanwhile is merged; raises Conflict where both touched the same words, or where
        the entry was hidden meanwhile (unless `restore` says to bring it back with these words).
        """
        with self._door(by, entry.needs):
            entry.refresh_from_db()
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
            entry.hidden = False
            entry.version += 1
            row = self._save(Action.CHANGE, entry, by, reason)
            return Saved(row, merged=base != theirs)

    def remove(self, entry, *, by, reason: str = "") -> Saved:
        """Hide an entry. Nothing is destroyed: history shows it and it can be brought back."""
        return self._set_hidden(entry, True, Action.REMOVE, by, reason)

    def restore(self, entry, *, by, reason: str = "") -> Saved:
        """Bring a hidden entry back as it was."""
        return self._set_hidden(entry, False, Action.RESTORE, by, reason)

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

    # --- people ------------------------------------------------------------------------------------

    def let_in(self, user, role: str, *, by, may_export: bool = False) -> Saved:
        """Let one individual in with a role other than commander."""
        with self._door(by, Capability.PEOPLE):
            self._refuse_commander(role)
            may_export = may_export and role in EXPORT_IS_OPTIONAL
            if self.participants.filter(user=user).exists():
                raise Impossible(f"{user} is in this incident already. Change the role in the list below.")
            self._admit(user, role, by, may_export)
            return Saved(self._record_person(Action.LET_IN, user, role, by, may_export))

    def set_role(self, user, role: str, *, by, may_export: bool = False) -> Saved:
        """Change what one individual sees and does. The commander's role changes only by handing over."""
        with self._door(by, Capability.PEOPLE):
            self._refuse_commander(role, user)
            participant = self._participant(user)
            may_export = may_export and role in EXPORT_IS_OPTIONAL
            if (participant.role, participant.may_export) == (role, may_export):
                return Saved(None)
            participant.role, participant.may_export = role, may_export
            participant.save(update_fields=["role", "may_export"])
            write_grants(self, user, role, may_export)
            return Saved(self._record_person(Action.SET_ROLE, user, role, by, may_export))

    def let_out(self, user, *, by, reason: str = "") -> Saved:
        """Take away every grant of one individual at once. The commander cannot be removed."""
        with self._door(by, Capability.PEOPLE):
            self._refuse_commander("", user)
            self._participant(user).delete()
            write_grants(self, user, None)
            return Saved(self._record_person(Action.LET_OUT, user, "", by, reason=reason))

    def hand_over(self, successor, *, by, reason: str) -> Saved:
        """Give command to a participant; the old commander stays as a responder. One row, one commander."""
        with self._door(by, Capability.COMMAND):
            if successor == by:
                raise Impossible("You are in command already.")
            following = self._participant(successor)
            if not successor.is_active or not access.has_acknowledged(successor, self):
                raise Impossible(
                    f"{successor} has not accepted the classification yet, so cannot take command."
                )
            self.participants.filter(user=by).update(role=Role.RESPONDER, may_export=False)
            following.role, following.may_export = Role.COMMANDER, False
            following.save(update_fields=["role", "may_export"])
            write_grants(self, by, Role.RESPONDER)
            write_grants(self, successor, Role.COMMANDER)
            self.commander = successor
            self.save(update_fields=["commander"])
            return Saved(self._record_person(Action.HAND_OVER, successor, Role.COMMANDER, by, reason=reason))

    def acknowledge(self, *, by, read: int | None = None) -> Saved:
        """Note that this person accepts the classification; `read` is the revision of it that was shown to them."""
        with self._door(by, Capability.SUMMARY):
            if read is not None and read != self.classification_revision:
                raise Impossible(
                    "The classification changed while you were reading it. This is how it stands now."
                )
            if access.has_acknowledged(by, self):
                return Saved(None)
            self._accept(by)
            return Saved(self._record(Action.ACKNOWLEDGE, by))

    # --- the door ----------------------------------------------------------------------------------

    @contextmanager
    def _door(self, by, capability: str) -> Iterator[None]:
        with transaction.atomic():
            self.refresh_from_db(from_queryset=Incident.objects.select_for_update(no_key=True))
            if not access.can(by, self, capability):
                raise Refused
            yield

    def _record(
        self, action: Action, by, *, entry=None, values: dict | None = None, reason: str = ""
    ) -> Change:
        self.revision += 1
        row = Change(
            incident=self,
            revision=self.revision,
            section=entry.section if entry else "",
            entry_id=entry.pk if entry else None,
            version=entry.version if entry else 0,
            action=action,
            actor=by,
            values=values or {},
            reason=reason,
            privileged=entry.privileged if entry else False,
            previous_hash=self.head,
        )
        self.head = row.hash = row.digest()
        self.updated_at = row.at
        row.save(force_insert=True)
        self.save(update_fields=["revision", "head", "updated_at", "classification_revision"])
        ledger.announce(self.pk)
        return row

    def _save(self, action: Action, entry, by, reason: str = "") -> Change:
        entry.changed_by, entry.changed_at = by, timezone.now()
        entry.save()
        if entry.asks_again:
            self.classification_revision = self.revision + 1
            self._accept(by)
        return self._record(action, by, entry=entry, values=entry.values(), reason=reason)

    def _set_hidden(self, entry, hidden: bool, action: Action, by, reason: str) -> Saved:
        with self._door(by, entry.needs):
            entry.refresh_from_db()
            self._may_touch(entry.privileged, by)
            if entry.hidden == hidden:
                return Saved(None)
            entry.hidden = hidden
            entry.version += 1
            return Saved(self._save(action, entry, by, reason))

    def _may_touch(self, privileged: bool, by) -> None:
        """Only who reads entries prepared at the request of counsel may write or mark one."""
        if privileged and not access.can(by, self, Capability.PRIVILEGED):
            raise Refused

    # --- people, inside the door -------------------------------------------------------------------

    def _admit(self, user, role: str, by, may_export: bool = False) -> None:
        Participant.objects.create(incident=self, user=user, role=role, may_export=may_export, let_in_by=by)
        write_grants(self, user, role, may_export)

    def _accept(self, user) -> None:
        revision = max(self.revision, self.classification_revision)
        Acknowledgement.objects.get_or_create(incident=self, user=user, revision=revision)

    def _participant(self, user) -> Participant:
        participant = self.participants.filter(user=user).first()
        if participant is None:
            raise Impossible(f"{user} is not in this incident.")
        return participant

    def _refuse_commander(self, role: str, user=None) -> None:
        if role == Role.COMMANDER:
            raise Impossible("There is one commander. Hand over command instead.")
        if user is not None and user.pk == self.commander_id:
            raise Impossible("The commander cannot be changed or removed. Hand over command first.")

    def _record_person(
        self, action, user, role: str, by, may_export: bool = False, reason: str = ""
    ) -> Change:
        values = {
            "user": str(user.pk),
            "name": user.display_name,
            "role": str(role),
            "may_export": may_export,
        }
        return self._record(action, by, values=values, reason=reason)


def _blank(entry) -> dict:
    """The values of an entry before its first version."""
    return type(entry)(incident=entry.incident).values()
