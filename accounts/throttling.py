"""Whose failures count together, so that guessing is slow and a stranger locks nobody out.

Failed passwords are counted for each address of the network and for each account. A browser that has
signed in to an account before carries a signed cookie and has a count of its own for that account
(OWASP calls it a device cookie): what strangers try elsewhere does not touch it. A passkey is no
secret that can be guessed, and has no count for the account. Everybody else waits five minutes at most.
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

SALT = "accounts.known-browser"
SECONDS = 180 * 24 * 60 * 60


def remember_browser(request: HttpRequest, response: HttpResponse, user) -> None:
    """Give the browser its cookie for this account, unless it has it."""
    if _device(request, user.email):
        return
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps([_hidden(user.email), secrets.token_urlsafe(12)], salt=SALT),
        max_age=SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def key_of(request: HttpRequest, email: str) -> str:
    """The name under which failures for this account are counted."""
    email = email.lower()
    return f"{email} {_device(request, email)}"


def _device(request: HttpRequest, email: str) -> str:
    """The random name of a browser that has signed in to this account; "" for all others."""
    try:
        known, device = signing.loads(
            request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, ""), salt=SALT, max_age=SECONDS
        )
    except (signing.BadSignature, ValueError):
        return ""
    return device if known == _hidden(email) else ""


def _hidden(email: str) -> str:
    """An address as the cookie has it: whoever finds the browser cannot read whose it was."""
    return salted_hmac(SALT, email.lower()).hexdigest()
