"""What waits for the commander: pure functions of the document, one sentence and a link each. Floor 6."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from incidents import access
from incidents.invitations import requests_for
from incidents.sections import SECTIONS
from incidents.vocabulary import Audience, Milestone, Status

STALE = timedelta(hours=4)
REQUESTS = "requests"  # of people who ask to be let in


@dataclass(frozen=True)
class Check:
    """One thing that waits; `name` is the same as long as it does."""

    name: str
    sentence: str
    link: str


def counted(number: int, one: str, many: str) -> str:
    """1 next step has …, 3 next steps have …"""
    return f"{number} {one if number == 1 else many}"


def waiting(incident, now: datetime | None = None) -> list[Check]:
    """Everything that waits, most pressing first, at a time (UTC); None: the server's clock."""
    now = now or timezone.now()
    steps = [step for step in SECTIONS["next_steps"].shown(incident, Audience.PRIVILEGED) if step.is_open]
    return [
        *_steps(steps, now),
        *_summary(incident, now),
        *_people(incident),
        *_requests(incident),
    ]


def _steps(steps: list, now) -> list[Check]:
    found = []
    late = [step for step in steps if step.deadline and step.deadline < now]
    unowned = [step for step in steps if not step.assignee_id]
    if late:
        link = f"#next_steps-{late[0].pk}"
        found.append(Check("late", counted(len(late), "next step is late", "next steps are late"), link))
    if unowned:
        link = f"#next_steps-{unowned[0].pk}"
        found.append(
            Check(
                "unowned", counted(len(unowned), "next step has no owner", "next steps have no owner"), link
            )
        )
    return found


def _summary(incident, now) -> list[Check]:
    summary = SECTIONS["summary"].single(incident)
    if not summary.version:
        return [Check("summary", "The summary is empty", "#summary")]
    newer = (
        SECTIONS["timeline"]
        .shown(incident, Audience.PRIVILEGED)
        .filter(milestone__in=Milestone.values, changed_at__gt=summary.changed_at)
        .exists()
    )
    if newer:
        return [Check("milestone", "The summary is older than the newest milestone", "#summary")]
    if incident.status != Status.CLOSED and now - summary.changed_at > STALE:
        hours = int((now - summary.changed_at).total_seconds() // 3600)
        return [Check("summary", f"The summary is {hours} h old", "#summary")]
    return []


def _requests(incident) -> list[Check]:
    number = requests_for(incident).count()
    link = reverse("people", args=[incident.slug])
    return (
        [Check(REQUESTS, counted(number, "person asks to be let in", "people ask to be let in"), link)]
        if number
        else []
    )


def _people(incident) -> list[Check]:
    people = {
        participant.user_id: participant for participant in incident.participants.select_related("user")
    }
    pending = set(people) - set(access.standing(incident, people))
    if not pending:
        return []
    link = reverse("people", args=[incident.slug])
    if len(pending) == 1:
        return [
            Check("acceptance", f"{people[pending.pop()].user} has not accepted the classification", link)
        ]
    return [Check("acceptance", f"{len(pending)} people have not accepted the classification", link)]
