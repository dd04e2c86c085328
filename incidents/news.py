"""What changed since somebody last looked: for the marks of the document and for the list. Floor 6."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from incidents import looking, moments
from incidents.history import changes_for
from incidents.ledger import Action
from incidents.moments import Moment


@dataclass
class News:
    """What others did since `revision` and `at` (UTC), the line of this sitting, and what of it is not seen yet."""

    revision: int
    at: datetime
    since: str  # the time of the line, in the incident's zone; with the day unless it is today
    count: int = 0
    sections: set[str] = field(default_factory=set)  # names of those with something unseen
    unseen: list[str] = field(default_factory=list)  # element ids of the entries, and names of sections


def changes_since(incident, user, audience: str, revision: int):
    """The rows of others after a revision that an audience may read; who accepted the classification is no news."""
    rows = changes_for(incident, audience).filter(revision__gt=revision)
    return rows.exclude(actor=user).exclude(action=Action.ACKNOWLEDGE)


def news(incident, user, audience: str) -> News | None:
    """What is new to this person; None before they looked for the first time. Two queries."""
    here = looking.looked(incident, user)
    if here is None:
        return None
    revision, at = here.line()
    found = News(revision, at, _words(at, incident.zone))
    rows = changes_since(incident, user, audience, revision)
    for number, section, entry in rows.values_list("revision", "section", "entry_id"):
        found.count += 1
        if number > here.revision:
            mark = f"{section}-{entry}" if entry else "incident"
            found.unseen += [] if mark in found.unseen else [mark]
            found.sections |= {section} - {""}
    return found


def _words(at: datetime, zone) -> str:
    moment = Moment(at, "minute")
    today = at.astimezone(zone).date() == timezone.now().astimezone(zone).date()
    return moments.show_clock(moment, zone) if today else moments.show(moment, zone)
