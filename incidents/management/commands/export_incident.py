"""manage.py export_incident CODENAME --format json [--output F]: the facts of an incident as a file."""

from django.core.management.base import BaseCommand

from incidents.exports import json
from incidents.management.commands._common import find_incident, write
from incidents.vocabulary import Audience

FORMATS = {"json": json.text}


class Command(BaseCommand):
    help = "Export everything that is not hidden, privileged entries included: whoever runs this has the database."

    def add_arguments(self, parser):
        parser.add_argument("codename")
        parser.add_argument("--format", choices=sorted(FORMATS), default="json")
        parser.add_argument("--output", metavar="FILE")

    def handle(self, *, codename: str, format: str, output: str | None, **options):
        write(FORMATS[format](find_incident(codename), Audience.PRIVILEGED), output, self.stdout)
