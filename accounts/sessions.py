"""Whose request it is: the session and the account, looked up at every request."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField, QuerySet, UUIDField
from django.utils import timezone

from config.prepared import Prepared


def _standing(key, now) -> QuerySet:
    return Session.objects.filter(session_key=key, expire_date__gt=now).values_list("session_data")


def _account(pk) -> QuerySet:
    return get_user_model()._default_manager.filter(pk=pk).order_by()


STANDING = Prepared(_standing, key=CharField(), now=DateTimeField())
ACCOUNT = Prepared(_account, pk=UUIDField())


class SessionStore(db.SessionStore):
    """Django's sessions in the database, found by a query that is compiled once."""

    def _validate_session_key(self, key) -> bool:
        """Whether a cookie can name a session at all: whoever sends NUL to PostgreSQL gets an error."""
        return bool(super()._validate_session_key(key)) and key.isascii() and key.isalnum()

    def load(self) -> dict:
        """What the session holds; empty, and without a key, when it has ended."""
        rows = STANDING.rows(key=self.session_key, now=timezone.now())
        if not rows:
            self._session_key = None
        return self.decode(rows[0][0]) if rows else {}


class Accounts(AuthenticationBackend):
    """allauth's way to sign in, with the account found by a query that is compiled once."""

    def get_user(self, user_id):
        """The account of a session, if it may still sign in."""
        user = next(iter(ACCOUNT.objects(pk=user_id)), None)
        return user if user is not None and self.user_can_authenticate(user) else None
