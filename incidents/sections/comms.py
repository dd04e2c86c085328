"""Section 11: who is told what, by whom, when."""

from datetime import datetime

from django.db import models

from incidents.sections.base import LINE, LONG, TimedEntry, TimedSection
from incidents.sections.forms import EntryForm
from incidents.vocabulary import CommsState


class Comm(TimedEntry):
    """One message to one audience, from draft to sent. `at` is when it was, or will be, sent."""

    section = "comms"
    own = ("audience", "text", "at", "at_precision", "channel", "state", "approver", "link", "stands_after")

    audience = models.CharField(max_length=LINE)
    text = models.TextField("what is said", max_length=LONG)
    channel = models.CharField(max_length=LINE, blank=True)
    state = models.CharField(max_length=16, choices=CommsState.choices, blank=True)
    approver = models.CharField(max_length=LINE, blank=True)
    link = models.URLField("link to the text", max_length=2000, blank=True)


class CommForm(EntryForm):
    seldom = ("channel", "approver", "link", "stands_after")

    class Meta:
        model = Comm
        fields = [
            "audience",
            "text",
            "channel",
            "state",
            "approver",
            "link",
            "checked",
            "constructed",
            "privileged",
        ]
        labels = {"audience": "To whom"}


class CommsSection(TimedSection):
    name = "comms"
    title = "Comms"
    guidance = "Who is told what, by whom, by when. Nothing leaves without the commander and legal."
    kind = "com"
    prefix = "C"
    counted = ("message", "messages")
    model = Comm
    form = CommForm
    facts = {
        "audience": "audience",
        "at": "at",
        "precision": "at_precision",
        "text": "text",
        "channel": "channel",
        "state": "state",
        "approver": "approver",
        "link": "link",
    }

    def capture(self, text: str, now: datetime) -> dict:
        return {"text": text, "audience": "Not said", "state": CommsState.DRAFT}

    def day_of(self, entry: Comm) -> None:
        """No day heads: the body says when."""
        return None
