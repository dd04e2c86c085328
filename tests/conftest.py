"""Fixtures that all tests share."""

from importlib import import_module

import pytest
from django.db import connection
from django.test import Client, TransactionTestCase

from tests import factories
from tests.post_office import post_office  # noqa: F401 (a fixture)
from tests.room import Room
from tests.running_provider import running  # noqa: F401 (a fixture)
from tests.signing import sign_in
from tests.stage import Stage

triggers = import_module("incidents.migrations.0002_append_only").triggers


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Evidence files of a test go into its own folder; passwords are hashed fast."""
    settings.FILES_DIR = tmp_path / "files"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """On SQLite the database is a file: threads connect to it, and the live stream watches it."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_triggers():
    """Let a transactional test empty the ledger afterwards: take the triggers down for the flush only."""
    flush = TransactionTestCase._fixture_teardown

    def teardown(self):
        with connection.cursor() as cursor:
            for _, drop in reversed(triggers(connection.vendor)):
                cursor.execute(drop)
        flush(self)
        with connection.cursor() as cursor:
            for create, _ in triggers(connection.vendor):
                cursor.execute(create)

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture
def dana(db):
    """An account that commands the incidents of these tests."""
    return factories.user("dana")


@pytest.fixture
def incident(dana):
    """An incident that has just been started."""
    return factories.incident(dana)


@pytest.fixture
def as_dana(dana):
    """A signed-in client of the commander."""
    return sign_in(Client(), dana)


@pytest.fixture
def room(db):
    """The full room: every persona, and a canary in every field of every section."""
    return Room()


@pytest.fixture
def stage(transactional_db, monkeypatch):
    """A process that streams an incident; the heartbeat is fast, so that what it finds is found soon."""
    monkeypatch.setattr("incidents.live.HEARTBEAT", 0.1)
    monkeypatch.setattr("incidents.bell.EVERY", 0.1)
    return Stage()
