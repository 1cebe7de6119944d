"""The board: columns of cards, the move, what changed since."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm import slots
from crm.board import cards
from crm.board.forms.items import NeedsForm, NewItemForm
from crm.company.models import OwnCompany
from crm.frame.views import pipelines_for
from crm.ground.access import staff_of_ours
from crm.ground.columns.decimals import ExactSum
from crm.ground.ids import id_of
from crm.ground.refused import Gone, Refused
from crm.items.filters import ItemFilter
from crm.items.models.gate import Moved, MoveOptions, NeedsInput, Stale
from crm.items.models.items import Item
from crm.notices.models.notifications import Notification
from crm.people.models import User
from crm.people.signed_in import signed_in
from crm.pipelines import boards, rights
from crm.pipelines.machine import Machine, machine_of
from crm.pipelines.models import BoardVersion, Pipeline, Stage

PAGE = 40


def machine_for(request: HttpRequest, pk: int, version: int | None = None) -> Machine:
    """The pipeline's machine if the person may see it; else 404, as if it were not there."""
    try:
        machine = machine_of(pk, version=version)
    except Pipeline.DoesNotExist:
        raise Http404 from None
    is_removed = machine.pipeline.state == Pipeline.State.REMOVED  # its cards are elsewhere
    if is_removed or not rights.sees(signed_in(request), machine):
        raise Http404
    return machine


def asked(request: HttpRequest, machine: Machine) -> ItemFilter:
    """The filter in the page's address. Raises BadFilter (400)."""
    return ItemFilter.read(request.GET, machine.pipeline)


def seen_items(machine: Machine, user: Any, action: str = "view") -> Any:
    """The pipeline's items that the person's roles reach."""
    return Item.objects.alive().filter(rights.limit(user, machine, action), pipeline=machine.pipeline)


def cards_of(machine: Machine, stage: Stage, shown: ItemFilter, user: Any, offset: int = 0) -> list[Item]:
    """A page of a column's cards and one more, which tells that there are more."""
    rows: Any = Item.objects.alive().filter(rights.limit(user, machine, "view"), stage=stage)
    rows = shown.apply(rows, user)
    rows = rows.select_related("contact", "company", "owner").only(*cards.COLUMNS).order_by(*shown.order)
    return list(rows[offset : offset + PAGE + 1])


def columns(machine: Machine, stages: list[Stage], shown: ItemFilter, user: Any) -> list[dict[str, Any]]:
    """Stages with their first page of cards; marks of all cards in one question."""
    made: list[dict[str, Any]] = []
    for stage in stages:
        found = cards_of(machine, stage, shown, user)
        made.append({"stage": stage, "cards": found[:PAGE], "more": len(found) > PAGE, "next": PAGE})
    cards.decorate(machine, [card for column in made for card in column["cards"]], user)
    return made


def home_pipeline(request: HttpRequest) -> Pipeline | None:
    mine = pipelines_for(signed_in(request))
    return next((p for p in mine if p.is_default), mine[0] if mine else None)


@staff_of_ours
def home(request: HttpRequest) -> HttpResponse:
    pipeline = home_pipeline(request)
    if pipeline is None:
        return render(request, "board/none.html", {"nav": "board"})
    return redirect("board", pipeline.pk)


@staff_of_ours
@require_GET
def board(request: HttpRequest, pk: int) -> HttpResponse:
    machine = machine_for(request, pk)
    shown = asked(request, machine)
    # The version first: a change between the two reads is then sent again, never lost.
    version = boards.version_of(pk)
    context = {
        "columns": columns(machine, machine.ordered(), shown, request.user),
        "version": version,
        "hints": column_hints(machine),
        "allowed": {stage.pk: targets(machine, stage, request.user) for stage in machine.ordered()},
        "new_form": NewItemForm(currency=machine.pipeline.currency),
        **bar(request, machine, shown, "board"),
    }
    return render(request, "board/board.html", context)


def bar(request: HttpRequest, machine: Machine, shown: ItemFilter, layout: str) -> dict[str, Any]:
    """What the bar above board and list shows: the filter in words, the switch between the two."""
    found = links(machine, signed_in(request))
    return {
        "pipeline": machine.pipeline,
        "filter": shown,
        "chips": shown.chips(machine.pipeline),
        "layout": layout,
        "may": {action for action in rights.ACTIONS if rights.allows(signed_in(request), machine, action)},
        "links": found,
        "stage_links": [link for link in found if link.of_stages],
        "nav": "board",
    }


def links(machine: Machine, user: User) -> list[slots.NavLink]:
    return [link for make in slots.board_links if (link := make(machine, user))]


def column_hints(machine: Machine) -> dict[int, str]:
    return {pk: text for hint in slots.column_hints for pk, text in hint(machine).items()}


def targets(machine: Machine, stage: Stage, user: Any) -> str:
    """Stages that a card of this column may be dropped on, for the board to dim the others; the gate decides."""
    moves = rights.allows(user, machine, "move")
    allowed = [
        other.pk
        for other in machine.ordered()
        if (not machine.transitions or other.pk == stage.pk or (stage.pk, other.pk) in machine.transitions)
        and (other.pk == stage.pk or (moves and rights.enters(user, machine, other)))
    ]
    return " ".join(map(str, allowed))


def changed(request: HttpRequest, machine: Machine, since: int, more: dict[str, Any] | None = None) -> HttpResponse:
    """Every column newer than the client's version, to be morphed in; `more` is for the toast of a move."""
    version, newer = boards.newer_columns(machine.pipeline.pk, since)
    stages = [stage for stage in machine.ordered() if stage.pk in newer]
    shown = asked(request, machine)
    context = {
        **(more or {}),
        "pipeline": machine.pipeline,
        "columns": columns(machine, stages, shown, request.user),
        "version": version,
        "oob": True,
        "filter": shown,
        "hints": column_hints(machine),
        "allowed": {stage.pk: targets(machine, stage, request.user) for stage in stages},
        "may": {"add"} if rights.allows(signed_in(request), machine, "add") else (),
        "stage_links": [link for link in links(machine, signed_in(request)) if link.of_stages],
    }
    return render(request, "board/_changed.html", context)


@staff_of_ours
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """What polling asks every two seconds: 204, or the newer columns. The bell's count travels along."""
    since = id_of(request.GET.get("v")) or 0
    # One question, each two seconds of every open board: both versions, and what the bell shows.
    rows = BoardVersion.objects.filter(pipeline=pk).order_by()
    found = rows.values_list("version", "pipeline__machine_version", Notification.unread_of(request.user.pk)).first()
    if found is None:
        raise Http404
    version, compiled, count = found
    machine = machine_for(request, pk, compiled)
    answer = HttpResponse(status=204) if version == since else changed(request, machine, since)
    answer["X-Unread"] = str(count)
    return answer


@staff_of_ours
@require_GET
def totals(request: HttpRequest, pk: int) -> HttpResponse:
    """Counts and sums of the column headers: over the whole stage, from one index, off the path of a drag."""
    machine = machine_for(request, pk)
    rows = asked(request, machine).apply(seen_items(machine, signed_in(request)), signed_in(request))
    weighted = request.GET.get("show") == "weighted"
    figures: dict[str, Any] = {"count": Count("pk"), "sum": ExactSum("amount"), "base": ExactSum("base_amount")}
    figures |= {"amounts": Count("amount"), "known": Count("base_amount")}
    # Weighted here, one sum a probability: SQL on SQLite would multiply floats.
    chance = Coalesce(F("probability"), F("stage__probability")) if weighted else Value(100)
    by_stage: dict[int, dict[str, Any]] = {
        stage.pk: {"stage": stage, "count": 0, "base": Decimal(0), "sums": {}, "whole": True}
        for stage in machine.ordered()
    }
    for row in rows.order_by().annotate(chance=chance).values("stage_id", "currency", "chance").annotate(**figures):
        entry = by_stage.get(row["stage_id"])
        if entry is not None:
            share = Decimal(row["chance"] or 0) / 100
            entry["count"] += row["count"]
            entry["base"] += (row["base"] or Decimal(0)) * share
            entry["whole"] = entry["whole"] and row["amounts"] == row["known"]
            if row["sum"]:
                entry["sums"][row["currency"]] = entry["sums"].get(row["currency"], Decimal(0)) + row["sum"] * share
    for entry in by_stage.values():
        entry["sums"] = [(total, currency) for currency, total in entry["sums"].items() if total]
    with_profit = cards.shows_profit(machine, request.user)
    if with_profit:
        for row in rows.order_by().values("stage_id").annotate(profit=ExactSum("profit__base_amount")):
            if row["stage_id"] in by_stage:
                by_stage[row["stage_id"]]["profit"] = row["profit"]
    several = any(len(entry["sums"]) > 1 for entry in by_stage.values())
    own = OwnCompany.first() if several or with_profit else None
    context = {
        "totals": by_stage.values(),
        "pipeline": machine.pipeline,
        "base": own.currency if own else machine.pipeline.currency,
        "with_profit": with_profit,
    }
    return render(request, "board/_totals.html", context)


@staff_of_ours
@require_GET
def column(request: HttpRequest, stage: int) -> HttpResponse:
    """The next page of a column."""
    shown = Stage.active.filter(pk=stage).first()
    if shown is None:
        raise Http404
    machine = machine_for(request, shown.pipeline_id)
    offset = max(0, id_of(request.GET.get("from")) or 0)
    filtered = asked(request, machine)
    found = cards_of(machine, shown, filtered, request.user, offset)
    cards.decorate(machine, found[:PAGE], request.user)
    context = {
        "column": {"stage": shown, "cards": found[:PAGE], "more": len(found) > PAGE, "next": offset + PAGE},
        "pipeline": machine.pipeline,
        "filter": filtered,
    }
    return render(request, "board/_page.html", context)


@staff_of_ours
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """One card to one stage; answers as the gate does: 200, 403, 409, 410 or 422, each with words."""
    post = request.POST
    # Known by its id alone: the gate reads it under its lock and answers for one that is gone.
    item = Item(pk=id_of(post.get("id")) or 0, pipeline_id=pk)
    stage = Stage(pk=id_of(post.get("to")), pipeline_id=pk)
    since = id_of(post.get("v")) or 0
    try:
        moved = make_move(request, item, stage)
    except Pipeline.DoesNotExist:
        raise Http404 from None
    except NeedsInput as needs:
        return ask(request, needs)
    except Refused as refused:
        fresh = None
        if isinstance(refused, Stale):
            fresh = changed(request, machine_for(request, pk), since)
        return refusal(request, refused.sentence, refused.status, fresh)
    machine = moved.machine or machine_for(request, pk)
    return changed(request, machine, since, told(machine, stage.pk, [moved]))


def told(machine: Machine, stage_id: int, moves: list[Moved], faults: Sequence[str] = ()) -> dict[str, Any]:
    """What the toast after a move says and offers; nothing for a card that only changed its place."""
    visits = [moved.visit for moved in moves if moved.visit is not None]
    return {
        "moved_visits": visits,
        "moved_faults": faults,
        "moved_to": machine.stages.get(stage_id),
        "moved_hint": column_hints(machine).get(stage_id),
        "undo_seconds": machine.pipeline.undo_seconds if any(visit.undo_until for visit in visits) else 0,
    }


def make_move(request: HttpRequest, item: Item, stage: Stage) -> Any:
    """The gate, with what the dialog asked for. Raises Refused."""
    post = request.POST
    fields: dict[str, Any] = {}
    reason, note = None, ""
    if post.get("asked"):
        names = [name for name in post["asked"].split(",") if name]
        seen = Item.objects.visible_to(signed_in(request)).select_related("stage")
        item = seen.filter(pk=item.pk).first() or item
        if item.stage_id is None:
            raise Gone(_("This item was deleted."))
        target = Stage.objects.filter(pk=stage.pk).first()
        known = {*(target.needed_to_enter if target else ()), *item.stage.needed_to_leave}
        needs_reason = "lost_reason" in names
        names = [name for name in names if name in known]
        form = NeedsForm(item, stage, names, needs_reason, post, user=signed_in(request))
        if not form.is_valid():
            needs = NeedsInput(item, stage, names, needs_reason)
            told: Any = needs
            told.form = form
            raise needs
        fields = form.values()
        reason, note = form.cleaned_data.get("lost_reason"), form.cleaned_data.get("lost_note", "")
    return item.move_to(
        stage,
        MoveOptions(
            by=signed_in(request),
            version=id_of(post.get("version")),
            seen=id_of(post.get("seen")),
            key=(post.get("key") or "")[:80] or None,
            before=id_of(post.get("before")),
            fields=fields,
            reason=reason,
            note=note,
            undoable=True,
        ),
    )


def asked_for(request: HttpRequest, needs: NeedsInput) -> dict[str, Any]:
    """What is missing as a form, with what was typed into it."""
    what = (needs.item, needs.stage, needs.missing, needs.needs_reason)
    form = getattr(needs, "form", None) or NeedsForm(*what, user=signed_in(request))
    asked = ",".join([*needs.missing, *(["lost_reason"] if needs.needs_reason else [])])
    return {"form": form, "stage": needs.stage, "item": needs.item, "asked": asked}


def ask(request: HttpRequest, needs: NeedsInput) -> HttpResponse:
    """422: the dialog with what is missing; what was typed stands in it."""
    answer = render(request, "board/_needs.html", asked_for(request, needs), status=422)
    answer["X-Needs"] = "1"
    return answer


def refusal(request: HttpRequest, sentence: str, status: int, fresh: HttpResponse | None = None) -> HttpResponse:
    """A toast in words; with it the columns as they really are, where the page was behind."""
    answer = render(request, "board/_refused.html", {"sentence": sentence}, status=status)
    if fresh is not None:
        answer.content += fresh.content
    return answer


@staff_of_ours
@require_POST
def new(request: HttpRequest, pk: int) -> HttpResponse:
    machine = machine_for(request, pk)
    form = NewItemForm(request.POST, currency=machine.pipeline.currency)
    stage = machine.stages.get(id_of(request.POST.get("stage")) or 0) or machine.first_open()
    if not form.is_valid():
        return render(
            request, "board/_new.html", {"new_form": form, "pipeline": machine.pipeline, "stage": stage}, status=422
        )
    data = form.cleaned_data
    user: Any = request.user
    try:
        with transaction.atomic():
            found = form.found(user)
            links = found.links() if found else {}
            item = Item.create(machine.pipeline, data["title"], stage=stage, by=user, amount=data["amount"], **links)
            if found is not None:
                found.settle(item)
    except Refused as refused:
        form.add_error(None, refused.sentence)
        context = {"new_form": form, "pipeline": machine.pipeline, "stage": stage}
        return render(request, "board/_new.html", context, status=422)
    answer = HttpResponse(status=204)
    answer["X-Created"] = str(item.pk)
    return answer
