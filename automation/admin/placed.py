"""Rules and triggers with typed forms; runs and firings to look at, with the verbs people need."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import GROUPS, MissingAction, action_of, actions, bind, trigger_types
from automation.catalogue import merge_fields_for, outputs_shown
from automation.condition_row import drawn
from automation.document import Faulty
from automation.engine import control
from automation.models import Rule, RuleSet, Run, Trigger, scope_of, type_of
from automation.publishing import doors, operations
from automation.publishing.keys import free_key
from automation.publishing.models import Publication
from automation.settings_form import RuleForm, TriggerForm
from automation.variables import Variable
from crm.admin.base import ModelAdmin, action, display, register
from crm.ground.ids import id_of
from crm.ground.shown import beside
from crm.models import Pipeline, Stage
from crm.people.signed_in import signed_in
from crm.pipelines.admin.of_pipeline import OfPipeline
from crm.work.leased import Status


class WaitsToBeConfirmed(admin.SimpleListFilter):
    title = _("condition")
    parameter_name = "unconfirmed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("reads otherwise since the upgrade"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.exclude(unconfirmed=[]) if self.value() else queryset


class PlacedAdmin(OfPipeline, ModelAdmin):
    """Adding asks first for the stage and the type, then shows the type's own form."""

    change_form_template = "admin/automation/placed_form.html"
    picker_template = "admin/automation/pick.html"
    base_form: Any
    registry: Any
    kind_field = ""

    @display(description=_("where"), ordering="stage__order")
    def place(self, placed: Any) -> str:
        return f"{placed.pipeline} · {placed.where}"

    list_filter = ("pipeline", "is_enabled", "retired", WaitsToBeConfirmed)
    search_fields = ("name", "note")
    list_select_related: ClassVar[Any] = ("stage", "pipeline", "publisher")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("pipeline__order", "pipeline", "stage__order", "order", "pk")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        placed = obj or self._new(request)
        kind = self.registry.get(getattr(placed, self.kind_field))
        if kind is None:
            kind = MissingAction
        base = self.base_form

        class Form(base):  # type: ignore[misc,valid-type]  # the base is chosen at run time
            def __init__(self, *args: Any, **own: Any) -> None:
                if obj is None and own.get("instance") is None:
                    own["instance"] = placed
                self.kind, self.publisher = kind, signed_in(request)
                super().__init__(*args, **own)

        return Form

    def _new(self, request: HttpRequest) -> Any:
        where = self._where(request)
        key = request.GET.get("kind", "")
        last = self.model.objects.filter(**where).order_by("-order").first()
        kind = self.registry.get(key)
        pipeline_id = next(iter(where.values())).pipeline_id
        placed = self.model(**where, pipeline_id=pipeline_id, order=last.order + 1 if last else 1)
        setattr(placed, self.kind_field, key)
        placed.name = str(kind.label) if kind else key
        return placed

    def _where(self, request: HttpRequest) -> dict[str, Any]:
        """The stage that was chosen, by the name of its column. Raises Http404."""
        return {"stage": get_object_or_404(self._stages(request), pk=id_of(request.GET.get("stage")) or 0)}

    def _stages(self, request: HttpRequest) -> Any:
        """Where the person may place something."""
        return Stage.active.filter(pipeline__in=self._mine(request))

    def _sets(self, request: HttpRequest) -> Any:
        """Rule sets that may be chosen in place of a stage."""
        return []

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if self.registry.get(request.GET.get("kind", "")) is None or not request.GET.get("stage"):
            return self._pick(request)
        return super().add_view(request, request.get_full_path(), extra_context)

    def get_urls(self) -> Any:
        row = self.admin_site.admin_view(self.condition_row)
        name = f"automation_{self.model._meta.model_name}_condition_row"
        return [path("condition-row/", row, name=name), *super().get_urls()]

    def condition_row(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = id_of(request.GET.get("pipeline")) or 0
        return drawn(request, Pipeline.objects.visible_to(request.user).filter(pk=asked).first())

    def _pick(self, request: HttpRequest) -> HttpResponse:
        groups: dict[str, list[Any]] = {}
        for kind in self.registry:
            groups.setdefault(str(GROUPS.get(kind.group, kind.group)), []).append(kind)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _now("New: %s") % self.model._meta.verbose_name,
            "groups": groups,
            "stages": self._stages(request).select_related("pipeline").order_by("pipeline__order", "pipeline", "order"),
            "sets": self._sets(request),
            "chosen": request.GET.get("stage", ""),
        }
        return TemplateResponse(request, self.picker_template, context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        placed = context["adminform"].form.instance
        context["merge_fields"] = merge_fields_for(Variable.objects.of(placed.pipeline_id or 0), signed_in(request))
        context["placed"] = placed
        name = f"admin:automation_{self.model._meta.model_name}_condition_row"
        context["condition_row_url"] = reverse(name, current_app=self.admin_site.name)
        if placed.where is not None:
            context["outputs"] = _outputs(placed)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Saving publishes: it acts with the rights of who saved it last."""
        pinned = bool(form.cleaned_data.get("old_settings"))
        cancelled = doors.publish(obj, signed_in(request), Publication.Origin.ADMIN, pin_planned=pinned)
        self._tell_cancelled(request, cancelled)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form has judged it; what a colleague published in the very same moment is told all the same."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Faulty as faulty:
            for fault in faulty.faults:
                messages.error(request, fault.sentence)
            return HttpResponseRedirect(request.get_full_path())

    def _tell_cancelled(self, request: HttpRequest, count: int) -> None:
        if count:
            messages.info(request, _now("Planned runs cancelled: %d.") % count)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Used ones are retired; their history keeps naming them."""
        self._tell_cancelled(request, doors.retire(obj, signed_in(request), Publication.Origin.ADMIN))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    @action(description=_("Confirm how their conditions read now"))
    def confirm_conditions(self, request: HttpRequest, queryset: Any) -> None:
        waiting = list(queryset.exclude(unconfirmed=[]))
        for placed in waiting:
            doors.confirm(placed, signed_in(request))
        messages.success(request, _now("Confirmed: %d.") % len(waiting))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Retired, so nothing else goes with it; but later rules may read what it gives.
        return [str(obj) for obj in objs], {}, set(), doors.breaks(list(objs), signed_in(request))

    @action(description=_("Take over: they act with your rights"))
    def take_over(self, request: HttpRequest, queryset: Any) -> None:
        taken = doors.take_over(list(queryset.filter(retired=False)), signed_in(request))
        messages.success(request, _now("Taken over: %d.") % taken)


def _outputs(placed: Any) -> list[tuple[str, str]]:
    rules = Rule.objects.filter(stage=placed.stage_id, rule_set=getattr(placed, "rule_set_id", None), retired=False)
    found = scope_of(placed.where, placed if isinstance(placed, Rule) else None).outputs()
    return outputs_shown(found, rules.order_by("order", "pk"))


@register(Rule)
class RuleAdmin(PlacedAdmin):
    base_form, registry, kind_field = RuleForm, actions, "action"
    list_display = ("name", "place", "what", "when_words", "is_enabled", "waiting_now", "publisher")
    actions = ("release_paused", "confirm_conditions", "take_over")
    list_select_related: ClassVar[Any] = ("stage", "rule_set", "pipeline", "publisher")

    def _sets(self, request: HttpRequest) -> Any:
        return RuleSet.objects.filter(pipeline__in=self._mine(request), retired=False).select_related("pipeline")

    def _where(self, request: HttpRequest) -> dict[str, Any]:
        kind, _colon, pk = request.GET.get("stage", "").partition(":")
        if kind == "set":
            return {"rule_set": get_object_or_404(self._sets(request), pk=id_of(pk) or 0)}
        return super()._where(request)

    fieldsets = (
        (None, {"fields": (("name", "is_enabled"), ("order", "after_previous"))}),
        (
            _("More"),
            {
                "fields": (
                    "key",
                    ("repeat", "repeat_days"),
                    ("on_leave", "retry_hours"),
                    "hourly_limit",
                    "note",
                    "old_settings",
                ),
                "classes": ("collapse",),
            },
        ),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.base_fields["key"].required = False
        return form

    def _new(self, request: HttpRequest) -> Any:
        rule = super()._new(request)
        last = rule.beside().filter(retired=False).order_by("order", "pk").last()
        rule.after_previous = operations.after_what(last.action) if last is not None else ""
        rule.key = free_key(rule.action, rule.beside().filter(retired=False).values_list("key", flat=True))
        return rule

    @display(description=_("action"))
    def what(self, rule: Rule) -> str:
        found = action_of(rule.action)
        form = bind(found.Settings, rule.settings, scope_of(rule.where, rule))
        if not form.is_valid():
            return f"{found.label} ⚠"
        return beside(found.label, found.summary(form.cleaned_data))

    @display(description=_("when"))
    def when_words(self, rule: Rule) -> str:
        return rule.when().words()

    @display(description=_("planned runs"))
    def waiting_now(self, rule: Rule) -> int:
        return Run.objects.filter(rule=rule, status__in=(Status.PLANNED, Status.HELD, Status.WAITING)).count()

    @action(description=_("Let paused rules go on"))
    def release_paused(self, request: HttpRequest, queryset: Any) -> None:
        released = sum(
            int(control.release_rule(rule, signed_in(request))) for rule in queryset.filter(paused_at__isnull=False)
        )
        messages.success(request, _now("Held runs that go on: %d.") % released)


@register(Trigger)
class TriggerAdmin(PlacedAdmin):
    base_form, registry, kind_field = TriggerForm, trigger_types, "type"
    actions = ("confirm_conditions", "take_over")
    list_display = ("name", "place", "what", "allow_moving_back", "is_enabled", "publisher")
    fieldsets = (
        (None, {"fields": (("name", "is_enabled"), ("order", "allow_moving_back"))}),
        (_("More"), {"fields": ("change_as", "concerns", "override", "note"), "classes": ("collapse",)}),
    )

    @display(description=_("type"))
    def what(self, trigger: Trigger) -> str:
        found = type_of(trigger)
        if found is None:
            return f"{trigger.type} ⚠"
        form = bind(found.Settings, trigger.settings, scope_of(trigger.stage))
        return beside(found.label, found.summary(form.cleaned_data)) if form.is_valid() else f"{found.label} ⚠"
