"""Closing an account: it cannot sign in, and nothing that it held open goes on."""

from collections.abc import Callable

from django.db import transaction

from accounts.models import User

# Each says in a sentence why an account must not be closed, or "". Other applications add theirs.
vetoes: list[Callable[[User], str]] = []


# Each ends what the account held open elsewhere, in the same transaction. Other applications add theirs.
endings: list[Callable[[User], None]] = []


class Refused(Exception):
    """The account stays open; str() is the sentence why."""


def objection(user: User) -> str:
    """Why this account must not be closed; "" when nothing speaks against it."""
    return next((said for veto in vetoes if (said := veto(user))), "")


def close(user: User, force: bool = False) -> None:
    """Close an account and end its sessions, streams and links for good (opening it again brings none back).

    Raises Refused when a veto speaks, unless force.
    """
    with transaction.atomic():
        # Locked: nobody hands anything over to them meanwhile.
        user = User.objects.select_for_update().get(pk=user.pk)
        said = "" if force else objection(user)
        if said:
            raise Refused(said)
        user.is_active = False
        user.save(update_fields=["is_active"])
        user.end_sessions()
        for end in endings:
            end(user)
