"""manage.py invite: the way to an account, for the operator."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.joining import HOURS, join_address
from accounts.models import User


class Command(BaseCommand):
    help = "Print a link with which EMAIL makes an account. It says nothing about incidents."

    def add_arguments(self, parser):
        parser.add_argument("email")
        parser.add_argument("--staff", action="store_true", help="the account manages accounts")

    def handle(self, *, email: str, staff: bool, **options):
        email = email.lower()
        try:
            validate_email(email)
        except ValidationError as refused:
            raise CommandError(f"{email}: {refused.message}") from None
        if User.objects.filter(email=email).exists():
            raise CommandError(f"{email} has an account already.")
        self.stdout.write(settings.BASE_URL + join_address(email, staff=staff))
        self.stdout.write(f"Works once, for {HOURS} hours: hand it to {email} and nobody else.")
