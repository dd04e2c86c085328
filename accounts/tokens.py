"""Links to a new password."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator


class ResetTokens(PasswordResetTokenGenerator):
    """A link dies after a day, with the password or address, at a sign-in, and when all sessions are ended."""

    def _make_hash_value(self, user, timestamp) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.epoch}{user.is_active}"
