"""The recycle bin: what was deleted in the last 30 days, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.board.recycle_bin import KEPT_DAYS
from crm.ground.access import staff_of_ours
from crm.ground.refused import Refused
from crm.items.models.items import Item
from crm.people.signed_in import signed_in

PAGE = 50


@staff_of_ours
@require_GET
def recycle_bin(request: HttpRequest) -> HttpResponse:
    rows = Item.objects.deleted_for(signed_in(request)).select_related(
        "stage", "pipeline", "contact", "company", "owner"
    )
    page = Paginator(rows.order_by("-deleted_at"), PAGE).get_page(request.GET.get("page"))
    return render(request, "people/bin.html", {"page": page, "days": KEPT_DAYS, "nav": "bin"})


@staff_of_ours
@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    item = get_object_or_404(Item.objects.deleted_for(signed_in(request)), pk=pk)
    try:
        item.restore(by=signed_in(request))
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("bin")
    messages.success(request, _("“%s” is back.") % item.title)
    return redirect("item", pk)
