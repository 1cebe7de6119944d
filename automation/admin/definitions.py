"""What rules share: variables and rule sets."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.models import RuleSet
from automation.publishing import doors
from automation.publishing.models import Publication
from automation.variables import Variable
from crm.admin.base import ModelAdmin, display, register
from crm.fields import type_of as field_type_of
from crm.ground.shown import beside
from crm.people.signed_in import signed_in
from crm.pipelines.admin.of_pipeline import OfPipeline


@register(Variable)
class VariableAdmin(ModelAdmin):
    list_display = ("label", "key", "type", "scope", "is_constant", "pipeline", "value_shown")
    list_filter = ("scope", "type", "is_constant")
    search_fields = ("label", "key")
    prepopulated_fields = {"key": ("label",)}
    fields = ("label", "key", "type", "scope", "pipeline", "is_constant", "value")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(retired=False)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # What cards have of it hangs on both.
        return ("pipeline", "scope") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Variable, form: Any, change: bool) -> None:
        """One of a pipeline is part of its automation."""
        if obj.pipeline is not None and obj.scope != Variable.Scope.COMPANY:
            doors.publish_variable(obj, signed_in(request), Publication.Origin.ADMIN)
        else:
            obj.save()

    def delete_model(self, request: HttpRequest, obj: Variable) -> None:
        if obj.pipeline is not None and obj.scope != Variable.Scope.COMPANY:
            doors.retire_definition(obj, signed_in(request), Publication.Origin.ADMIN)
        else:
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)

    @display(description=_("value"))
    def value_shown(self, row: Variable) -> str:
        return field_type_of(row.type).told(row.value)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        # As text: `clean` of the row reads it by the variable's type.
        form.base_fields["value"] = forms.CharField(
            label=form.base_fields["value"].label, required=False, empty_value=None, max_length=2000
        )
        return form


@register(RuleSet)
class RuleSetAdmin(OfPipeline, ModelAdmin):
    """Its rules are placed under Rules, where a set is chosen in place of a stage."""

    list_display = ("name", "pipeline", "how_many")
    list_filter = ("pipeline",)
    search_fields = ("name",)
    fields = ("pipeline", "name", "note")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(retired=False)

    def save_model(self, request: HttpRequest, obj: RuleSet, form: Any, change: bool) -> None:
        doors.publish_set(obj, signed_in(request), Publication.Origin.ADMIN)

    def delete_model(self, request: HttpRequest, obj: RuleSet) -> None:
        doors.retire_definition(obj, signed_in(request), Publication.Origin.ADMIN)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        rules = [beside(row.name, rule.name) for row in objs for rule in row.rules.filter(retired=False)]
        return [str(row) for row in objs], {}, set(), rules

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Its rules belong to the pipeline with it.
        return ("pipeline", "its_rules") if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, "its_rules") if obj is not None else self.fields

    @display(description=_("its rules"))
    def its_rules(self, row: RuleSet) -> str:
        rules = row.rules.filter(retired=False).order_by("order", "pk")
        links = [(reverse("admin:automation_rule_change", args=[rule.pk]), rule.name) for rule in rules]
        add = f"{reverse('admin:automation_rule_add')}?stage={row.choice}"
        return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a>', [*links, (add, _now("Add a rule"))])

    @display(description=_("rules"))
    def how_many(self, row: RuleSet) -> int:
        return row.rules.filter(retired=False).count()
