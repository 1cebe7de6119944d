"""Bringing tables along: upload, columns, dry run, import, taking back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm import slots
from crm.ground import databases, dates, tables
from crm.ground.access import staff_of_ours
from crm.importing import work as working
from crm.importing.cells import shown_value
from crm.importing.columns import columns_of, guess
from crm.importing.forms import MappingForm, UploadForm
from crm.importing.models import Import, ImportRow
from crm.people.signed_in import signed_in
from crm.pipelines.machine import machine_of

SAMPLE = 5
SHAPES = 12  # ways of writing a date or amount that the check shows of a column
WRONG_SHOWN = 100


@staff_of_ours
@require_http_methods(["GET", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Former imports, and the form for a new one."""
    user: Any = request.user
    form = UploadForm(user, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return redirect("import", _made(user, form.cleaned_data).pk)
    rows = Import.objects.visible_to(user).select_related("user", "pipeline")[:50]
    context = {"form": form, "imports": rows, "nav": "imports"}
    return render(request, "imports/imports.html", context, status=422 if form.errors else 200)


def _made(user: Any, data: dict[str, Any]) -> Import:
    table = data["table"]
    target, _colon, pipeline = data["what"].partition(":")
    with transaction.atomic():
        work = Import.objects.create(
            user=user,
            target=target,
            pipeline_id=int(pipeline) if pipeline else None,
            name=PurePath(data["file"].name.replace("\\", "/")).name[-200:] or "?",
            encoding=table.encoding,
            headers=table.headers,
            total=len(table.rows),
        )
        work.mapping = guess(table.headers, columns_of(target, work.pipeline))
        work.save()
        rows = (ImportRow(parent=work, number=n, cells=cells) for n, cells in enumerate(table.rows, 1))
        ImportRow.objects.bulk_create(rows, batch_size=1000)
    return work


def _mine(request: HttpRequest, pk: int) -> Import:
    found: Import = get_object_or_404(
        Import.objects.visible_to(signed_in(request)).select_related("pipeline", "stage"), pk=pk
    )
    return found


@staff_of_ours
@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the import stands. While a worker is at it only the progress is shown, and asks again by itself."""
    work = _mine(request, pk)
    if request.headers.get("HX-Request") and work.is_working:
        return render(request, "imports/_progress.html", {"import": work})
    if request.headers.get("HX-Request"):
        return render(request, "imports/_result.html", {"import": work, **_shown(work, None)})
    choosing = work.status == Import.Status.NEW or (work.status == Import.Status.CHECKED and "columns" in request.GET)
    form = MappingForm(work, request.POST or None) if choosing else None
    if form is not None and request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save(commit=False)
            saved.mapping = form.mapping()
            working.start(saved, Import.Status.CHECKING)
        return redirect("import", pk)
    context = {"import": work, "form": form, "nav": "imports", **_shown(work, form)}
    return render(request, "imports/import.html", context, status=422 if form and form.errors else 200)


def _shown(work: Import, form: MappingForm | None) -> dict[str, Any]:
    if form is not None:
        sample = [row.cells for row in work.rows.all()[:SAMPLE]]
        return {
            "table": [
                {"header": header, "field": form[f"column_{place}"], "cells": [_cell(cells, place) for cells in sample]}
                for place, header in enumerate(work.headers)
            ]
        }
    counts = work.counts()
    names = {column.key: column.label for column in columns_of(work.target, work.pipeline)}
    return {
        "counts": [
            (ImportRow.Outcome(key).label, key, counts[key])
            for key in ("created", "updated", "skipped", "failed", "reverted")
        ],
        "new_or_changed": counts["created"] + counts["updated"],
        "wrong": work.rows.filter(outcome=ImportRow.Outcome.FAILED)[:WRONG_SHOWN],
        "kept": work.rows.exclude(reason="").filter(outcome=ImportRow.Outcome.CREATED)[:WRONG_SHOWN],
        "mapped": [
            (work.headers[int(place)], names.get(key, key))
            for place, key in sorted(work.mapping.items(), key=lambda pair: int(pair[0]))
            if int(place) < len(work.headers)
        ],
        "order": dict(dates.ORDERS).get(work.date_order, ""),
        "read_as": _read_as(work) if work.status == Import.Status.CHECKED else [],
        "noted": [row for row in work.rows.filter(made__has_key="notes").order_by("number")[:WRONG_SHOWN]],
        **_rules(work),
    }


def _read_as(work: Import) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """How dates and amounts were read, before anything happens: by column, each way of writing once.

    Returns [(header, [(cell, what it was read as or why it was not, whether it was)])].
    """
    maker = working.MAKERS[work.target](work)
    lines = list(work.rows.order_by("number").values_list("cells", flat=True)[:1000])
    found = []
    for place, column in sorted(maker.places.items()):
        if not (column.type.is_day or column.type.is_amount):
            continue
        shapes: dict[str, str] = {}
        for line in lines:
            if place < len(line) and line[place] and len(shapes) < SHAPES:
                # The cell that tells in which order the file writes its dates is a shape of its own.
                shape = re.sub(r"\d", "9", line[place]) + dates.order_of([line[place]] if column.type.is_day else [])
                shapes.setdefault(shape, line[place])
        read = [(cell, *_reading(maker, column, cell)) for cell in shapes.values()]
        found += [(work.headers[place], read)] if read else []
    return found


def _reading(maker: Any, column: Any, cell: str) -> tuple[str, bool]:
    try:
        return shown_value(maker.value(column, cell)), True
    except ValidationError as error:
        return str(error.messages[0]), False


def _cell(cells: list[str], place: int) -> str:
    return cells[place][:80] if place < len(cells) else ""


def _rules(work: Import) -> dict[str, Any]:
    """What the rules of the stage would do, and how many messages that could be."""
    if not work.start_rules or work.pipeline_id is None:
        return {}
    machine = machine_of(work.pipeline_id)
    hints = {pk: text for hint in slots.column_hints for pk, text in hint(machine).items()}
    sends = {pk: n for count in slots.sends_on_entry for pk, n in count(machine).items()}
    entered = work.rows.filter(outcome=ImportRow.Outcome.CREATED).values_list("made__stage").annotate(n=Count("pk"))
    found = [(machine.stages[pk], count) for pk, count in entered.order_by() if pk in machine.stages]
    return {
        "rules": [(stage, count, hints[stage.pk]) for stage, count in found if stage.pk in hints],
        "rules_messages": sum(sends.get(stage.pk, 0) * count for stage, count in found),
    }


STEPS = {
    "import": ({Import.Status.CHECKED}, Import.Status.RUNNING),
    "revert": ({Import.Status.DONE, Import.Status.FAILED}, Import.Status.REVERTING),
}


@staff_of_ours
@require_POST
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """Import what was checked, or take back what was imported. A second click finds it under way."""
    _mine(request, pk)
    asked = request.POST.get("step", "")
    if asked not in (*STEPS, "go_on"):
        raise Http404
    with transaction.atomic():
        work = databases.lock(Import.objects.filter(pk=pk)).get()
        if asked == "go_on" and work.status == Import.Status.FAILED and work.phase:
            working.start(work, work.phase)
        elif asked in STEPS and work.status in STEPS[asked][0] and (asked != "revert" or work.may_be_reverted):
            working.start(work, STEPS[asked][1])
    return redirect("import", pk)


@staff_of_ours
@require_GET
def wrong_rows(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows that could not be taken in, with the reason, as CSV: to be mended and uploaded again."""
    work = _mine(request, pk)
    return tables.answer(_wrong_lines(work), f"import-{work.pk}-wrong", "csv", timezone.get_current_timezone())


def _wrong_lines(work: Import) -> Iterator[list[Any]]:
    yield [_("line"), _("why"), *work.headers]
    for row in work.rows.filter(outcome=ImportRow.Outcome.FAILED).iterator(chunk_size=1000):
        yield [row.number + 1, row.reason, *row.cells]
