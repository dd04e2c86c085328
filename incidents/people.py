"""Who was let into an incident, by whom, and what they accepted.

Floor 1. The grant itself is rows of guardian's direct permission table on Incident (`IncidentGrant`), one
for each capability; `incidents/access.py` reads them and nothing else decides.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from incidents.succession import BreakGlass
from incidents.vocabulary import BUNDLES, Capability, Role, capabilities_of, sees


class IncidentGrant(UserObjectPermissionBase):
    """One capability of one individual in one incident, `until` a time (UTC) or, if None, until it is taken away."""

    content_object = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE)
    until = models.DateTimeField(null=True, blank=True)


class NoGroupGrant(GroupObjectPermissionBase):
    """A table that can hold no row: people are let in one by one, never as a group.

    Without it guardian would put a group's grant into its generic table silently; with it the attempt fails.
    """

    content_object = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(pk__isnull=True), name="no_grant_to_a_group")
        ]


class Participant(models.Model):
    """An individual in an incident: role, what was added to it, who let them in and when, and until when (UTC)."""

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices)
    may_export = models.BooleanField(default=False)
    reads_privileged = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    end_set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    let_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    let_in_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["let_in_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "user"], name="in_once"),
            models.UniqueConstraint(
                fields=["incident"], condition=models.Q(role=Role.COMMANDER), name="one_commander"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"

    @property
    def capabilities(self) -> frozenset[str]:
        """What the role and what was added to it allow."""
        return capabilities_of(self.role, self.may_export, self.reads_privileged)

    @property
    def sees(self) -> str:
        """What this person sees and may do, in one line."""
        return sees(self.role, self.may_export, self.reads_privileged)


class Acknowledgement(models.Model):
    """Somebody accepted the classification as it stood at `revision`; rows are only added."""

    incident = models.ForeignKey(
        "incidents.Incident", on_delete=models.CASCADE, related_name="acknowledgements"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-revision", "-at"]
        constraints = [models.UniqueConstraint(fields=["incident", "user", "revision"], name="accepted_once")]

    def __str__(self) -> str:
        return f"{self.user} at revision {self.revision}"


def grants_due(incident, user=None) -> dict[tuple, datetime | None]:
    """(user id, capability) → until when (UTC; None: no end), as the participants and open break-glasses have it."""
    participants = incident.participants.all()
    openings = BreakGlass.objects.filter(incident=incident, approved_at__isnull=False, ended_at=None)
    if user is not None:
        participants, openings = participants.filter(user=user), openings.filter(asked_by=user)
    due: dict[tuple, datetime | None] = {}
    for participant in participants:
        due.update({(participant.user_id, name): participant.expires_at for name in participant.capabilities})
    for opening in openings:
        for name in BUNDLES[Role.COMMANDER]:
            key = opening.asked_by_id, str(name)
            there = due.get(key, opening.expires_at)
            due[key] = None if there is None else max(there, opening.expires_at or there)
    return due


def write_grants(incident, user) -> None:
    """Make the grants of one individual those that are due to them; none takes all away."""
    due = {name: until for (_, name), until in grants_due(incident, user).items()}
    held = {
        grant.permission.codename: grant
        for grant in IncidentGrant.objects.filter(content_object=incident, user=user).select_related(
            "permission"
        )
    }
    stale = [grant.pk for name, grant in held.items() if name not in due or grant.until != due[name]]
    IncidentGrant.objects.filter(pk__in=stale).delete()
    missing = [name for name, until in due.items() if name not in held or held[name].until != until]
    permissions = Permission.objects.filter(
        content_type__app_label="incidents", content_type__model="incident", codename__in=missing
    )
    IncidentGrant.objects.bulk_create(
        IncidentGrant(
            content_object=incident, user=user, permission=permission, until=due[permission.codename]
        )
        for permission in permissions
    )


def grant_faults(incident) -> list[str]:
    """Sentences that say where the permission table and the participants disagree."""
    due = grants_due(incident)
    rows = IncidentGrant.objects.filter(content_object=incident)
    held = {
        (user, name): until
        for user, name, until in rows.values_list("user_id", "permission__codename", "until")
    }
    faults = [f"{user} holds {name} without being let in for it" for user, name in held.keys() - due.keys()]
    faults += [f"{user} lacks {name}" for user, name in due.keys() - held.keys()]
    faults += [
        f"{user} holds {name} until {held[user, name]}, not {until}"
        for (user, name), until in due.items()
        if held.get((user, name), until) != until
    ]
    commanders = [p.user_id for p in incident.participants.all() if p.role == Role.COMMANDER]
    if commanders != [incident.commander_id]:
        faults.append(f"commander is {incident.commander_id}, participants say {commanders}")
    return sorted(faults)


PERMISSIONS = [(str(capability), str(capability.label)) for capability in Capability]
