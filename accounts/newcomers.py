"""The page at which an invited person makes an account."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts import sso
from accounts.forms import JoinForm
from accounts.joining import invited


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Name, time zone, and a password or single sign-on: then one is in."""
    try:
        user = invited(token)
    except Http404:
        return render(request, "accounts/dead_link.html", status=404)
    following = request.POST.get("next") or request.GET.get("next", "")
    if not get_adapter(request).is_safe_url(following):
        following = ""
    by_provider = bool(sso.name()) and "provider" in request.POST
    form = JoinForm(
        request.POST if request.method == "POST" else None, instance=user, with_password=not by_provider
    )
    if not form.is_valid():
        context = {"form": form, "email": user.email, "next": following, "provider": sso.name()}
        return render(request, "accounts/join.html", context, status=422 if form.is_bound else 200)
    if by_provider:
        told = {"token": token, **{name: form.cleaned_data[name] for name in ("display_name", "zone")}}
        return sso.leave(request, following=following, told=told)
    try:
        with transaction.atomic():
            form.set_password_and_save(user)
    except IntegrityError:  # the same link, sent twice at once
        return render(request, "accounts/dead_link.html", status=404)
    logout(request)  # whoever was signed in here before
    record_authentication(request, user, "password", email=user.email)
    return perform_login(request, Login(user=user, redirect_url=following or None))
