"""A database that does not answer is 503 with a word about the text; a fault of the code stays 500."""

import errno
import sqlite3
from contextlib import contextmanager

import psycopg
import pytest
from django.db import DataError, InterfaceError, OperationalError, connection

from config import errors
from incidents.incident import Incident

SENT = {"text": "What was typed", "state": "open"}


def caused(kind: type, cause: Exception) -> Exception:
    """An error of Django with what the driver raised behind it."""
    error = kind("told by the driver")
    error.__cause__ = cause
    return error


def of_sqlite(code: int) -> Exception:
    """An error of sqlite3 with a result code."""
    error = sqlite3.OperationalError("told by SQLite")
    error.sqlite_errorcode = code
    return error


@contextmanager
def impatient():
    """This connection waits for a lock no longer than a moment."""
    statements = {
        "sqlite": ("PRAGMA busy_timeout = 50", "PRAGMA busy_timeout = 20000"),
        "postgresql": ("SET lock_timeout = 50", "SET lock_timeout = 0"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statements[0])
    yield
    with connection.cursor() as cursor:
        cursor.execute(statements[1])


def test_a_lock_a_full_disk_and_a_lost_connection_pass():
    if connection.vendor == "sqlite":
        found = {
            code: errors.passes(caused(OperationalError, of_sqlite(code)))
            for code in (1, 5, 261, 13, 14, 778)
        }
        assert found == {1: False, 5: True, 261: True, 13: True, 14: True, 778: True}
        assert errors.passes(InterfaceError("bad parameter")) is False
    else:
        lost = caused(OperationalError, psycopg.OperationalError("server closed the connection"))
        assert (errors.passes(lost), errors.passes(InterfaceError("the connection is closed"))) == (
            True,
            True,
        )
        assert errors.passes(DataError("value too long")) is False
    assert errors.passes(OSError(errno.ENOSPC, "No space left on device")) is True
    assert (errors.passes(OSError(errno.ENOENT, "No such file")), errors.passes(ValueError())) == (
        False,
        False,
    )


def test_a_fault_of_the_code_is_500(as_dana, incident, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("canaryfault")

    monkeypatch.setattr(Incident, "add", broken)
    as_dana.raise_request_exception = False
    answer = as_dana.post(f"/incidents/{incident.slug}/theories/", SENT)
    assert (answer.status_code, b"canaryfault" in answer.content) == (500, False)


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_is_503_and_says_that_the_text_is_kept(as_dana, incident):
    as_dana.raise_request_exception = False
    path = f"/incidents/{incident.slug}/theories/"
    with impatient():
        holder = connection.copy()
        try:
            with holder.cursor() as cursor:
                cursor.execute("BEGIN IMMEDIATE" if connection.vendor == "sqlite" else "BEGIN")
                if connection.vendor == "postgresql":
                    cursor.execute("SELECT id FROM incidents_incident FOR UPDATE")
                answer = as_dana.post(path, SENT)
                cursor.execute("ROLLBACK")
        finally:
            holder.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "what you typed is still in the form" in answer.content.decode()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert as_dana.post(path, SENT).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_session_that_cannot_be_read_is_503(as_dana, incident, monkeypatch):
    def refused(*args, **kwargs):
        cause = (
            of_sqlite(14) if connection.vendor == "sqlite" else psycopg.OperationalError("connection refused")
        )
        raise caused(OperationalError, cause)

    as_dana.raise_request_exception = False
    monkeypatch.setattr("accounts.sessions.SessionStore.load", refused)
    assert as_dana.get(f"/incidents/{incident.slug}/").status_code == 503
