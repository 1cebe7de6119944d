from __future__ import annotations

from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ReadOnlyAdmin, action, display
from crm.ground import clock, tables
from crm.ground.shown import beside

ACTIONS = {
    LogEntry.Action.CREATE: _("made"),
    LogEntry.Action.UPDATE: _("changed"),
    LogEntry.Action.DELETE: _("deleted"),
}


def changes_of(entry: LogEntry) -> list[tuple[str, str, str]]:
    """Each changed field: its name, old and new, as people read them."""
    if entry.action != LogEntry.Action.UPDATE:
        return []
    found = []
    for name, change in entry.changes_dict.items():
        if isinstance(change, dict):  # links to many: what was added or removed
            names = ", ".join(map(str, change.get("objects", [])))
            added = change.get("operation") == "add"
            found.append((_label(entry, name), "" if added else names, names if added else ""))
    for name, pair in entry.changes_display_dict.items():
        if (
            not isinstance(entry.changes_dict.get(name), dict)
            and len(pair) == 2
            and list(pair) != ["type", "operation"]
        ):
            old, new = ("" if part in (None, "None") else str(part) for part in pair)
            found.append((str(name), old, new))
    return found


def _label(entry: LogEntry, name: str) -> str:
    """What people call a field; its name where the model has it no more."""
    model = entry.content_type.model_class()
    try:
        return str(model._meta.get_field(name).verbose_name)
    except (AttributeError, FieldDoesNotExist):
        return name


class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "who", "what", "did", "changes_shown", "address")
    list_filter = ("action", "content_type")
    fields = readonly_fields = list_display
    search_fields = ("object_repr", "actor__name", "actor__email")
    list_select_related = ("actor", "content_type")
    date_hierarchy = "timestamp"
    list_display_links = None
    actions = ("as_csv",)

    def get_list_display_links(self, request: Any, list_display: Any) -> Any:
        return None

    @display(description=_("when"), ordering="timestamp")
    def at(self, entry: LogEntry) -> Any:
        return entry.timestamp

    @display(description=_("address"), ordering="remote_addr")
    def address(self, entry: LogEntry) -> str:
        return entry.remote_addr or ""

    @display(description=_("who"), ordering="actor__name")
    def who(self, entry: LogEntry) -> str:
        return str(entry.actor or _now("the system"))

    @staticmethod
    def _kind(entry: LogEntry) -> str:
        model = entry.content_type.model_class()
        return str(model._meta.verbose_name) if model else entry.content_type.model

    @display(description=_("what"))
    def what(self, entry: LogEntry) -> str:
        kind = self._kind(entry)
        try:
            url = reverse(
                f"admin:{entry.content_type.app_label}_{entry.content_type.model}_change", args=[entry.object_pk]
            )
        except NoReverseMatch:
            return beside(kind, entry.object_repr)
        return format_html('{} <a href="{}">{}</a>', beside(kind, ""), url, entry.object_repr)

    @display(description=_("did"))
    def did(self, entry: LogEntry) -> str:
        return str(ACTIONS.get(entry.action, entry.get_action_display()))

    @display(description=_("old → new"))
    def changes_shown(self, entry: LogEntry) -> str:
        rows = [(beside(name, ""), old[:120], new[:120]) for name, old, new in changes_of(entry)]
        return format_html_join("", "<div><b>{}</b> {} → {}</div>", rows)

    @action(description=_("Export the chosen ones as CSV"))
    def as_csv(self, request: Any, queryset: Any) -> HttpResponseBase:
        rows = [
            [
                _now("when"),
                _now("who"),
                _now("what"),
                _now("did"),
                _now("field"),
                _now("old value"),
                _now("new value"),
                _now("address"),
            ]
        ]
        for entry in queryset.select_related("actor", "content_type").order_by("timestamp"):
            head = [
                entry.timestamp,
                self.who(entry),
                beside(self._kind(entry), entry.object_repr),
                self.did(entry),
            ]
            for change in changes_of(entry) or [("", "", "")]:
                rows.append([*head, *change, entry.remote_addr or ""])
        day = timezone.localdate(clock.now()).isoformat()
        return tables.answer(rows, f"audit-{day}", "csv", timezone.get_current_timezone())

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None and bool(request.user.is_superuser)  # the action needs it; rows have no form


if admin.site.is_registered(LogEntry):  # the library's own
    admin.site.unregister(LogEntry)
admin.site.register(LogEntry, AuditAdmin)
