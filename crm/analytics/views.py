"""The analytics page of a pipeline: figures as tables with a chart beside them; each leads to its cards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.analytics import figures as analytics
from crm.analytics.figures import DAYS, Figures, Span, Table
from crm.board.views.board import machine_for
from crm.company.models import OwnCompany
from crm.frame.views import pipelines_for
from crm.ground import tables
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.shown import money, num
from crm.items.filters import BadFilter, ItemFilter
from crm.people.models import User
from crm.people.signed_in import signed_in
from crm.pipelines.models import Pipeline

OWN = ("days", "table")


@staff_of_ours
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    first = Pipeline.objects.in_use().visible_to(request.user).first()
    if first is None:
        raise Http404
    return redirect("analytics", first.pk)


def _figures(request: HttpRequest, pk: int) -> tuple[Figures, int]:
    machine = machine_for(request, pk)
    days = id_of(request.GET.get("days")) or 90
    if days not in DAYS:
        raise BadFilter("days", _("“%s” is not a span that is offered.") % days)
    shown = ItemFilter.read(request.GET, machine.pipeline, OWN)
    return Figures(machine, signed_in(request), Span.of(days), shown), days


@staff_of_ours
@require_GET
def analytics_page(request: HttpRequest, pk: int) -> HttpResponse:
    figures, days = _figures(request, pk)
    own = OwnCompany.first()
    currency = own.currency if own else ""
    found = analytics.tables(figures)
    context = {
        "pipeline": figures.machine.pipeline,
        "pipelines": pipelines_for(signed_in(request)),
        "days": days,
        "choices": DAYS,
        "filter": figures.shown,
        "chips": figures.shown.chips(figures.machine.pipeline),
        "people": User.objects.filter(is_active=True),
        # Their sums are in the base currency: what has no rate is in none of them.
        "unrated": sum(table.unrated for table in found),
        "tables": [_shown(table, currency) for table in found],
        "nav": "analytics",
    }
    return render(request, "analytics/analytics.html", context)


def _shown(table: Table, currency: str) -> dict[str, Any]:
    """Cells as people read them, and the chart's names and bare figures."""
    rows = [[_cell(table, place, cell, currency) for place, cell in enumerate(row)] for row in table.rows]
    bare = [_bare(row[table.chart]) for row in table.rows] if table.chart else []
    if table.chart in table.hours:
        bare = [round((value or 0) / 3600, 1) for value in bare]
    chart: dict[str, Any] = {
        "names": [str(row[0]) for row in table.rows],
        "values": [float(value or 0) for value in bare],
        "texts": [row[table.chart]["text"] for row in rows],
        "label": str(table.heads[table.chart]) if table.chart else "",
    }
    return {"table": table, "rows": rows, "chart": chart if any(chart["values"]) else None}


def _bare(cell: Any) -> Any:
    return cell[0] if isinstance(cell, tuple) else cell


def _cell(table: Table, place: int, cell: Any, currency: str) -> dict[str, Any]:
    value, query = cell if isinstance(cell, tuple) else (cell, "")
    if place in table.money:
        text = money(round(value), currency)
    elif place in table.hours:
        text = "–" if value is None else span_of(timedelta(seconds=value))
    else:
        text = num(value) if isinstance(value, int | float) else str(value)
    return {"text": text, "query": query if value else "", "number": place > 0}


def span_of(length: timedelta) -> str:
    """A length of time in its largest fitting unit, as the language writes it."""
    return str(format_timedelta(length, granularity="minute", threshold=2, locale=get_language() or "en"))


@staff_of_ours
@require_GET
def table(request: HttpRequest, pk: int, key: str) -> HttpResponseBase:
    """One table as CSV, with bare figures."""
    figures, _days = _figures(request, pk)
    found = next((one for one in analytics.tables(figures) if one.key == key), None)
    if found is None:
        raise Http404
    rows = [[str(head) for head in found.heads], *([_bare(cell) for cell in row] for row in found.rows)]
    return tables.answer(rows, f"{found.key}-{pk}", "csv", signed_in(request).zone)
