"""The sign-in form."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm

WRONG = "This e-mail and password do not belong together. Your e-mail is kept; type the password again."


class SignInForm(AuthenticationForm):
    """E-mail and password. One sentence for every failure, so that nobody learns who has an account."""

    error_messages = {"invalid_login": WRONG, "inactive": WRONG}
    username = forms.EmailField(
        label="E-mail",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "class": "in big"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "in big"}),
    )

    def clean_username(self) -> str:
        return self.cleaned_data["username"].lower()
