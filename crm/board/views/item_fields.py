"""One field of an item, edited where it stands; who edits a field that somebody else has changed sees both values."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.board.forms.items import COLUMNS, cleaned_for_item, described, field_for, initial_for
from crm.board.views.items import visible_item
from crm.events.models import Event
from crm.events.record import plain
from crm.ground.access import staff_of_ours
from crm.ground.refused import Refused
from crm.items.models.items import Item
from crm.people.signed_in import signed_in


class OneField(forms.Form):
    """The field under the name "value", and the value that the person saw, as JSON text."""

    was = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, item: Item, name: str, data: Any = None, *, user: Any) -> None:
        super().__init__(data, auto_id=f"one_{name.replace('.', '_')}_%s")
        self.fields["value"] = field_for(item, name, name in ("title", "currency"), user)
        self.fields["value"].initial = initial_for(item, name)
        self.fields["was"].initial = seen_value(item, name)


def seen_value(item: Item, name: str) -> str:
    return json.dumps(plain(item.value_of(name)))


@staff_of_ours
@require_http_methods(["GET", "POST"])
def field(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """GET: the field's form. POST: saved (200), wrong (422: error, typed text kept), changed meanwhile (409: both)."""
    item = visible_item(request, pk, "view" if request.GET.get("show") else "edit")
    if name not in COLUMNS and not name.startswith("custom."):
        raise Http404
    try:
        form = OneField(item, name, request.POST or None, user=request.user)
    except ValidationError:
        raise Http404 from None
    context: dict[str, Any] = {"item": item, "name": name, "form": form}
    if request.method == "GET":
        if request.GET.get("show"):
            return _shown(request, item, name)
        return render(request, "items/_field.html", context)
    if not form.is_valid():
        return render(request, "items/_field.html", context, status=422)
    theirs = seen_value(item, name)
    if form.cleaned_data["was"] != theirs and not request.POST.get("mine"):
        context |= {"theirs": item.value_of(name), "who": _who_changed(item, name), "now": theirs}
        return render(request, "items/_field.html", context, status=409)
    try:
        item.change(cleaned_for_item(item, {name: form.cleaned_data["value"]}), by=signed_in(request))
    except Refused as refused:
        form.add_error("value", refused.sentence)
        return render(request, "items/_field.html", context, status=422)
    if not Item.objects.visible_to(signed_in(request)).filter(pk=pk).exists():
        # Given to somebody whose cards the person does not see.
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("board", args=[item.pipeline_id])})
    return _shown(request, visible_item(request, pk), name)


def _shown(request: HttpRequest, item: Item, name: str) -> HttpResponse:
    shown = described(item, name)
    context = {"item": item, "name": name, "label": shown.label, "value": item.value_of(name)}
    context |= {"described": shown, "may": {"edit"}}
    return render(request, "items/_value.html", context)


def _who_changed(item: Item, name: str) -> str:
    """Who last changed this field, in the timeline's words."""
    for event in Event.objects.filter(item=item, kind="field.changed").order_by("-pk").select_related("actor")[:20]:
        if name in event.data("changes", {}):
            return event.who()
    return _("somebody")
