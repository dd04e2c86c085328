"""manage.py check_access [CODENAME]: do the permission table and the participants agree? Exit 1 names what is wrong."""

from django.core.management.base import BaseCommand, CommandError
from guardian.models import GroupObjectPermission, UserObjectPermission

from incidents.incident import Incident
from incidents.management.commands._common import find_incident
from incidents.people import grant_faults


class Command(BaseCommand):
    help = "Compare every grant with the participants and their roles."

    def add_arguments(self, parser):
        parser.add_argument("codename", nargs="?")

    def handle(self, *, codename: str | None, **options):
        incidents = [find_incident(codename)] if codename else list(Incident.objects.order_by("slug"))
        faults = [
            f"{incident.codename}: {fault}" for incident in incidents for fault in grant_faults(incident)
        ]
        for table in (UserObjectPermission, GroupObjectPermission):
            if stray := table.objects.filter(content_type__app_label="incidents").count():
                faults.append(
                    f"{stray} rows in guardian's generic table {table._meta.db_table}; they grant nothing"
                )
        if faults:
            raise CommandError("\n".join(faults))
        self.stdout.write(
            f"{len(incidents)} incident{'s' if len(incidents) != 1 else ''}: grants and participants agree."
        )
