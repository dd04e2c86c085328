"""manage.py break_glass CODENAME: give command for some hours when no commander can be reached."""

from django.core.management.base import BaseCommand, CommandError

from incidents.door import Impossible
from incidents.management.commands._common import find_account, find_incident
from incidents.succession import openings


class Command(BaseCommand):
    help = (
        "Two different people, a reason and an end: somebody acts as commander for some hours. It is recorded, "
        "shown on the document, and mailed to commander and responders."
    )

    def add_arguments(self, parser):
        parser.add_argument("codename")
        parser.add_argument(
            "--for", dest="person", required=True, metavar="EMAIL", help="who is to act as commander"
        )
        parser.add_argument("--approved-by", required=True, metavar="EMAIL", help="the second person")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--hours", type=int, default=4)

    def handle(self, *, codename, person, approved_by, reason, hours, **options):
        incident, user, approver = find_incident(codename), find_account(person), find_account(approved_by)
        try:
            incident.break_glass(user, approver=approver, reason=reason, hours=hours)
        except Impossible as fault:
            raise CommandError(str(fault)) from fault
        [end] = [opening.expires_at for opening in openings(incident)[0] if opening.asked_by_id == user.pk]
        self.stdout.write(
            f"{user} acts as commander of {incident.codename} until {end:%Y-%m-%d %H:%M} UTC. "
            "Commander and responders are told."
        )
