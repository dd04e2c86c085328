"""Forms about being told: one's own choices, and the webhook of an incident. Floor 7."""

from django import forms
from django.core.exceptions import ValidationError

from incidents.hooks import HookEvent
from incidents.notices import Choices, NoticeKind, Way
from incidents.people_forms import select
from incidents.webhooks import check_url


def clock(label: str) -> forms.TimeField:
    """A time of day, 22:00."""
    return forms.TimeField(
        label=label,
        required=False,
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(attrs={"class": "in", "type": "time"}, format="%H:%M"),
        error_messages={"invalid": "This is not a time of day. Write it as 22:00."},
    )


class ChoicesForm(forms.Form):
    """How one is mailed about each kind of notice, and the hours in which no mail goes out."""

    quiet_from = clock("No mail from")
    quiet_until = clock("until")

    def __init__(self, *args, choices: Choices, **kwargs):
        super().__init__(*args, **kwargs)
        self.choices = choices
        for kind in NoticeKind:
            self.fields[kind.value] = select(
                label=kind.label, choices=Way.choices, initial=str(choices.way(kind))
            )
        self.initial = {"quiet_from": choices.quiet_from, "quiet_until": choices.quiet_until}

    @property
    def kinds(self) -> list:
        """The fields that are about a kind."""
        return [self[kind.value] for kind in NoticeKind]

    def clean(self) -> dict:
        given = super().clean() or {}
        start, end = given.get("quiet_from"), given.get("quiet_until")
        if not self.errors and (start is None) != (end is None):
            raise ValidationError("Quiet hours need a beginning and an end. Leave both empty to have none.")
        if start is not None and start == end:
            raise ValidationError("Quiet hours that end when they begin would be none. Leave both empty.")
        return given

    def save(self) -> None:
        """Keep what was chosen."""
        given = self.cleaned_data
        self.choices.ways = {kind.value: given[kind.value] for kind in NoticeKind}
        self.choices.quiet_from, self.choices.quiet_until = given["quiet_from"], given["quiet_until"]
        self.choices.save()


class WebhookForm(forms.Form):
    """Where a chat is told, and of what. The address that is set can be left as it is."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        required=False,
        validators=[check_url],
        widget=forms.URLInput(attrs={"class": "in", "autocomplete": "off", "placeholder": "https://"}),
    )
    events = forms.MultipleChoiceField(
        label="The chat is told when", choices=HookEvent.choices, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args, hook, **kwargs):
        super().__init__(*args, **kwargs)
        self.hook = hook
        self.initial["events"] = hook.events
        self.fields["events"].error_messages["required"] = "Choose at least one thing that the chat is told."

    def clean_url(self) -> str:
        url = self.cleaned_data["url"] or self.hook.url
        if not url:
            raise ValidationError("Paste the address that the chat gave you for incoming webhooks.")
        return url
