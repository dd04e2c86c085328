"""Entry (what every entry has) and Section (what the machinery asks of a section).

Floor 4. The machinery — create, edit, hide, restore, push, history, export, PDF — is written once elsewhere
and asks these two. A section is one module beside this file and one line in the registry.
"""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.safestring import SafeString

from incidents.moments import Moment
from incidents.vocabulary import Audience, Capability, Precision

LONG = 20_000
LINE = 300
SHORT = 80


def short(text: str) -> str:
    """The beginning of a text, with a sign where it is cut."""
    return text if len(text) <= SHORT else f"{text[: SHORT - 1].rstrip()}…"


def moment_field(**options) -> models.DateTimeField:
    """The start of a moment, in UTC; `<name>_precision` beside it says how exactly it is known."""
    return models.DateTimeField(null=True, blank=True, **options)


def precision_field() -> models.CharField:
    """How exactly the moment of the same name is known."""
    return models.CharField(max_length=8, choices=Precision.choices, blank=True, editable=False)


class Entry(models.Model):
    """One entry of the document. The id is the client's choice; times are UTC.

    `number` is its spoken reference within the section (I-2). `rendered` keeps the HTML of the body
    (incidents/rendering.py) and `rendered_key` what it was made from.
    """

    section = ""
    common: tuple[str, ...] = ("checked", "constructed", "privileged")
    own: tuple[str, ...] = ()
    needs = Capability.WRITE  # to write it
    asks_again = False  # a change of it asks everybody to accept the classification again

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    incident = models.ForeignKey(
        "incidents.Incident", on_delete=models.PROTECT, related_name="+", editable=False
    )
    number = models.PositiveIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    hidden = models.BooleanField(default=False, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    checked = models.BooleanField("source checked", null=True, blank=True)
    constructed = models.BooleanField("reconstructed, not from a record", default=False)
    privileged = models.BooleanField("privileged: prepared at the request of counsel", default=False)
    rendered = models.TextField(default="", editable=False)
    rendered_key = models.CharField(max_length=64, default="", editable=False)

    # What its shell shows; incidents/rendering.py sets it.
    body: str
    belongs: "Section"
    list_id: str
    sort: str
    day: datetime | None
    marks: dict[str, str]
    reference: str
    shell: tuple[int, SafeString] | None = None  # the version that it was made of, and the whole entry
    threads: list | None = None  # what was said about it, how much, and the newest: incidents/conversation.py
    remarks: int
    latest: Any

    class Meta:
        abstract = True
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.section} {self.number}"

    def save(self, *args, **kwargs) -> None:
        self.settle()
        super().save(*args, **kwargs)

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Names of the fields that people write, the section's own first."""
        return cls.own + cls.common

    @classmethod
    def moments(cls) -> tuple[str, ...]:
        """Those of the fields that are times."""
        return tuple(
            name for name in cls.fields() if isinstance(cls._meta.get_field(name), models.DateTimeField)
        )

    @classmethod
    def joins(cls) -> list[str]:
        """Relations that a body shows, so that a list costs one query."""
        return ["author", "changed_by", *(name for name in cls.own if cls._meta.get_field(name).many_to_one)]

    @classmethod
    def prose(cls) -> frozenset[str]:
        """Those of the fields whose text can be merged."""
        return frozenset(
            name for name in cls.fields() if isinstance(cls._meta.get_field(name), models.TextField)
        )

    @classmethod
    def units(cls) -> list[tuple[str, ...]]:
        """The fields as they change together: a time goes with its precision."""
        names = cls.fields()
        pairs = {f"{name}_precision" for name in cls.moments()}
        return [
            (name, f"{name}_precision") if f"{name}_precision" in names else (name,)
            for name in names
            if name not in pairs
        ]

    def moment(self, name: str) -> Moment | None:
        """A time of this entry with its precision; None when it is not known."""
        at = getattr(self, name)
        return Moment(at, getattr(self, f"{name}_precision", "") or Precision.SECOND) if at else None

    def values(self, names: Iterable[str] | None = None) -> dict:
        """The fields as the ledger keeps them: text, numbers, booleans, null; times in UTC as ISO 8601."""
        values = {}
        for name in names if names is not None else self.fields():
            column = self._meta.get_field(name)
            value = getattr(self, column.attname)
            if isinstance(value, datetime):
                value = value.astimezone(UTC).isoformat()
            values[column.name] = str(value) if isinstance(value, uuid.UUID) else value
        return values

    @classmethod
    def spoken(cls, name: str, values: dict) -> str:
        """A field of the ledger's values as it is read in the history; for times, choices and people: there."""
        return str(values[name])

    def settle(self) -> None:
        """Derive what follows from the fields; asked before each save, and of an entry read from the ledger."""

    def verify(self, before: dict) -> None:
        """Asked under the incident's lock before it is saved; raises Impossible where a value cannot stand.

        `before` are the ledger's values so far, empty for a new entry.
        """

    def assign(self, values: dict) -> None:
        """Set fields from the ledger's form of them."""
        for name, value in values.items():
            column = self._meta.get_field(name)
            setattr(self, column.attname, value if value is None else column.to_python(value))


class TimedEntry(Entry):
    """An entry that stands in an order of time.

    A coarse time would sort as its start; `stands_after` says where it really belongs (a day-only entry
    that happened after 14:36). `place` is the resulting sort key, `tie` lets a timed one go first.
    """

    at = moment_field(verbose_name="when")
    at_precision = precision_field()
    stands_after = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Only where the time is not known exactly: it is listed after this time.",
    )
    place = models.DateTimeField(editable=False)
    tie = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta(Entry.Meta):
        abstract = True
        ordering = ["place", "tie", "number"]

    def settle(self) -> None:
        self.place = self.stands_after or self.at or self.recorded_at
        self.tie = 1 if self.stands_after else 0


class Section:
    """One of the twelve. Attributes say how it differs; the machinery is the same for all.

    `facts` maps the keys of a case file to fields, in the order in which they are written.
    """

    name = ""
    title = ""
    guidance = ""
    kind = ""  # CSS class of its entries
    prefix = ""  # of the spoken reference: I for I-2
    counted = ("entry", "entries")
    many = True
    newest_first = False  # on screen; the report is always oldest first
    in_rail = False  # whether its entries stand in the Now rail too
    starts_now = False  # whether a new entry's time is the present
    charted = False  # whether its groups are shown as a chart and can be folded
    groups: tuple[tuple[str, str], ...] = (("", ""),)
    model: type[Entry]
    form: type
    facts: dict[str, str] = {}
    person_as_text: dict[str, str] = {}  # fact → the one that takes the address of somebody who is not here
    links: dict[str, tuple[str, str]] = {}  # key of a case file → (field, section that it points into)
    capture_label = ""
    longest_line = LONG  # that capture takes
    verbs: dict[str, Callable] = {}
    number = 0  # set by the registry

    def visible(self, incident, audience: str):
        """The entries that an audience may see, hidden ones included, in order of the report."""
        entries = self.model._default_manager.filter(incident=incident).select_related(*self.model.joins())
        if audience == Audience.SUMMARY and self.name != "summary":
            return entries.none()
        return entries if audience == Audience.PRIVILEGED else entries.filter(privileged=False)

    def shown(self, incident, audience: str):
        """The entries that are not hidden."""
        return self.visible(incident, audience).filter(hidden=False)

    def single(self, incident):
        """The one entry of a section that holds one thing; an unsaved one with defaults until it is written."""
        pk = uuid.uuid5(incident.pk, self.name)
        found = self.model._default_manager.filter(pk=pk).select_related(*self.model.joins()).first()
        return found or self.model(pk=pk, incident=incident)

    def group_of(self, entry: Entry) -> str:
        """Which of the groups an entry stands in."""
        return ""

    def sort_key(self, entry: Entry) -> str:
        """Text whose order is the order of the section."""
        return f"{entry.number:06}"

    def amount(self, number: int) -> str:
        """1 entry, 3 entries."""
        return f"{number} {self.counted[number != 1]}"

    def day_of(self, entry: Entry) -> datetime | None:
        """The moment whose day heads this entry in the list; None where the section has no days."""
        return None

    def heads(self, values: dict, before: dict | None) -> bool:
        """Whether a change of an entry changes the title line; `before` is None where that is not known."""
        return False

    def marks(self, entry: Entry) -> dict[str, str]:
        """data- attributes of the entry's shell that the style sheet reads."""
        return {}

    def label(self, values: dict) -> str:
        """A few words that name an entry in the history, from the ledger's values."""
        return short(values.get("text") or values.get("name") or "")

    def capture(self, text: str, now: datetime) -> dict:
        """The fields of a new entry made from one typed line."""
        return {"text": text}

    def to_case(self, row: dict) -> dict:
        """The facts of an entry as a case file writes them."""
        return row

    def from_case(self, row: dict) -> dict:
        """The facts of a row of a case file; raises ValueError(key, reason)."""
        return row

    def reference(self, entry: Entry) -> str:
        """The spoken name: I-2."""
        return f"{self.prefix}-{entry.number}" if self.prefix else ""


class TimedSection(Section):
    """A section whose entries stand in order of time under a heading for each day."""

    def sort_key(self, entry: TimedEntry) -> str:
        return f"{entry.place:%Y-%m-%dT%H:%M:%S.%f} {entry.tie} {entry.number:06}"

    def day_of(self, entry: TimedEntry) -> datetime | None:
        return entry.place

    def capture(self, text: str, now: datetime) -> dict:
        return {"text": text, "at": now.replace(second=0, microsecond=0), "at_precision": Precision.MINUTE}
