"""What people say about entries: comment, amend, resolve, hide. Floor 3: writes through the door."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from incidents import access, merging
from incidents.command import Command
from incidents.comments import Comment, wordings
from incidents.door import Impossible, Refused
from incidents.ledger import Action
from incidents.membership import Saved
from incidents.vocabulary import Capability

MOST = 200  # comments of an entry: all of them are sent with each new one


class Overlap(Exception):
    """The author changed the same words of a comment elsewhere. Holds it as it stands; nothing was written."""

    def __init__(self, comment: Comment):
        self.comment = comment


class Talk(Command):
    """The comments' part of the incident."""

    if TYPE_CHECKING:
        comments: models.QuerySet[Comment]

    class Meta:
        abstract = True

    def comment(self, entry, comment: Comment, *, by) -> Saved:
        """Say something about an entry, or answer in a thread; an answer opens a resolved thread again.

        The client chose the comment's id: a repeated POST is the same comment. Raises Impossible where the
        entry is hidden or not written yet, or the thread is none of this entry's.
        """
        with self._about(entry, by):
            present = Comment.objects.filter(pk=comment.pk).first()
            if present:
                if (present.incident_id, present.entry_id, present.author_id) != (self.pk, entry.pk, by.pk):
                    raise Impossible("This comment cannot be added here. Reload the page and write it again.")
                return Saved(None)
            comment.incident_id, comment.section, comment.entry_id = self.pk, entry.section, entry.pk
            comment.author, comment.privileged = by, entry.privileged
            comment.revision = self.revision + 1
            if comment.reply_to_id:
                thread = self._thread(entry, comment.reply_to_id, by)
                comment.reply_to, comment.privileged = thread, entry.privileged or thread.privileged
                if thread.resolved_at:
                    self._resolve(thread, None)
            if self.comments.filter(entry_id=entry.pk).count() >= MOST:
                raise Impossible(f"This entry has {MOST} comments. Go on in a new entry that refers to it.")
            comment.save(force_insert=True)
            return Saved(self._say(Action.COMMENT, entry, comment, by, comment.values()))

    def amend(self, entry, comment: Comment, *, by, version: int, text: str) -> Saved:
        """Change the words of one's own comment, begun at `version`; words changed elsewhere since are merged.

        Raises Refused for anybody but the author, Overlap where the same words were changed twice.
        """
        with self._about(entry, by, comment):
            if comment.author_id != by.pk:
                raise Refused
            if comment.hidden:
                raise Impossible(
                    "This comment was hidden meanwhile. Bring it back from the history to change it."
                )
            said = [row.values["text"] for row in wordings(entry.pk, comment.pk)]
            base = said[version - 1] if 0 < version <= len(said) else ""
            sides = ({"text": words} for words in (base, text, comment.text))
            merged, conflicts = merging.merge_fields([("text",)], frozenset({"text"}), *sides)
            if conflicts:
                raise Overlap(comment)
            if merged["text"] == comment.text:
                return Saved(None)
            overtaken = base != comment.text
            comment.text = merged["text"]
            comment.privileged = comment.for_counsel or entry.privileged
            comment.version += 1
            comment.changed_at = timezone.now()
            comment.save()
            row = self._say(Action.AMEND, entry, comment, by, comment.values())
            return Saved(row, merged=overtaken)

    def resolve(self, entry, comment: Comment, *, by) -> Saved:
        """Settle the thread of a comment; it is folded, not gone."""
        return self._set_resolved(entry, comment, True, Action.RESOLVE, by)

    def reopen(self, entry, comment: Comment, *, by) -> Saved:
        """Open a settled thread again."""
        return self._set_resolved(entry, comment, False, Action.REOPEN, by)

    def hide_comment(self, entry, comment: Comment, *, by) -> Saved:
        """Take a comment off the page: the author or whoever commands. The history keeps it."""
        return self._set_comment_hidden(entry, comment, True, Action.HIDE_COMMENT, by)

    def show_comment(self, entry, comment: Comment, *, by) -> Saved:
        """Bring a hidden comment back: the author or whoever commands."""
        return self._set_comment_hidden(entry, comment, False, Action.SHOW_COMMENT, by)

    # --- the door ----------------------------------------------------------------------------------

    @contextmanager
    def _about(self, entry, by, comment: Comment | None = None) -> Iterator[None]:
        """The door for talk about an entry, with entry and comment as they stand under the lock."""
        with self._door(by, Capability.WRITE):
            if not entry.version:
                raise Impossible("Nothing is written here yet. Write it, then comment on it.")
            entry.refresh_from_db()
            if comment is not None:
                comment.refresh_from_db()
            self._may_touch(entry.privileged or (comment is not None and comment.for_counsel), by)
            if entry.hidden:
                raise Impossible("This entry was hidden. Bring it back from the history, then comment on it.")
            yield

    def _thread(self, entry, comment_id, by) -> Comment:
        """The first comment of a thread of this entry."""
        found = self.comments.filter(entry_id=entry.pk, pk=comment_id).select_related("reply_to").first()
        if found is None:
            raise Impossible("There is no such comment here. Reload the page and answer again.")
        first = found.reply_to or found
        self._may_touch(first.privileged, by)
        return first

    def _resolve(self, thread: Comment, by) -> None:
        thread.resolved_by, thread.resolved_at = by, timezone.now() if by else None
        thread.save(update_fields=["resolved_by", "resolved_at"])

    def _set_resolved(self, entry, comment: Comment, resolved: bool, action: Action, by) -> Saved:
        with self._about(entry, by, comment):
            thread = self._thread(entry, comment.pk, by)
            if bool(thread.resolved_at) == resolved:
                return Saved(None)
            self._resolve(thread, by if resolved else None)
            return Saved(self._say(action, entry, thread, by, {"comment": str(thread.pk)}))

    def _set_comment_hidden(self, entry, comment: Comment, hidden: bool, action: Action, by) -> Saved:
        with self._about(entry, by, comment):
            if comment.author_id != by.pk and not access.can(by, self, Capability.COMMAND):
                raise Refused
            if comment.hidden == hidden:
                return Saved(None)
            comment.hidden = hidden
            comment.save(update_fields=["hidden"])
            return Saved(self._say(action, entry, comment, by, {"comment": str(comment.pk)}))

    def _say(self, action: Action, entry, comment: Comment, by, values: dict):
        return self._record(action, by, entry=entry, values=values, privileged=comment.for_counsel)
