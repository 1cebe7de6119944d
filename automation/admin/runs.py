"""Runs and firings: to look at, with the verbs that people need."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.engine import control
from automation.models import Run, TriggerFiring
from crm.admin.base import ReadOnlyAdmin, action, register
from crm.ground.shown import beside
from crm.models import Refused


@register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("number", "rule", "item", "status", "due_at", "started_at", "finished_at", "attempts", "error")
    list_filter = ("status", "rule__pipeline", "rule__action", "due_at")
    search_fields = ("rule__name", "item__search_key", "error")
    list_select_related = ("rule", "item")
    actions = ("again_newest", "again_old", "do_cancel", "do_hold", "do_release", "do_now")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and bool(request.user.is_superuser)

    def _each(self, request: HttpRequest, queryset: Any, verb: Any, done: str) -> None:
        count = 0
        for run in queryset:
            try:
                verb(run, request.user)
                count += 1
            except (control.NotNow, Refused) as error:
                messages.warning(request, beside(f"#{run.pk}", error))
        messages.success(request, done % count)

    @action(description=_("Run again with the newest settings"))
    def again_newest(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, control.run_again, _now("Runs that start again: %d."))

    @action(description=_("Run again with the old settings"))
    def again_old(self, request: HttpRequest, queryset: Any) -> None:
        def again(run: Run, by: Any) -> Run:
            return control.run_again(run, by, old_settings=True)

        self._each(request, queryset, again, _now("Runs that start again: %d."))

    @action(description=_("Cancel"))
    def do_cancel(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, control.cancel, _now("Runs cancelled: %d."))

    @action(description=_("Hold"))
    def do_hold(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, control.hold, _now("Runs held: %d."))

    @action(description=_("Release"))
    def do_release(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, control.release, _now("Runs released: %d."))

    @action(description=_("Run now"))
    def do_now(self, request: HttpRequest, queryset: Any) -> None:
        self._each(request, queryset, control.run_now, _now("Runs that start now: %d."))


@register(TriggerFiring)
class TriggerFiringAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "trigger", "item", "result", "reason")
    list_filter = ("result", "trigger__pipeline")
    list_select_related = ("trigger", "item")
