"""manage.py load_incident FILE.json --commander EMAIL: a case file becomes an incident; prints the codename."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from incidents.loading import Broken, load


class Command(BaseCommand):
    help = "Load a case file (the shape of tests/cases/*.json and of export_incident). Whole, or not at all."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--commander", required=True, metavar="EMAIL", help="who commands it; made if new"
        )

    def handle(self, *, file: Path, commander: str, **options):
        email = commander.lower()
        try:
            with transaction.atomic():  # no account is left behind by a file that cannot be loaded
                account = self.account(email)
                incident, warnings = load(file, account)
        except Broken as fault:
            raise CommandError(str(fault)) from fault
        for warning in warnings:
            self.stderr.write(self.style.WARNING(f"{file.name}: {warning}"))
        self.stdout.write(incident.slug)

    def account(self, email: str) -> User:
        """The commander's account; made if there is none, for the person to choose a password by “forgotten”."""
        known = User.objects.filter(email=email).first()
        if known:
            return known
        self.stderr.write(
            f"{email} had no account; one without a password is made. "
            "Its owner chooses a password by “Forgot the password?”."
        )
        return User.objects.create_user(email, display_name=email.partition("@")[0])
