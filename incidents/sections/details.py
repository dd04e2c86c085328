"""Section 5: how the intrusion went, in the seven phases of the kill chain."""

from datetime import datetime

from django.db import models

from incidents.sections.base import LONG, Entry, Section
from incidents.sections.forms import EntryForm, offer_entries
from incidents.sections.timeline import TimelineEntry
from incidents.vocabulary import Phase


class Detail(Entry):
    """One known fact under a phase; optionally an ATT&CK technique and the timeline entry it rests on."""

    section = "details"
    own = ("phase", "text", "technique", "source", "timeline_entry")

    phase = models.CharField(max_length=32, choices=Phase.choices)
    text = models.TextField("what is known", max_length=LONG)
    technique = models.CharField(
        "ATT&CK technique", max_length=120, blank=True, help_text="Such as T1078 Valid Accounts."
    )
    source = models.CharField(max_length=300, blank=True)
    timeline_entry = models.ForeignKey(
        TimelineEntry,
        verbose_name="timeline entry",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )


class DetailForm(EntryForm):
    seldom = ("technique", "timeline_entry", "source")

    class Meta:
        model = Detail
        fields = [
            "phase",
            "text",
            "technique",
            "source",
            "timeline_entry",
            "checked",
            "constructed",
            "privileged",
        ]

    def __init__(self, *args, incident, **kwargs):
        super().__init__(*args, incident=incident, **kwargs)
        offer_entries(self, "timeline_entry", TimelineEntry, "T")


class DetailsSection(Section):
    name = "details"
    title = "Details"
    guidance = "How the intrusion went, in the seven phases of the kill chain. An empty phase is a question."
    kind = "fact"
    charted = True
    prefix = "D"
    counted = ("fact", "facts")
    groups = tuple(Phase.choices)
    model = Detail
    form = DetailForm
    facts = {"phase": "phase", "text": "text", "technique": "technique", "source": "source"}
    links = {"timeline_entry": ("timeline_entry", "timeline")}

    def group_of(self, entry: Detail) -> str:
        return entry.phase

    def capture(self, text: str, now: datetime) -> dict:
        return {"text": text, "phase": Phase.RECONNAISSANCE}
