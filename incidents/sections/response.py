"""Section 6: what was done, newest first on screen."""

from django import forms
from django.db import models

from incidents.sections.base import LINE, LONG, TimedEntry, TimedSection
from incidents.sections.forms import EntryForm, ThreeWay, offer_entries
from incidents.sections.next_steps import NextStep
from incidents.vocabulary import ResponseKind


class ResponseEntry(TimedEntry):
    """One act of the response: who did it, of which kind, and whether it lasts."""

    section = "response"
    own = ("at", "at_precision", "text", "kind", "done_by", "source", "lasting", "next_step", "stands_after")

    text = models.TextField("what was done", max_length=LONG)
    kind = models.CharField(max_length=16, choices=ResponseKind.choices, blank=True)
    done_by = models.CharField("who did it", max_length=LINE, blank=True)
    source = models.CharField("proof", max_length=LINE, blank=True)
    lasting = models.BooleanField("temporary or lasting", null=True, blank=True)
    next_step = models.ForeignKey(
        NextStep,
        verbose_name="from next step",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )


class ResponseForm(EntryForm):
    seldom = ("lasting", "next_step", "stands_after", "source")

    lasting = forms.NullBooleanField(
        required=False,
        label="Temporary or lasting",
        widget=ThreeWay("Not said", "Lasting", "Temporary"),
    )

    class Meta:
        model = ResponseEntry
        fields = [
            "text",
            "kind",
            "done_by",
            "source",
            "lasting",
            "next_step",
            "checked",
            "constructed",
            "privileged",
        ]

    def __init__(self, *args, incident, **kwargs):
        super().__init__(*args, incident=incident, **kwargs)
        offer_entries(self, "next_step", NextStep, "N")


class ResponseSection(TimedSection):
    name = "response"
    title = "Response"
    guidance = "What was done, newest first. Write it down when it is done, with the proof."
    kind = "did"
    prefix = "R"
    newest_first = True
    starts_now = True
    model = ResponseEntry
    form = ResponseForm
    facts = {
        "at": "at",
        "precision": "at_precision",
        "text": "text",
        "kind": "kind",
        "done_by": "done_by",
        "source": "source",
        "lasting": "lasting",
    }
    links = {"next_step": ("next_step", "next_steps")}
    capture_label = "Did"
