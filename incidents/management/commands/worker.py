"""manage.py worker: what must happen without anybody asking. Runs beside the web process."""

import logging
import time

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

log = logging.getLogger("sitroom.worker")
CHECKS = ("verify_ledger", "check_access", "verify_files")


class Command(BaseCommand):
    help = "Every hour: forget expired sessions, and verify ledgers, grants and files; faults are logged as errors."

    def add_arguments(self, parser):
        parser.add_argument("--every", type=int, default=3600, metavar="SECONDS")
        parser.add_argument("--once", action="store_true")

    def handle(self, *, every: int, once: bool, **options):
        while True:
            self.round()
            if once:
                return
            time.sleep(every)

    def round(self) -> None:
        """One round; a failed check does not keep the others from running."""
        call_command("clearsessions")
        for name in CHECKS:
            try:
                call_command(name, stdout=self.stdout)
            except CommandError as fault:
                log.error("%s: %s", name, fault)
