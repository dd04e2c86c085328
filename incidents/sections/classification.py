"""Section 1: who may know, and where it may be talked about."""

from django.db import models

from incidents.sections.base import LONG, Entry, Section
from incidents.sections.forms import EntryForm
from incidents.vocabulary import TLP_MEANS, Capability, Tlp

SCHEME = "Confidential – Specific Individuals Only"
TREATMENT = (
    "For the people named under People, and nobody else. Do not forward, quote or photograph. "
    "Somebody else needs to know? Ask the incident commander."
)
DISCUSSION = (
    "Here, and in person or by phone with people on the list. "
    "Not in mail, chat, the wiki or the issue tracker."
)


class Classification(Entry):
    """The label, how the information is to be treated and where it may be discussed."""

    section = "classification"
    common = ()  # everybody who is let in must read it, so it is never marked
    own = ("scheme", "tlp", "treatment", "discussion")
    needs = Capability.COMMAND
    asks_again = True

    scheme = models.CharField("label", max_length=120, default=SCHEME)
    tlp = models.CharField("Traffic Light Protocol", max_length=16, choices=Tlp.choices, blank=True)
    treatment = models.TextField("how to treat the information", max_length=LONG, default=TREATMENT)
    discussion = models.TextField("where it may be talked about", max_length=LONG, default=DISCUSSION)

    @property
    def tlp_means(self) -> str:
        """What the label asks, for people who have never seen one."""
        return TLP_MEANS[Tlp(self.tlp)] if self.tlp else ""


class ClassificationForm(EntryForm):
    class Meta:
        model = Classification
        fields = ["scheme", "tlp", "treatment", "discussion"]


class ClassificationSection(Section):
    name = "classification"
    title = "Data classification"
    guidance = "Who may know, and where it may be talked about. A change asks everybody to accept it again."
    kind = "one"
    many = False
    model = Classification
    form = ClassificationForm
    facts = {"scheme": "scheme", "tlp": "tlp", "treatment": "treatment", "discussion": "discussion"}

    def label(self, values: dict) -> str:
        return values.get("scheme", "")

    def heads(self, values: dict, before: dict | None) -> bool:
        return True
