"""manage.py load_example: the example incident with its people, and sign-in links while DEBUG is on."""

import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.links import HOURS, sign_in_link
from accounts.models import User
from incidents.codenames import slug_of
from incidents.incident import Incident
from incidents.loading import load

EXAMPLES = settings.BASE_DIR / "examples"


class Command(BaseCommand):
    help = "Load examples/incident.json once, with the invented people of examples/people.json."

    def add_arguments(self, parser):
        parser.add_argument("--base-url", default=settings.BASE_URL)

    def handle(self, *, base_url: str, **options):
        if not settings.DEBUG:
            raise CommandError("The example is for development: set DEBUG=1.")
        rows = json.loads((EXAMPLES / "people.json").read_text())
        people = [self.account(row) for row in rows]
        commander = next(person for person in people if person.role == "commander")
        codename = json.loads((EXAMPLES / "incident.json").read_text())["codename"]
        if not Incident.objects.filter(slug=slug_of(codename)).exists():
            incident, warnings = load(
                EXAMPLES / "incident.json", commander, {person.email: person for person in people}
            )
            for person in people:
                incident.acknowledge(by=person)
            for warning in warnings:
                self.stderr.write(self.style.WARNING(warning))
            self.stdout.write(f"Loaded the example incident {incident.codename}.")
        self.stdout.write(f"Sign in with one click (development only, for {HOURS} hours):")
        for person in people:
            self.stdout.write(
                f"  {person.role:<10} {person.display_name:<20} {sign_in_link(person, base_url)}"
            )

    def account(self, row: dict) -> User:
        """The account of one invented person; `role` is what it has in the example."""
        person = User.objects.filter(email=row["email"]).first() or User.objects.create_user(
            row["email"], display_name=row["name"]
        )
        person.role = row["role"]
        return person
