"""manage.py verify_ledger [CODENAME] [--head HASH]: is every ledger whole? Exit 1 names what is wrong."""

from django.core.management.base import BaseCommand, CommandError

from incidents import ledger
from incidents.incident import Incident
from incidents.management.commands._common import find_incident


class Command(BaseCommand):
    help = "Recompute the hash chain of one incident or of all. --head takes the value printed on an export."

    def add_arguments(self, parser):
        parser.add_argument("codename", nargs="?")
        parser.add_argument("--head", default="")

    def handle(self, *, codename: str | None, head: str, **options):
        if head and not codename:
            raise CommandError("--head goes with the codename of the incident that it was printed for.")
        incidents = [find_incident(codename)] if codename else list(Incident.objects.order_by("slug"))
        faults = [f"{i.codename}: {fault}" for i in incidents for fault in ledger.faults(i, head)]
        if faults:
            raise CommandError("\n".join(faults))
        self.stdout.write(f"{len(incidents)} ledger{'s' if len(incidents) != 1 else ''} whole.")
