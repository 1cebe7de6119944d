"""A credit note of an invoice, by hand."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from crm.board.views.items import visible_item
from crm.ground.access import staff_of_ours
from crm.messages import merge_text
from crm.models import Refused
from documents.credit_form import MakeCreditNote
from documents.models import CreditNote
from documents.views.papers import on_card


@staff_of_ours
@require_http_methods(["GET", "POST"])
def credit(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: the invoice's lines, all of them taken back unless changed. POST: the credit note."""
    user: Any = request.user
    invoice = visible_item(request, pk, "edit")
    if not hasattr(invoice.pipeline, "invoice_flow"):
        raise Http404
    form = MakeCreditNote(invoice, request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return on_card(request, invoice, "documents/_credit.html", credit=form)
    data = form.cleaned_data

    try:
        made = CreditNote.make(
            invoice,
            data["template"],
            data["reason"],
            data["lines"],
            by=user,
            stamped=data["stamped"],
            mark=f"form:{data['mark']}"[:40],
        )
    except (merge_text.MergeError, Refused) as fault:
        form.add_error(None, str(fault))
        return on_card(request, invoice, "documents/_credit.html", credit=form)
    return redirect("document", made.document_id)
