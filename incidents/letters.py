"""What is waiting to go out. Floor 1.

A letter says which kind it is and about what, never a word of an incident: its text is made when it is sent, so
that what was withdrawn meanwhile is not mailed, and no secret link is stored.
"""

import uuid
from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone

PAUSES = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60)]  # the last one again and again


class Outgoing(models.Model):
    """Something to send. Times are UTC; `due_at` moves on after each attempt that failed."""

    give_up = timedelta(days=2)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    queued_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["queued_at"]

    @classmethod
    def due(cls) -> models.QuerySet[Self]:
        """What is to be sent now, the oldest first."""
        rows = cls._default_manager.filter(sent_at=None, dropped_at=None, due_at__lte=timezone.now())
        return rows.order_by("queued_at")

    @property
    def is_stale(self) -> bool:
        """Whether it has waited so long that nobody wants it any more."""
        return timezone.now() - self.queued_at > self.give_up

    def claim(self) -> bool:
        """Take it for one attempt; False when another process has it. Without a word by then it is due again."""
        pause = PAUSES[min(self.tries, len(PAUSES) - 1)]
        waiting = type(self)._default_manager.filter(pk=self.pk, tries=self.tries, sent_at=None)
        return bool(waiting.update(tries=self.tries + 1, due_at=timezone.now() + pause))

    def sent(self) -> None:
        """It went out."""
        type(self)._default_manager.filter(pk=self.pk).update(sent_at=timezone.now())

    def drop(self) -> None:
        """It has become pointless."""
        type(self)._default_manager.filter(pk=self.pk).update(dropped_at=timezone.now())


class Letter(Outgoing):
    """One mail to one address: about an incident, or (`NOTICES`) what somebody is told of in one or several."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", "an invitation"
        REQUEST = "request", "somebody asks to be let in"
        ATTEMPT = "attempt", "somebody tried to invite a blocked address"
        OFFER = "offer", "command is offered"
        HAND_OVER = "hand over", "command was handed over"
        BREAK_GLASS_ASKED = "glass asked", "break-glass was asked for"
        BREAK_GLASS = "glass", "break-glass is open"
        NOTICES = "notices", "somebody is told of something"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    to = models.EmailField()
    incident = models.ForeignKey(
        "incidents.Incident", on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    invitation = models.ForeignKey(
        "incidents.Invitation", on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )

    class Meta(Outgoing.Meta):
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
