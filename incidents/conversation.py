"""What is said about entries, as an audience reads it and as it is typed. Floor 6."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django import forms

from incidents import access, mentions, text
from incidents.comments import LONGEST, Comment
from incidents.sections.base import Entry
from incidents.sections.forms import check_text
from incidents.vocabulary import Audience, Capability


@dataclass
class Thread:
    """A comment and the answers to it, without the hidden ones; a hidden first one keeps its place."""

    first: Comment
    replies: list[Comment] = field(default_factory=list)

    @property
    def shown(self) -> list[Comment]:
        """The comments whose words are read."""
        return self.replies if self.first.hidden else [self.first, *self.replies]


class CommentForm(forms.Form):
    """What is said. The id makes a repeated POST the same comment, the version says what was read before."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)
    text = forms.CharField(
        label="Comment",
        max_length=LONGEST,
        validators=[check_text],
        widget=forms.Textarea(attrs={"class": "in", "rows": 2}),
        error_messages={"required": "Nothing was sent: the comment is empty."},
    )

    def clean_text(self) -> str:
        return self.cleaned_data["text"].replace("\r\n", "\n")  # browsers send CRLF, htmx LF


def blank_form() -> CommentForm:
    """The form of a new comment."""
    return CommentForm(initial={"id": uuid.uuid4(), "version": 0})


def readers(incident) -> list:
    """Who can be named with an @: everybody who reads the document. Executives read the summary only (SECURITY 12)."""
    return access.holders(incident, Capability.READ)


def said(incident, audience: str):
    """The comments that an audience may read, hidden ones included, as far as it may read their entries."""
    rows = incident.comments.select_related("author", "resolved_by", "reply_to")
    if audience == Audience.PRIVILEGED:
        return rows
    return rows.filter(privileged=False).exclude(reply_to__privileged=True)


def attach(incident, audience: str, entries: Iterable[Entry]) -> None:
    """Give each entry its `threads`, how many `remarks` are in them, and the `latest`.

    One query for all, and one for the names if somebody seems to be named.
    """
    by_id = {entry.pk: entry for entry in entries}
    if not by_id:
        return
    for entry in by_id.values():
        entry.threads, entry.remarks, entry.latest = [], 0, None
    rows = said(incident, audience)
    if len(by_id) == 1:
        rows = rows.filter(entry_id__in=by_id)
    comments = [comment for comment in rows if comment.entry_id in by_id]
    threads = {comment.pk: Thread(comment) for comment in comments if not comment.reply_to_id}
    for comment in comments:
        if comment.reply_to_id in threads and not comment.hidden:
            threads[comment.reply_to_id].replies.append(comment)
    for thread in threads.values():
        if thread.shown:
            entry = by_id[thread.first.entry_id]
            entry.threads.append(thread)
            entry.remarks += len(thread.shown)
            entry.latest = max([entry.latest, *thread.shown], key=lambda one: one.revision if one else 0)
    _word([comment for thread in threads.values() for comment in thread.shown], incident)


def _word(comments: list[Comment], incident) -> None:
    """Give comments their words as HTML, with a mark on the people of this incident whom they name."""
    names = []
    if any("@" in comment.text for comment in comments):
        names = [person.display_name for person in readers(incident)]
    for comment in comments:
        comment.words = text.marked(comment.text, mentions.spans(comment.text, names))
