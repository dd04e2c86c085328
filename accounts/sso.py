"""Single sign-on by OpenID Connect (Core 1.0), off unless the operator names a provider.

On top of what django-allauth does (state, PKCE, issuer, audience, expiry) the nonce is checked (3.1.3.7),
the signature of the ID token always, and only an address that the provider calls verified is taken.
Nobody gets an account by it without an invitation.
"""

import secrets
import time

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from accounts.addresses import is_odd
from accounts.joining import invited
from accounts.models import User

ID = "sso"
FRESH = 5 * 60  # seconds since the provider asked for a proof, when it was told to ask again

BROKEN = "The answer was not what this site had asked for. Start again."
UNVERIFIED = "It gave no e-mail address that it has verified, and no other address is taken."
NOBODY = "No account here has the address that it gave. An incident's commander lets people in by name."
ANOTHER = "It signed in somebody else, or did not ask again. You are still signed in here as before."
TAKEN = "It knows somebody else by this address than before. Whoever runs this site must look at it."
UNREACHABLE = "It could not be reached. Try again in a minute, or sign in another way."


class Refusal(OAuth2Error):
    """A sign-on that is not taken; str() is the sentence why."""


def name() -> str:
    """What the provider is called on a button; "" where there is none."""
    configured: dict = settings.SOCIALACCOUNT_PROVIDERS
    return configured["openid_connect"]["APPS"][0]["name"] if configured else ""


def nonce_of(state: str) -> str:
    """The nonce that belongs to a state: the state is random, good once and bound to the session."""
    return salted_hmac("accounts.sso.nonce", state, algorithm="sha256").hexdigest()


class Answer(OpenIDConnectOAuth2Adapter):
    """Reads what the provider answers."""

    def get_callback_url(self, request: HttpRequest, app) -> str:
        return settings.BASE_URL + reverse("sso-back")

    def complete_login(self, request: HttpRequest, app, token, **kwargs):
        try:
            claims = self._decode_id_token(app, kwargs["response"]["id_token"])
            told = self._fetch_user_info(token.token)
            subject = told["sub"]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Refusal(BROKEN) from None
        if not constant_time_compare(str(claims.get("nonce")), nonce_of(request.GET["state"])):
            raise Refusal(BROKEN)
        if subject != claims["sub"]:
            raise Refusal(BROKEN)
        if told.get("email_verified") is not True or is_odd(str(told.get("email", ""))):
            raise Refusal(UNVERIFIED)
        login = self.get_provider().sociallogin_from_response(request, {"userinfo": told})
        login.auth_time = claims.get("auth_time")
        return login

    def _decode_id_token(self, app, id_token: str) -> dict:
        return jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )


class Provider(OpenIDConnectProvider):
    """The configured provider. Nothing that it says of a person is kept but who it is."""

    oauth2_adapter_class = Answer

    def extract_extra_data(self, data: dict) -> dict:
        return {}


class SignOns(DefaultSocialAccountAdapter):
    """Whose account a sign-on opens."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        return Provider(request, app=self.get_app(request, provider=provider, client_id=client_id))

    def is_open_for_signup(self, request: HttpRequest, sociallogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin) -> None:
        """Known by the provider's name for them, else by their verified address; else a newcomer, or nobody."""
        addresses = [address.email.lower() for address in sociallogin.email_addresses]
        if not addresses:
            refuse(request, UNVERIFIED)
        known = sociallogin.is_existing
        user = sociallogin.user if known else User.objects.filter(email=addresses[0]).first()
        again = sociallogin.state["process"] == AuthProcess.REDIRECT
        if again and not (user == request.user and self._asked_again(sociallogin)):
            refuse(request, ANOTHER)
        if user is None:
            user = self._newcomer(request, addresses[0], sociallogin.state.get("data") or {})
        if not user.is_active:
            refuse(request, NOBODY)
        if (
            not known
            and SocialAccount.objects.filter(user=user, provider=sociallogin.account.provider).exists()
        ):
            refuse(request, TAKEN)
        if not known:
            sociallogin.user = sociallogin.account.user = user
            sociallogin.account.save()
            self.send_notification_mail("socialaccount/email/account_connected", user)
        if again:
            record_authentication(request, user, "socialaccount", provider=ID, reauthenticated=True)

    def _asked_again(self, sociallogin) -> bool:
        """Whether the provider says that the person proved just now who they are (Core 1.0, 2: auth_time)."""
        at = sociallogin.auth_time
        return isinstance(at, int | float) and abs(time.time() - at) < FRESH

    def _newcomer(self, request: HttpRequest, address: str, told: dict) -> User:
        try:
            user = invited(told.get("token", ""))
        except Http404:
            refuse(request, NOBODY)
        if user.email != address:
            refuse(request, NOBODY)
        user.display_name, user.zone = told["display_name"], told["zone"]
        user.set_unusable_password()
        try:
            with transaction.atomic():
                user.save()
        except IntegrityError:  # the provider's answer, sent twice at once
            refuse(request, BROKEN)
        return user

    def on_authentication_error(
        self, request, provider, error=None, exception=None, extra_context=None
    ) -> None:
        said = BROKEN
        if isinstance(exception, Refusal):
            said = str(exception)
        elif isinstance(exception, RequestException):
            said = UNREACHABLE
        refuse(request, said)


def refuse(request: HttpRequest, said: str):
    """End the sign-on with a page that says why. Raises ImmediateHttpResponse, which django-allauth answers."""
    raise ImmediateHttpResponse(_refusal(request, said))


def _refusal(request: HttpRequest, said: str) -> HttpResponse:
    return render(request, "accounts/sso_refused.html", {"said": said, "provider": name()}, status=403)


def leave(
    request: HttpRequest, *, following: str = "", told: dict | None = None, again: bool = False
) -> HttpResponse:
    """Go to the provider. `again`: it is to ask for a proof now, however long somebody was signed in there.

    A page with a link and a refresh: the redirect of a form to another site would need a looser CSP.
    """
    if not get_account_adapter(request).is_safe_url(following):
        following = ""
    state = secrets.token_urlsafe(24)
    asked = {"nonce": nonce_of(state), **({"prompt": "login", "max_age": "0"} if again else {})}
    provider = get_adapter(request).get_provider(request, ID)
    process = AuthProcess.REDIRECT if again else AuthProcess.LOGIN
    try:
        away = provider.redirect(
            request, process, next_url=following, data=told, state_id=state, auth_params=asked
        )
    except (RequestException, KeyError, ValueError):
        return _refusal(request, UNREACHABLE)
    return render(request, "accounts/leaving.html", {"address": away.url, "provider": name()})


@login_not_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """The button of the sign-in page."""
    if not name():
        raise Http404
    return leave(request, following=request.POST.get("next", ""))


@login_not_required
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """Where the provider sends the browser with its answer."""
    if not name():
        raise Http404
    return OAuth2CallbackView.adapter_view(Answer(request, ID))(request)
