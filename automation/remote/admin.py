"""The list of installed apps: what each does, what it is sent, and a way to remove it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.remote import installing
from automation.remote.models import App, AppCall, told
from crm.admin.base import ReadOnlyAdmin, action, display, register
from crm.messages import merge_fields


@register(App)
class AppAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "offers", "is_sent", "installed_by", "installed_at", "removed_at")
    list_select_related = ("installed_by",)
    fields = ("name", "key", "what", "offers", "is_sent", "installed_by", "installed_at", "removed_at")
    readonly_fields = ("name", "what", "offers", "is_sent", "installed_by", "installed_at", "removed_at")
    actions = ("remove",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("types")

    @display(description=_("name"))
    def name(self, app: App) -> str:
        return str(app)

    @display(description=_("what it does"))
    def what(self, app: App) -> str:
        return str(told(app.about)) or "–"

    @display(description=_("rules and triggers"))
    def offers(self, app: App) -> Any:
        shown = [(row.get_kind_display(), str(row)) for row in app.types.all() if not row.is_gone]
        return format_html_join(", ", "{}: {}", shown) or "–"

    @display(description=_("is sent"))
    def is_sent(self, app: App) -> str:
        groups = merge_fields.field_list()
        labels = {path: f"{group}: {label}" for group, rows in groups for path, label, _kind in rows}
        return ", ".join(labels.get(path, path) for path in app.sends) or "–"

    @action(description=_("Remove"), permissions=["view"])
    def remove(self, request: HttpRequest, queryset: Any) -> None:
        """As over the API: for administrators."""
        if not request.user.is_superuser:
            raise PermissionDenied
        apps = list(queryset.filter(removed_at=None))
        for app in apps:
            installing.remove(app)
        self.message_user(request, _now("Apps removed: %d. Their rules fail with their names from now on.") % len(apps))


@register(AppCall)
class AppCallAdmin(ReadOnlyAdmin):
    list_display = ("message_id", "app", "item", "stands", "created_at", "deadline")
    list_filter = ("app", "state")
    list_select_related = ("app", "item", "run")

    @display(description=_("state"), ordering="state")
    def stands(self, call: AppCall) -> Any:
        """Of one whose run has ended meanwhile nobody waits any more."""
        open_states = (AppCall.State.PLANNED, AppCall.State.LATER)
        over = call.state in open_states and not call.is_waited_for
        return AppCall.State.OVER.label if over else call.get_state_display()
