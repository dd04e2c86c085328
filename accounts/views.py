"""Signing in and out."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET

from accounts import links
from accounts.forms import SignInForm


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """E-mail and password. `next` is followed on this host only (ASVS 3.7.2; Django checks it)."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class SignOut(LogoutView):
    """POST only. The browser is told to forget what it holds of this site (ASVS 14.3.1)."""

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


@login_not_required
@require_GET
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Development only: the link that `make run` prints. Anything else is a 404."""
    user = links.user_of(token)
    if user is None:
        raise Http404
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
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
