"""manage.py load_example: the example incident with its people, and sign-in links while DEBUG is on."""

import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.links import HOURS, sign_in_link
from accounts.models import User
from incidents.codenames import slug_of
from incidents.incident import Incident
from incidents.loading import load
from incidents.vocabulary import Role

EXAMPLES = settings.BASE_DIR / "examples"


class Command(BaseCommand):
    help = "Load examples/incident.json once, with the invented people of examples/people.json."

    def add_arguments(self, parser):
        parser.add_argument("--base-url", default=settings.BASE_URL)

    def handle(self, *, base_url: str, **options):
        if not settings.DEBUG:
            raise CommandError("The example is for development: set DEBUG=1.")
        rows = json.loads((EXAMPLES / "people.json").read_text())
        people = {self.account(row): row["role"] for row in rows}
        commander = next(person for person, role in people.items() if role == Role.COMMANDER)
        codename = json.loads((EXAMPLES / "incident.json").read_text())["codename"]
        if not Incident.objects.filter(slug=slug_of(codename)).exists():
            others = {person: role for person, role in people.items() if person != commander}
            incident, warnings = load(EXAMPLES / "incident.json", commander, others)
            for person in others:
                incident.acknowledge(by=person)
            for warning in warnings:
                self.stderr.write(self.style.WARNING(warning))
            self.stdout.write(f"Loaded the example incident {incident.codename}.")
        self.stdout.write(f"Sign in with one click (development only, for {HOURS} hours):")
        for person, role in people.items():
            self.stdout.write(f"  {role:<10} {person.display_name:<20} {sign_in_link(person, base_url)}")

    def account(self, row: dict) -> User:
        """The account of one invented person."""
        known = User.objects.filter(email=row["email"]).first()
        return known or User.objects.create_user(row["email"], display_name=row["name"])
