"""A new password by mail. It proves the address and nothing more: a second factor is asked for as before."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.views import PasswordResetFromKeyView
from allauth.core import ratelimit
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods

from accounts.forms import ForgottenForm, NewPasswordForm
from accounts.models import User
from accounts.tokens import ResetTokens


def send_link(request: HttpRequest, email: str) -> None:
    """Mail a link to a new password, if there is an open account with this address."""
    users = User.objects.filter(email=email.lower(), is_active=True)
    if users:
        request_password_reset(request, email, users, ResetTokens())


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for the link. The answer is the same whether there is an account or not (ASVS 6.3.8)."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(
            request, "accounts/forgotten.html", {"form": form}, status=422 if form.is_bound else 200
        )
    email = form.cleaned_data["email"]
    full = ratelimit.consume_or_429(request, action="reset_password", key=email.lower())
    if full:
        return full
    send_link(request, email)
    return redirect("account_reset_password_done")


@login_not_required
@require_http_methods(["GET", "HEAD"])
def sent(request: HttpRequest) -> HttpResponse:
    """What happens next."""
    return render(request, "accounts/forgotten_sent.html")


class NewPassword(PasswordResetFromKeyView):
    """Where the link leads. Opening it uses nothing up; the key goes out of the address at once."""

    template_name = "accounts/new_password.html"
    success_url = reverse_lazy("sign-in")

    def get_form_class(self) -> type[SetPasswordForm]:
        return NewPasswordForm

    def get_form_kwargs(self) -> dict:
        kwargs = super().get_form_kwargs()
        del kwargs["temp_key"]
        return kwargs

    def form_invalid(self, form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def form_valid(self, form) -> HttpResponse:
        """Every session ends with the old password; whoever was throttled by strangers may try at once."""
        response = super().form_valid(form)
        get_adapter()._delete_login_attempts_cached_email(self.request, email=self.reset_user.email)
        return response
