"""Where django-allauth asks us: words, mail, limits, and where a sign-in may lead."""

import logging
import threading

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import stepup, throttling, words
from accounts.models import User

log = logging.getLogger("sitroom.mail")

TOO_MANY = "Too many attempts. Nothing was changed. Wait five minutes, or use a passkey."
WRONG_CODE = "This code is not right, or it was used already. Type the next one."


class Accounts(DefaultAccountAdapter):
    """Sign-in by e-mail and password; there is no open sign-up."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_password": "This is not your password. Nothing was changed; type it again.",
        "too_many_login_attempts": TOO_MANY,
        "rate_limited": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only this host is followed (ASVS 3.7.2)."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials) -> str:
        return throttling.key_of(request, credentials["email"])

    def reauthenticate(self, user: User, password: str) -> bool:
        """Is this the password of this person? Counted like any other attempt."""
        return self.authenticate(context.request, email=user.email, password=password) == user

    def is_reauthentication_required(self, *, app: str, **kwargs) -> bool:
        return not stepup.is_recent(self.request)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        return redirect("sign-in")

    def post_login(self, request: HttpRequest, user: User, **kwargs) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        throttling.remember_browser(request, response, user)
        return response

    def add_message(self, request, level, message_template=None, message_context=None, **kwargs) -> None:
        """What happened, for the account's page."""
        said = words.sentence(message_template or "")
        if said:
            messages.add_message(request, level, said)

    def set_password(self, user: User, password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link to a new password, at the address that the operator set and no other."""
        uid, _, token = key.partition("-")
        return settings.BASE_URL + reverse("account_reset_password_from_key", args=[uid, token])

    def send_notification_mail(self, template_prefix, user, context=None, email=None) -> None:
        """Tell the owner of an account what was done to it."""
        said = words.sentence(template_prefix)
        if said:
            self.send_mail("mail/account_changed", user.email, {"said": said, "site": settings.BASE_URL})

    def send_password_reset_mail(self, user: User, email: str, context: dict) -> None:
        self.send_mail("mail/new_password", user.email, context)

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        """Send beside the answer, so that its time does not tell whether there was a mail to send."""
        subject = render_to_string(f"{template_prefix}_subject.txt", context).strip()
        body = render_to_string(f"{template_prefix}.txt", context)
        message = EmailMessage(subject, body, to=[email])
        threading.Thread(target=_post, args=[message]).start()


def _post(message: EmailMessage) -> None:
    try:
        message.send()
    except OSError:  # smtplib's errors are OSErrors
        log.exception("A mail about an account could not be sent.")


class SecondFactors(DefaultMFAAdapter):
    """Codes and passkeys."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": WRONG_CODE}

    def _get_site_name(self) -> str:
        return "Sitroom"

    def generate_authenticator_name(self, user, type) -> str:
        return "Passkey"
