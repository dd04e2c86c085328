"""A post office: a real SMTP server of the test's own, which keeps what it is given."""

import time
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller

from tests.ports import free_port


class PostOffice:
    """What was mailed, oldest first."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        letter["X-Recipients"] = ", ".join(envelope.rcpt_tos)
        self.letters.append(letter)
        return "250 kept"

    def wait(self, number: int = 1) -> list[EmailMessage]:
        """The letters, once there are this many; fails after five seconds."""
        for _ in range(500):
            if len(self.letters) >= number:
                return self.letters
            time.sleep(0.01)
        raise AssertionError(f"{len(self.letters)} of {number} letters came")

    def to(self, address: str) -> list[EmailMessage]:
        """The letters to one address."""
        return [letter for letter in self.letters if letter["X-Recipients"] == address]


@pytest.fixture
def post_office(settings):
    """Django mails to this server while the test runs."""
    office = PostOffice()
    port = free_port()
    server = Controller(office, hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield office
    server.stop()
