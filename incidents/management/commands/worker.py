"""manage.py worker: what must happen without anybody asking. Runs beside the web process."""

import logging
import time
from collections.abc import Callable

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from incidents import notify, telling, webhooks
from incidents.incident import Incident
from incidents.people import Participant
from incidents.succession import BreakGlass

log = logging.getLogger("sitroom.worker")
CHECKS = ("verify_ledger", "check_access", "verify_files")


class Command(BaseCommand):
    help = (
        "Every second: tell people, send mail and webhooks, note access that has ended. Every hour: forget "
        "expired sessions, and verify ledgers, grants and files; faults are logged as errors."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--every", type=int, default=3600, metavar="SECONDS", help="between two verifications"
        )
        parser.add_argument("--once", action="store_true", help="do everything once")

    def handle(self, *, every: int, once: bool, **options):
        next_round = 0.0
        while True:
            for part in (
                self.end_access,
                notify.queue_requests,
                telling.tell,
                notify.send_due,
                webhooks.send_due,
            ):
                self.done(part)
            if time.monotonic() >= next_round and self.done(self.round):
                next_round = time.monotonic() + every
            if once:
                return
            time.sleep(1)
            close_old_connections()

    def done(self, part: Callable[[], object]) -> bool:
        """Do a part; whether the database answered. A fault keeps no other part from being done."""
        try:
            part()
        except DatabaseError as fault:
            log.error("the database did not answer: %s", fault)
            connection.close()
            return False
        except Exception:
            log.exception("a part of the work could not be done")
        return True

    def end_access(self) -> None:
        """Access whose time is over: the grants ended by themselves, this puts it on record."""
        over = Q(incident=OuterRef("pk"), expires_at__lte=timezone.now())
        ended = Exists(Participant.objects.filter(over)) | Exists(
            BreakGlass.objects.filter(over, ended_at=None)
        )
        for incident in Incident.objects.filter(ended):
            try:
                incident.end_expired_break_glass()
                incident.let_out_expired()
            except DatabaseError:
                raise
            except Exception:  # one incident keeps no other from being served
                log.exception("access that has ended could not be put on record")

    def round(self) -> None:
        """One round of checks; one that fails does not keep the others from running."""
        call_command("clearsessions")
        for name in CHECKS:
            try:
                call_command(name, stdout=self.stdout)
            except CommandError as fault:
                log.error("%s: %s", name, fault)
            except Exception:
                log.exception("%s could not be done", name)
