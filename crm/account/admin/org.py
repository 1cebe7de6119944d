from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from auditlog.models import LogEntry
from django import forms
from django.contrib import messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from PIL import Image

from crm.account.adapters import Accounts
from crm.admin.base import ModelAdmin, TabularInline, action, register
from crm.company.models import (
    CalendarException,
    CalendarHours,
    Department,
    OwnCompany,
    SystemSwitches,
    WorkingCalendar,
)
from crm.company.rates import CurrencyRate
from crm.ground import file_kinds
from crm.people.models import User


class NewUserForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "name")


class EditUserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


@register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form, add_form = EditUserForm, NewUserForm
    list_display = ("name", "email", "department", "is_active", "is_superuser", "absent_until")
    list_filter = ("department", "is_active", "is_superuser", "language")
    search_fields = ("name", "email")
    ordering = ("name",)
    list_select_related = ("department",)
    autocomplete_fields = ("department",)
    filter_horizontal = ()
    readonly_fields = ("last_login",)
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "phone")}),
        (_("Place"), {"fields": ("department", "language", "zone", "absent_from", "absent_until")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "last_login")}),
    )
    actions = ("log_out", "drop_second_step")

    @action(description=_("Log out everywhere"))
    def log_out(self, request, queryset) -> None:
        sessions = list(UserSession.objects.filter(user__in=queryset))
        for session in sessions:
            session.end()
        messages.success(request, _now("Sessions ended: %d.") % len(sessions))

    @action(description=_("Remove the second step (phone or key lost)"))
    def drop_second_step(self, request, queryset) -> None:
        count = 0
        for user in queryset:
            removed = Authenticator.objects.filter(user=user).delete()[0]
            if removed:
                LogEntry.objects.log_create(
                    user, force_log=True, action=LogEntry.Action.UPDATE, changes={"second step": ["set up", "removed"]}
                )
                Accounts().send_notification_mail("totp_deactivated", user)
            count += removed
        messages.success(request, _now("Apps, keys and codes removed: %d.") % count)

    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)


@register(Department)
class DepartmentAdmin(ModelAdmin):
    list_display = ("name", "parent", "head", "deputy")
    search_fields = ("name",)
    autocomplete_fields = ("parent", "head", "deputy")
    list_select_related = ("parent", "head", "deputy")


class HoursInline(TabularInline):
    model = CalendarHours
    extra = 1


class ExceptionInline(TabularInline):
    model = CalendarException
    extra = 1


@register(WorkingCalendar)
class WorkingCalendarAdmin(ModelAdmin):
    list_display = ("name", "zone", "country")
    search_fields = ("name",)
    inlines = (HoursInline, ExceptionInline)


def check_picture(file: Any) -> None:
    """It can be read to its end: half a file would leave every paper without it. Raises ValidationError."""
    try:
        file.seek(0)
        with Image.open(file) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValidationError(_("This picture cannot be read; please save it anew.")) from error
    finally:
        file.seek(0)


class OwnCompanyForm(forms.ModelForm):
    """Pictures by their content: papers are drawn with them."""

    class Meta:
        model = OwnCompany
        fields: tuple[str, ...] = ()  # those of the admin's fieldsets

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("logo", "stamp", "signature"):
            picture = data.get(name)
            if isinstance(picture, UploadedFile):
                try:
                    kind = file_kinds.checked(picture)[1]
                    if kind not in ("image/png", "image/jpeg") or (picture.size or 0) > 2_000_000:
                        raise ValidationError(_("A PNG or JPEG picture of at most 2 MB, please."))
                    check_picture(picture)
                except ValidationError as error:
                    self.add_error(name, error)
        return data


@register(OwnCompany)
class OwnCompanyAdmin(ModelAdmin):
    list_display = ("name", "currency", "country", "language")
    form = OwnCompanyForm
    fieldsets = (
        (
            None,
            {"fields": ("name", "country", "language", "calendar", "currency", "prices_include_tax", "sms_countries")},
        ),
        (_("On papers"), {"fields": ("address", "phone", "email", "website", "tax_number", "registration")}),
        (_("Bank"), {"fields": ("bank", "account", "bic")}),
        (_("Pictures"), {"fields": ("logo", "stamp", "signature")}),
    )


@register(CurrencyRate)
class CurrencyRateAdmin(ModelAdmin):
    list_display = ("currency", "rate")


@register(SystemSwitches)
class SystemSwitchesAdmin(ModelAdmin):
    list_display = ("__str__", "automation_paused")

    def has_add_permission(self, request) -> bool:
        return not SystemSwitches.objects.exists()

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
