"""The worker's round of telling: it writes down who is told of what. Floor 7.

How far it came is kept in `Told`, written in one transaction with the notices, their letters and the calls of the
webhook. A worker that is killed begins again where its last transaction ended: nobody is told twice, nobody is
left out.
"""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.utils import timezone

from incidents.hooks import HookCall, Webhook
from incidents.incident import Incident
from incidents.ledger import ENTRY_ACTIONS, Action, Change
from incidents.letters import Letter
from incidents.notices import Choices, Notice, Told
from incidents.tidings import Circle, Fact, event_of, of_checks, of_rows, of_steps
from incidents.vocabulary import Status

log = logging.getLogger("sitroom.worker")
AT_ONCE = 500  # rows of one incident in one round
LOOK = timedelta(minutes=1)  # between two looks at the clock


def tell(now: datetime | None = None) -> None:
    """One round: every incident that has new rows, and once a minute every one that is not closed."""
    now = now or timezone.now()
    behind = Q(told=None) | Q(told__revision__lt=F("revision"))
    unseen = ~Q(status=Status.CLOSED) & (Q(told__looked_at=None) | Q(told__looked_at__lte=now - LOOK))
    for incident in Incident.objects.filter(behind | unseen).order_by("pk"):
        try:
            tell_of(incident, now)
        except DatabaseError:
            raise
        except Exception:  # one incident keeps no other from being served
            log.exception("the people of an incident could not be told")


def tell_of(incident, now: datetime) -> None:
    """Read on where the last round ended; all that comes of it is written at once or not at all."""
    told, _ = Told.objects.get_or_create(incident=incident)
    rows = list(incident.changes.filter(revision__gt=told.revision).order_by("revision")[:AT_ONCE])
    circle = Circle.of(incident)
    facts = list(of_rows(incident, rows, circle)) if rows else []
    looks = incident.status != Status.CLOSED and (told.looked_at is None or told.looked_at <= now - LOOK)
    waits = told.waiting
    if looks:
        more, waits = of_checks(incident, told.waiting, circle, now)
        facts += of_steps(incident, circle, now) + more
    here = Told.objects.filter(pk=told.pk, revision=told.revision, looked_at=told.looked_at)
    with transaction.atomic():
        moved = here.update(
            revision=rows[-1].revision if rows else told.revision,
            looked_at=now if looks else told.looked_at,
            waiting=waits,
        )
        if moved:  # else another worker was faster, and has told of it
            _write(incident, facts, circle, now)
            _mark(incident, rows)
            _call(incident, rows)


def _write(incident, facts: list[Fact], circle: Circle, now: datetime) -> None:
    if not facts:
        return
    people = {fact.user_id for fact in facts}
    chosen = {choices.user_id: choices for choices in Choices.objects.filter(user__in=people)}
    due: dict = {}
    for fact in facts:
        choices, user = chosen.get(fact.user_id, Choices()), circle.people[fact.user_id]
        at = choices.mail_at(fact.kind, now, ZoneInfo(user.zone)) if fact.mailed else None
        due[fact] = (user.email, at) if at else None
    letters = _letters({key for key in due.values() if key})
    Notice.objects.bulk_create(
        [
            Notice(
                incident=incident,
                user_id=fact.user_id,
                kind=fact.kind,
                by_id=fact.by_id,
                section=fact.section,
                entry_id=fact.entry_id,
                privileged=fact.privileged,
                once=fact.once,
                created_at=now,
                letter=letters[key] if key else None,
            )
            for fact, key in due.items()
        ]
    )


def _letters(wanted: set[tuple[str, datetime]]) -> dict[tuple[str, datetime], Letter]:
    """A letter for each address and time: the one that waits already, locked against being sent, or a new one."""
    if not wanted:
        return {}
    there = Letter.objects.select_for_update().filter(
        kind=Letter.Kind.NOTICES,
        to__in={address for address, _ in wanted},
        due_at__in={at for _, at in wanted},
        tries=0,
    )
    found = {(letter.to, letter.due_at): letter for letter in there}
    new = {key: Letter(kind=Letter.Kind.NOTICES, to=key[0], due_at=key[1]) for key in wanted - found.keys()}
    Letter.objects.bulk_create(new.values())
    return found | new


def _mark(incident, rows: list[Change]) -> None:
    """Notices about an entry take its mark on and keep it, as a comment that was written under it does; they are put
    away while the entry is hidden."""
    rows = [row for row in rows if row.action in ENTRY_ACTIONS]
    hidden = {row.entry_id: row.action == Action.REMOVE for row in rows}
    for state in (True, False):
        entries = [entry_id for entry_id, its in hidden.items() if its == state]
        incident.notices.filter(entry_id__in=entries).exclude(hidden=state).update(hidden=state)
    marked = {row.entry_id for row in rows if row.privileged}
    incident.notices.filter(entry_id__in=marked, privileged=False).update(privileged=True)


def _call(incident, rows: list[Change]) -> None:
    """Queue what the webhook is to tell; one that waits already tells the same."""
    events = {event for row in rows if (event := event_of(row))}
    hook = Webhook.objects.filter(incident=incident).exclude(url="").first() if events else None
    if hook is None:
        return
    there = set(hook.calls.filter(sent_at=None, dropped_at=None, tries=0).values_list("event", flat=True))
    HookCall.objects.bulk_create(
        HookCall(webhook=hook, event=event) for event in sorted(events & set(hook.events) - there)
    )
