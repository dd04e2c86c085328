"""Between the look at everybody's login and the commit no login ends: what is committed later is not sent to it."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from incidents import logins
from incidents.streams import Room, Stream
from tests import factories

WAYS = ["signed out", "expired", "disabled", "password", "epoch"]
HELD = 0.5  # seconds in which what does not have to wait is over


@pytest.fixture
def room(transactional_db):
    """A room with one open stream, of a commander who is signed in."""
    dana = factories.user("dana")
    incident = factories.incident(dana)
    incident.held, incident.audience = frozenset(), "document"
    client = Client()
    client.force_login(dana)
    found = Room()
    found.add(Stream(incident, dana, client.session.session_key, None, "here"))
    return found


def end(room: Room, how: str) -> None:
    """End the login of the room's only stream, as raw as it can be done."""
    [stream] = room.everybody
    sessions = Session.objects.filter(session_key=stream.session_key)
    accounts = get_user_model().objects.filter(pk=stream.user_id)
    if how == "signed out":
        sessions.delete()
    elif how == "expired":
        sessions.update(expire_date=timezone.now() - timedelta(minutes=1))
    else:
        accounts.update(
            **{"disabled": {"is_active": False}, "password": {"password": "x"}}.get(how, {"epoch": 7})
        )


@pytest.mark.parametrize("how", WAYS)
def test_line_03_no_login_ends_between_the_look_and_the_commit(room, how):
    ended = threading.Event()

    def meanwhile() -> None:
        try:
            end(room, how)
            ended.set()
        finally:
            connection.close()

    other = threading.Thread(target=meanwhile)
    with transaction.atomic():
        assert logins.fit_until_commit(room) == list(room.everybody)
        other.start()
        assert not ended.wait(HELD)
    other.join()
    assert ended.is_set()
    assert logins.fit(room) == []


@pytest.mark.parametrize("how", WAYS)
def test_line_03_a_writer_never_sees_a_login_that_somebody_is_ending(room, how):
    seen, over = [], threading.Event()

    def meanwhile() -> None:
        try:
            with transaction.atomic():
                seen.append(logins.fit_until_commit(room))
            over.set()
        finally:
            connection.close()

    other = threading.Thread(target=meanwhile)
    with transaction.atomic():
        end(room, how)
        other.start()
        waited = not over.wait(HELD)
    other.join()
    # SQLite's writer waits for its turn; PostgreSQL's does not, and looks again after its commit.
    assert (waited, seen) == {"sqlite": (True, [[]]), "postgresql": (False, [None])}[connection.vendor]
    assert logins.fit(room) == []
