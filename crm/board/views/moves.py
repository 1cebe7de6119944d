"""Moves of several cards, to other pipelines, and what follows a move: undo, send now, tidy up."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from crm.board.views import board
from crm.frame.views import pipelines_for
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Refused
from crm.ground.shown import beside
from crm.items.models import undo as undoing
from crm.items.models.gate import Moved, MoveOptions
from crm.items.models.items import Item
from crm.items.models.visits import StageVisit
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.pipelines.machine import Machine, machine_of
from crm.pipelines.models import Stage
from crm.work import lanes

MOST = 200  # cards that are moved together, and visits that one undo takes back


def _ids(request: HttpRequest, name: str) -> list[int]:
    found = [id_of(text) for text in request.POST.getlist(name)[:MOST]]
    return [pk for pk in found if pk is not None and pk > 0]


def _visits(request: HttpRequest) -> list[StageVisit]:
    """The visits named in the request, newest first, of items that the person may see. Raises Http404."""
    ids = _ids(request, "visit")
    seen = Item.objects.visible_to(signed_in(request))
    visits = list(StageVisit.objects.filter(pk__in=ids, item__in=seen).select_related("item").order_by("-pk"))
    if not visits:
        raise Http404
    return visits


def items_of(request: HttpRequest, machine: Machine) -> list[Item]:
    """The ticked cards of a pipeline, in the order in which they were sent."""
    ids = _ids(request, "id")
    rows = Item.objects.visible_to(signed_in(request)).filter(pipeline=machine.pipeline)
    found = rows.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def without_rules(request: HttpRequest, machine: Machine) -> bool:
    """Moving without rules is for those who set the pipeline up; others' wish is not heard."""
    return request.POST.get("rules") == "0" and rights.configures(signed_in(request), machine)


@staff_of_ours
@require_POST
def move_many(request: HttpRequest, pk: int) -> HttpResponse:
    """Several cards to one stage: each passes the gate by itself; one undo takes back all that moved."""
    machine = board.machine_for(request, pk)
    stage = machine.stages.get(id_of(request.POST.get("to")) or 0)
    if stage is None:
        return board.refusal(request, _("This stage does not exist any more."), 410)
    moves, faults = move_all(request, items_of(request, machine), stage)
    since = id_of(request.POST.get("v")) or 0
    answer = board.changed(request, machine, since, board.told(machine, stage.pk, moves, faults))
    answer.status_code = 200 if moves else 409
    return answer


def move_all(request: HttpRequest, items: list[Item], stage: Stage) -> tuple[list[Moved], list[str]]:
    """Returns what moved, and a sentence for each card that did not."""
    moves, faults = [], []
    with lanes.within(lanes.BULK if len(items) > lanes.MANY else lanes.current()):
        for item in items:
            if item.stage_id == stage.pk:
                continue
            try:
                start = not without_rules(request, machine_of(item.pipeline_id))
                moves.append(item.move_to(stage, MoveOptions(by=signed_in(request), undoable=True, start_rules=start)))
            except Refused as refused:
                faults.append(beside(item.title, refused.sentence))
    return moves, faults


@staff_of_ours
@require_http_methods(["GET", "POST"])
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """To another pipeline of the same type: a dialog that asks which stage, and the move."""
    item = Item.objects.visible_to(signed_in(request)).select_related("pipeline").filter(pk=pk).first()
    if item is None:
        raise Http404
    others = [
        p for p in pipelines_for(signed_in(request)) if p.item_type_id == item.item_type_id and p.pk != item.pipeline_id
    ]
    stages = Stage.active.filter(pipeline__in=others).select_related("pipeline").order_by("pipeline__order", "order")
    context = {"item": item, "stages": stages}
    if request.method == "POST":
        stage = stages.filter(pk=id_of(request.POST.get("to")) or 0).first()
        try:
            if stage is None:
                raise Refused(_("Please choose a stage."))
            item.transfer(stage, by=signed_in(request))
            return HttpResponse(status=204)
        except Refused as refused:
            return render(request, "board/_transfer.html", {**context, "fault": refused.sentence}, status=422)
    return render(request, "board/_transfer.html", context)


@staff_of_ours
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back one move or several that were made together; each answers for itself."""
    done, faults, left = [], [], []
    for visit in _visits(request):
        try:
            undoing.undo(visit, by=signed_in(request))
            done.append(visit)
            left += [name for rows in undoing.left_behind(visit).values() for name in rows]
        except Refused as refused:
            faults.append(refused.sentence)
    context = {"done": done, "faults": faults, "left": left}
    return render(request, "board/_undone.html", context, status=200 if done else 409)


@staff_of_ours
@require_POST
def send_now(request: HttpRequest) -> HttpResponse:
    try:
        count = sum(undoing.send_now(visit, by=signed_in(request)) for visit in _visits(request))
    except Refused as refused:
        return board.refusal(request, refused.sentence, refused.status)
    words = ngettext("%(n)d message is on its way.", "%(n)d messages are on their way.", count) % {"n": count}
    return render(request, "_toast.html", {"title": words if count else _("No message waits any more.")})


@staff_of_ours
@require_POST
def tidy(request: HttpRequest) -> HttpResponse:
    """Remove what rules did inside the house for moves that were taken back."""
    try:
        count = sum(undoing.remove_left_behind(visit, by=signed_in(request)) for visit in _visits(request))
    except Refused as refused:
        return board.refusal(request, refused.sentence, refused.status)
    words = ngettext("%(n)d task or note was removed.", "%(n)d tasks and notes were removed.", count)
    return render(request, "_toast.html", {"title": words % {"n": count}})
