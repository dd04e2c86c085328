"""Mail that is waiting to go out. Floor 1.

A letter says which kind it is and about what, never a word of an incident: its text is made when it is sent, so
that what was withdrawn meanwhile is not mailed, and no secret link is stored.
"""

import uuid

from django.db import models
from django.utils import timezone


class Letter(models.Model):
    """One mail to one address. Times are UTC; `due_at` moves on after each attempt that failed."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", "an invitation"
        REQUEST = "request", "somebody asks to be let in"
        ATTEMPT = "attempt", "somebody tried to invite a blocked address"
        OFFER = "offer", "command is offered"
        HAND_OVER = "hand over", "command was handed over"
        BREAK_GLASS_ASKED = "glass asked", "break-glass was asked for"
        BREAK_GLASS = "glass", "break-glass is open"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    to = models.EmailField()
    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="+")
    invitation = models.ForeignKey(
        "incidents.Invitation", on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    queued_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["queued_at"]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(sent_at=None, dropped_at=None), name="letters_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.to}"


def post(incident, kind: str, *addresses: str, invitation=None) -> None:
    """Queue a letter to each address, in the transaction of whoever calls."""
    Letter.objects.bulk_create(
        Letter(incident=incident, kind=kind, to=address, invitation=invitation)
        for address in dict.fromkeys(addresses)
    )
