"""Section 3: what happened, oldest first."""

from django.db import models

from incidents.sections.base import LINE, LONG, TimedEntry, TimedSection, moment_field, precision_field
from incidents.sections.forms import EntryForm
from incidents.vocabulary import Milestone


class TimelineEntry(TimedEntry):
    """One fact with its time, source, and what makes it doubtful."""

    section = "timeline"
    own = (
        "at",
        "at_precision",
        "approximate",
        "text",
        "until",
        "until_precision",
        "source",
        "link",
        "milestone",
        "learned_at",
        "learned_at_precision",
        "note",
        "stands_after",
    )

    approximate = models.BooleanField("about this time, not exact", default=False)
    text = models.TextField("what happened", max_length=LONG)
    until = moment_field()
    until_precision = precision_field()
    source = models.CharField(max_length=LINE, blank=True)
    link = models.URLField("link to the source", max_length=2000, blank=True)
    milestone = models.CharField(max_length=16, choices=Milestone.choices, blank=True)
    learned_at = moment_field(verbose_name="learned")
    learned_at_precision = precision_field()
    note = models.TextField(
        "conflict note",
        max_length=LONG,
        blank=True,
        help_text="What contradicts it, or how the time was found.",
    )


class TimelineForm(EntryForm):
    seldom = ("until", "milestone", "learned_at", "note", "stands_after", "link")

    class Meta:
        model = TimelineEntry
        fields = [
            "approximate",
            "text",
            "source",
            "link",
            "milestone",
            "note",
            "checked",
            "constructed",
            "privileged",
        ]

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("at") is None and "at" not in self.errors:
            self.add_error("at", "Give at least the date. Leave the time empty if only the day is known.")
        if cleaned.get("at") and cleaned.get("until") and cleaned["until"] < cleaned["at"]:
            self.add_error("until", "This is before the beginning.")
        return cleaned


class TimelineSection(TimedSection):
    name = "timeline"
    title = "Timeline"
    guidance = (
        "What happened, oldest first. One fact a line, with its source. Tick About when you are not sure."
    )
    kind = "tl"
    starts_now = True
    prefix = "T"
    model = TimelineEntry
    form = TimelineForm
    facts = {
        "at": "at",
        "precision": "at_precision",
        "until": "until",
        "text": "text",
        "source": "source",
        "link": "link",
        "milestone": "milestone",
        "approximate": "approximate",
        "learned_at": "learned_at",
        "note": "note",
    }
    capture_label = "Timeline"

    def marks(self, entry: TimelineEntry) -> dict[str, str]:
        return {"key": entry.milestone} if entry.milestone else {}

    def heads(self, values: dict, before: dict | None) -> bool:
        return before is None or bool(values["milestone"] or before.get("milestone"))
