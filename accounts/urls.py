"""Routes of accounts, those of the admin site included: one door in and one out.

Of django-allauth only what stands here is reachable; the names beginning with account_ and mfa_ are those
by which it finds our pages.
"""

from django.urls import path
from django.views.generic import RedirectView

from accounts import confirming, factors, forgotten, newcomers, pages, sso, views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/", views.SignIn.as_view(), name="account_login"),
    path("sign-in/passkey/", views.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("sign-in/second-step/", views.SecondStep.as_view(), name="mfa_authenticate"),
    path("sign-in/sso/", sso.start, name="sso"),
    path("sign-in/sso/back/", sso.back, name="sso-back"),
    path("sign-in/forgot/", forgotten.forgotten, name="account_reset_password"),
    path("sign-in/forgot/sent/", forgotten.sent, name="account_reset_password_done"),
    path(
        "sign-in/forgot/<str:uidb36>/<str:key>/",
        forgotten.NewPassword.as_view(),
        name="account_reset_password_from_key",
    ),
    path("sign-in/link/<str:token>/", views.sign_in_by_link, name="sign-in-link"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("join/<str:token>/", newcomers.join, name="join"),
    path("account/", pages.account, name="account"),
    path("account/", pages.account, name="mfa_index"),
    path("account/password/", pages.password, name="password"),
    path("account/sessions/", pages.sessions, name="sessions"),
    path("account/two-factor/", factors.new_app, name="mfa_activate_totp"),
    path("account/two-factor/picture/", factors.picture, name="totp-picture"),
    path("account/two-factor/remove/", factors.app_removal, name="mfa_deactivate_totp"),
    path("account/recovery-codes/", factors.codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new/", factors.new_codes, name="mfa_generate_recovery_codes"),
    path("account/passkeys/", factors.passkeys, name="passkeys"),
    path("account/passkeys/new/", factors.new_passkey, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", factors.remove_passkey, name="remove-passkey"),
    path("account/confirm/", confirming.confirm, name="account_reauthenticate"),
    path("account/confirm/continue/", confirming.go_on, name="confirm-continue"),
    path("admin/login/", views.admin_sign_in, name="admin-sign-in"),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password"), name="admin-password"),
    path("admin/logout/", views.SignOut.as_view(), name="admin-sign-out"),
]
