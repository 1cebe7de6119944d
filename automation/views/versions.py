"""Published versions of a pipeline's automation: who, when, what they did; two of them side by side; named, brought back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from automation.cards import columns_of
from automation.document import RULE, Document
from automation.models import Run
from automation.publishing import drafts
from automation.publishing.comparing import compare
from automation.publishing.models import Publication
from automation.publishing.rows import Live, read
from automation.publishing.words import Words
from automation.views.designer import mine
from automation.views.figures import TOLD
from crm.ground import characters
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.models import Pipeline
from crm.people.signed_in import signed_in

PAGE = 10
DRAFT, LIVE = "draft", "live"


@staff_of_ours
@require_GET
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    pipeline = mine(request, pk)
    rows = Publication.objects.filter(pipeline=pipeline).select_related("published_by").defer("switches")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    figures = _figures(pipeline, shown)
    context = {
        "pipeline": pipeline,
        "page": page,
        "rows": [(one, *_counted(one), figures.get(one.number, {})) for one in shown],
        "newest": rows.values_list("number", flat=True).first(),
        "draft": drafts.draft_of(pipeline),
        "nav": "automation",
    }
    return render(request, "automation/versions.html", context)


def _counted(publication: Publication) -> tuple[int, int]:
    """How many rules and triggers it holds."""
    kinds = [kind for kind, _spot, _part in Document.model_validate(publication.document).placed()]
    return kinds.count(RULE), len(kinds) - kinds.count(RULE)


def _figures(pipeline: Pipeline, shown: list[Publication]) -> dict[int, dict[str, int]]:
    """By number: what ended while it was the newest, by its end. One query."""
    if not shown:
        return {}
    newer = Publication.objects.filter(pipeline=pipeline, number__gt=shown[0].number).order_by("number")
    until = newer.values_list("published_at", flat=True).first()
    spans = [When(finished_at__gte=one.published_at, then=Value(one.number)) for one in shown]
    runs = Run.objects.filter(rule__pipeline=pipeline, status__in=TOLD, finished_at__gte=shown[-1].published_at)
    if until is not None:
        runs = runs.filter(finished_at__lt=until)
    found: dict[int, dict[str, int]] = {}
    under = runs.annotate(number=Case(*spans, output_field=IntegerField())).values_list("number", "status")
    for number, status, count in under.annotate(count=Count("pk")).order_by():
        found.setdefault(number, {})[TOLD[status]] = count
    return found


@staff_of_ours
@require_GET
def comparison(request: HttpRequest, pk: int) -> HttpResponse:
    """`a` and `b`: numbers of versions, "live" or "draft"; in words, and as two boards side by side."""
    pipeline = mine(request, pk)
    live = read(pipeline)
    (old_name, old), (new_name, new) = (_side(live, request.GET.get(name, LIVE)) for name in ("a", "b"))
    changes = compare(old, new)
    context = {
        "pipeline": pipeline,
        "lines": Words(pipeline, old, new).lines(changes),
        "sides": [
            (old_name, "before", columns_of(live, old, against=new)),
            (new_name, "after", columns_of(live, new, against=old)),
        ],
        "may": False,
        "nav": "automation",
    }
    return render(request, "automation/comparison.html", context)


def _side(live: Live, asked: str) -> tuple[str, Document]:
    """What it is called, and the document. Raises Http404."""
    if asked == LIVE:
        return _("Live"), live.document
    if asked == DRAFT:
        draft = drafts.draft_of(live.pipeline)
        return _("Draft"), drafts.document_of(draft) if draft is not None else live.document
    number = id_of(asked)
    if number is None:
        raise Http404
    found = get_object_or_404(Publication, pipeline=live.pipeline, number=number)
    return str(found), Document.model_validate(found.document)


@staff_of_ours
@require_POST
def rename(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """What a version is called is no part of what it did: it may be given later."""
    pipeline = mine(request, pk)
    name = characters.posted(request.POST).get("name", "").strip()[:80]
    get_object_or_404(Publication, pipeline=pipeline, number=number)
    Publication.objects.filter(pipeline=pipeline, number=number).update(name=name)
    return redirect("designer-versions", pk)


@staff_of_ours
@require_POST
def restore(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """It becomes the draft, to be looked at and published like any other. A draft that is there is not overwritten unasked."""
    pipeline = mine(request, pk)
    found: Any = get_object_or_404(Publication.objects.select_related("pipeline"), pipeline=pipeline, number=number)
    throws = id_of(request.POST.get("sure")) or 0
    switches = request.POST.get("switches") == "1"
    try:
        drafts.restore(found, signed_in(request), switches=switches, instead_of=throws)
    except drafts.Outdated:
        messages.error(request, _("There is a draft: publish or discard it first."))
        return redirect("designer-versions", pk)
    messages.success(request, _("%s is the draft now. Nothing is live before you publish it.") % found)
    return redirect("designer", pk)
