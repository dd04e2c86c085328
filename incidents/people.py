"""Who was let into an incident, by whom, and what they accepted.

Floor 1. The grant itself is rows of guardian's direct permission table on Incident (`IncidentGrant`), one
for each capability; `incidents/access.py` reads them and nothing else decides.
"""

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import models
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from incidents.vocabulary import SEES, Capability, Role, capabilities_of


class IncidentGrant(UserObjectPermissionBase):
    """One capability of one individual in one incident."""

    content_object = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE)


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
    """An individual in an incident: role, who let them in and when (UTC)."""

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=16, choices=Role.choices)
    may_export = models.BooleanField(default=False)
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
    def sees(self) -> str:
        """What the role lets this person see and do, in one line."""
        extra = ". Downloads the report" if self.may_export and self.role != Role.LEGAL else ""
        return SEES[Role(self.role)] + extra


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


def write_grants(incident, user, role: str | None, may_export: bool = False) -> None:
    """Make the grants of one individual those of the role; None takes them all away."""
    wanted = capabilities_of(role, may_export) if role else frozenset()
    held = IncidentGrant.objects.filter(content_object=incident, user=user)
    held.exclude(permission__codename__in=wanted).delete()
    missing = wanted - set(held.values_list("permission__codename", flat=True))
    permissions = Permission.objects.filter(
        content_type__app_label="incidents", content_type__model="incident", codename__in=missing
    )
    IncidentGrant.objects.bulk_create(
        IncidentGrant(content_object=incident, user=user, permission=permission) for permission in permissions
    )


def grant_faults(incident) -> list[str]:
    """Sentences that say where the permission table and the participants disagree."""
    wanted = {
        (participant.user_id, capability)
        for participant in incident.participants.all()
        for capability in capabilities_of(participant.role, participant.may_export)
    }
    held = set(
        IncidentGrant.objects.filter(content_object=incident).values_list("user_id", "permission__codename")
    )
    faults = [f"{user} holds {capability} without being let in for it" for user, capability in held - wanted]
    faults += [f"{user} lacks {capability}" for user, capability in wanted - held]
    commanders = [p.user_id for p in incident.participants.all() if p.role == Role.COMMANDER]
    if commanders != [incident.commander_id]:
        faults.append(f"commander is {incident.commander_id}, participants say {commanders}")
    return sorted(faults)


PERMISSIONS = [(str(capability), str(capability.label)) for capability in Capability]
