"""Accounts. An account says who somebody is; it never says which incidents they may see."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.addresses import validate_address, validate_name
from accounts.zones import zones

HUES = 24


def validate_zone(name: str) -> None:
    """Raise ValidationError unless name is an IANA time zone."""
    if name not in zones():
        raise ValidationError(f"{name} is not a time zone. Write one such as Europe/Paris or UTC.")


class UserManager(BaseUserManager["User"]):
    """Makes accounts; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """Make an account; without a password nobody can sign in to it by password."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        """Make an account that may manage accounts. It sees no incident that it was not let into."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The account of an address, whatever its case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in by e-mail. Times are UTC; `zone` is where they read them from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail", unique=True, validators=[validate_email, validate_address])
    display_name = models.CharField("name", max_length=80, validators=[validate_name])
    zone = models.CharField("time zone", max_length=64, default="UTC", validators=[validate_zone])
    is_active = models.BooleanField("may sign in", default=True)
    is_staff = models.BooleanField("manages accounts", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Part of what each session and each reset link was signed with: one more, and all of them are void.
    epoch = models.PositiveIntegerField(default=0, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        ordering = ["display_name", "email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="one_account_per_address")]

    def __str__(self) -> str:
        return self.display_name

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """An address as it is kept, whichever form it was typed into."""
        return super().normalize_username(username).lower()

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = [word for word in self.display_name.split() if word[0].isalnum()] or ["?"]
        return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()

    @property
    def hue(self) -> int:
        """0 to 23: which colour the avatar has. It says who, never a state."""
        return self.id.int % HUES

    def end_sessions(self) -> None:
        """Sign this person out everywhere, for good: sessions, streams and links to a new password.

        A session whose row survives somewhere (a backup, another process) is void as well.
        """
        from allauth.usersessions.models import UserSession  # which needs this model

        User.objects.filter(pk=self.pk).update(epoch=models.F("epoch") + 1)
        self.refresh_from_db(fields=["epoch"])
        for session in UserSession.objects.filter(user=self):
            session.end()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What ties a session to this account: its password and its epoch (Django asks with old secrets too)."""
        signed = f"{self.password}{self.epoch}"
        return salted_hmac("accounts.User.session", signed, secret=secret, algorithm="sha256").hexdigest()

    def has_perm(self, perm: str, obj=None) -> bool:
        """Django's answer for the admin site; about a single object always no, superuser or not.

        Who may see an incident is asked of the incidents application, which reads grants only.
        """
        return obj is None and super().has_perm(perm)

    async def ahas_perm(self, perm: str, obj=None) -> bool:
        """The same answer as has_perm."""
        return obj is None and await super().ahas_perm(perm)
