"""The form of an entry: what was typed is kept, every fault is a sentence at its field.

Floor 4. One class; a section's own form names its fields and which of them are seldom used.
"""

import uuid
from datetime import datetime

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from incidents import moments
from incidents.sections.base import LONG, Entry
from incidents.vocabulary import Capability

BROKEN = "The text holds a character that is damaged or not allowed (shown as � or NUL). Remove it."


def check_text(text: str) -> None:
    """Refuse what cannot be stored or was lost on the way: NUL, lone surrogates, replacement characters."""
    if "\x00" in text or "\ufffd" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError(BROKEN, code="broken")


class ThreeWay(forms.NullBooleanSelect):
    """Yes, no, or not said, in words of the field's own."""

    def __init__(self, unsaid: str, yes: str, no: str):
        super().__init__()
        self.choices = [("unknown", unsaid), ("true", yes), ("false", no)]


class MomentWidget(forms.MultiWidget):
    """Two text boxes, a date and a time; the time may stay empty."""

    template_name = "live/_moment.html"

    def __init__(self, zone):
        self.zone = zone
        super().__init__([forms.TextInput, forms.TextInput])

    def decompress(self, value: moments.Moment | None) -> list[str]:
        if value is None:
            return ["", ""]
        clock = "" if value.precision == "day" else moments.show_clock(value, self.zone)
        return [moments.show_day(value.at, self.zone), clock]

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["zone"] = self.zone.key
        context["widget"]["invalid"] = "aria-invalid" in (attrs or {})
        return context


class MomentField(forms.MultiValueField):
    """A time with the precision with which it was typed, read in the incident's zone."""

    def __init__(self, zone, **options):
        self.zone = zone
        super().__init__(
            [forms.CharField(required=False, max_length=40), forms.CharField(required=False, max_length=40)],
            widget=MomentWidget(zone),
            require_all_fields=False,
            **options,
        )

    def compress(self, data_list: list[str]) -> moments.Moment | None:
        day, clock = data_list or ["", ""]
        if not day and not clock:
            return None
        if not day:
            raise ValidationError("Give the date as well.")
        try:
            return moments.parse(day, clock, self.zone)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def has_changed(self, initial, data) -> bool:
        return self.widget.decompress(initial) != data


class EntryForm(forms.ModelForm):
    """Base of the sections' forms. `held` are the capabilities of whoever writes."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)
    reason = forms.CharField(
        required=False, max_length=LONG, label="Reason for the change", help_text="Kept in the history."
    )

    seldom: tuple[str, ...] = ()

    class Meta:
        fields: tuple[str, ...] = ()

    def __init__(self, *args, incident, held, instance: Entry, **kwargs):
        super().__init__(*args, instance=instance, **kwargs)
        self.incident, self.is_new = incident, instance._state.adding
        self._moments = [name for name in instance.moments()]
        for name in self._moments:
            column = instance._meta.get_field(name)
            self.fields[name] = MomentField(
                incident.zone,
                label=column.verbose_name.capitalize(),
                required=False,
                help_text=column.help_text,
                initial=instance.moment(name),
            )
            self.initial[name] = instance.moment(name)
        if Capability.PRIVILEGED not in held:
            self.fields.pop("privileged", None)
        if self.is_new:
            self.fields.pop("reason")
            self.initial["id"] = instance.pk or uuid.uuid4()
        self.initial["version"] = instance.version
        for name, bound in self.fields.items():
            self._dress(name, bound)
        self.order_fields([*instance.own, "checked", "constructed", "privileged", "reason", "id", "version"])

    def _dress(self, name: str, bound: forms.Field) -> None:
        widget = bound.widget
        if isinstance(widget, forms.Textarea):
            widget.attrs.update({"class": "in", "rows": 2})
        elif not isinstance(widget, forms.CheckboxInput | MomentWidget):
            widget.attrs.setdefault("class", "in")
        if isinstance(bound, forms.CharField) and not isinstance(bound, forms.UUIDField):
            bound.validators.append(check_text)

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """What is asked every time."""
        return [bound for bound in self.visible_fields() if bound.name not in self._under_more()]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """What is under “More”."""
        return [bound for bound in self.visible_fields() if bound.name in self._under_more()]

    @property
    def more_is_open(self) -> bool:
        """Whether something under “More” has an error or says more than a new entry does."""
        return any(bound.errors or self._says_something(bound) for bound in self.more_fields)

    def _says_something(self, bound: forms.BoundField) -> bool:
        if bound.name in self._moments:
            return bool(self.initial.get(bound.name))
        columns = {column.name: column for column in self.instance._meta.fields}
        usual = columns[bound.name].get_default() if bound.name in columns else ""
        return bound.value() not in (None, "", False, "unknown", usual)

    def _under_more(self) -> set[str]:
        return {*self.seldom, "checked", "constructed", "privileged", "reason"}

    def clean(self) -> dict:
        cleaned = super().clean() or {}
        for name, value in cleaned.items():
            if isinstance(value, str):
                cleaned[name] = value.replace("\r\n", "\n")  # browsers send CRLF, htmx LF
        for name in self._moments:
            if name not in cleaned:
                continue
            # What was not touched keeps what the box cannot show, such as the seconds of a time to the minute.
            moment = cleaned[name] if name in self.changed_data else self.initial.get(name)
            cleaned[name] = moment.at if moment else None
            if f"{name}_precision" in self.instance.fields():
                cleaned[f"{name}_precision"] = moment.precision if moment else ""
        return cleaned

    def _post_clean(self) -> None:
        """Writing is the incident's business: the instance stays as it was read."""

    def written(self) -> dict:
        """Field → value for Incident.add and Incident.change."""
        names = set(self.instance.fields()) & (set(self.cleaned_data))
        return {name: self.cleaned_data[name] for name in names}

    def differs(self, values: dict | None) -> bool:
        """Whether something else was typed than these values of the ledger; None holds nothing to compare."""
        written = type(self.instance)(**self.written()).values(self.written())
        return values is not None and any(values.get(name) != value for name, value in written.items())


def offer_entries(form: EntryForm, name: str, section_model: type[Entry], prefix: str) -> None:
    """Let a field choose among this incident's entries of a section; the one that is chosen stays on offer.

    Hidden and privileged ones are not offered anew, and show no text where they are chosen already.
    """
    choice = form.fields[name]
    assert isinstance(choice, forms.ModelChoiceField)
    chosen = getattr(form.instance, f"{name}_id")
    of_incident = section_model._default_manager.filter(incident=form.incident)
    choice.queryset = of_incident.filter(models.Q(hidden=False, privileged=False) | models.Q(pk=chosen))

    def label(obj: Entry) -> str:
        shown = "" if obj.hidden or obj.privileged else str(getattr(obj, "text", ""))[:60]
        return f"{prefix}-{obj.number} {shown}".strip()

    choice.label_from_instance = label


def now_to_the_minute(now: datetime) -> moments.Moment:
    """What a new entry's time is set to."""
    return moments.Moment(now.replace(second=0, microsecond=0), moments.Precision.MINUTE)
