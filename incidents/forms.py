"""Forms about an incident as a whole: start, settings, people. Floor 6."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer

from accounts.models import User, validate_zone
from incidents import codenames
from incidents.incident import Incident
from incidents.sections import SECTIONS
from incidents.sections.forms import check_text
from incidents.vocabulary import Role

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
ROLES = [choice for choice in Role.choices if choice[0] != Role.COMMANDER]


def line(**options) -> forms.CharField:
    """A text box of one line that refuses damaged text."""
    options.setdefault("widget", forms.TextInput(attrs={"class": "in big"}))
    return forms.CharField(validators=[check_text], **options)


PROPOSED = "incidents.proposed-codename"


class StartForm(forms.Form):
    """A title is enough; a codename is proposed and may be changed."""

    title = line(max_length=200, widget=forms.TextInput(attrs={"class": "in big", "autofocus": True}))
    incident_type = forms.ChoiceField(
        label="Type", required=False, choices=[(name, name) for name in TYPES], widget=forms.RadioSelect
    )
    codename = line(
        max_length=60,
        required=False,
        help_text="Drawn at random, so that it says nothing. Type your own, and one more word is drawn for it.",
    )
    proposed = forms.CharField(widget=forms.HiddenInput, required=False)
    zone_name = forms.CharField(
        label="Time zone",
        max_length=64,
        required=False,
        initial="UTC",
        validators=[validate_zone],
        widget=forms.TextInput(attrs={"class": "in big"}),
        help_text="Shared by everybody in this incident.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["codename"] = codenames.draw()
        self.initial["proposed"] = Signer(salt=PROPOSED).sign(self.initial["codename"])

    def start(self, *, by: User) -> Incident:
        """Start the incident; its type goes into the summary."""
        given = self.cleaned_data
        try:
            proposed = Signer(salt=PROPOSED).unsign(given["proposed"])
        except BadSignature:
            proposed = ""
        if given["codename"] not in ("", proposed):
            # Whether a typed codename is taken must not show, so it always gets one more word.
            given["codename"] = codenames.longer(given["codename"])
        incident = Incident.start(
            title=given["title"], by=by, codename=given["codename"], zone_name=given["zone_name"] or "UTC"
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


class LetInForm(forms.Form):
    """Let in an account by its address."""

    email = forms.EmailField(
        label="Let in by e-mail",
        widget=forms.EmailInput(attrs={"class": "in", "placeholder": "name@example.com"}),
    )
    role = forms.ChoiceField(choices=ROLES, widget=forms.Select(attrs={"class": "in"}))
    may_export = forms.BooleanField(label="may download the report", required=False)

    def clean_email(self) -> str:
        address = self.cleaned_data["email"].lower()
        self.user = User.objects.filter(email=address, is_active=True).first()
        if self.user is None:
            raise ValidationError(
                "Nobody with this address can sign in here. Check it, or ask who manages accounts."
            )
        return address


class RoleForm(forms.Form):
    """What one individual sees and does."""

    role = forms.ChoiceField(choices=ROLES)
    may_export = forms.BooleanField(required=False)


class HandOverForm(forms.Form):
    """The next commander, and why."""

    successor = forms.ModelChoiceField(User.objects.none(), widget=forms.Select(attrs={"class": "in"}))
    reason = forms.CharField(
        max_length=1000,
        validators=[check_text],
        widget=forms.TextInput(attrs={"class": "in"}),
        help_text="Kept in the history.",
    )

    def __init__(self, *args, incident, **kwargs):
        super().__init__(*args, **kwargs)
        inside = incident.participants.exclude(role__in=[Role.COMMANDER, Role.EXECUTIVE]).values("user_id")
        choice = self.fields["successor"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = User.objects.filter(pk__in=inside, is_active=True)
