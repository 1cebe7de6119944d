"""The panel of a rule or trigger in the designer: its form over the draft, each field saved by itself, how many cards it meets."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from automation import catalogue, condition_count, sampling
from automation.condition_form import ConditionForm
from automation.condition_row import drawn
from automation.document import STAGE, Document
from automation.part_form import PartForm
from automation.publishing import drafts
from automation.publishing.operations import CannotDo
from automation.publishing.rows import Live
from automation.timing import Timing
from automation.views.designer import drafted, mine, refused
from crm.ground import characters
from crm.ground.access import staff_of_ours
from crm.models import Item, Pipeline
from crm.people.signed_in import signed_in


@staff_of_ours
def part(request: HttpRequest, pk: int, id: str) -> HttpResponse:
    """The panel; a post saves it to the draft, faults and all, and says what is wrong by field."""
    pipeline = mine(request, pk)
    live, _draft, document = drafted(pipeline)
    found = document.find(id)
    if found is None:
        raise Http404
    if request.method == "POST":
        return _save_part(request, pipeline, id)
    kind, spot, part = found
    form = PartForm(live, document, spot, part, signed_in(request))
    context = {
        "pipeline": pipeline,
        "form": form,
        "part": part,
        "kind": kind,
        "mark": mark_of(part),
        "where": _where(live, document, spot.place),
        "fields": catalogue.merge_fields_for([*document.variables, *live.shared], signed_in(request)),
        "outputs": catalogue.outputs_shown(form.earlier(spot), document.rules_of(spot.place)),
    }
    return render(request, "automation/_part.html", context)


def _where(live: Live, document: Document, place: Any) -> str:
    if place.kind == "stage":
        return live.stages[place.key].name if place.key in live.stages else ""
    return document.sets[place.key].name


def _save_part(request: HttpRequest, pipeline: Pipeline, id: str) -> HttpResponse:
    faults: dict[str, list[str]] = {}
    sent = characters.posted(request.POST)

    def change(document: Document, live: Live) -> None:
        found = document.find(id)
        if found is None:
            raise CannotDo(_("It is not there any more: somebody has removed it meanwhile."))
        seen = sent.get("seen", "")
        if seen and seen != mark_of(found[2]):
            raise CannotDo(_("Somebody else has changed it meanwhile; open it again to see what."))
        faults.update(PartForm(live, document, found[1], found[2], signed_in(request), sent).take())

    try:
        draft = drafts.edit(pipeline, signed_in(request), change)
    except CannotDo as error:
        return refused(str(error))
    saved = drafts.document_of(draft).find(id)
    assert saved is not None
    answer = {"faults": faults, "seen": mark_of(saved[2])}
    return JsonResponse(answer)


def mark_of(part: Any) -> str:
    """Of a part as it is: who saves over another one is told. The same in every process."""
    return hashlib.sha256(part.model_dump_json().encode()).hexdigest()[:16]


@staff_of_ours
@require_GET
def condition_row(request: HttpRequest, pk: int) -> HttpResponse:
    return drawn(request, mine(request, pk))


@staff_of_ours
@require_POST
def matching(request: HttpRequest, pk: int, id: str) -> HttpResponse:
    """How many cards of its stage (a trigger's: of the pipeline) meet the condition as it stands in the panel; empty for none."""
    pipeline = mine(request, pk)
    live, _draft, document = drafted(pipeline)
    found = document.find(id)
    if found is None:
        raise Http404
    form = ConditionForm(characters.posted(request.POST), prefix="if", pipeline=pipeline)
    if not form.is_valid() or not form.stored():
        return JsonResponse({"sentence": ""})
    items = Item.objects.alive().filter(pipeline=pipeline)
    kind, spot, _part = found
    if kind == "rule" and spot.place.kind == STAGE:
        stage = live.stages.get(spot.place.key)
        items = items.filter(stage=stage) if stage is not None else items.none()
    return JsonResponse({"sentence": condition_count.count(items, form.stored(), signed_in(request)).sentence()})


@staff_of_ours
@require_http_methods(["GET", "POST"])
def sample(request: HttpRequest, pk: int, id: str) -> HttpResponse:
    """For the newest card here. GET: what each merge field would be. POST: what the panel's texts would be, and when it would run."""
    pipeline, by = mine(request, pk), signed_in(request)
    live, _draft, document = drafted(pipeline)
    found = document.find(id)
    if found is None:
        raise Http404
    _kind, spot, part = found
    stands = live.stages.get(spot.place.key) if spot.place.kind == STAGE else None
    stage = stands.pk if stands is not None else None
    item = sampling.card_for(pipeline.pk, stage, by)
    if item is None:
        return JsonResponse({"card": "", "values": {}, "texts": {}, "when": ""})
    sent = characters.posted(request.POST) if request.method == "POST" else None
    form = PartForm(live, document, spot, part, by, sent)
    shown = sampling.Sample(item, by, form.earlier(spot))
    if sent is None:
        groups = catalogue.merge_fields_for([*document.variables, *live.shared], by)
        paths = [path for _group, rows in groups for path, _label, _type in rows]
        return JsonResponse({"card": item.title, "values": shown.values(paths)})
    when = ""
    if form.timing is not None and form.timing.is_valid():
        form.columns.is_valid()  # what is wrong elsewhere keeps nobody from the example
        chained = bool(form.columns.cleaned_data.get("after_previous"))
        when = shown.when(Timing.of(form.timing.raw()), chained)
    return JsonResponse({"card": item.title, "texts": shown.texts(form.own), "when": when})
