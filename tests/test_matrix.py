"""Every route × method × persona against a table that is written by hand (ASVS 8.2.1).

A route that the table does not name fails the suite until somebody has classified it.
"""

import re
import sys
from copy import copy
from types import ModuleType

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.urls import URLPattern, get_resolver, path

from config import urls as site
from incidents import report
from tests.room import PERSONAS

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
ADMIN = "admin/"

# One column for each persona, in this order.
COLUMNS = "anonymous outsider superuser executive reader responder legal commander revoked disabled".split()

# What a method answers that a view does not have: the gate is not even asked.
NO_SUCH_METHOD = "302  405  405  405  405  405  405  405  405  302"

# The same for a view that people open before they are signed in.
NO_OTHER_METHOD = dict.fromkeys(METHODS[1:], "405  405  405  405  405  405  405  405  405  405")

NO_METHOD = dict.fromkeys(METHODS, "405  405  405  405  405  405  405  405  405  405")

# fmt: off
TABLE = {
    #                                anon outs supe exec read resp lega comm revo disa
    "": {
        "GET":                      "302  302  302  302  302  302  302  302  302  302",
        "HEAD":                     "302  302  302  302  302  302  302  302  302  302",
        "OPTIONS":                  "302  302  302  302  302  302  302  302  302  302",
        "POST":                     "302  302  302  302  302  302  302  302  302  302",
        "PUT":                      "302  302  302  302  302  302  302  302  302  302",
        "PATCH":                    "302  302  302  302  302  302  302  302  302  302",
        "DELETE":                   "302  302  302  302  302  302  302  302  302  302",
    },
    "sign-in/": {
        "GET":                      "200  302  302  302  302  302  302  302  302  200",
        "HEAD":                     "200  302  302  302  302  302  302  302  302  200",
        "OPTIONS":                  "200  302  302  302  302  302  302  302  302  200",
        "POST":                     "422  302  302  302  302  302  302  302  302  422",
        "PUT":                      "422  302  302  302  302  302  302  302  302  422",
        "PATCH":                    "405  302  302  302  302  302  302  302  302  405",
        "DELETE":                   "405  302  302  302  302  302  302  302  302  405",
    },
    "sign-in/passkey/": {  # the challenge, to scripts only
        "GET":                      "302  302  302  302  302  302  302  302  302  302",
        "HEAD":                     "302  302  302  302  302  302  302  302  302  302",
        "OPTIONS":                  "200  302  302  302  302  302  302  302  302  200",
        "POST":                     "422  302  302  302  302  302  302  302  302  422",
        "PUT":                      "422  302  302  302  302  302  302  302  302  422",
        "PATCH":                    "405  302  302  302  302  302  302  302  302  405",
        "DELETE":                   "405  302  302  302  302  302  302  302  302  405",
    },
    "sign-in/second-step/": {  # nobody is between two steps here: all are sent on
        **dict.fromkeys(METHODS,    "302  302  302  302  302  302  302  302  302  302"),
    },
    "sign-in/sso/": {  # off unless there is a provider
        **NO_METHOD,
        "POST":                     "404  404  404  404  404  404  404  404  404  404",
    },
    "sign-in/sso/back/": {
        **NO_METHOD,
        "GET":                      "404  404  404  404  404  404  404  404  404  404",
    },
    "sign-in/forgot/": {
        **NO_METHOD,
        "GET":                      "200  200  200  200  200  200  200  200  200  200",
        "HEAD":                     "200  200  200  200  200  200  200  200  200  200",
        "POST":                     "422  422  422  422  422  422  422  422  422  422",
    },
    "sign-in/forgot/sent/": {
        **NO_METHOD,
        "GET":                      "200  200  200  200  200  200  200  200  200  200",
        "HEAD":                     "200  200  200  200  200  200  200  200  200  200",
    },
    "sign-in/forgot/<str:uidb36>/<str:key>/": {  # a link that is forged says that it is used up
        **dict.fromkeys(METHODS,    "200  200  200  200  200  200  200  200  200  200"),
    },
    "join/<str:token>/": {  # a link that is forged
        **NO_METHOD,
        "GET":                      "404  404  404  404  404  404  404  404  404  404",
        "HEAD":                     "404  404  404  404  404  404  404  404  404  404",
        "POST":                     "404  404  404  404  404  404  404  404  404  404",
    },
    "account/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  422  422  422  422  422  422  422  422  302",
    },
    "account/password/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  422  422  422  422  422  422  422  422  302",
    },
    "account/sessions/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  404  404  404  404  404  404  404  404  302",
    },
    "account/two-factor/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  422  422  422  422  422  422  422  422  302",
    },
    "account/two-factor/picture/": {  # of the key that the page before it has made; here there is none
        "GET":                      "302  404  404  404  404  404  404  404  404  302",
        "HEAD":                     "302  404  404  404  404  404  404  404  404  302",
    },
    "account/two-factor/remove/": {  # there is no app to remove
        **dict.fromkeys(METHODS,    "302  404  404  404  404  404  404  404  404  302"),
    },
    "account/recovery-codes/": {  # there are none
        "GET":                      "302  404  404  404  404  404  404  404  404  302",
        "HEAD":                     "302  404  404  404  404  404  404  404  404  302",
    },
    "account/recovery-codes/new/": {  # there is no factor that they would stand in for
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  422  422  422  422  422  422  422  422  302",
    },
    "account/passkeys/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
    },
    "account/passkeys/new/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  422  422  422  422  422  422  422  422  302",
    },
    "account/passkeys/<int:pk>/remove/": {  # there is none
        "POST":                     "302  404  404  404  404  404  404  404  404  302",
    },
    "account/confirm/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "HEAD":                     "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  200  200  200  200  200  200  200  200  302",
    },
    "account/confirm/continue/": {  # nothing waits
        "GET":                      "302  404  404  404  404  404  404  404  404  302",
    },
    "sign-out/": {
        "OPTIONS":                  "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  302  302  302  302  302  302  302  302  302",
    },
    "sign-in/link/<str:token>/": {  # there is none but in development
        "GET":                      "404  404  404  404  404  404  404  404  404  404",
        **NO_OTHER_METHOD,
    },
    "incidents/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
    },
    "incidents/start/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  302  302  302  302  302  302  302  302  302",
    },
    "incidents/access/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  200  200  200  200  200  200  200  200  302",
    },
    "incidents/invitations/<uuid:invitation_id>/": {  # the outsider's
        "GET":                      "302  200  404  404  404  404  404  404  404  302",
        "POST":                     "302  302  404  404  404  404  404  404  404  302",
    },
    "incidents/invitations/link/<str:token>/": {
        "GET":                      "302  302  403  403  403  403  403  403  403  302",
        **NO_OTHER_METHOD,
    },
    "incidents/notices/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  302  302  302  302  302  302  302  302  302",
    },
    "incidents/notices/count/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
    },
    "incidents/notices/choices/": {
        "GET":                      "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  422  422  422  422  422  422  422  422  302",
    },
    "incidents/notices/<uuid:notice_id>/": {  # the responder's
        "GET":                      "302  302  302  302  302  302  302  302  302  302",
        "POST":                     "302  404  404  404  404  302  404  404  404  302",
    },
    "incidents/<codename:codename>/": {
        "GET":                      "302  404  404  302  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/summary/": {
        "GET":                      "302  404  404  200  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/acknowledge/": {
        "GET":                      "302  404  404  200  200  200  200  200  404  302",
        "POST":                     "302  404  404  302  302  302  302  302  404  302",
    },
    "incidents/<codename:codename>/settings/": {
        "GET":                      "302  404  404  403  403  403  403  200  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/status/": {
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/checks/": {
        "GET":                      "302  404  404  403  403  403  403  200  404  302",
    },
    "incidents/<codename:codename>/people/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/names/": {
        "GET":                      "302  404  404  403  403  200  403  200  404  302",
    },
    "incidents/<codename:codename>/people/hand-over/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/offer/": {  # to the responder
        "GET":                      "302  404  404  403  302  302  302  302  404  302",
        "POST":                     "302  404  404  403  422  302  422  422  404  302",
    },
    "incidents/<codename:codename>/people/blocks/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/blocks/<uuid:block_id>/lift/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/requests/<uuid:request_id>/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/invitations/<uuid:invitation_id>/again/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/invitations/<uuid:invitation_id>/withdraw/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/<uuid:user_id>/privileged/": {
        "GET":                      "302  404  404  403  403  403  302  302  404  302",
        "POST":                     "302  404  404  403  403  403  302  302  404  302",
    },
    "incidents/<codename:codename>/break-glass/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
        "POST":                     "302  404  404  403  403  422  302  422  404  302",
    },
    "incidents/<codename:codename>/break-glass/<uuid:opening_id>/approve/": {  # asked by the responder
        "GET":                      "302  404  404  403  403  302  302  302  404  302",
        "POST":                     "302  404  404  403  403  422  302  302  404  302",
    },
    "incidents/<codename:codename>/break-glass/<uuid:opening_id>/end/": {
        "GET":                      "302  404  404  403  403  302  302  302  404  302",
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "incidents/<codename:codename>/hold/": {
        "GET":                      "302  404  404  403  403  403  302  403  404  302",
        "POST":                     "302  404  404  403  403  403  302  403  404  302",
    },
    "incidents/<codename:codename>/webhook/": {
        "GET":                      "302  404  404  403  403  403  403  200  404  302",
        "POST":                     "302  404  404  403  403  403  403  200  404  302",
    },
    "incidents/<codename:codename>/register/": {
        "GET":                      "302  404  404  403  403  403  200  200  404  302",
    },
    "incidents/<codename:codename>/people/<uuid:user_id>/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/people/<uuid:user_id>/remove/": {
        "GET":                      "302  404  404  403  403  403  403  302  404  302",
        "POST":                     "302  404  404  403  403  403  403  302  404  302",
    },
    "incidents/<codename:codename>/history/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/history/<int:revision>/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/history/at/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/history/<int:revision>/document/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/history/<int:revision>/report.pdf": {
        "GET":                      "302  404  404  403  403  403  200  200  404  302",
    },
    "incidents/<codename:codename>/since/": {  # a reader's own bookmark
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
        "POST":                     "302  404  404  403  302  302  302  302  404  302",
    },
    "incidents/<codename:codename>/undo/": {  # the commander's last change; the responder has made none
        "POST":                     "302  404  404  403  403  409  403  302  404  302",
    },
    "incidents/<codename:codename>/live/": {
        "GET":                      "302  404  404  204  204  204  204  204  404  302",
    },
    "incidents/<codename:codename>/report.pdf": {
        "GET":                      "302  404  404  403  403  403  200  200  404  302",
    },
    "incidents/<codename:codename>/files/<uuid:entry_id>/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/files/<uuid:entry_id>/preview/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
    },
    "incidents/<codename:codename>/capture/": {
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "incidents/<codename:codename>/<section:section>/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "incidents/<codename:codename>/<section:section>/new/": {
        "GET":                      "302  404  404  403  403  200  403  200  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
        "DELETE":                   "302  404  404  403  403  303  403  303  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/edit/": {
        "GET":                      "302  404  404  403  403  200  403  200  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/hide/": {
        "POST":                     "302  404  404  403  403  303  403  303  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/restore/": {
        "POST":                     "302  404  404  403  403  303  403  303  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/revert/<int:version>/": {
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/do/<slug:verb>/": {
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/talk/": {
        "GET":                      "302  404  404  403  200  200  200  200  404  302",
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/talk/new/": {
        "GET":                      "302  404  404  403  403  200  403  200  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/talk/<uuid:comment_id>/": {
        "GET":                      "302  404  404  403  403  200  403  200  404  302",  # the responder's
        "POST":                     "302  404  404  403  403  302  403  403  404  302",
    },
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/talk/<uuid:comment_id>/<slug:deed>/": {
        "POST":                     "302  404  404  403  403  302  403  302  404  302",
    },
    "admin/login/": {  # the one door is sign-in/
        "GET":                      "302  403  302  403  403  403  403  403  403  302",
        **NO_OTHER_METHOD,
    },
    "admin/password_change/": {  # one's own, at account/password/
        **dict.fromkeys(METHODS,    "302  302  302  302  302  302  302  302  302  302"),
    },
    "admin/logout/": {
        "OPTIONS":                  "302  200  200  200  200  200  200  200  200  302",
        "POST":                     "302  302  302  302  302  302  302  302  302  302",
    },
    ADMIN: {  # and everything under it: for staff; all others are sent to sign in
        "GET":                      "302  302  200  302  302  302  302  302  302  302",
    },
}
# fmt: on

STEP = {"text": "Read the log", "priority": "normal", "state": "open"}
SENT = {
    "incidents/start/": {"title": "Something is wrong"},
    "incidents/<codename:codename>/settings/": {"title": "Another title", "zone_name": "UTC"},
    "incidents/<codename:codename>/status/": {"status": "contained"},
    "incidents/access/": {"codename": "KESTREL"},
    "incidents/<codename:codename>/people/": {"email": "somebody@example.com", "role": "reader"},
    "incidents/<codename:codename>/people/offer/": {"accept": ""},
    "incidents/<codename:codename>/people/blocks/": {"email": "suspect@example.com"},
    "incidents/<codename:codename>/people/requests/<uuid:request_id>/": {"role": "reader"},
    "incidents/<codename:codename>/people/<uuid:user_id>/privileged/": {"reads_privileged": "on"},
    "incidents/<codename:codename>/break-glass/": {"reason": "Nobody answers", "hours": "4"},
    "incidents/<codename:codename>/webhook/": {"url": "https://chat.example/hook", "events": "status"},
    "incidents/<codename:codename>/hold/": {"hold": "on", "reason": "A lawsuit is likely"},
    "incidents/<codename:codename>/people/<uuid:user_id>/": {"role": "executive"},
    "incidents/<codename:codename>/since/": {"revision": "1"},
    "incidents/<codename:codename>/capture/": {"dest": "theories", "text": "The token was stolen"},
    "incidents/<codename:codename>/<section:section>/": STEP,
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/": {**STEP, "version": "1"},
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/talk/": {"text": "Which log?"},
    "incidents/<codename:codename>/<section:section>/<uuid:entry_id>/talk/<uuid:comment_id>/": {
        "text": "Which of the logs?",
        "version": "1",
    },
}


def routes(patterns=None, prefix: str = "") -> set[str]:
    """The patterns of every route that the resolver holds; the admin site's are one."""
    found = set()
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if route == ADMIN and not isinstance(pattern, URLPattern):
            found.add(ADMIN)
        elif isinstance(pattern, URLPattern):
            found.add(route)
        else:
            found |= routes(pattern.url_patterns, route)
    return found


def unlisted() -> set[str]:
    """Routes that only one of the resolver and the table knows."""
    return routes() ^ set(TABLE)


def address(route: str, room) -> str:
    """A route's address in KESTREL, for a next step, a reader and a file."""
    values = {
        "codename": room.incident.slug,
        "section": "next_steps",
        "user_id": room.people["reader"].pk,
        "revision": room.incident.changes.filter(section="timeline", privileged=False).first().revision,
        "entry_id": (room.picture if "/files/" in route else room.entries["next_steps"]).pk,
        "verb": "take",
        "comment_id": room.comments["next_steps", ""].pk,
        "deed": "hide",
        "version": 1,
        "token": room.invitation.token() if "/link/" in route and "invitations" in route else "forged",
        "invitation_id": room.invitation.pk,
        "request_id": room.request.pk,
        "block_id": room.block.pk,
        "opening_id": room.opening.pk,
        "notice_id": room.notice.pk,
        "uidb36": "forged",
        "key": "forged",
        "pk": 1,
    }
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(values[found[1]]), route)


def status_of(client, method: str, where: str, data: dict) -> int:
    """The status of one request, of which nothing remains, neither rows nor cookies."""
    cookies = copy(client.cookies)
    with transaction.atomic():
        if method == "POST":
            response = client.post(where, data)
        else:
            response = client.generic(method, where)
        if response.streaming:
            b"".join(response)  # to the end, which closes the file
        transaction.set_rollback(True)
    client.cookies = cookies
    return response.status_code


def test_line_01_matrix_names_every_route():
    assert unlisted() == set()


def test_line_01_matrix_fails_with_the_name_of_a_route_that_is_not_in_it(settings, monkeypatch):
    more = ModuleType("more_urls")
    more.urlpatterns = [*site.urlpatterns, path("incidents/secrets/", HttpResponse)]
    monkeypatch.setitem(sys.modules, more.__name__, more)
    settings.ROOT_URLCONF = more.__name__
    assert unlisted() == {"incidents/secrets/"}


def test_matrix_has_a_column_for_each_persona():
    assert tuple(COLUMNS) == PERSONAS
    assert {len(row.split()) for rows in TABLE.values() for row in rows.values()} == {len(PERSONAS)}


@pytest.mark.parametrize("persona", PERSONAS)
def test_line_01_status_of_every_route_and_method(room, persona, monkeypatch):
    monkeypatch.setattr(report, "print_pdf", lambda html, found: b"%PDF-")
    column = COLUMNS.index(persona)
    sent = {
        **SENT,
        "incidents/<codename:codename>/acknowledge/": {"read": room.incident.classification_revision},
        "incidents/invitations/<uuid:invitation_id>/": {"read": room.incident.classification_revision},
        "incidents/<codename:codename>/people/hand-over/": {
            "successor": str(room.people["responder"].pk),
            "reason": "End of shift",
        },
    }
    client, expected, found = room.client(persona), {}, {}
    for route, rows in TABLE.items():
        where = address(route, room)
        for method in ("GET",) if route == ADMIN else METHODS:
            expected[method, route] = int(rows.get(method, NO_SUCH_METHOD).split()[column])
            found[method, route] = status_of(client, method, where, sent.get(route, {}))
    assert found == expected
