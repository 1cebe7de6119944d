"""Pages of the set-up that ask more than a form of the administration can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm import slots
from crm.ground.access import administrators_only, staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Forbidden
from crm.items import archiving, retiring
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline, Stage

if TYPE_CHECKING:
    from crm.people.models import User


@staff_of_ours
@require_http_methods(["GET", "POST"])
def retire_stage(request: HttpRequest, pk: int) -> HttpResponse:
    """What uses the stage, where it goes, and whether rules run for the cards that move (they do not, unless asked)."""
    user: Any = request.user
    stage = Stage.active.filter(pk=pk).select_related("pipeline").first()
    if stage is None:
        raise Http404
    machine = machine_of(stage.pipeline_id)
    if not rights.sees(user, machine):
        raise Http404
    if not rights.configures(user, machine):
        raise Forbidden(rights.REFUSALS["configure"])
    fault = ""
    if request.method == "POST":
        target = Stage.active.filter(pk=id_of(request.POST.get("to")) or 0).first()
        try:
            if target is None:
                raise retiring.CannotRetire(_("Please choose a stage."))
            retiring.retire(stage, target, by=user, start_rules=request.POST.get("rules") == "1")
        except retiring.CannotRetire as refused:
            fault = str(refused)
        else:
            messages.success(request, _("“%s” goes as soon as its cards have moved.") % stage.name)
            return redirect(reverse("admin:crm_pipeline_change", args=[stage.pipeline_id]))
    context = {
        "stage": stage,
        "uses": retiring.uses_of(stage),
        "targets": retiring.targets_of(stage),
        "hints": {pk: text for hint in slots.column_hints for pk, text in hint(machine).items()},
        "fault": fault,
        "nav": "board",
    }
    return render(request, "setup/retire_stage.html", context, status=422 if fault else 200)


@administrators_only
@require_http_methods(["GET", "POST"])
def end_pipeline(request: HttpRequest, pk: int) -> HttpResponse:
    """What uses the pipeline, and three ways: archive it, take it into use again, remove it into another one.

    `into`: the pipeline whose stages are offered; chosen first, so that the page works without scripts.
    """
    pipeline = (
        Pipeline.objects.exclude(state__in=(Pipeline.State.REMOVED, Pipeline.State.REMOVING)).filter(pk=pk).first()
    )
    if pipeline is None:
        raise Http404
    targets = archiving.targets_of(pipeline)
    chosen = id_of((request.POST or request.GET).get("into"))
    target = next((other for other in targets if other.pk == chosen), None)
    fault = ""
    if request.method == "POST":
        try:
            messages.success(request, _ended(request, pipeline, target))
        except archiving.CannotArchive as refused:
            fault = str(refused)
        else:
            return redirect(reverse("admin:crm_pipeline_changelist"))
    context = {
        "pipeline": pipeline,
        "uses": archiving.uses_of(pipeline),
        "targets": targets,
        "target": target,
        "pairs": archiving.likely_stages(pipeline, target) if target is not None else {},
        "there": Stage.active.filter(pipeline=target) if target is not None else [],
        "fault": fault,
        "nav": "board",
    }
    return render(request, "setup/end_pipeline.html", context, status=422 if fault else 200)


def _ended(request: HttpRequest, pipeline: Pipeline, target: Pipeline | None) -> str:
    """Does what was asked for and says it. Raises CannotArchive."""
    way, user = request.POST.get("way", ""), cast("User", request.user)
    if way == "archive":
        archiving.archive(pipeline)
        return _("“%s” is archived.") % pipeline.name
    if way == "restore":
        archiving.restore(pipeline)
        return _("“%s” is in use again.") % pipeline.name
    if way != "remove" or target is None:
        raise archiving.CannotArchive(_("Please choose where its cards go."))
    pairs = (
        (stage.pk, id_of(request.POST.get(f"stage-{stage.pk}"))) for stage in Stage.active.filter(pipeline=pipeline)
    )
    stages = {stage: to for stage, to in pairs if to is not None}
    archiving.remove(pipeline, target, stages, by=user, start_rules=request.POST.get("rules") == "1")
    return _("“%s” goes as soon as its cards have moved.") % pipeline.name
