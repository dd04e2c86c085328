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
HELD = 0.5  # seconds in which a login that may not end would have ended


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
def test_who_is_ending_a_login_is_not_waited_for(room, how):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    told = []

    def meanwhile() -> None:
        try:
            with transaction.atomic():
                told.append(logins.fit_until_commit(room))
        finally:
            connection.close()

    with transaction.atomic():
        end(room, how)
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
    assert told == [None]
    assert logins.fit(room) == []
