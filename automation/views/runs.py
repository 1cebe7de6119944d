"""What people do with runs on the item page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from automation.engine import control
from automation.models import Run
from crm.ground.access import staff_of_ours
from crm.models import Item, Refused, StageVisit
from crm.people.signed_in import signed_in

VERBS: dict[str, Callable[..., Any]] = {
    "cancel": control.cancel,
    "hold": control.hold,
    "release": control.release,
    "now": control.run_now,
    "again": control.run_again,
}


@staff_of_ours
@require_POST
def run_control(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel, hold, release, run now, run again."""
    run = get_object_or_404(Run.objects.filter(item__in=Item.objects.visible_to(signed_in(request))), pk=pk)
    verb = VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        raise Http404
    try:
        verb(run, request.user)
    except (control.NotNow, Refused) as error:
        messages.error(request, str(error))
    return redirect("item", run.item_id)


@staff_of_ours
@require_POST
def visit_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop all of a stage for this item."""
    visit = get_object_or_404(StageVisit.objects.filter(item__in=Item.objects.visible_to(signed_in(request))), pk=pk)
    stopped = control.stop_all(visit, signed_in(request))
    words = ngettext("%(n)d planned rule was cancelled.", "%(n)d planned rules were cancelled.", stopped)
    messages.success(request, words % {"n": stopped} if stopped else _("Nothing was left to stop."))
    return redirect("item", visit.item_id)


@staff_of_ours
@require_POST
def item_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the automation of an item go on after a flood stopped it."""
    item = get_object_or_404(Item.objects.visible_to(signed_in(request)), pk=pk)
    control.resume_item(item, signed_in(request))
    return redirect("item", pk)
