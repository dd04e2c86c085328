"""Signing in and out."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.core import ratelimit
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.mfa.webauthn.views import LoginWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET

from accounts import links, sso
from accounts.forms import NO_PASSKEY, CodeForm, PasskeyForm, SignInForm

THROTTLED = "too_many_login_attempts"


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """E-mail and password, a passkey, or single sign-on.

    `next` is followed on this host only (ASVS 3.7.2; Django checks it).
    """

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(provider=sso.name(), **kwargs)

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        full = ratelimit.consume_or_429(request, action="login")
        return full or super().post(request, *args, **kwargs)

    def form_valid(self, form) -> HttpResponse:
        user = form.get_user()
        login = Login(user=user, redirect_url=self.get_success_url())
        return perform_password_login(self.request, {"email": user.email}, login)

    def form_invalid(self, form) -> HttpResponse:
        status = 429 if form.has_error("__all__", THROTTLED) else 422
        return self.render_to_response(self.get_context_data(form=form), status=status)


@method_decorator(login_not_required, name="dispatch")
class PasskeySignIn(LoginWebAuthnView):
    """The challenge for a passkey (GET, JSON), and its answer (POST)."""

    form_class = PasskeyForm

    def form_valid(self, form) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        return perform_passwordless_login(self.request, authenticator, Login(user=authenticator.user))

    def form_invalid(self, form) -> HttpResponse:
        context = {
            "form": SignInForm(self.request),
            "problem": NO_PASSKEY,
            "provider": sso.name(),
            "next": self.request.POST.get("next", ""),
        }
        page = SignIn(request=self.request)
        return page.render_to_response(context, status=422)


class SecondStep(AuthenticateView):
    """A code, a recovery code or a passkey after the password."""

    form_class = CodeForm
    template_name = "accounts/second_step.html"

    def form_invalid(self, form) -> HttpResponse:
        throttled = form.has_error("code", THROTTLED) or form.has_error("credential", THROTTLED)
        return self.render_to_response(self.get_context_data(posted=form), status=429 if throttled else 422)

    def get_context_data(self, posted=None, **kwargs) -> dict:
        problems = posted.errors.get("credential", []) if posted is not None else []
        return {**super().get_context_data(**kwargs), "problem": problems[0] if problems else ""}


class SignOut(LogoutView):
    """POST only. The browser is told to forget what it holds of this site (ASVS 14.3.1).

    A page that deletes this person's sealed text itself says so, for what other people left there stays theirs.
    """

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        wipes = request.POST.get("wipes") == "own"
        response.headers["Clear-Site-Data"] = '"cache"' if wipes else '"cache", "storage"'
        return response


@login_not_required
@require_GET
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Development only: the link that `make run` prints. Anything else is a 404."""
    user = links.user_of(token)
    if user is None:
        raise Http404
    get_adapter().login(request, user)
    record_authentication(request, user, "link")
    UserSession.objects.create_from_request(request)
    return redirect("incidents")


@login_not_required
@require_GET
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Where the admin site sends whoever may not see it: to sign in, or away if they have."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.GET.get("next", ""))
    if not request.user.is_staff:
        raise PermissionDenied
    return redirect("admin:index")
