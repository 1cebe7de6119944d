"""Rows of a pipeline in the administration."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from crm.pipelines.models import Pipeline


class OfPipeline:
    """Rows of a pipeline: for administrators, and for those whose role sets the pipeline up (crm/pipelines/rights.py)."""

    pipeline_path = "pipeline"

    def _mine(self, request: HttpRequest) -> Any:
        return Pipeline.objects.configured_by(request.user)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)  # type: ignore[misc]  # a mixin of ModelAdmin
        return rows if request.user.is_superuser else rows.filter(**{f"{self.pipeline_path}__in": self._mine(request)})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A row of another pipeline is not in the queryset: what is asked here is whether there is any."""
        return bool(request.user.is_superuser or self._mine(request).exists())

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission
