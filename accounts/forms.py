"""The forms of accounts."""

from allauth.account.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, LoginWebAuthnForm
from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm, SetPasswordMixin
from django.core.exceptions import ValidationError

from accounts.models import User

WRONG = "This e-mail and password do not belong together. Your e-mail is kept; type the password again."
NO_PASSKEY = "This passkey does not open an account here. Nothing was changed."
DIFFERENT = "The two passwords differ. Type the new one twice."
BIG = {"class": "in big"}


def new_password(label: str, help_text: str = "") -> forms.CharField:
    """A field for a password that is to be."""
    attributes = {"autocomplete": "new-password"}
    return forms.CharField(
        label=label, strip=False, help_text=help_text, widget=forms.PasswordInput(attrs=attributes)
    )


LONG_ENOUGH = "at least 12 characters, and no common one"


class SignInForm(AuthenticationForm):
    """E-mail and password. One sentence for every failure, so that nobody learns who has an account."""

    error_messages = {"invalid_login": WRONG, "inactive": WRONG}
    username = forms.EmailField(
        label="E-mail",
        widget=forms.EmailInput(attrs={**BIG, "autocomplete": "username webauthn", "autofocus": True}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={**BIG, "autocomplete": "current-password"}),
    )

    def clean_username(self) -> str:
        return self.cleaned_data["username"].lower()

    def clean(self) -> dict:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            user = get_adapter().authenticate(self.request, email=email, password=password)
            if user is None or not user.is_active:
                raise self.get_invalid_login_error()
            self.user_cache = user
        return self.cleaned_data


class PasskeyForm(LoginWebAuthnForm):
    """What a browser answers to a passkey's challenge at the sign-in page."""

    def clean_credential(self):
        """One sentence for every failure. What strangers send may have any shape."""
        try:
            authenticator = super().clean_credential()
        except (ValidationError, AttributeError, KeyError, TypeError, ValueError):
            raise ValidationError(NO_PASSKEY) from None
        if not authenticator.user.is_active:
            raise ValidationError(NO_PASSKEY)
        return authenticator


def _code(label: str, autofocus: bool = True) -> forms.CharField:
    attributes = {**BIG, "autocomplete": "one-time-code", "autofocus": autofocus, "spellcheck": "false"}
    return forms.CharField(label=label, widget=forms.TextInput(attrs=attributes))


class CodeForm(AuthenticateForm):
    """The second step of a sign-in: a code of the app, or a recovery code."""

    code = _code("Code of the app, or a recovery code")


class ConfirmByCodeForm(ReauthenticateForm):
    """A code proves again who one is."""

    code = _code("Code of the app, or a recovery code", autofocus=False)


class AppForm(ActivateTOTPForm):
    """The first code of a new authenticator app."""

    code = _code("Code that the app shows")


class NewPasskeyForm(AddWebAuthnForm):
    """A passkey that can sign in by itself: kept by the device, opened by its PIN, finger or face."""

    passwordless = None
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=60,
        help_text="to tell it from others, such as “Work laptop”",
    )

    def clean(self) -> dict:
        self.cleaned_data["passwordless"] = True
        try:
            return super().clean()
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ValidationError("The browser's answer was not understood. Nothing was added.") from None


class ConfirmByPasswordForm(forms.Form):
    """The password proves again who one is."""

    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={**BIG, "autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, *args, user: User, **kwargs):
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        if not get_adapter().reauthenticate(self.user, self.cleaned_data["password"]):
            raise get_adapter().validation_error("incorrect_password")
        return self.cleaned_data["password"]


class NewPasswordForm(SetPasswordForm):
    """A new password, typed twice."""

    error_messages = {"password_mismatch": DIFFERENT}
    new_password1 = new_password("New password", LONG_ENOUGH)
    new_password2 = new_password("Once more")

    def save(self, commit: bool = True) -> User:
        """Store the password and nothing else: the account may have been closed a moment ago."""
        user = super().save(commit=False)
        user.save(update_fields=["password"])
        return user


class ForgottenForm(forms.Form):
    """Whose password is forgotten. Whether there is such an account is not said."""

    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={**BIG, "autocomplete": "username", "autofocus": True})
    )


class ProfileForm(forms.ModelForm):
    """How one is called, and where one reads times. The address stays: invitations are bound to it."""

    class Meta:
        model = User
        fields = ["display_name", "zone"]
        help_texts = {"zone": "such as Europe/Paris; shown beside an incident's own zone"}
        widgets = {
            "display_name": forms.TextInput(attrs={"autocomplete": "name"}),
            "zone": forms.TextInput(attrs={"list": "zones", "spellcheck": "false"}),
        }


class JoinForm(SetPasswordMixin, ProfileForm):
    """A new account: name, time zone, and a password unless single sign-on stands in for it."""

    password1 = new_password("Password", LONG_ENOUGH)
    password2 = new_password("Once more")

    class Meta(ProfileForm.Meta):
        pass

    def __init__(self, *args, with_password: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.error_messages = {"password_mismatch": DIFFERENT}
        if not with_password:
            del self.fields["password1"], self.fields["password2"]

    def clean(self) -> dict:
        if "password1" in self.fields:
            self.validate_passwords()
        return super().clean() or self.cleaned_data

    def _post_clean(self) -> None:
        """Ask the validators once the account is there to compare with."""
        super()._post_clean()
        if self.cleaned_data.get("password2"):
            self.validate_password_for_user(self.instance)
