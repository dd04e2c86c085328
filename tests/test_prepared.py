"""Queries that are compiled once and asked with other values each time."""

from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q, QuerySet, SlugField, UUIDField
from django.utils import timezone

from accounts.models import User
from accounts.sessions import SessionStore
from config.prepared import Prepared
from incidents import access
from incidents.people import IncidentGrant
from incidents.vocabulary import Capability, Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_it_is_built_once_and_answers_for_the_values_that_it_is_given():
    dana, theo = factories.user("Dana"), factories.user("Theo")
    built = []

    def of(pk, name) -> QuerySet:
        built.append(pk)
        return User.objects.filter(Q(pk=pk) | Q(display_name=name)).order_by("display_name")

    query = Prepared(of, pk=UUIDField(), name=SlugField())
    assert list(query.objects(pk=dana.pk, name="")) == [dana]
    assert list(query.objects(pk=theo.pk, name="")) == [theo]
    assert list(query.objects(pk=theo.pk, name="Dana")) == [dana, theo]
    assert len(built) == 1


def test_a_value_is_never_read_as_part_of_the_statement():
    factories.user("Dana")
    query = Prepared(
        lambda name: User.objects.filter(display_name=name).values_list("display_name"), name=SlugField()
    )
    assert query.rows(name="x' OR '1'='1") == []
    assert query.rows(name="%s") == []


def test_a_grant_that_ends_is_over_the_next_time_it_is_asked(incident, dana):
    theo = factories.user("Theo")
    incident.let_in(theo, Role.READER, by=dana)
    assert Capability.READ in access.capabilities(theo, incident)
    assert access.visible_one(theo, incident.slug) == incident
    IncidentGrant.objects.filter(user=theo).update(until=timezone.now() - timedelta(seconds=1))
    assert access.capabilities(theo, incident) == frozenset()
    assert access.visible_one(theo, incident.slug) is None


@pytest.mark.parametrize("name", ["dana", "theo"])
def test_what_was_compiled_says_the_same_as_the_rule_that_everything_else_reads(incident, dana, name):
    other = factories.user("Theo")
    incident.let_in(other, Role.EXECUTIVE, by=dana)
    person = {"dana": dana, "theo": other}[name]
    for capability in Capability:
        there = access.visible(type(incident).objects.all(), person, capability).exists()
        assert (capability in access.capabilities(person, incident)) == there


@pytest.mark.parametrize(
    "key", ["\0aaaaaaaaaaaaaaaaaaaa", "aaaaaaaa\n", "éaaaaaaaaaaaaaaaa", "aaaa' OR 1=1", "x" * 5000]
)
def test_a_cookie_that_can_name_no_session_is_nobodys(client, key):
    client.cookies["sessionid"] = key
    assert client.get("/sign-in/").status_code == 200
    assert client.get("/incidents/").status_code == 302


# What a migration does to a column and back, and what the next two pages answer. SQLite compiles anew by itself.
MIGRATION = {
    "sqlite": ("ADD COLUMN spare integer", "DROP COLUMN spare", [200, 200]),
    "postgresql": ("ALTER display_name TYPE varchar(81)", "ALTER display_name TYPE varchar(80)", [503, 200]),
}


@pytest.mark.django_db(transaction=True)
def test_what_a_migration_made_out_of_date_is_asked_anew(as_dana):
    def alter(how: str) -> None:
        other = connection.copy()  # psycopg prepares anew by itself where its own connection alters something
        with closing(other), other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE accounts_user {how}")

    there, back, answers = MIGRATION[connection.vendor]
    as_dana.raise_request_exception = False
    for _ in range(7):
        assert as_dana.get("/incidents/").status_code == 200
    alter(there)
    try:
        assert [as_dana.get("/incidents/").status_code for _ in answers] == answers
    finally:
        alter(back)


def test_a_session_that_has_ended_is_nobodys():
    store = SessionStore()
    store["who"] = "Dana"
    store.create()
    assert SessionStore(store.session_key)["who"] == "Dana"
    rows = store.model.objects.filter(session_key=store.session_key)
    rows.update(expire_date=timezone.now() - timedelta(seconds=1))
    ended = SessionStore(store.session_key)
    assert ("who" in ended, ended.session_key) == (False, None)
