"""The page on which somebody who is signed in proves again who they are."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth as passkeys
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from accounts import sso, stepup
from accounts.forms import ConfirmByCodeForm, ConfirmByPasswordForm

NOT_PROVED = "This passkey was not accepted. Nothing was changed; try again or use another way."


class ConfirmByPasskeyForm(ReauthenticateWebAuthnForm):
    """A passkey proves again who one is."""

    def clean_credential(self):
        try:
            return super().clean_credential()
        except (AttributeError, KeyError, TypeError, ValueError):
            raise forms.ValidationError(NOT_PROVED) from None


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Password, code, passkey or provider: whatever this account has."""
    following = request.POST.get("next") or request.GET.get("next", "")
    if not get_adapter(request).is_safe_url(following):
        following = reverse("account")
    onward = f"{reverse('confirm-continue')}?{urlencode({'next': following})}"
    ways = ways_of(request)
    if request.method == "POST":
        full = ratelimit.consume_or_429(request, action="reauthenticate", user=request.user)
        if full:
            return full
        stepup.expect(request, following)
        if "provider" in request.POST and ways["provider"]:
            return sso.leave(request, following=onward, again=True)
        if prove(request, ways):
            return redirect(onward)
    if ways["passkey"]:
        ways["options"] = passkeys.begin_authentication(request.user)
    bound = [form for form in ways.values() if isinstance(form, forms.Form) and form.is_bound]
    return render(
        request,
        "accounts/confirm.html",
        {**ways, "next": following, "kept": stepup.waiting_form(request, following) is not None},
        status=422 if bound else 200,
    )


def ways_of(request: HttpRequest) -> dict:
    """The ways this person can prove who they are; a form is bound if it is the one that was sent."""
    user, sent = request.user, request.POST
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    linked = sso.name() and SocialAccount.objects.filter(user=user).exists()

    def form(kind, field: str):
        return kind(sent if field in sent else None, user=user)

    return {
        "password": form(ConfirmByPasswordForm, "password") if user.has_usable_password() else None,
        "code": form(ConfirmByCodeForm, "code") if kinds & {"totp", "recovery_codes"} else None,
        "passkey": form(ConfirmByPasskeyForm, "credential") if "webauthn" in kinds else None,
        "provider": sso.name() if linked or not (user.has_usable_password() or kinds) else "",
    }


def prove(request: HttpRequest, ways: dict) -> bool:
    """Check the form that was sent; a good one is recorded in the session."""
    for way in ("password", "code", "passkey"):
        form = ways[way]
        if form is not None and form.is_bound and form.is_valid():
            if way == "password":
                reauthenticate_by_password(request)
            else:
                form.save()
            return True
    return False


@require_GET
def go_on(request: HttpRequest) -> HttpResponse:
    """Go on with what was waiting: a form is sent again as it was typed, an address is opened.

    By itself only right after the proof that was given for it; else with a press of the button.
    """
    following = request.GET.get("next", "")
    if not get_adapter(request).is_safe_url(following):
        raise Http404
    fields = stepup.waiting_form(request, following)
    if fields is None:
        return HttpResponseRedirect(following)
    by_itself = stepup.is_expected(request, following)
    context = {"address": following, "fields": fields, "by_itself": by_itself}
    return render(request, "accounts/continue.html", context)
