"""The outbox: messages as the customer sees them, mails as mails and SMS as on a phone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from crm.access import staff_of_ours
from crm.folding import fold
from crm.models import Attachment, Event, Item, Medium, Message
from crm.views.board import number

PAGE = 40


def visible(user: Any) -> Any:
    return Message.objects.visible_to(user).select_related("channel", "contact", "item")


@staff_of_ours
def outbox(request: HttpRequest) -> HttpResponse:
    rows = visible(request.user)
    medium = request.GET.get("medium", "")
    if medium in Medium.values:
        rows = rows.filter(channel__medium=medium)
    text = request.GET.get("q", "").strip()
    if text:
        rows = rows.filter(contact__search_key__contains=fold(text)) | rows.filter(to__icontains=text)
    page = Paginator(rows.defer("html").order_by("-created_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    chosen = None
    if request.GET.get("open", "").isdigit():
        chosen = visible(request.user).filter(pk=request.GET["open"]).first()
    context = {"page": page, "medium": medium, "media": Medium.choices, "q": text, "chosen": chosen, "nav": "outbox"}
    return render(request, "outbox/outbox.html", context)


@staff_of_ours
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message, as fragment for the page's reading pane or as a page of its own."""
    shown = get_object_or_404(visible(request.user), pk=pk)
    name = "outbox/_message.html" if request.headers.get("HX-Request") else "outbox/message.html"
    return render(request, name, {"message": shown, "nav": "outbox"})


@staff_of_ours
@require_POST
def put_on_card(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail that came without a card belongs to this one from now on; its files and its entry go along."""
    shown = get_object_or_404(visible(request.user).filter(item=None, direction=Message.Direction.IN), pk=pk)
    wanted = number(request.POST.get("item", "").lstrip("#"))
    item = Item.objects.visible_to(request.user).filter(pk=wanted or 0).first()
    if item is None:
        messages.error(request, _("There is no such item."))
        return redirect("outbox-message", pk)
    item.require(request.user, "edit")
    with transaction.atomic():
        Message.objects.filter(pk=pk).update(item=item, contact=shown.contact or item.contact)
        Attachment.objects.filter(message=pk).update(item=item)
        Event.objects.filter(kind="email.received", payload__message=pk, item=None).update(item=item)
    return redirect("item", item.pk)


@staff_of_ours
@xframe_options_sameorigin
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail's HTML for the sandboxed frame: its own policy, no script; ?pictures=1 loads those of others as well."""
    shown = get_object_or_404(visible(request.user), pk=pk)
    html = shown.html or format_html("<pre>{}</pre>", shown.text)
    answer = HttpResponse(html)
    answer._csp_exempt = True  # type: ignore[attr-defined]
    foreign = " https: http:" if request.GET.get("pictures") == "1" else ""
    answer["Content-Security-Policy"] = (
        f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:{foreign}; frame-ancestors 'self'"
    )
    answer["Referrer-Policy"] = "no-referrer"
    return answer
