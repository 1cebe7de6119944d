"""Why can Jan see this? Who may do what with an item, and by which role; for administrators."""

from __future__ import annotations

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from crm.board.views.items import visible_item
from crm.ground.access import administrators_only
from crm.ground.ids import id_of
from crm.people.models import User
from crm.pipelines import rights
from crm.pipelines.machine import machine_of


@administrators_only
@require_GET
def item_rights(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody who sees the item; with `user` in the address, why that person may or may not do each thing."""
    item = visible_item(request, pk)
    machine = machine_of(item.pipeline_id)
    prefetch_related_objects([item], "observers")
    people = list(User.objects.select_related("department").order_by("name"))
    asked = next((person for person in people if person.pk == id_of(request.GET.get("user"))), None)
    rows = [
        {"person": person, "may": rights.allowed(person, machine, item)}
        for person in people
        if rights.allows(person, machine, "view", item)
    ]
    context = {
        "item": item,
        "people": people,
        "rows": rows,
        "actions": rights.ACTION_NAMES.items(),
        "asked": asked,
        "reasons": rights.reasons(asked, machine, item) if asked else [],
        "nav": "board",
    }
    return render(request, "items/rights.html", context)
