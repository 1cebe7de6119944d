"""The catalogue of a pipeline: find a type to place, or what is placed. One fragment, which other pages mount unchanged."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from automation import catalogue
from automation.models import Rule, Trigger
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.models import Pipeline, Stage
from crm.people.signed_in import signed_in

KINDS = ("", catalogue.ACTION, catalogue.TRIGGER)
SHOWN = 100


def _told(row: Rule | Trigger) -> tuple[Any, str]:
    return row, "rule" if isinstance(row, Rule) else "trigger"


@staff_of_ours
@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """For whoever sets the pipeline up. As fragment for a request of htmx, else as a page."""
    pipeline = get_object_or_404(Pipeline.objects.configured_by(signed_in(request)), pk=pk)
    asked = {name: request.GET.get(name, "")[:100] for name in ("q", "kind", "group", "stage")}
    if asked["kind"] not in KINDS or asked["group"] not in ("", *dict(catalogue.groups())):
        raise Http404
    stages = Stage.active.filter(pipeline=pipeline).order_by("order")
    stage = stages.filter(pk=id_of(asked["stage"]) or 0).first() or stages.first()
    rows = catalogue.placed(pipeline.pk, asked["q"], asked["kind"], asked["group"])
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "asked": asked,
        "groups": catalogue.groups(),
        "entries": catalogue.search(asked["q"], asked["kind"], asked["group"]),
        "stage": stage,
        "stages": stages,
        "placed": [_told(row) for row in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
        "nav": "board",
    }
    part = "automation/_catalogue.html" if request.headers.get("HX-Request") else "automation/catalogue.html"
    return render(request, part, context)
