"""The bell: what colleagues and rules told me."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.ground import clock
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.items.models.items import Item
from crm.notices.models.notifications import Notification
from crm.people.signed_in import signed_in

SHOWN = 100


@staff_of_ours
@require_http_methods(["GET", "POST"])
def bell(request: HttpRequest) -> HttpResponse:
    """The newest notices; POST marks all (or one) as read."""
    mine = Notification.objects.filter(user=signed_in(request))
    if request.method == "POST":
        unread = mine.filter(read_at__isnull=True)
        if request.POST.get("id"):
            unread = unread.filter(pk=id_of(request.POST["id"]) or 0)
        unread.update(read_at=clock.now())
        return redirect("bell")
    notices: list[Any] = list(mine.select_related("item", "sender").order_by("-created_at", "-pk")[:SHOWN])
    seen = Item.objects.visible_to(signed_in(request)).filter(pk__in={notice.item_id for notice in notices})
    known = set(seen.values_list("pk", flat=True))
    # In the recycle bin it has no page, and is no secret.
    told = Item.objects.reached_by(signed_in(request)).filter(pk__in={notice.item_id for notice in notices})
    reached = set(told.values_list("pk", flat=True))
    for notice in notices:
        notice.shows_item = notice.item_id in known
        if notice.item_id and notice.item_id not in reached:  # access was lost since it rang
            notice.text = _("About a card that you do not see.")
    return render(request, "bell/bell.html", {"notices": notices, "nav": "bell"})
