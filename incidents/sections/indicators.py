"""Section 4: what to look for elsewhere. Never a link, always shown defanged."""

from datetime import datetime

from django.db import models

from incidents import indicators
from incidents.sections.base import LONG, Entry, Section, moment_field, precision_field, short
from incidents.sections.forms import EntryForm
from incidents.vocabulary import IndicatorRole, IndicatorStatus, IndicatorType, Tlp

LONGEST = 4000


class Indicator(Entry):
    """One indicator of compromise in its normal form."""

    section = "indicators"
    own = (
        "type",
        "value",
        "role",
        "status",
        "note",
        "tlp",
        "first_seen",
        "first_seen_precision",
        "last_seen",
        "last_seen_precision",
        "placeholder",
    )

    type = models.CharField(max_length=16, choices=IndicatorType.choices, blank=True)
    value = models.CharField(max_length=LONGEST)
    role = models.CharField(max_length=16, choices=IndicatorRole.choices, blank=True)
    status = models.CharField(max_length=16, choices=IndicatorStatus.choices, blank=True)
    note = models.TextField(max_length=LONG, blank=True)
    tlp = models.CharField("Traffic Light Protocol", max_length=16, choices=Tlp.choices, blank=True)
    first_seen = moment_field()
    first_seen_precision = precision_field()
    last_seen = moment_field()
    last_seen_precision = precision_field()
    placeholder = models.BooleanField("stand-in: the real value is not known", default=False)

    @property
    def defanged(self) -> str:
        """The value as it is shown."""
        return indicators.defang(self.type, self.value)

    @classmethod
    def spoken(cls, name: str, values: dict) -> str:
        """The value stays defanged in the history and between two versions."""
        return (
            indicators.defang(values.get("type", ""), values[name]) if name == "value" else str(values[name])
        )


class IndicatorForm(EntryForm):
    seldom = ("tlp", "first_seen", "last_seen", "placeholder")

    class Meta:
        model = Indicator
        fields = [
            "type",
            "value",
            "role",
            "status",
            "note",
            "tlp",
            "placeholder",
            "checked",
            "constructed",
            "privileged",
        ]
        help_texts = {"type": "Empty: found from the value.", "value": "Plain or defanged."}

    def clean(self) -> dict:
        cleaned = super().clean()
        value = indicators.refang(cleaned.get("value", ""))
        cleaned["type"] = cleaned.get("type") or indicators.guess_type(value)
        cleaned["value"] = indicators.normalise(cleaned["type"], cleaned.get("value", ""))
        return cleaned


class IndicatorsSection(Section):
    name = "indicators"
    title = "Indicators"
    guidance = "What to look for elsewhere. Shown and copied defanged; the plain value is the second choice."
    kind = "ioc"
    prefix = "I"
    counted = ("indicator", "indicators")
    model = Indicator
    form = IndicatorForm
    facts = {
        "type": "type",
        "value": "value",
        "role": "role",
        "status": "status",
        "tlp": "tlp",
        "first_seen": "first_seen",
        "last_seen": "last_seen",
        "note": "note",
        "placeholder": "placeholder",
    }
    capture_label = "Indicator"
    longest_line = LONGEST

    def marks(self, entry: Indicator) -> dict[str, str]:
        return {"plain": entry.value}

    def label(self, values: dict) -> str:
        return short(indicators.defang(values.get("type", ""), values.get("value", "")))

    def capture(self, text: str, now: datetime) -> dict:
        kind = indicators.guess_type(indicators.refang(text))
        return {"type": kind, "value": indicators.normalise(kind, text)}
