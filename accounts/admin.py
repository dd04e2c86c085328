"""The admin site manages accounts and nothing else: no incident is registered with it."""

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group

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


@admin.register(User)
class AccountAdmin(UserAdmin):
    """Accounts by name and address."""

    add_form = NewAccountForm
    ordering = ["display_name"]
    list_display = ["display_name", "email", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["display_name", "email"]
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "display_name", "zone", "password"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Dates", {"fields": ["last_login", "created_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "display_name", "zone"]})]
    filter_horizontal = []

    def has_delete_permission(self, request, obj=None) -> bool:
        """An account is closed, never deleted: the page that asks would list its incidents."""
        return False


admin.site.unregister(Group)
admin.site.site_header = "Sitroom accounts"
