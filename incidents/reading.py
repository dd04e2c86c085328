"""Who opened or downloaded what. Floor 1: never in the ledger's chain, never takes the incident's lock."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class AccessRecord(models.Model):
    """One opening or download, without content. `at` is UTC; `copy` numbers a report that left the building."""

    class Kind(models.TextChoices):
        DOCUMENT = "document", "opened the document"
        SUMMARY = "summary", "opened the summary"
        HISTORY = "history", "opened the history"
        FILE = "file", "downloaded a file"
        REPORT = "report", "downloaded the report"
        REGISTER = "register", "opened this register"

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="readings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    subject = models.CharField(max_length=64, blank=True)
    revision = models.PositiveIntegerField()
    copy = models.CharField(max_length=9, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["incident", "user", "-at"], name="reading_of_person")]

    def __str__(self) -> str:
        return f"{self.user} {self.get_kind_display()}"


def record(incident, user, kind: str, subject: str = "") -> AccessRecord:
    """Note one opening or download."""
    return AccessRecord.objects.create(
        incident=incident, user=user, kind=kind, subject=subject, revision=incident.revision
    )


def record_once(incident, user, kind: str, subject: str) -> None:
    """Note what comes along with a page, unless this person has had it in the last ten minutes."""
    lately = timezone.now() - timedelta(minutes=10)
    if not incident.readings.filter(user=user, kind=kind, subject=subject, at__gt=lately).exists():
        record(incident, user, kind, subject)


def numbered(incident, user) -> AccessRecord:
    """A copy of the report for a person, with a number such as 3F9A-22C1; not saved yet."""
    copy = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper()
    kind = AccessRecord.Kind.REPORT
    return AccessRecord(incident=incident, user=user, kind=kind, revision=incident.revision, copy=copy)


DOWNLOADS = [AccessRecord.Kind.FILE, AccessRecord.Kind.REPORT]


def downloads(incident) -> dict:
    """User id → how many files and reports they took."""
    rows = incident.readings.filter(kind__in=DOWNLOADS).order_by().values("user_id")
    return {row["user_id"]: row["count"] for row in rows.annotate(count=models.Count("pk"))}


def readers(incident) -> list[tuple]:
    """(id, name) of everybody who ever opened anything of this incident, by name."""
    rows = incident.readings.order_by("user__display_name").values_list("user_id", "user__display_name")
    return list(rows.distinct())


def last_seen(incident) -> dict:
    """User id → when they last opened anything of this incident (UTC)."""
    rows = incident.readings.order_by().values("user_id").annotate(latest=models.Max("at"))
    return {row["user_id"]: row["latest"] for row in rows}
