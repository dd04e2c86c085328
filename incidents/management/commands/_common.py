"""What the commands share."""

from django.core.management.base import CommandError

from accounts.models import User
from incidents.codenames import slug_of
from incidents.incident import Incident


def find_incident(codename: str) -> Incident:
    """The incident of a codename, in either spelling; CommandError when there is none."""
    found = Incident.objects.select_related("commander").filter(slug=slug_of(codename)).first()
    if found is None:
        raise CommandError(f"There is no incident {codename}.")
    return found


def find_account(email: str) -> User:
    """The account of an address; CommandError when there is none."""
    found = User.objects.filter(email=email.lower()).first()
    if found is None:
        raise CommandError(f"There is no account {email}.")
    return found


def write(text: str | bytes, output: str | None, stdout) -> None:
    """To a file, or to standard output."""
    if output is None:
        stdout.write(text if isinstance(text, str) else "", ending="")
        return
    try:
        with open(output, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from error
