"""Invitations, requests for access and the list of addresses that must stay out. Floor 1.

Rows are stamped, never deleted. The link of an invitation is derived from SECRET_KEY and stored as a hash only;
sending it again makes another link, and the earlier one is dead.
"""

import contextlib
import hashlib
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from incidents.codenames import slug_of
from incidents.vocabulary import Role, sees

WORKS_FOR = timedelta(hours=24)


class InvitationQuerySet(models.QuerySet):
    def open(self) -> "InvitationQuerySet":
        """Neither accepted, withdrawn nor run out. Whether the inviter may still invite: incidents/access.py."""
        now = timezone.now()
        return self.filter(
            Q(grant_expires_at=None) | Q(grant_expires_at__gt=now),
            accepted_at=None,
            withdrawn_at=None,
            expires_at__gt=now,
        )


class Invitation(models.Model):
    """One address that is invited with a role. Times are UTC; `note` is shown after signing in, never mailed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices)
    may_export = models.BooleanField(default=False)
    reads_privileged = models.BooleanField(default=False)
    grant_expires_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    serial = models.PositiveIntegerField(default=0)
    token_hash = models.CharField(max_length=64, unique=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["invited_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invited_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.get_role_display()}"

    @property
    def sees(self) -> str:
        """What the person will see and may do, in one line."""
        return sees(self.role, self.may_export, self.reads_privileged)

    @property
    def has_run_out(self) -> bool:
        """Whether the time to accept is over."""
        return self.expires_at <= timezone.now() or self.grant_is_over

    @property
    def grant_is_over(self) -> bool:
        """Whether the access that it gives would have ended already."""
        return self.grant_expires_at is not None and self.grant_expires_at <= timezone.now()

    def token(self) -> str:
        """The secret part of the newest link (256 bits); it is written down nowhere."""
        return salted_hmac("incidents.invitation", f"{self.pk}:{self.serial}", algorithm="sha256").hexdigest()

    def renew(self) -> None:
        """Another link and another 24 hours; not saved yet."""
        self.serial += 1
        self.token_hash = hashed(self.token())
        self.sent_at = timezone.now()
        self.expires_at = self.sent_at + WORKS_FOR


def hashed(token: str) -> str:
    """How a link's secret is stored (SHA-256, hex)."""
    return hashlib.sha256(token.encode()).hexdigest()


def of_token(token: str) -> Invitation | None:
    """The invitation of a link, whatever its state."""
    rows = Invitation.objects.select_related("incident", "invited_by")
    return rows.filter(token_hash=hashed(token)).first()


class Block(models.Model):
    """An address that cannot be invited, such as that of the person under investigation. Only the commander sees it.

    It is not in the ledger: whoever counts the revisions would notice that one is kept from them. Times are UTC.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="blocks")
    email = models.EmailField()
    reason = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "email"], condition=Q(lifted_at=None), name="blocked_once"
            )
        ]

    def __str__(self) -> str:
        return self.email


class Attempt(models.Model):
    """Somebody tried to invite a blocked address. The commander is told, nobody else. `at` is UTC."""

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="attempts")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.by} tried to invite {self.block}"


def blocked(incident, email: str) -> Block | None:
    """The entry of the block list that keeps this address out."""
    return Block.objects.filter(incident=incident, email=email.lower(), lifted_at=None).first()


class AccessRequest(models.Model):
    """Somebody who has only a codename asks to be let in.

    It holds the codename as typed and points to no incident, so that asking does the same work and gives the
    same answer whether the incident exists or not (SECURITY 6).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(max_length=80, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    words = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "user"], condition=Q(answered_at=None), name="asked_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} asks for {self.slug}"


AT_MOST = 20  # unanswered requests of one person in a day
ANEW = timedelta(hours=1)  # asked again after this, the commander is told again


def ask(user, codename: str, words: str) -> None:
    """Note that somebody asks to be let in; asking again replaces the words.

    Nothing here looks whether there is such an incident.
    """
    slug, now = slug_of(codename), timezone.now()
    unanswered = AccessRequest.objects.filter(user=user, answered_at=None)
    same = unanswered.filter(slug=slug)
    same.filter(at__lt=now - ANEW).update(at=now, told_at=None)
    if same.update(words=words) or unanswered.filter(at__gt=now - timedelta(days=1)).count() >= AT_MOST:
        return
    with contextlib.suppress(IntegrityError), transaction.atomic():  # asked twice at the same moment
        AccessRequest.objects.create(slug=slug, user=user, words=words)


def requests_for(incident) -> models.QuerySet:
    """Requests that reached this incident and wait for an answer, of people who can sign in and are not in it."""
    inside = incident.participants.values("user_id")
    rows = AccessRequest.objects.filter(slug=incident.slug, answered_at=None, at__gte=incident.started_at)
    return rows.filter(user__is_active=True).exclude(user__in=inside).select_related("user")
