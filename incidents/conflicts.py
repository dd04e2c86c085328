"""Differences between versions, as a person reads them: for the conflict screen and the history. Floor 6."""

import difflib
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from incidents import merging, moments
from incidents.incident import Conflict
from incidents.merging import WORD
from incidents.moments import Moment
from incidents.sections.base import Entry, Section
from incidents.text import literal

MOST_PAIRS = 1_000_000  # of words, or of lines, that are compared; the work grows with them


@dataclass
class Difference:
    """One field that changed: its label and the words with <del> and <ins>."""

    name: str
    label: str
    html: SafeString


def word_diff(before: str, after: str) -> SafeString:
    """Both texts in one, word by word (line by line, or whole, where they are long); everything is escaped."""
    for cut in (WORD.findall, _lines):
        old, new = cut(before), cut(after)
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        one, other = old[head : len(old) - tail], new[head : len(new) - tail]
        if len(one) * len(other) <= MOST_PAIRS:
            break
    else:
        return format_html("<del>{}</del><ins>{}</ins>", literal(before), literal(after))
    pieces = [("span", old[:head])]
    for kind, i, j, k, m in difflib.SequenceMatcher(None, one, other).get_opcodes():
        if kind == "equal":
            pieces.append(("span", one[i:j]))
        else:
            pieces += [("del", one[i:j]), ("ins", other[k:m])]
    pieces.append(("span", old[len(old) - tail :]))
    return format_html_join(
        "", "<{0}>{1}</{0}>", ((tag, literal("".join(words))) for tag, words in pieces if words)
    )


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _common(one: list[str], other: list[str]) -> int:
    """How many pieces both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def spoken(model: type[Entry], name: str, values: dict, zone, people: dict) -> str:
    """A field's value in words: times in the incident's zone, choices by their label, people by name."""
    value = values.get(name)
    column = model._meta.get_field(name)
    if value in (None, ""):
        return ""
    if name in model.moments():
        at = datetime.fromisoformat(value)
        return moments.show(Moment(at, values.get(f"{name}_precision") or "second"), zone)
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.many_to_one:
        return people.get(value, "an entry" if column.related_model.__name__ != "User" else "a person")
    return model.spoken(name, values)


def differences(model: type[Entry], before: dict, after: dict, zone, people: dict) -> list[Difference]:
    """The fields that differ between two ledger values of an entry, in the order of its form."""
    found = []
    for unit in model.units():
        column = model._meta.get_field(unit[0])
        unsaid = {None, ""} if column.null else {None, "", False}
        if all(
            before.get(name) == after.get(name) or {before.get(name), after.get(name)} <= unsaid
            for name in unit
        ):
            continue
        old, new = (spoken(model, unit[0], side, zone, people) for side in (before, after))
        label = str(column.verbose_name)
        found.append(Difference(unit[0], label[:1].upper() + label[1:], word_diff(old, new)))
    return found


def names_of(incident) -> dict[str, str]:
    """User id as text → name, for the people who are or were in an incident."""
    rows = incident.changes.filter(action__in=["start", "let in", "join"]).values_list(
        "actor", "actor__display_name", "values"
    )
    names = {}
    for actor_id, actor, values in rows:
        names[str(actor_id)] = actor
        if "user" in values:
            names[values["user"]] = values.get("name", "")
    return names


def conflict_context(incident, section: Section, conflict: Conflict, user, undoing: bool = False) -> dict:
    """What the conflict screen shows: both sides against the common base, and a form with the joined draft.

    `undoing`: mine is what stood before the change that the person takes back.
    """
    people = names_of(incident)
    entry, zone = conflict.entry, incident.zone

    def form_with(values: dict, name: str):
        side = section.model(pk=entry.pk, incident=incident)
        side.assign(values)
        side.version, side._state.adding = entry.version, False
        auto_id = f"id_{entry.pk}_{name}_%s"  # the two stand side by side, and beside other forms
        return section.form(incident=incident, held=incident.held, instance=side, auto_id=auto_id)

    return {
        "incident": incident,
        "section": section,
        "entry": entry,
        "hidden": conflict.hidden,
        "undoing": undoing,
        "theirs": differences(section.model, conflict.base, conflict.theirs, zone, people),
        "mine": differences(section.model, conflict.base, conflict.mine, zone, people),
        "mine_form": form_with(conflict.merged, "mine"),  # mine where they disagree, both elsewhere
        "form": form_with(joined(conflict, section.model), "joined"),
        "me": user,
    }


def joined(conflict: Conflict, model: type[Entry]) -> dict:
    """The draft: what merged, and where the same words changed both versions of them, mine after theirs."""
    values = dict(conflict.merged)
    for name in conflict.fields:
        if name in model.prose():
            sides = (str(side[name] or "") for side in (conflict.base, conflict.mine, conflict.theirs))
            values[name] = merging.join_text(*sides)
    return values
