"""The dialog that makes a deal of a lead."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.board.views.items import visible_item
from crm.ground import characters
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.ground.refused import Refused
from crm.items import converting
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline


@staff_of_ours
@require_http_methods(["GET", "POST"])
def convert(request: HttpRequest, pk: int) -> HttpResponse:
    """Into a new deal of a pipeline, or into one that is there already."""
    user: Any = request.user
    lead = visible_item(request, pk, "move")
    if not converting.is_lead(lead):
        raise Http404
    rows = Pipeline.objects.visible_to(user).exclude(item_type=lead.item_type_id).select_related("item_type")
    pipelines = [pipeline for pipeline in rows if rights.allows(user, machine_of(pipeline.pk), "add")]
    deals, fault = converting.deals_of(lead, user), ""
    if request.method == "POST":
        kind, _colon, chosen = request.POST.get("into", "").partition(":")
        wanted = id_of(chosen)
        pipeline = next((p for p in pipelines if kind == "new" and p.pk == wanted), None)
        deal = next((d for d in deals if kind == "deal" and d.pk == wanted), None)
        try:
            if pipeline is None and deal is None:
                raise Refused(_("Please choose where it goes."))
            title = characters.kept(request.POST.get("title", "")).strip()[:200]
            made = converting.convert(lead, by=user, pipeline=pipeline, title=title, into=deal)
            messages.success(request, _("“%s” goes on here.") % lead.title)
            return redirect("item", made.pk)
        except Refused as refused:
            fault = refused.sentence
    context = {"item": lead, "pipelines": pipelines, "deals": deals, "fault": fault, "nav": "board"}
    return render(request, "items/convert.html", context, status=422 if fault else 200)
