"""The import seam: every admin class of ours comes from here, so that another look is a small change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

StackedInline = admin.StackedInline


class TabularInline(admin.TabularInline):
    """A table's heads are no labels: each field says its name to who does not see the table."""

    def formfield_for_dbfield(self, db_field: models.Field[Any, Any], request: HttpRequest, **more: Any) -> Any:
        made = super().formfield_for_dbfield(db_field, request, **more)
        if made is not None:
            made.widget.attrs.setdefault("aria-label", capfirst(made.label))
        return made


def _names_rows(value: Any) -> bool:
    """One id, or several of a relation to many."""
    ids = value if isinstance(value, list) else [value]
    return all(re.fullmatch("[0-9]{1,18}", str(one)) for one in ids)


class ModelAdmin(admin.ModelAdmin):
    save_on_top = True
    show_facets = admin.ShowFacets.NEVER  # counts over large tables on every page are not worth their price
    list_per_page = 50

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """What the address fills in; a row that no column could name ("²", numbers without end) is left out."""
        found = super().get_changeform_initial_data(request)
        relations = {field.name for field in self.model._meta.get_fields() if field.is_relation}
        return {name: value for name, value in found.items() if name not in relations or _names_rows(value)}

    @admin.display(description=gettext_lazy("number"), ordering="pk")
    def number(self, row: models.Model) -> Any:
        return row.pk

    # Django's own heads put a noun into a sentence, in the one case that the noun is given in: "Wybierz reguła".
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = {"title": capfirst(self.model._meta.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        name = self.model._meta.verbose_name
        title = {"title": capfirst(name) if object_id else _("New: %s") % name}
        return super().changeform_view(request, object_id, form_url, title | (extra_context or {}))

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        if "delete_selected" in actions:
            known: Any = actions["delete_selected"]
            actions["delete_selected"] = (*known[:2], _("Delete"))
        return actions


class CappedPaginator(Paginator):
    """Counts no further than anybody leafs: COUNT(*) over two million rows takes a second."""

    MOST = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[: self.MOST].count()
        return counted


def choice_filter(
    name: str, heading: Any, choices: Callable[[], Iterable[tuple[str, Any]]]
) -> type[admin.SimpleListFilter]:
    """A filter by values that are known; Django's own would read every row for the different ones."""

    class ChoiceFilter(admin.SimpleListFilter):
        title = heading
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return list(choices())

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return ChoiceFilter


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the engine writes: to look at, never to edit by hand."""

    paginator = CappedPaginator

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


display = admin.display
action = admin.action
register = admin.register
