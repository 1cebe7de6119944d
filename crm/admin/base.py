"""The import seam: every admin class of ours comes from here, so that another look is a small change."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

TabularInline = admin.TabularInline
StackedInline = admin.StackedInline


class ModelAdmin(admin.ModelAdmin):
    save_on_top = True
    show_facets = admin.ShowFacets.NEVER  # counts over large tables on every page are not worth their price
    list_per_page = 50


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the engine writes: to look at, never to edit by hand."""

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
