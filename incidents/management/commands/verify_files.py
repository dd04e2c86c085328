"""manage.py verify_files: hash every stored file again. Exit 1 names what is missing or changed."""

from django.core.management.base import BaseCommand, CommandError

from incidents import files


class Command(BaseCommand):
    help = "Compare the bytes of every stored file with the SHA-256 taken at receipt."

    def handle(self, **options):
        if faults := list(files.faults()):
            raise CommandError("\n".join(faults))
        self.stdout.write("Every stored file has its bytes.")
