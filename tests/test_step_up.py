"""What changes who is in or who commands asks again who one is (SECURITY 39)."""

import re

import pytest

from tests.room import changes_since, stored
from tests.signing import confirm, grow_old
from tests.test_matrix import SENT, TABLE, address

BASE = "incidents/<codename:codename>/"

# Route → who sends it. Removing, withdrawing, blocking and ending take access away: they never wait.
STEPPED_UP = {
    "people/": "commander",
    "people/<uuid:user_id>/": "commander",
    "people/<uuid:user_id>/privileged/": "legal",
    "people/requests/<uuid:request_id>/": "commander",
    "people/invitations/<uuid:invitation_id>/again/": "commander",
    "people/blocks/<uuid:block_id>/lift/": "commander",
    "people/hand-over/": "commander",
    "people/offer/": "responder",
    "break-glass/": "legal",
    "break-glass/<uuid:opening_id>/approve/": "legal",
    "hold/": "legal",
}
AT_ONCE = {
    "people/<uuid:user_id>/remove/",
    "people/invitations/<uuid:invitation_id>/withdraw/",
    "people/blocks/",
    "break-glass/<uuid:opening_id>/end/",
}


def sent(route: str, room) -> dict:
    """What the page would send."""
    successor = {"successor": str(room.people["reader"].pk), "reason": "End of shift"}
    return SENT.get(BASE + route, successor if "hand-over" in route else {})


@pytest.mark.parametrize("route", STEPPED_UP)
def test_line_39_granting_asks_again_and_then_goes_on(room, route):
    client = room.client(STEPPED_UP[route])
    grow_old(client)
    before = stored()
    asked = client.post(address(BASE + route, room), sent(route, room))
    assert (asked.status_code, asked.headers["Location"].split("?")[0]) == (302, "/account/confirm/")
    assert changes_since(before) == {}
    answer = confirm(client, asked)
    assert (answer.status_code, changes_since(before) == {}) == (302, False)


@pytest.mark.parametrize("route", sorted(AT_ONCE))
def test_line_39_taking_access_away_never_waits(room, route):
    client = room.client("commander")
    grow_old(client)
    before = stored()
    answer = client.post(address(BASE + route, room), sent(route, room))
    assert (answer.headers["Location"].startswith("/account/confirm/"), changes_since(before) == {}) == (
        False,
        False,
    )


def test_line_39_every_route_about_people_is_one_or_the_other():
    rest = {
        route.removeprefix(BASE) for route, rows in TABLE.items() if route.startswith(BASE) and "POST" in rows
    }
    about_people = {route for route in rest if re.match("people/|break-glass/|hold/", route)}
    assert about_people == STEPPED_UP.keys() | AT_ONCE


def test_line_39_a_stranger_is_not_asked_who_they_are(room):
    client = room.client("outsider")
    grow_old(client)
    assert client.post("/incidents/kestrel/people/", {"email": "x@example.com"}).status_code == 404
