"""The pages of one's own account."""

from allauth.account.internal.flows.password_change import finalize_password_change
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts import sso
from accounts.forms import NewPasswordForm, ProfileForm
from accounts.models import User
from accounts.stepup import recent_sign_in_required

PAGE = ["GET", "HEAD", "POST"]


@require_http_methods(PAGE)
def account(request: HttpRequest) -> HttpResponse:
    """Name and time zone, and the way to everything else."""
    form = ProfileForm(
        request.POST if request.method == "POST" else None, instance=User.objects.get(pk=request.user.pk)
    )
    if form.is_bound and form.is_valid():
        form.instance.save(update_fields=["display_name", "zone"])
        messages.success(request, "Saved.")
        return redirect("account")
    kinds = [row.type for row in Authenticator.objects.filter(user=request.user)]
    context = {
        "form": form,
        "app": "totp" in kinds,
        "codes": "recovery_codes" in kinds,
        "passkeys": kinds.count("webauthn"),
        "provider": sso.name() if SocialAccount.objects.filter(user=request.user).exists() else "",
        "sessions": len(UserSession.objects.purge_and_list(request.user)),
    }
    return render(request, "accounts/account.html", context, status=422 if form.is_bound else 200)


@require_http_methods(PAGE)
@recent_sign_in_required(safe_too=True)
def password(request: HttpRequest) -> HttpResponse:
    """A new password. It ends every other session; this one goes on."""
    user = User.objects.get(pk=request.user.pk)
    form = NewPasswordForm(user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        form.save()
        finalize_password_change(request, user)
        return redirect("account")
    return render(request, "accounts/password.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(PAGE)
def sessions(request: HttpRequest) -> HttpResponse:
    """Where one is signed in, and the end of it. Streams of a session end with it."""
    if request.method == "POST":
        others = UserSession.objects.filter(user=request.user).exclude(
            session_key=request.session.session_key
        )
        if "all" in request.POST:
            ended = list(others)
        else:
            number = request.POST.get("session", "")[:18]
            ended = [get_object_or_404(others, pk=int(number) if number.isdecimal() else 0)]
        for session in ended:
            session.end()
        messages.success(request, "Ended.")
        return redirect("sessions")
    mine = sorted(
        UserSession.objects.purge_and_list(request.user), key=lambda one: one.created_at, reverse=True
    )
    return render(request, "accounts/sessions.html", {"sessions": mine})
