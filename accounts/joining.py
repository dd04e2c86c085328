"""Joining: the only way to an account of one's own, by a link that was made for one address."""

from urllib.parse import urlencode

from django.core import signing
from django.http import Http404
from django.urls import reverse

from accounts.addresses import is_odd
from accounts.models import User

SALT = "accounts.join"
HOURS = 24


def join_address(email: str, following: str = "", *, staff: bool = False) -> str:
    """The path at which this address makes its account, and goes on to `following` on this host.

    Signed, good for 24 hours and as long as no account has the address: so for one account. Opening it
    uses nothing up. `staff`: the account manages accounts; incidents know nothing of that.
    """
    token = signing.dumps({"email": email.lower(), "staff": staff}, salt=SALT)
    path = reverse("join", args=[token])
    return f"{path}?{urlencode({'next': following})}" if following else path


def invited(token: str) -> User:
    """The account that this link may make, not saved yet. Raises Http404, whatever is wrong with the link."""
    try:
        told = signing.loads(token, salt=SALT, max_age=HOURS * 3600)
    except signing.BadSignature:
        raise Http404 from None
    if is_odd(told["email"]) or User.objects.filter(email=told["email"]).exists():
        raise Http404
    return User(email=told["email"], is_staff=told["staff"], is_superuser=told["staff"])
