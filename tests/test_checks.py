"""What waits for the commander."""

from datetime import timedelta

from django.utils import timezone

from incidents import checks
from incidents.sections import SECTIONS
from incidents.vocabulary import Role
from tests import factories


def sentences(incident) -> list[str]:
    """What is said."""
    return [check.sentence for check in checks.waiting(incident)]


def test_a_new_incident_waits_for_its_summary(incident):
    assert sentences(incident) == ["The summary is empty"]


def test_nothing_waits_when_all_is_done(incident):
    factories.entry(incident, "summary")
    assert sentences(incident) == []


def test_steps_without_owner_and_late_ones(incident, dana):
    factories.entry(incident, "summary")
    now = timezone.now()
    factories.entry(incident, "next_steps")
    factories.entry(
        incident, "next_steps", assignee=dana, due=now - timedelta(minutes=1), due_precision="minute"
    )
    factories.entry(incident, "next_steps", assignee=dana, due=now - timedelta(days=2), due_precision="day")
    factories.entry(incident, "next_steps", state="done", due=now - timedelta(days=2), due_precision="day")
    assert sentences(incident) == ["2 next steps are late", "1 next step has no owner"]


def test_a_step_that_is_due_today_is_not_late(incident, dana):
    factories.entry(incident, "summary")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    factories.entry(incident, "next_steps", assignee=dana, due=today, due_precision="day")
    assert sentences(incident) == []


def test_a_summary_that_is_stale_or_older_than_a_milestone(incident):
    summary = factories.entry(incident, "summary")
    model = SECTIONS["summary"].model
    model.objects.filter(pk=summary.pk).update(changed_at=timezone.now() - timedelta(hours=6, minutes=5))
    assert sentences(incident) == ["The summary is 6 h old"]
    factories.entry(incident, "timeline", milestone="contained")
    assert sentences(incident) == ["The summary is older than the newest milestone"]


def test_who_has_not_accepted(incident):
    factories.entry(incident, "summary")
    factories.participant(incident, factories.user("kofi"), Role.READER, accepted=False)
    assert sentences(incident) == ["Kofi has not accepted the classification"]
    factories.participant(incident, factories.user("alan"), Role.EXECUTIVE, accepted=False)
    assert sentences(incident) == ["2 people have not accepted the classification"]


def test_only_the_commander_is_told(incident, as_dana):
    assert "The summary is empty" in as_dana.get("/incidents/kestrel/checks/").content.decode()
    tomas = factories.participant(incident, factories.user("tomas"))
    as_dana.force_login(tomas)
    assert as_dana.get("/incidents/kestrel/checks/").status_code == 403
    assert "The summary is empty" not in as_dana.get("/incidents/kestrel/").content.decode()
