from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, TabularInline, display, register
from crm.pipelines.roles import CustomerRight, Role, RoleRight


class RightInline(TabularInline):
    model = RoleRight
    extra = 1
    verbose_name_plural = _("rights (a pipeline that no role names is open to everybody)")


class CustomerRightInline(TabularInline):
    model = CustomerRight
    verbose_name_plural = _(
        "rights to customers (while no role has any, all who see some pipeline may do all but delete;"
        " customers of cards that one sees are seen in any case but none)"
    )


@register(Role)
class RoleAdmin(ModelAdmin):
    list_display = ("name", "how_many", "pipelines")
    search_fields = ("name", "people__name")
    filter_horizontal = ("people", "departments")
    inlines = (RightInline, CustomerRightInline)
    fields = ("name", "people", "departments", "sees_profit", "keeps_books")

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).prefetch_related("people", "departments", "rights__pipeline")

    @display(description=_("who has it"))
    def how_many(self, role: Role) -> str:
        names = [str(row) for row in (*role.departments.all(), *role.people.all())]
        return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")

    @display(description=_("pipelines"))
    def pipelines(self, role: Role) -> str:
        return ", ".join(right.pipeline.name for right in role.rights.all())

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        Role.took_effect()

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.took_effect()
