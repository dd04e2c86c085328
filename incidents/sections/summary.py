"""Section 2: what an executive needs in a minute. It is all that an executive ever sees."""

from django.db import models

from incidents import moments
from incidents.sections.base import LINE, LONG, Entry, Section, moment_field, precision_field
from incidents.sections.forms import EntryForm
from incidents.vocabulary import Severity


class Summary(Entry):
    """Facts of the template's sentence, the sentence itself once somebody edits it, and what is wanted."""

    section = "summary"
    common = ("checked", "constructed")  # written for executives, so never privileged
    own = (
        "statement",
        "notified_at",
        "notified_at_precision",
        "organisation",
        "incident_type",
        "business_impact",
        "current_state",
        "decisions_wanted",
        "next_update_at",
        "next_update_at_precision",
        "severity",
        "detected_by",
        "dwell_days",
    )

    statement = models.TextField(
        max_length=LONG, blank=True, help_text="Empty: the sentence is built from the facts below."
    )
    notified_at = moment_field(verbose_name="notified")
    notified_at_precision = precision_field()
    organisation = models.CharField(max_length=LINE, blank=True)
    incident_type = models.CharField(max_length=LINE, blank=True)
    business_impact = models.TextField(max_length=LONG, blank=True)
    current_state = models.TextField(max_length=LONG, blank=True)
    decisions_wanted = models.TextField("decisions wanted from executives", max_length=LONG, blank=True)
    next_update_at = moment_field(verbose_name="next update")
    next_update_at_precision = precision_field()
    severity = models.CharField(max_length=16, choices=Severity.choices, blank=True)
    detected_by = models.CharField(max_length=LINE, blank=True)
    dwell_days = models.PositiveIntegerField("days before detection", null=True, blank=True)

    @property
    def sentence(self) -> str:
        """What executives read: the edited statement, else the template's sentence from the facts."""
        return self.statement or self.built()

    def built(self) -> str:
        """The sentence of the template, as far as its facts are known."""
        notified = self.moment("notified_at")
        when = f"On {moments.show(notified, self.incident.zone)} " if notified else ""
        what = f" of {self.incident_type}" if self.incident_type else " of an incident"
        who = self.organisation or "we"
        verb = "was" if self.organisation else "were"
        if not (when or self.organisation or self.incident_type or self.business_impact):
            return ""
        opening = f"{when}{who} {verb} notified{what}."
        return f"{opening[0].upper()}{opening[1:]} {self.business_impact}".strip()


class SummaryForm(EntryForm):
    seldom = ("severity", "detected_by", "dwell_days")

    class Meta:
        model = Summary
        fields = [
            "statement",
            "organisation",
            "incident_type",
            "business_impact",
            "current_state",
            "decisions_wanted",
            "severity",
            "detected_by",
            "dwell_days",
            "checked",
            "constructed",
        ]


class SummarySection(Section):
    name = "summary"
    title = "Summary"
    guidance = (
        "What a director needs in a minute: what happened, what it means, what comes next. "
        "Executives read this only."
    )
    kind = "one"
    many = False
    model = Summary
    form = SummaryForm
    facts = {
        "organisation": "organisation",
        "incident_type": "incident_type",
        "notified_at": "notified_at",
        "business_impact": "business_impact",
        "severity": "severity",
        "detected_by": "detected_by",
        "dwell_days": "dwell_days",
        "statement": "statement",
        "current_state": "current_state",
        "decisions_wanted": "decisions_wanted",
        "next_update_at": "next_update_at",
    }

    def label(self, values: dict) -> str:
        return ""
