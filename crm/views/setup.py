"""Pages of the set-up that ask more than a form of the administration can."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm import retiring, rights, slots
from crm.access import staff_of_ours
from crm.models import Forbidden, Stage
from crm.models.pipelines import machine_of
from crm.views.board import number


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
        target = Stage.active.filter(pk=number(request.POST.get("to")) or 0).first()
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
