"""The key with which a person's browser seals what they typed and the server has not stored yet."""

import base64

from django.utils.crypto import salted_hmac

from accounts.models import User


def seal_key(user: User) -> str:
    """32 bytes as base64, always the same for a person and only ever sent to their own pages.

    What stays on a device is unreadable for whoever signs in there next, and readable again for the same person.
    """
    digest = salted_hmac("accounts.sealing", str(user.pk), algorithm="sha256").digest()
    return base64.b64encode(digest).decode()
