"""Which streams belong to a session and an account that still stand: asked at every commit, so asked cheaply. Floor 7.

A session can end, and an account be closed or get a new password, without a row in any ledger. One query says in one
row whether anything of that kind happened to anybody in the room since they were last looked at one by one.
"""

import json
from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from incidents.people import Participant
from incidents.streams import Room, Stream

# How many of the sessions stand; all logins of the incident's people in one text.
GLANCE = {
    "sqlite": """
        SELECT
            (SELECT count(*) FROM django_session
             WHERE expire_date > %s AND session_key IN (SELECT value FROM json_each(%s))),
            (SELECT group_concat(login) FROM (
                SELECT password || epoch AS login FROM accounts_user
                WHERE is_active AND id IN (SELECT user_id FROM incidents_participant WHERE incident_id = %s)
                ORDER BY id))
    """,
    "postgresql": """
        SELECT
            (SELECT count(*) FROM django_session
             WHERE expire_date > %s AND session_key IN (SELECT json_array_elements_text(%s::json))),
            (SELECT md5(string_agg(password || epoch, ',' ORDER BY id)) FROM accounts_user
             WHERE is_active AND id IN (SELECT user_id FROM incidents_participant WHERE incident_id = %s))
    """,
}

# A writer's share of the lock that whoever ends a login takes for themselves (migration 0011).
HOLD = "SELECT pg_try_advisory_xact_lock_shared(1397314884)"


def fit(room: Room) -> list[Stream]:
    """The room's streams whose session has not ended and whose account is open, with the login that it had."""
    everybody, looked = room.everybody, room.looked
    if not everybody:
        return []
    if looked is None or looked[0] is not everybody:
        looked = everybody, json.dumps([stream.session_key for stream in everybody]), None, []
    seen = _glance(looked[1], everybody)
    if seen != looked[2]:
        looked = everybody, looked[1], seen, one_by_one(everybody)
        room.looked = looked
    return looked[3]


def fit_until_commit(room: Room) -> list[Stream] | None:
    """The same, asked in a writer's transaction and true until its commit; None when it must be asked after it.

    On SQLite nobody else commits meanwhile. On PostgreSQL no login ends while a writer holds this lock; a writer does
    not wait for somebody who is ending one.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(HOLD)
            if cursor.fetchone() != (True,):
                return None
    return fit(room)


def _glance(keys: str, everybody: Iterable[Stream]) -> tuple:
    incident_id = next(iter(everybody)).incident_id
    column = Participant._meta.get_field("incident").target_field
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            GLANCE[connection.vendor], [now, keys, column.get_db_prep_value(incident_id, connection)]
        )
        return cursor.fetchone()


def one_by_one(streams: Iterable[Stream]) -> list[Stream]:
    """The same, of any streams, from the rows themselves."""
    keys = {stream.session_key for stream in streams}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    alive = set(sessions.values_list("session_key", flat=True))
    accounts = get_user_model().objects.filter(pk__in={stream.user_id for stream in streams}, is_active=True)
    logins = {
        pk: (password, epoch) for pk, password, epoch in accounts.values_list("pk", "password", "epoch")
    }
    return [s for s in streams if s.session_key in alive and logins.get(s.user_id) == s.login]
