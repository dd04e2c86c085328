"""The only decision: may this person do that in this incident?

Floor 2. Reads the grants (guardian's direct table) and nothing else. Being a superuser or staff plays no part.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    SlugField,
    UUIDField,
    When,
)
from django.utils import timezone

from config.prepared import Prepared
from incidents.invitations import Block, InvitationQuerySet
from incidents.people import Acknowledgement, IncidentGrant
from incidents.vocabulary import Audience, Capability


def _grants(now=None) -> QuerySet:
    """The grants that count now: of accounts that may sign in, and not past their end."""
    return IncidentGrant.objects.filter(
        Q(until=None) | Q(until__gt=now or timezone.now()),
        user__is_active=True,
    )


def capabilities(user, incident) -> frozenset[str]:
    """What this person may do here: empty for strangers, anonymous visitors and disabled accounts."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    rows = HELD.rows(user=user.pk, incident=incident.pk, now=timezone.now())
    return frozenset(codename for (codename,) in rows)


def _held(user, incident, now) -> QuerySet:
    return _grants(now).filter(user=user, content_object=incident).values_list("permission__codename")


HELD = Prepared(_held, user=UUIDField(), incident=UUIDField(), now=DateTimeField())


def can(user, incident, capability: str) -> bool:
    """Whether this person holds the capability now."""
    return capability in capabilities(user, incident)


def visible(queryset: QuerySet, user, capability: str = Capability.SUMMARY) -> QuerySet:
    """The incidents of the queryset in which this person holds the capability; SUMMARY: may know of them."""
    if not user.is_authenticated or not user.is_active:
        return queryset.none()
    return _in(queryset, _grants(), user, capability)


def _in(queryset: QuerySet, grants: QuerySet, user, capability: str) -> QuerySet:
    granted = grants.filter(user=user, permission__codename=capability)
    return queryset.filter(pk__in=granted.values("content_object"))


def opened(queryset: QuerySet, user, capability: str) -> QuerySet:
    """The incidents in which this person holds the capability and accepted the classification as it stands."""
    return visible(queryset, user, capability).filter(_accepted(user))


def visible_one(user, slug: str):
    """The incident of this codename, if this person may know of it; else None. `accepted` on it says whether they
    accepted its classification as it stands.

    The database does the same work for each codename: it goes through the person's own incidents and sorts the
    wanted one to the front. A search for the codename first would take longer where there is one (SECURITY 6).
    """
    if not user.is_authenticated or not user.is_active:
        return None
    found = next(iter(ONE.objects(user=user.pk, slug=slug, now=timezone.now())), None)
    return found if found is not None and found.slug == slug else None


def _one(user, slug, now) -> QuerySet:
    incidents = IncidentGrant._meta.get_field("content_object").related_model._default_manager.all()
    wanted = Case(When(slug=slug, then=0), default=1)
    own = _in(incidents, _grants(now), user, Capability.SUMMARY).annotate(accepted=_accepted(user))
    return own.order_by(wanted, "pk")[:1]


ONE = Prepared(_one, user=UUIDField(), slug=SlugField(), now=DateTimeField())


def audience_of(held: Iterable[str]) -> Audience | None:
    """Which cut of the document these capabilities open; None when not even the summary."""
    held = frozenset(held)
    if Capability.READ in held:
        return Audience.PRIVILEGED if Capability.PRIVILEGED in held else Audience.DOCUMENT
    return Audience.SUMMARY if Capability.SUMMARY in held else None


def standing_invitations(queryset: InvitationQuerySet) -> InvitationQuerySet:
    """The invitations that can be accepted: open, of an inviter who may still invite, not blocked (SECURITY 22)."""
    grants = _grants().filter(
        content_object=OuterRef("incident"),
        user=OuterRef("invited_by"),
        permission__codename=Capability.PEOPLE,
    )
    blocks = Block.objects.filter(incident=OuterRef("incident"), email=OuterRef("email"), lifted_at=None)
    return queryset.open().filter(Exists(grants), ~Exists(blocks))


def holders(incident, capability: str) -> list:
    """The accounts that hold a capability now, whether they accepted the classification or not."""
    rows = _grants().filter(content_object=incident, permission__codename=capability)
    return [row.user for row in rows.select_related("user").order_by("user__display_name")]


def everybody(incident) -> dict:
    """Account → capabilities now, of all who are let in; one query."""
    held = defaultdict(set)
    rows = _grants().filter(content_object=incident).select_related("user", "permission")
    for row in rows:
        held[row.user].add(row.permission.codename)
    return {user: frozenset(names) for user, names in held.items()}


def held_in(incident_ids: Iterable, user) -> dict[object, frozenset[str]]:
    """Incident id → capabilities that one person holds there now; one query."""
    held = defaultdict(set)
    rows = _grants().filter(content_object__in=list(incident_ids), user=user)
    for incident_id, capability in rows.values_list("content_object", "permission__codename"):
        held[incident_id].add(capability)
    return {incident_id: frozenset(names) for incident_id, names in held.items()}


def standing(incident, user_ids: Iterable) -> dict[object, frozenset[str]]:
    """User id → capabilities for those of the users who are let in, active, and accepted the classification.

    One query for the grants and one for the acceptances, however many people ask.
    """
    held = defaultdict(set)
    rows = _grants().filter(content_object=incident, user__in=list(user_ids))
    for user_id, capability in rows.values_list("user_id", "permission__codename"):
        held[user_id].add(capability)
    accepted = _acceptances(incident).filter(user__in=list(held)).values_list("user_id", flat=True)
    return {user_id: frozenset(held[user_id]) for user_id in accepted}


def ends(incident, user_ids: Iterable) -> dict[object, datetime]:
    """User id → when some of what they hold ends by itself (UTC), for those of the users of whom something does."""
    rows = _grants().filter(content_object=incident, user__in=list(user_ids), until__isnull=False)
    return dict(rows.values_list("user_id").annotate(first=Min("until")).order_by())


def roster(incident) -> list:
    """Everybody who is let in, each with `accepted_at` (UTC): None until they accepted the classification as it is."""
    people = list(incident.participants.select_related("user", "let_in_by"))
    accepted = dict(_acceptances(incident).order_by("revision").values_list("user_id", "at"))
    for person in people:
        person.accepted_at = accepted.get(person.user_id)
    return people


def has_acknowledged(user, incident) -> bool:
    """Whether this person accepted the classification as it stands."""
    return _acceptances(incident).filter(user=user).exists()


def _accepted(user) -> Exists:
    """Whether a person accepted the classification of an incident, for a query of incidents."""
    rows = Acknowledgement.objects.filter(
        user=user, incident=OuterRef("pk"), revision__gte=OuterRef("classification_revision")
    )
    return Exists(rows)


def _acceptances(incident) -> QuerySet:
    return Acknowledgement.objects.filter(incident=incident, revision__gte=incident.classification_revision)
