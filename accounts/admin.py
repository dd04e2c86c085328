"""The admin site manages accounts and nothing else: no incident is registered with it.

Whoever could set a password or an address, or link a sign-on, could sign in as somebody else: nobody
can do it here. What django-allauth registers (factors, sessions, sign-ons) is taken off.
"""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group

from accounts import closing
from accounts.forgotten import send_link
from accounts.models import User


class NewAccountForm(forms.ModelForm):
    """Name and address; the account starts without a usable password."""

    class Meta:
        model = User
        fields = ["email", "display_name", "zone"]

    def save(self, commit: bool = True) -> User:
        user = super().save(commit=False)
        user.set_unusable_password()
        if commit:
            user.save()
        return user


class AccountForm(forms.ModelForm):
    """Everything but the address, which invitations are bound to, and the password."""

    class Meta:
        model = User
        fields = ["display_name", "zone", "is_active", "is_staff", "is_superuser"]

    def clean_is_active(self) -> bool:
        active = self.cleaned_data["is_active"]
        said = "" if active or not self.initial["is_active"] else closing.objection(self.instance)
        if said:
            raise forms.ValidationError(said)
        return active


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Accounts by name and address."""

    add_form = NewAccountForm
    form = AccountForm
    ordering = ["display_name"]
    list_display = ["display_name", "email", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["display_name", "email"]
    readonly_fields = ["email", "last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "display_name", "zone"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "display_name", "zone"]})]
    filter_horizontal = []
    actions = ["send_new_password_link"]

    def lookup_allowed(self, lookup, value, request=None) -> bool:
        """Filters of the list only: a lookup through a relation would tell who is in an incident."""
        return lookup.removesuffix("__exact") in self.list_filter

    def get_readonly_fields(self, request, obj=None) -> list[str]:
        return self.readonly_fields if obj else ["last_login", "created_at"]

    def get_urls(self) -> list:
        """Without the page that sets somebody's password."""
        return [url for url in super().get_urls() if url.name != "auth_user_password_change"]

    def save_model(self, request, obj, form, change) -> None:
        if not change:
            return super().save_model(request, obj, form, change)
        obj.save(update_fields=form.changed_data)
        if "is_active" in form.changed_data and not obj.is_active:
            closing.close(obj, force=True)  # the form has asked

    def has_delete_permission(self, request, obj=None) -> bool:
        """An account is closed, never deleted: the page that asks would list its incidents."""
        return False

    @admin.action(description="Mail a link to a new password", permissions=["change"])
    def send_new_password_link(self, request, queryset) -> None:
        """To the people themselves, so that they alone know what they choose."""
        for user in queryset:
            send_link(request, user.email)
        self.message_user(request, "A link is on its way to those whose account is open.", messages.SUCCESS)


for model in (Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(model)
admin.site.site_header = "Sitroom accounts"
