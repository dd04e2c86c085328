"""Forms about an incident as a whole: start and settings. Floor 6."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import User, validate_zone
from incidents import codenames
from incidents.incident import Incident
from incidents.ledger import Action, Change
from incidents.sections import SECTIONS
from incidents.sections.forms import check_text

TYPES = [
    "Intrusion",
    "Stolen credentials",
    "Data exposure",
    "Malware",
    "Denial of service",
    "Supplier",
    "Insider",
    "Lost device",
    "Not sure",
]


def line(**options) -> forms.CharField:
    """A text box of one line that refuses damaged text."""
    options.setdefault("widget", forms.TextInput(attrs={"class": "in big"}))
    return forms.CharField(validators=[check_text], **options)


class StartForm(forms.Form):
    """A title is enough; a codename is proposed and may be changed."""

    title = line(max_length=200, widget=forms.TextInput(attrs={"class": "in big", "autofocus": True}))
    incident_type = forms.ChoiceField(
        label="Type", required=False, choices=[(name, name) for name in TYPES], widget=forms.RadioSelect
    )
    codename = line(
        max_length=60,
        required=False,
        help_text="Drawn at random, so that it says nothing. Type your own, and a number is drawn for it.",
    )
    zone_name = forms.CharField(
        label="Time zone",
        max_length=64,
        required=False,
        initial="UTC",
        validators=[validate_zone],
        widget=forms.TextInput(attrs={"class": "in big"}),
        help_text="Shared by everybody in this incident.",
    )

    def __init__(self, *args, by: User, **kwargs):
        super().__init__(*args, **kwargs)
        self.by = by
        started = Change.objects.filter(actor=by, action=Action.START).count()
        seed = f"{by.pk}:{started}:{timezone.now():%Y-%m-%d}"
        self.initial["codename"] = codenames.proposal(seed, Incident.is_taken)

    def clean_codename(self) -> str:
        given = self.cleaned_data["codename"]
        if given and not codenames.slug_of(given):
            raise ValidationError("A codename needs letters of the Latin alphabet or digits.")
        if codenames.plain(given) != given:
            raise ValidationError("A codename has letters, digits, spaces and hyphens only.")
        return given

    def start(self) -> Incident:
        """Start the incident; its type goes into the summary."""
        given, by = self.cleaned_data, self.by
        codename = given["codename"] or self.initial["codename"]
        if codename != self.initial["codename"]:
            codename = codenames.numbered(codename, Incident.is_taken)
        incident = Incident.start(
            title=given["title"], by=by, codename=codename, zone_name=given["zone_name"] or "UTC"
        )
        if given["incident_type"]:
            summary = SECTIONS["summary"].single(incident)
            summary.incident_type = given["incident_type"]
            incident.add(summary, by=by)
        return incident


class SettingsForm(forms.Form):
    """Title and zone."""

    title = line(max_length=200)
    zone_name = line(
        label="Time zone", max_length=64, help_text="Times are stored in UTC; this is how they are shown."
    )

    def clean_zone_name(self) -> str:
        validate_zone(self.cleaned_data["zone_name"])
        return self.cleaned_data["zone_name"]
