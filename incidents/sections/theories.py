"""Section 8: what might explain the facts."""

from django.db import models

from incidents.sections.base import LONG, Entry, Section
from incidents.sections.forms import EntryForm
from incidents.vocabulary import TheoryState


class Theory(Entry):
    """One theory with its evidence; one that is ruled out stays."""

    section = "theories"
    own = ("text", "state", "evidence_for", "evidence_against", "why")

    text = models.TextField("the theory", max_length=LONG)
    state = models.CharField(max_length=16, choices=TheoryState.choices, default=TheoryState.OPEN)
    evidence_for = models.TextField(max_length=LONG, blank=True)
    evidence_against = models.TextField(max_length=LONG, blank=True)
    why = models.TextField("why it stands where it stands", max_length=LONG, blank=True)


class TheoryForm(EntryForm):
    class Meta:
        model = Theory
        fields = [
            "text",
            "state",
            "evidence_for",
            "evidence_against",
            "why",
            "checked",
            "constructed",
            "privileged",
        ]


class TheoriesSection(Section):
    name = "theories"
    title = "Theories"
    guidance = (
        "What might explain the facts. Say what would prove it wrong. A theory that is ruled out stays."
    )
    kind = "th"
    prefix = "H"
    counted = ("theory", "theories")
    model = Theory
    form = TheoryForm
    facts = {
        "text": "text",
        "status": "state",
        "why": "why",
        "evidence_for": "evidence_for",
        "evidence_against": "evidence_against",
    }
    capture_label = "Theory"

    def marks(self, entry: Theory) -> dict[str, str]:
        return {"state": {"ruled out": "out", "confirmed": "yes"}.get(entry.state, "open")}
