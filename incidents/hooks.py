"""The webhook of an incident: where a chat is told that something happened, never what. Floor 1: the rows."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from incidents.letters import Outgoing


class HookEvent(models.TextChoices):
    """What a webhook can tell."""

    ADDED = "added", "an entry was added"
    SUMMARY = "summary", "the summary changed"
    STATUS = "status", "the status changed"
    COMMAND = "command", "command was handed over"


class Webhook(models.Model):
    """Where an incident tells a chat that something happened; `url` is empty while it is off.

    Its secret is derived from SECRET_KEY and `serial`, and stored nowhere. Times are UTC.
    """

    incident = models.OneToOneField("incidents.Incident", on_delete=models.CASCADE, related_name="webhook")
    url = models.URLField(max_length=500, blank=True)
    events = models.JSONField(default=list)
    serial = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return f"webhook of {self.incident_id}"

    @property
    def host(self) -> str:
        """The name of the machine that is told; "" while it is off."""
        return urlsplit(self.url).hostname or ""

    def secret(self) -> str:
        """With what the messages are signed (256 bits, hex)."""
        named = f"{self.incident_id}:{self.serial}"
        return salted_hmac("incidents.webhook", named, algorithm="sha256").hexdigest()


class HookCall(Outgoing):
    """One message to a webhook."""

    give_up = timedelta(hours=1)  # a chat wants no news of yesterday

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="calls")
    event = models.CharField(max_length=16, choices=HookEvent.choices)

    class Meta(Outgoing.Meta):
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(sent_at=None, dropped_at=None), name="calls_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event}, {self.webhook}"
