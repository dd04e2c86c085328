"""Forms about the people of an incident: invite, change, block, hand over, break-glass. Floor 6."""

from datetime import datetime, timedelta

from django import forms
from django.db.models import Q
from django.utils import timezone

from accounts.addresses import validate_address
from accounts.models import User
from incidents.command import LONGEST
from incidents.membership import Terms
from incidents.sections.forms import check_text
from incidents.succession import openings
from incidents.vocabulary import Role

ROLES = [choice for choice in Role.choices if choice[0] != Role.COMMANDER]
KEEP = "keep"
ENDS = [
    ("", "No end"),
    ("4", "In 4 hours"),
    ("24", "In 24 hours"),
    ("72", "In 3 days"),
    ("168", "In 7 days"),
    ("720", "In 30 days"),
]
HOURS = [(1, "1 hour"), (4, "4 hours"), (8, "8 hours"), (24, "24 hours"), (LONGEST, "3 days")]


def sentence(**options) -> forms.CharField:
    """A box for a sentence or two; damaged text is refused."""
    options.setdefault("widget", forms.TextInput(attrs={"class": "in"}))
    return forms.CharField(max_length=1000, validators=[check_text], **options)


def select(**options) -> forms.ChoiceField:
    """A choice in the house's dress."""
    return forms.ChoiceField(widget=forms.Select(attrs={"class": "in"}), **options)


class TermsForm(forms.Form):
    """On which terms somebody is in."""

    role = select(choices=ROLES)
    ends = select(label="Access ends", choices=ENDS, required=False)
    may_export = forms.BooleanField(label="May download the report", required=False)
    reads_privileged = forms.BooleanField(label="Reads privileged entries", required=False)

    def terms(self, before: datetime | None = None) -> Terms:
        """What was chosen; an end that is kept stays what it was `before` (UTC)."""
        given = self.cleaned_data
        end = before
        if given["ends"] != KEEP:
            end = timezone.now() + timedelta(hours=int(given["ends"])) if given["ends"] else None
        return Terms(given["role"], given["may_export"], given["reads_privileged"], end)


class InviteForm(TermsForm):
    """Invite an address. Whether somebody signs in with it is not said."""

    email = forms.EmailField(
        label="Invite by e-mail",
        validators=[validate_address],
        widget=forms.EmailInput(attrs={"class": "in", "placeholder": "name@example.com"}),
    )
    note = sentence(
        label="A word to them",
        required=False,
        help_text="They read it after signing in. It is not mailed.",
    )

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()


class ChangeForm(TermsForm):
    """Change the terms of somebody who is in; their end is kept unless another is chosen."""

    ends = select(label="Access ends", choices=[(KEEP, "As it is"), *ENDS], required=False, initial=KEEP)


class ReasonForm(forms.Form):
    """Why."""

    reason = sentence(label="Reason", help_text="Kept in the history.")


class RemoveForm(forms.Form):
    """Why somebody goes, if it is to be said: taking access away waits for nothing."""

    reason = sentence(label="Reason", required=False)


class BlockForm(forms.Form):
    """Keep an address out."""

    email = forms.EmailField(
        label="Keep out",
        validators=[validate_address],
        widget=forms.EmailInput(attrs={"class": "in", "placeholder": "name@example.com"}),
    )
    reason = sentence(label="Reason", required=False)


class HandOverForm(ReasonForm):
    """The next commander, why, and whether they are asked first."""

    successor = forms.ModelChoiceField(User.objects.none(), widget=forms.Select(attrs={"class": "in"}))
    at_once = forms.BooleanField(label="At once, without waiting for them to accept", required=False)

    field_order = ["successor", "reason", "at_once"]

    def __init__(self, *args, incident, **kwargs):
        super().__init__(*args, **kwargs)
        acting = [opening.asked_by_id for opening in openings(incident)[0]]
        inside = incident.participants.exclude(role=Role.COMMANDER)
        inside = inside.filter(~Q(role=Role.EXECUTIVE) | Q(user__in=acting)).values("user_id")
        choice = self.fields["successor"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = User.objects.filter(pk__in=inside, is_active=True)


class BreakGlassForm(ReasonForm):
    """Why somebody must act as commander now, and for how long."""

    hours = forms.TypedChoiceField(
        label="For", choices=HOURS, initial=4, coerce=int, widget=forms.Select(attrs={"class": "in"})
    )


class AskForm(forms.Form):
    """The codename that somebody was given, and a word to the commander."""

    codename = sentence(widget=forms.TextInput(attrs={"class": "in big", "autocomplete": "off"}))
    words = sentence(
        label="A word to the commander",
        required=False,
        help_text="Why you need to know.",
    )
