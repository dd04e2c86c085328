"""Up to where somebody has seen an incident. Floor 1: a reader's own bookmark, no part of the record.

Executives have none: what they see has no revisions.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

SITTING = timedelta(minutes=30)  # a pause this long begins a new one


class Looked(models.Model):
    """Everything up to `revision` was seen by `at` (UTC); `since_revision` and `since_at` is where this sitting began.

    The line “since 14:02” stays where it is as long as somebody keeps looking; a pause of half an hour moves it on.
    """

    incident = models.ForeignKey("incidents.Incident", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    since_revision = models.PositiveIntegerField()
    since_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "user"], name="one_look_of_a_person")]

    def __str__(self) -> str:
        return f"{self.user} up to revision {self.revision}"

    def line(self) -> tuple[int, datetime]:
        """The revision and the time (UTC) since which changes are listed."""
        if timezone.now() - self.at >= SITTING:
            return self.revision, self.at
        return self.since_revision, self.since_at


def looked(incident, user) -> Looked | None:
    """Where this person is; None before they looked for the first time."""
    return Looked.objects.filter(incident=incident, user=user).first()


def seen(incident, user, revision: int) -> None:
    """This person has seen everything up to a revision. It never moves back; two tabs may say it at once."""
    revision, now = min(revision, incident.revision), timezone.now()
    first = {"revision": revision, "at": now, "since_revision": revision, "since_at": now}
    here, new = Looked.objects.get_or_create(incident=incident, user=user, defaults=first)
    if new:
        return
    since, since_at = here.line()
    Looked.objects.filter(pk=here.pk, revision__lte=revision).update(
        revision=revision, at=now, since_revision=since, since_at=since_at
    )
