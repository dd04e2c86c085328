"""Recent authentication before what matters (ASVS 7.5.3): who signed in long ago proves again who they are.

What was typed is kept in the session meanwhile and goes on afterwards; uploaded files do not, and a form with
a password is not kept at all: it is opened afresh.
"""

import time
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode, urlsplit

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

SAFE = ("GET", "HEAD", "OPTIONS")
KEPT = "suspended"  # session: address → when it was sent (UNIX time) and the fields of the form that waits
EXPECTED = "goes on"  # session: the address for which somebody proves who they are
MOST = 3  # forms that can wait at a time, the oldest goes


def is_recent(request: HttpRequest) -> bool:
    """Whether this session's person has proved who they are within ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.

    A sign-on through the provider counts only if the provider was told to ask again: else it proves
    no more than that the browser was signed in there.
    """
    proofs = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record["method"] != "socialaccount" or record.get("reauthenticated")
    ]
    return bool(proofs) and time.time() - proofs[-1] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def recent_sign_in_required(view: Callable | None = None, *, safe_too: bool = False) -> Callable:
    """Let a view through if the sign-in is recent; else ask first, and go on with what was sent.

    For views `(request, *args, **kwargs)`, inside the incident gate. Unsafe methods only, unless `safe_too`.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            safe = request.method in SAFE
            if safe and not safe_too:
                return view(request, *args, **kwargs)
            if not is_recent(request):
                return ask(request)
            if not safe:
                forget(request, request.get_full_path())
            return view(request, *args, **kwargs)

        return checked

    return decorate(view) if view else decorate


def ask(request: HttpRequest) -> HttpResponse:
    """Keep what was sent, and send the browser to where one proves who one is."""
    path = request.get_full_path()
    forget(request, path)  # what was given up there before must not run by itself
    if request.method == "POST" and not any("password" in name for name in request.POST):
        fields = [
            [name, value]
            for name, values in request.POST.lists()
            if name != "csrfmiddlewaretoken"
            for value in values
        ]
        waiting = {**request.session.get(KEPT, {}), path: {"at": time.time(), "fields": fields}}
        request.session[KEPT] = dict(list(waiting.items())[-MOST:])
    elif request.method not in ("POST", *SAFE):
        path = urlsplit(request.headers.get("HX-Current-URL", "")).path or reverse("home")
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': path})}"
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


def waiting_form(request: HttpRequest, path: str) -> list[list[str]] | None:
    """The fields (name, value) that wait to be sent to this address, for as long as a proof is good."""
    kept = request.session.get(KEPT, {}).get(path)
    if kept is None or time.time() - kept["at"] > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
        return None
    return kept["fields"]


def expect(request: HttpRequest, path: str) -> None:
    """The person is about to prove who they are for the sake of this address."""
    request.session[EXPECTED] = path


def is_expected(request: HttpRequest, path: str) -> bool:
    """Once: whether it was for this address that they proved it just now. A link from elsewhere is not expected."""
    return request.session.pop(EXPECTED, None) == path and is_recent(request)


def forget(request: HttpRequest, path: str) -> None:
    """The form for this address is not needed any more."""
    waiting = request.session.get(KEPT, {})
    if path in waiting:
        request.session[KEPT] = {other: fields for other, fields in waiting.items() if other != path}
