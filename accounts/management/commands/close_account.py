"""manage.py close_account: somebody must not sign in any more."""

from django.core.management.base import BaseCommand, CommandError

from accounts import closing
from accounts.models import User


class Command(BaseCommand):
    help = "Close an account: no sign-in, and every session, stream and link of it ends now."

    def add_arguments(self, parser):
        parser.add_argument("email")
        parser.add_argument("--force", action="store_true", help="even if the account is still needed")

    def handle(self, *, email: str, force: bool, **options):
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"No account has the address {email}.")
        try:
            closing.close(user, force=force)
        except closing.Refused as refused:
            raise CommandError(f"{refused} --force closes it all the same.") from None
        self.stdout.write(f"The account of {user.email} is closed.")
