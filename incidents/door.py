"""The one door: lock, ask access again, write, add one row to the ledger, in one transaction. Floor 3."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.utils import timezone

from incidents import access, ledger
from incidents.invitations import InvitationQuerySet
from incidents.ledger import Action, Change
from incidents.people import Participant
from incidents.succession import BreakGlass, Offer
from incidents.vocabulary import Capability

# Called with an entry before it is saved: incidents/rendering.py, two floors up, gives it its body.
dressers: list[Callable] = []


class Refused(PermissionDenied):
    """The person no longer holds the capability that the act needs; nothing was written."""


class Impossible(ValueError):
    """The act makes no sense as things stand (its text says why); nothing was written."""


class Door(models.Model):
    """What every write needs. `revision` counts changes from 1; `head` is the ledger's last hash; times are UTC."""

    slug = models.SlugField(max_length=80, unique=True)
    commander = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    hold_since = models.DateTimeField("on legal hold since", null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)
    revision = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    classification_revision = models.PositiveIntegerField(default=0)
    numbers = models.JSONField(default=dict, blank=True, editable=False)  # section → its newest number

    if TYPE_CHECKING:  # the rows that point here; Django adds the managers to the model
        participants: models.QuerySet[Participant]
        invitations: InvitationQuerySet
        openings: models.QuerySet[BreakGlass]
        offers: models.QuerySet[Offer]

    class Meta:
        abstract = True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The incident's row lock for a transaction; the caller asks who may."""
        with transaction.atomic():
            self.refresh_from_db(from_queryset=type(self)._default_manager.select_for_update(no_key=True))
            yield

    @contextmanager
    def _door(self, by, capability: str) -> Iterator[None]:
        """The lock, for somebody who holds the capability under it: a revocation that came first wins."""
        with self._locked():
            if not access.can(by, self, capability):
                raise Refused
            yield

    def _may_touch(self, privileged: bool, by) -> None:
        """Only who reads entries prepared at the request of counsel may write or mark one."""
        if privileged and not access.can(by, self, Capability.PRIVILEGED):
            raise Refused

    def _record(
        self,
        action: Action,
        by,
        *,
        entry=None,
        values: dict | None = None,
        reason: str = "",
        before=None,
        at: datetime | None = None,
        privileged: bool = False,
    ) -> Change:
        """Add the row; it is privileged if the entry is, or if what is said about it is."""
        self.revision += 1
        row = Change(
            incident=self,
            revision=self.revision,
            section=entry.section if entry else "",
            entry_id=entry.pk if entry else None,
            version=entry.version if entry else 0,
            action=action,
            actor=by,
            at=at or timezone.now(),
            values=values or {},
            reason=reason,
            privileged=privileged or (entry.privileged if entry else False),
            previous_hash=self.head,
        )
        row.before = before
        self.head = row.hash = row.digest()
        self.updated_at = row.at
        row.save(force_insert=True)
        self.save(update_fields=["revision", "head", "updated_at", "classification_revision", "numbers"])
        ledger.announce(row, entry)
        return row
