"""Command that passes on: the offer to a successor, and break-glass when no commander can be reached.

Floor 1. Rows are stamped, never deleted.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

ASKED_FOR = timedelta(hours=4)  # an unanswered request for break-glass lapses


class Offer(models.Model):
    """Command that was offered to a participant; until they answer, the commander stays. Times are UTC."""

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="offers")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=Q(ended_at=None), name="one_open_offer_of_command"
            )
        ]

    def __str__(self) -> str:
        return f"{self.by} offers command to {self.to}"


class BreakGlass(models.Model):
    """Somebody acts as commander for some hours because none can be reached (ASVS 2.3.5: two people).

    `asked_by` gets what a commander has from `approved_at` until `expires_at` (UTC), or until it is ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="openings")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField()
    hours = models.PositiveSmallIntegerField(default=4)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["asked_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("asked_by")),
                name="nobody_approves_themselves",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None) | Q(approved_by__isnull=False, expires_at__isnull=False),
                name="approved_by_somebody_until_some_time",
            ),
            models.UniqueConstraint(
                fields=["incident", "asked_by"], condition=Q(ended_at=None), name="one_open_break_glass_each"
            ),
        ]

    def __str__(self) -> str:
        return f"break-glass of {self.asked_by}"

    @property
    def is_asked(self) -> bool:
        """Whether it waits for a second person."""
        return (
            self.approved_at is None and self.ended_at is None and timezone.now() < self.asked_at + ASKED_FOR
        )

    @property
    def is_open(self) -> bool:
        """Whether it gives command now."""
        return self.expires_at is not None and self.ended_at is None and timezone.now() < self.expires_at


def openings(incident) -> tuple[list[BreakGlass], list[BreakGlass]]:
    """Who acts as commander by break-glass now, and the requests that wait for a second person."""
    rows = list(incident.openings.filter(ended_at=None).select_related("asked_by", "approved_by"))
    return [row for row in rows if row.is_open], [row for row in rows if row.is_asked]


def offered(incident) -> Offer | None:
    """The offer of command that waits for an answer."""
    return incident.offers.filter(ended_at=None).select_related("by", "to").first()
