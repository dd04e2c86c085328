"""An entry as the facts of a case file, and back. Floor 6.

The shape is that of tests/cases/*.json: a moment with a separate precision where the section's `facts` name
one, else a date alone or an ISO time that says its precision by itself.
"""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import models

from accounts.models import User
from incidents import moments
from incidents.moments import Moment
from incidents.sections.base import Entry, Section
from incidents.sections.forms import check_text
from incidents.vocabulary import Precision

COMMON = {
    "source_checked": "checked",
    "constructed": "constructed",
    "privileged": "privileged",
    "stands_after": "stands_after",
}


class Unreadable(ValueError):
    """A fact that cannot be taken as it stands; says which key and why."""

    def __init__(self, key: str, reason: str):
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


def names(section: Section) -> dict[str, str]:
    """Key of a case file → field, for a section's own facts and those that every entry has."""
    common = {key: field for key, field in COMMON.items() if field in section.model.fields()}
    return {**section.facts, **common}


def written(section: Section, entry: Entry, zone: ZoneInfo) -> dict:
    """The facts of an entry; what is empty or false is left out."""
    facts = {}
    for key, field in names(section).items():
        value = getattr(entry, field)
        if value in (None, "") or value is False and not section.model._meta.get_field(field).null:
            continue
        if isinstance(value, datetime):
            value = _write_moment(section, entry, field, zone)
        elif isinstance(value, User):
            value = value.email
        facts[key] = value
    for key, field in names(section).items():
        said = getattr(entry, f"{field}_precision", "")
        if key in facts and said and f"{field}_precision" not in section.facts.values():
            if _read_moment(section, key, field, facts, zone).precision != said:
                facts[f"{key}_precision"] = said
    return facts


def _write_moment(section: Section, entry: Entry, field: str, zone: ZoneInfo) -> str:
    moment = entry.moment(field)
    assert moment is not None
    alone = (
        f"{field}_precision" in section.model.fields() and f"{field}_precision" not in section.facts.values()
    )
    alone = alone and not (field == "until" and getattr(entry, "at_precision", "") == Precision.DAY)
    if alone and moment.precision == Precision.DAY:
        return moment.at.astimezone(zone).date().isoformat()
    return moments.iso(moment, zone)


def read_moment(key: str, text: object, zone: ZoneInfo, precision: str = "") -> Moment:
    """A date or an ISO time; a day is the date as it is written, whatever the offset beside it."""
    if not isinstance(text, str):
        raise Unreadable(key, "is not a text with a date")
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(key, f"{text!r} is not an ISO 8601 date or time") from error
    if at.year not in moments.YEARS:
        raise Unreadable(key, f"{text!r} is not between the years {moments.YEARS[0]} and {moments.YEARS[-1]}")
    if day:
        return _day(day, zone)
    if at.tzinfo is None:
        raise Unreadable(key, f"{text!r} has no offset; write Z or one such as +02:00")
    if precision == Precision.DAY:
        return _day(at.date(), zone)
    return Moment(at, precision or (Precision.SECOND if at.second else Precision.MINUTE))


def _day(on: date, zone: ZoneInfo) -> Moment:
    return Moment(moments.resolve(datetime.combine(on, time()), zone, lenient=True), Precision.DAY)


def read(section: Section, facts: dict, zone: ZoneInfo, people: dict) -> tuple[dict, list[str]]:
    """The fields of an entry from its facts, and the keys that nobody knows; raises Unreadable.

    `people` maps e-mail addresses to accounts that may be assigned.
    """
    known = names(section)
    known_precisions: set[str] = set()
    fields: dict = {}
    for key, field in known.items():
        value = facts.get(key)
        if value is None or field.endswith("_precision"):
            continue
        column = section.model._meta.get_field(field)
        if isinstance(column, models.DateTimeField):
            moment = _read_moment(section, key, field, facts, zone)
            fields[field] = moment.at
            if f"{field}_precision" in section.model.fields():
                fields[f"{field}_precision"] = moment.precision
                known_precisions.add(f"{key}_precision")
        elif column.many_to_one:
            fields[field] = people.get(str(value).lower())
        else:
            fields[field] = _plain(key, column, value)
    return fields, sorted(set(facts) - set(known) - known_precisions - set(section.links))


def _read_moment(section: Section, key: str, field: str, facts: dict, zone: ZoneInfo) -> Moment:
    """A moment with its precision: of its own key, of the entry's, of the beginning, or as it is written."""
    companion = f"{field}_precision"
    own_key = next((key for key, name in section.facts.items() if name == companion), f"{key}_precision")
    precision = facts.get(own_key)
    if precision and precision not in Precision.values:
        raise Unreadable(own_key, f"{precision!r} is not one of {', '.join(Precision.values)}")
    if not precision and field == "until" and facts.get("precision") in Precision.values:
        precision = _borrowed(facts["precision"], read_moment(key, facts[key], zone).at)
    return read_moment(key, facts[key], zone, precision or "")


def _borrowed(precision: str, end: datetime) -> str:
    """The precision that an end has from its beginning; empty where the end is written more exactly."""
    finer = end.second or end.minute and precision != Precision.MINUTE
    return "" if finer or precision == Precision.DAY and end.time() != time() else precision


def _plain(key: str, column, value: object):
    wanted = (
        bool
        if isinstance(column, models.BooleanField)
        else int
        if isinstance(column, models.IntegerField)
        else str
    )
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        kinds = {bool: "true or false", int: "a whole number", str: "a text"}
        raise Unreadable(key, f"is not {kinds[wanted]}")
    if isinstance(value, str) and column.max_length and len(value) > column.max_length:
        raise Unreadable(key, f"is longer than {column.max_length} characters")
    try:
        if isinstance(value, str):
            check_text(value)
        return column.clean(value, None)
    except ValidationError as error:
        raise Unreadable(key, " ".join(error.messages)) from error
