"""What people are told of, and how they want to be. Floor 1.

A notice says what kind it is and where, never a word of an incident: its sentence is made when it is shown, by
what its reader may see then.
"""

import uuid
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone

from incidents.letters import Letter


class NoticeKind(models.TextChoices):
    """Why somebody is told."""

    MENTION = "mention", "Somebody mentions you"
    ASSIGNED = "assigned", "A next step is given to you"
    COMMENT = "comment", "A comment on an entry of yours, or in a thread that you are in"
    DUE = "due", "A step of yours is due within the hour"
    OVERDUE = "overdue", "A step of yours is overdue"
    ACCEPTED = "accepted", "Somebody accepts your invitation"
    COMMAND = "command", "Command is handed over"
    CHECK = "check", "Something waits for you as commander"


class Way(models.TextChoices):
    """How somebody is mailed about a kind of notice."""

    AT_ONCE = "at once", "At once"
    HOURLY = "hourly", "Once an hour"
    NONE = "none", "No mail"


URGENT = {NoticeKind.MENTION, NoticeKind.ASSIGNED, NoticeKind.COMMAND}
USUAL = {kind: Way.AT_ONCE if kind in URGENT else Way.HOURLY for kind in NoticeKind}


class Choices(models.Model):
    """What one person chose. `ways`: kind → way, where it differs from the usual.

    From `quiet_from` until `quiet_until`, clock times in the person's own zone, no mail goes out; None: at any time.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    ways = models.JSONField(default=dict)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"choices of {self.user}"

    def way(self, kind: str) -> Way:
        """How they are mailed about a kind."""
        return Way(self.ways.get(kind, USUAL[NoticeKind(kind)]))

    def mail_at(self, kind: str, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When a mail about a kind goes out (UTC) if it comes up now; None: never."""
        match self.way(kind):
            case Way.NONE:
                return None
            case Way.HOURLY:
                now = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if self.quiet_from is None or self.quiet_until is None:
            return now
        return after_quiet(now, zone, self.quiet_from, self.quiet_until)


def after_quiet(now: datetime, zone: ZoneInfo, start: time, end: time) -> datetime:
    """Now, or the end of the quiet hours (UTC) that it falls into; they may pass midnight and clock changes."""
    local = now.astimezone(zone)
    clock = local.time()
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    if not quiet:
        return now
    day = local.date() + timedelta(days=clock >= end)
    for fold in (0, 1):  # where the clocks repeat the end, the first that is not over
        over = datetime.combine(day, end, zone).replace(fold=fold).astimezone(now.tzinfo)
        if over > now:
            return over
    return now


class Notice(models.Model):
    """One person is told of one thing. Times are UTC.

    `by` did it; None where time did, or nobody in particular. `once` keeps it from being told twice: the revision
    that it comes of, or a digest of what time or a check found. `privileged` and `hidden` are the entry's, kept in
    step by the worker. `letter` is the mail that tells of it; None: none does.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    section = models.CharField(max_length=32, blank=True)
    entry_id = models.UUIDField(null=True, blank=True)
    privileged = models.BooleanField(default=False)
    hidden = models.BooleanField(default=False)
    once = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    letter = models.ForeignKey(
        Letter, on_delete=models.SET_NULL, related_name="notices", null=True, blank=True
    )

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "incident", "once"], name="nobody_is_told_twice")
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notices_of"),
            models.Index(fields=["user"], condition=models.Q(read_at=None), name="notices_unread"),
            models.Index(fields=["entry_id"], name="notices_about"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"

    @property
    def revision(self) -> int | None:
        """The row of the ledger that it comes of; None where time or a check found it."""
        return int(self.once) if self.once.isdecimal() else None


class Told(models.Model):
    """Up to where the people of one incident were told: written in one transaction with the notices.

    `revision` of the ledger, `looked_at` the clock (UTC), `waiting` the commander's checks that wait: name → when
    it is time to tell of it (ISO 8601, UTC), "" once that was done.
    """

    incident = models.OneToOneField("incidents.Incident", on_delete=models.CASCADE, related_name="told")
    revision = models.PositiveIntegerField(default=0)
    looked_at = models.DateTimeField(null=True, blank=True)
    waiting = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"revision {self.revision}"
