"""manage.py forget_factors: for somebody who has lost phone, passkeys and recovery codes."""

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User


class Command(BaseCommand):
    help = (
        "Remove the app, passkeys and recovery codes of an account and end its sessions. Make sure who asks."
    )

    def add_arguments(self, parser):
        parser.add_argument("email")

    def handle(self, *, email: str, **options):
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"No account has the address {email}.")
        Authenticator.objects.filter(user=user).delete()
        user.end_sessions()
        self.stdout.write(f"{user.email} signs in by password alone until they add a factor again.")
