"""Second factors and passkeys of one's own account: django-allauth's views in our pages.

Adding or removing one takes a recent sign-in; its owner is told by mail.
"""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth, flows
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import FormView

from accounts.forms import AppForm, NewPasskeyForm
from accounts.stepup import recent_sign_in_required


class Refusing(FormView):
    """A form that was refused is answered with 422, like all others."""

    def form_invalid(self, form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class App(Refusing, ActivateTOTPView):
    """Connect an authenticator app."""

    http_method_names = ["get", "head", "post"]
    template_name = "accounts/app.html"

    def get_form_class(self) -> type[AppForm]:
        return AppForm


@require_safe
@recent_sign_in_required(safe_too=True)
def picture(request: HttpRequest) -> HttpResponse:
    """The QR code of the key that the form shows: a picture of its own, so that the CSP needs no data: pictures."""
    secret = request.session.get(SECRET_SESSION_KEY)
    if not secret:
        raise Http404
    adapter = get_adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return HttpResponse(svg, content_type="image/svg+xml")


class AppRemoval(Refusing, DeactivateTOTPView):
    """Remove the authenticator app."""

    http_method_names = ["get", "head", "post"]
    template_name = "accounts/app_removal.html"


class Codes(ViewRecoveryCodesView):
    """The recovery codes, in the clear until they have been seen once."""

    http_method_names = ["get", "head"]
    template_name = "accounts/codes.html"


class NewCodes(Refusing, GenerateRecoveryCodesView):
    """Ten new codes; the old ones are void."""

    http_method_names = ["get", "head", "post"]
    template_name = "accounts/codes_new.html"


class NewPasskey(Refusing, AddWebAuthnView):
    """Add a passkey."""

    http_method_names = ["get", "head", "post"]
    template_name = "accounts/passkey_new.html"
    success_url = reverse_lazy("passkeys")

    def get_form_class(self) -> type[NewPasskeyForm]:
        return NewPasskeyForm

    def get_context_data(self, **kwargs) -> dict:
        """The library leaves the refused form out, and asks for a key that cannot sign in by itself."""
        context = {**super().get_context_data(), **kwargs}
        context["options"] = auth.begin_registration(self.request.user, passwordless=True)
        return context


@require_safe
def passkeys(request: HttpRequest) -> HttpResponse:
    """The passkeys of this account."""
    keys = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.WEBAUTHN)
    return render(request, "accounts/passkeys.html", {"keys": keys.order_by("created_at")})


@require_http_methods(["POST"])
@recent_sign_in_required
def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one."""
    keys = Authenticator.objects.filter(user=request.user, type=Authenticator.Type.WEBAUTHN)
    flows.remove_authenticator(request, get_object_or_404(keys, pk=pk))
    return redirect("passkeys")


new_app = recent_sign_in_required(App.as_view(), safe_too=True)
app_removal = recent_sign_in_required(AppRemoval.as_view(), safe_too=True)
codes = recent_sign_in_required(Codes.as_view(), safe_too=True)
new_codes = recent_sign_in_required(NewCodes.as_view(), safe_too=True)
new_passkey = recent_sign_in_required(NewPasskey.as_view(), safe_too=True)
