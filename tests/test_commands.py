"""The commands that do not load or verify a ledger: example, export, worker, checks."""

import json
import logging
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from incidents.incident import Incident
from incidents.people import IncidentGrant
from incidents.reading import AccessRecord
from incidents.vocabulary import Role
from tests import factories

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_example_is_loaded_once_and_everybody_gets_a_link(settings, client):
    settings.DEBUG = True
    first, second = run("load_example"), run("load_example")
    assert "Loaded the example incident" in first and "Loaded" not in second
    [incident] = Incident.objects.all()
    roles = sorted(incident.participants.values_list("role", flat=True))
    assert roles == ["commander", "executive", "legal", "reader", "responder", "responder"]
    links = [line.split()[-1] for line in first.splitlines() if "http" in line]
    assert len(links) == 6
    for link in links:
        assert client.get(link.removeprefix(settings.BASE_URL)).status_code == 302
        assert incident.codename in client.get("/incidents/").content.decode()


def test_the_example_is_refused_in_production():
    with pytest.raises(CommandError, match="for development"):
        run("load_example")
    assert User.objects.count() == 0


def test_export_writes_to_a_file_or_to_the_terminal(incident, tmp_path):
    factories.entry(incident, "timeline", text="Found")
    printed = run("export_incident", "KESTREL", "--format", "json")
    assert json.loads(printed)["timeline"] == [
        {"at": "2026-11-24T12:00:00Z", "precision": "minute", "text": "Found"}
    ]
    file = tmp_path / "case.json"
    run("export_incident", "kestrel", "--output", str(file))
    assert file.read_text() == printed
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_incident", "kestrel", "--output", str(tmp_path / "no" / "such" / "folder"))


def test_the_report_is_for_a_person_who_may_download_it(incident, tmp_path):
    mei = factories.participant(incident, factories.user("mei"), Role.LEGAL)
    tomas = factories.participant(incident, factories.user("tomas"), Role.RESPONDER)
    file = tmp_path / "report.pdf"
    run("export_pdf", "kestrel", "--output", str(file), "--for", mei.email)
    assert file.read_bytes().startswith(b"%PDF")
    run("export_pdf", "kestrel", "--output", str(file))
    assert [row.user.email for row in AccessRecord.objects.order_by("at")] == [mei.email, "dana@example.com"]
    with pytest.raises(CommandError, match="may not download"):
        run("export_pdf", "kestrel", "--output", str(file), "--for", tomas.email)
    with pytest.raises(CommandError, match="There is no account nobody@example.com"):
        run("export_pdf", "kestrel", "--output", str(file), "--for", "nobody@example.com")


def test_the_worker_checks_everything_and_reports_faults(incident, caplog):
    assert "whole" in run("worker", "--once")
    IncidentGrant.objects.filter(content_object=incident).first().delete()
    with caplog.at_level(logging.ERROR, "sitroom.worker"):
        run("worker", "--once")
    assert "check_access: KESTREL" in caplog.text


def test_a_row_in_guardians_generic_table_is_found(incident):
    from django.contrib.contenttypes.models import ContentType
    from guardian.models import UserObjectPermission

    stranger = factories.user("stranger")
    UserObjectPermission.objects.create(
        permission=IncidentGrant.objects.first().permission,
        content_type=ContentType.objects.get_for_model(Incident),
        object_pk=str(incident.pk),
        user=stranger,
    )
    with pytest.raises(CommandError, match="they grant nothing"):
        run("check_access")
    assert list(Incident.objects.visible_to(stranger)) == []
