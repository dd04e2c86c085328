"""Comment: what somebody said about an entry, in threads of one level. Floor 1: the rows; incidents/talk.py writes."""

import uuid
from collections.abc import Iterator

from django.conf import settings
from django.db import models
from django.utils import timezone

from incidents.ledger import Action, Change

LONGEST = 5_000  # characters of a comment


class Comment(models.Model):
    """One comment. The id is the client's choice, so that a repeated POST is the same comment; times are UTC.

    `reply_to` is the first comment of its thread, None for that one itself; only the first is resolved.
    `version` counts the wordings; `revision` is the incident's when it was written, the order of a thread.
    `privileged` says that words of it were written while the entry was marked; whether the entry is marked now
    is asked of the entry.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    incident = models.ForeignKey("incidents.Incident", on_delete=models.PROTECT, related_name="comments")
    section = models.CharField(max_length=32)
    entry_id = models.UUIDField()
    reply_to = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replies"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=LONGEST)
    version = models.PositiveIntegerField(default=1)
    hidden = models.BooleanField(default=False)
    privileged = models.BooleanField(default=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    words: str  # its text as HTML; incidents/conversation.py sets it

    class Meta:
        ordering = ["revision"]
        indexes = [models.Index(fields=["incident", "entry_id"], name="comment_of_entry")]

    def __str__(self) -> str:
        return f"comment {self.pk}"

    @property
    def thread_id(self) -> uuid.UUID:
        """The first comment of its thread."""
        return self.reply_to_id or self.pk

    @property
    def for_counsel(self) -> bool:
        """Whether it, or the comment that its thread begins with, is privileged."""
        return self.privileged or (self.reply_to is not None and self.reply_to.privileged)

    def values(self) -> dict:
        """How the ledger says its words."""
        reply_to = str(self.reply_to_id) if self.reply_to_id else None
        return {"comment": str(self.pk), "reply_to": reply_to, "text": self.text}


def wordings(entry_id: uuid.UUID, comment_id: uuid.UUID) -> Iterator[Change]:
    """The rows of the ledger that hold a comment's words, version 1 first."""
    rows = Change.objects.filter(entry_id=entry_id, action__in=[Action.COMMENT, Action.AMEND])
    return (row for row in rows.order_by("revision") if row.values["comment"] == str(comment_id))
