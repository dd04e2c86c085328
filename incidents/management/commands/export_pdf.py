"""manage.py export_pdf CODENAME --output F [--for EMAIL]: the report, numbered and recorded like any download."""

from django.core.management.base import BaseCommand, CommandError

from incidents import access, report
from incidents.management.commands._common import find_account, find_incident, write
from incidents.vocabulary import Capability


class Command(BaseCommand):
    help = "Build the report for a person who may download it (default: the commander)."

    def add_arguments(self, parser):
        parser.add_argument("codename")
        parser.add_argument("--output", required=True, metavar="FILE")
        parser.add_argument("--for", dest="reader", metavar="EMAIL")

    def handle(self, *, codename: str, output: str, reader: str | None, **options):
        incident = find_incident(codename)
        user = find_account(reader) if reader else incident.commander
        held = access.capabilities(user, incident)
        audience = access.audience_of(held)
        if Capability.EXPORT not in held or audience is None:
            raise CommandError(f"{user.email} may not download the report of {incident.codename}.")
        try:
            copy, pdf = report.make(incident, user, audience)
        except (report.ReportFailed, report.Withdrawn) as problem:
            raise CommandError(str(problem)) from problem
        write(pdf, output, self.stdout)
        self.stderr.write(f"Copy {copy.copy} of revision {copy.revision} for {user.email}.")
