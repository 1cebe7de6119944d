"""The designer: a pipeline's automation as a board of rules, edited in its draft, checked, published, taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from automation.cards import columns_of
from automation.checking import ERROR, Finding
from automation.document import Document, Fault, Faulty
from automation.publishing import doors, drafts
from automation.publishing.comparing import compare
from automation.publishing.models import Draft, RuleRevision
from automation.publishing.operations import OPERATIONS, CannotDo, add
from automation.publishing.references import type_of
from automation.publishing.rows import Live, read
from automation.publishing.steps import CannotUndo
from automation.publishing.words import Words
from automation.views.figures import figures_of
from crm.ground import characters
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.shown import beside
from crm.models import Pipeline
from crm.people.signed_in import signed_in


def pipeline_of(request: HttpRequest, pk: int) -> Pipeline:
    found: Pipeline = get_object_or_404(Pipeline.objects.visible_to(request.user), pk=pk)
    return found


def mine(request: HttpRequest, pk: int) -> Pipeline:
    found: Pipeline = get_object_or_404(Pipeline.objects.configured_by(signed_in(request)), pk=pk)
    return found


def drafted(pipeline: Pipeline) -> tuple[Live, Draft | None, Document]:
    live, draft = read(pipeline), drafts.draft_of(pipeline)
    return live, draft, drafts.document_of(draft) if draft is not None else live.document


def _context(request: HttpRequest, pipeline: Pipeline) -> dict[str, Any]:
    live, draft, document = drafted(pipeline)
    may = configures(request, pipeline)
    if not may:  # what a colleague has not published is no news yet
        draft, document = None, live.document
    changes = len(compare(live.document, document)) if draft is not None else 0
    placed = [row for rows in (live.rules, live.triggers) for row in rows.values() if not row.retired]
    return {
        "pipeline": pipeline,
        "columns": columns_of(live, document),
        "draft": draft,
        "changes": changes,
        "live_now": sum(row.is_enabled for row in placed),
        "version": live.number,
        "may": may,
        "nav": "automation",
    }


def configures(request: HttpRequest, pipeline: Pipeline) -> bool:
    by = signed_in(request)
    return by.is_superuser or Pipeline.objects.configured_by(by).filter(pk=pipeline.pk).exists()


@staff_of_ours
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first pipeline that the person sets up, else sees; where there is none yet, administrators learn how to make one."""
    mine = Pipeline.objects.configured_by(signed_in(request)).in_use().first()
    found = mine or Pipeline.objects.visible_to(request.user).in_use().first()
    if found is None and not request.user.is_superuser:
        raise Http404
    return redirect("designer", found.pk) if found is not None else redirect("home")


@staff_of_ours
@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever sees the pipeline sees its automation; who sets it up edits it."""
    pipeline = pipeline_of(request, pk)
    if request.headers.get("HX-Request"):
        return board(request, pipeline)
    context = _context(request, pipeline) | {"open": request.GET.get("open", "")[:60]}
    return render(request, "automation/designer.html", context)


def board(request: HttpRequest, pipeline: Pipeline, opened: str = "") -> HttpResponse:
    answer = render(request, "automation/_designer.html", _context(request, pipeline))
    if opened:
        answer["X-Opened"] = opened
    return answer


def refused(sentence: str, status: int = 409) -> HttpResponse:
    return JsonResponse({"sentence": sentence}, status=status)


@staff_of_ours
@require_POST
def operate(request: HttpRequest, pk: int) -> HttpResponse:
    """One gesture; answers with the board as it is now. 409: why it cannot be done."""
    pipeline = mine(request, pk)
    operation = OPERATIONS.get(request.POST.get("do", ""))
    if operation is None:
        raise Http404
    sent = characters.posted(request.POST)
    asked: dict[str, Any] = {name: str(value)[:200] for name, value in sent.items()}
    asked |= {"ids": sent.getlist("ids")[:500], "by": signed_in(request)}
    made: list[str] = []
    try:
        drafts.edit(pipeline, signed_in(request), lambda document, live: made.extend(operation(document, live, asked)))
    except CannotDo as error:
        return refused(str(error))
    return board(request, pipeline, made[0] if made and asked["do"] in ("add", "copy") else "")


@staff_of_ours
@require_POST
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """From the catalogue's own page: one of a type is added to the draft, and the designer opens on it."""
    pipeline, made = mine(request, pk), []
    kind, _colon, rest = characters.posted(request.POST).get("what", "")[:200].partition(":")
    key, _colon, where = rest.partition(":")
    asked = {"kind": kind, "type": key, "place": where}
    try:
        drafts.edit(pipeline, signed_in(request), lambda document, live: made.extend(add(document, live, asked)))
    except CannotDo as error:
        messages.error(request, str(error))
        return redirect("catalogue", pk)
    return redirect(f"{reverse('designer', args=[pk])}?open={made[0]}")


@staff_of_ours
@require_POST
def step(request: HttpRequest, pk: int, way: str) -> HttpResponse:
    """undo or redo, of one's own steps."""
    pipeline = mine(request, pk)
    try:
        drafts.undo(pipeline, signed_in(request), again=way == "redo")
    except CannotUndo as error:
        return refused(str(error))
    return board(request, pipeline)


@staff_of_ours
@require_POST
def turn(request: HttpRequest, pk: int, id: str) -> HttpResponse:
    """On or off, at once; a new one's switch is in the draft. 412 with the number of planned runs, unless *sure*."""
    pipeline, on = mine(request, pk), request.POST.get("on") == "1"
    live, _draft, document = drafted(pipeline)
    row: Any = live.rules.get(id) or live.triggers.get(id)
    if row is None or row.retired:
        found = document.find(id)
        if found is None:
            return refused(_("It is not there any more: somebody has removed it meanwhile."))
        drafts.edit(pipeline, signed_in(request), lambda fresh, _live: _set_switch(fresh, id, on))
        return board(request, pipeline)
    planned = doors.planned(row)
    if not on and planned and not request.POST.get("sure"):
        return refused(_("%d planned runs will be cancelled.") % planned, 412)
    try:
        doors.switch(row, on, signed_in(request))
    except Faulty as faulty:
        return refused(" ".join(fault.sentence for fault in faulty.faults))
    return board(request, pipeline)


def _set_switch(document: Document, id: str, on: bool) -> None:
    found = document.find(id)
    if found is not None:
        found[2].is_enabled = on


# ---------------------------------------------------------------------- checks, going live


@staff_of_ours
@require_GET
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """What takes longer than the page may: figures of the last day by id, and what is wrong with the draft."""
    pipeline = pipeline_of(request, pk)
    live, _draft, document = drafted(pipeline)
    found: list[Fault] = []
    # Whoever only sees it could mend nothing, and is told nothing of drafts and channels.
    if configures(request, pipeline):
        by = signed_in(request)
        found = [*drafts.faults_of(live, document, by), *drafts.advice_on(live, document, by)]
    ids = {part.id: part for _kind, _spot, part in document.placed()}
    return JsonResponse({"figures": figures_of(live), "findings": [_told(ids, one) for one in found]})


def _told(parts: dict[str, Any], found: Fault) -> dict[str, str]:
    """A fault or finding with the id and name of what it is about, or the stage where it stands; a form's with its field."""
    steps = found.place.split(".")
    id = next((step for step in steps[2:] if step in parts), "")
    part, sentence = parts.get(id), found.sentence
    kind = type_of(part) if part is not None and steps[-2:-1] == ["settings"] else None
    label = kind.Settings.base_fields[steps[-1]].label if kind and steps[-1] in kind.Settings.base_fields else ""
    if label and not isinstance(found, Finding):
        sentence = beside(str(label).capitalize(), sentence)
    told = {"id": id, "name": part.name if part else "", "sentence": sentence, "place": found.place, "level": ERROR}
    told |= {"column": f"{steps[0][:-1]}-{steps[1]}" if steps[0] in ("stages", "sets") and len(steps) > 1 else ""}
    if isinstance(found, Finding):
        told |= {"level": found.level, "check": found.check, "fix": found.fix_label}
    return told


@staff_of_ours
def publication(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: what would change, in words, and what is in the way. POST: it goes live."""
    pipeline, by = mine(request, pk), signed_in(request)
    live, draft, document = drafted(pipeline)
    faults, conflict = drafts.faults_of(live, document, by), ""
    if request.method == "POST" and draft is not None:
        sent = characters.posted(request.POST)
        told = {name: sent.get(name, "")[:length] for name, length in (("name", 80), ("note", 2000))}
        decisions = {name[4:]: str(value) for name, value in sent.items() if name.startswith("run-")}
        decisions = {id: value for id, value in decisions.items() if value in RuleRevision.Decision}
        own = sent.get("only_mine") == "1"
        try:
            revision = id_of(sent.get("revision")) or 0
            drafts.publish_draft(pipeline, by, revision, only_mine=own, decisions=decisions, **told)
        except Faulty as faulty:
            faults = faulty.faults
        except (drafts.Conflict, drafts.Outdated) as error:
            conflict = str(error)
        else:
            return board(request, pipeline)
    lines = (
        Words(pipeline, live.document, document).lines(compare(live.document, document)) if draft is not None else []
    )
    waiting = figures_of(live)
    ids = {part.id: part for _kind, _spot, part in document.placed()}
    context = {
        "pipeline": pipeline,
        "draft": draft,
        "lines": [(line, waiting.get(line.change.id, {}).get("waiting", 0)) for line in lines],
        "others": bool(draft and any(person != by.pk for person in draft.authors.values())),
        "faults": [_told(ids, fault) for fault in faults],
        "advice": [_told(ids, one) for one in drafts.advice_on(live, document, by)],
        "conflict": conflict,
        "by": by,
    }
    answer = render(request, "automation/_publish.html", context)
    answer.status_code = 422 if request.method == "POST" else 200
    return answer


@staff_of_ours
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    pipeline = mine(request, pk)
    drafts.discard(pipeline)
    return board(request, pipeline)
