"""The card's tab of products: lines with their taxes, and the total that becomes the amount."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from crm import slots
from crm.board.forms.lines import LinesForm
from crm.board.views.items import page_context, visible_item
from crm.ground.access import staff_of_ours
from crm.ground.refused import Forbidden, Gone, Refused
from crm.items.listing import replace_lines
from crm.items.models.gate import Stale
from crm.items.models.items import Item
from crm.items.models.lines import Product, Totals
from crm.items.models.profit import margin_of, profit_of
from crm.people.signed_in import signed_in
from crm.pipelines.roles import sees_profit
from crm.slots import ItemTab


def tab(item: Item, user: Any, form: LinesForm | None = None) -> ItemTab:
    """`form`: open for editing; without it the editor comes when somebody asks for it."""
    lines: list[Any] = list(item.lines.all())
    context = {"lines": lines, "totals": Totals.of(lines, item.currency), "form": form}
    for line in lines:
        line.total = line.amount(item.currency)
    # Nobody's right is asked where no cost price is known.
    if any(line.cost is not None for line in lines) and sees_profit(user):
        context |= {"with_profit": True, "profit": profit_of(item)}
        for line in lines:
            costs, net = line.costs(item.currency), line.net(item.currency)
            line.earned = None if costs is None else net - costs
            line.margin = None if costs is None else margin_of(net - costs, net)
    return ItemTab("lines", str(_("Products")), "items/_lines.html", context, count=len(lines) or None)


@staff_of_ours
@require_http_methods(["GET", "POST"])
def lines(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the editor, without scripts on its card. POST: all lines at once; wrong input: the card again with what was
    typed and an error at each field."""
    item = visible_item(request, pk, "edit")
    if request.method == "GET":
        form = LinesForm(item, signed_in(request))
        if request.headers.get("HX-Request"):
            return render(request, "items/_lines_form.html", {"item": item, "form": form})
        shown = page_context(request, item, tabs={"lines": tab(item, request.user, form)})
        return render(request, "items/item.html", shown)
    form = LinesForm(item, signed_in(request), request.POST)
    if form.is_valid():
        try:
            fresh = replace_lines(
                item, form.lines(), by=signed_in(request), known=form.sent, costs_said=form.with_costs
            )
            for sentence in filter(None, (say(fresh) for say in slots.lines_changed)):
                messages.warning(request, sentence)
            return redirect("item", pk)
        except (Forbidden, Gone):
            raise
        except Stale:
            item = visible_item(request, pk, "edit")
            form = LinesForm(item, signed_in(request), request.POST)
            form.is_stale()
        except Refused as refused:  # too large, or below zero: what was typed stays
            form.fault = str(refused)
    context = page_context(request, item, tabs={"lines": tab(item, request.user, form)})
    return render(request, "items/item.html", context, status=422)


@staff_of_ours
@require_GET
def products(request: HttpRequest) -> HttpResponse:
    """For the name's list: products that are sold now, by a part of name or code, in the item's currency first."""
    user = signed_in(request)
    rows = Product.objects.visible_to(user).filter(is_active=True).select_related("tax")
    text = request.GET.get("q", "").strip()
    found = (rows.found(text) if text else rows).order_by("search_key")[:30]
    return JsonResponse(
        {
            "products": [
                {
                    "id": row.pk,
                    "name": row.name,
                    "code": row.code,
                    "unit": row.unit,
                    "price": str(row.price.normalize() + 0),
                    "currency": row.currency,
                    "tax": row.tax.name if row.tax else "",
                    **({"cost": str(row.cost.normalize() + 0)} if row.cost is not None and sees_profit(user) else {}),
                }
                for row in found
            ]
        }
    )
