"""Papers for colleagues: the list, one paper, making one from a card, invoices and what was paid."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.board.views.items import page_context, visible_item
from crm.ground import clock, databases
from crm.ground.access import staff_of_ours
from crm.messages import merge_text
from crm.models import Forbidden, Item, Message, Refused
from crm.people.signed_in import signed_in
from documents import item_tab, making, sent
from documents.forms import BookPayment, MakeDocument
from documents.models import Document, DocumentLink, InvoiceFlow, Payment
from documents.models.balances import Balance
from documents.models.templates import Kind
from documents.pictures import page_picture
from documents.rendering import draw_again

PAGE = 50
# Two requests for the same paper within this were one double click.
DOUBLE = timedelta(seconds=5)
VALID_DAYS = ("7", "30", "90", "365")


def visible_document(request: HttpRequest, pk: int, action: str = "view") -> Document:
    """Raises Http404, or Forbidden for the action on its item."""
    rows = Document.objects.visible_to(signed_in(request)).select_related(
        "item", "item__pipeline", "item__contact", "version__template", "author", "replaces"
    )
    found: Document = get_object_or_404(rows, pk=pk)
    if action != "view":
        found.item.require(signed_in(request), action)
    return found


@staff_of_ours
@require_GET
def papers(request: HttpRequest) -> HttpResponse:
    rows = Document.objects.visible_to(signed_in(request)).select_related("item", "item__contact")
    text, kind, status = (request.GET.get(name, "").strip() for name in ("q", "kind", "status"))
    if text:
        rows = rows.found(text)
    if kind in Kind.values:
        rows = rows.filter(kind=kind)
    if status in Document.Status.values:
        rows = rows.filter(status=status)
    page = Paginator(rows.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": text,
        "kind": kind,
        "status": status,
        "kinds": Kind.choices,
        "statuses": Document.Status.choices,
        "nav": "documents",
    }
    return render(request, "documents/list.html", context)


@staff_of_ours
@require_GET
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    document = visible_document(request, pk)
    may_edit = _may_edit(request, document.item)
    context = {
        "document": document,
        "pages": range(1, document.pages + 1),
        "link": document.link() if document.is_drawn and may_edit else "",
        "valid_days": VALID_DAYS,
        "valid_until": _valid_until(document) if may_edit else None,
        "newer": document.replaced_by.order_by("-pk").first(),
        "may_edit": may_edit,
        "carried_by": _carried_by(document, request.user),
        "nav": "documents",
    }
    return render(request, "documents/one.html", context)


def _carried_by(document: Document, user: Any) -> Any:
    """Messages that take it along, as far as the person may see them."""
    rows = document.carried_by.filter(message__in=Message.objects.visible_to(user))
    return rows.select_related("message__channel").order_by("-pk")[:20]


def _valid_until(document: Document) -> datetime | None:
    """When the address that is shown ends, if it does."""
    newest = document.links.filter(revoked_at=None).order_by("pk").first()
    return newest.expires_at if newest is not None and newest.is_valid() else None


def _may_edit(request: HttpRequest, item: Item) -> bool:
    try:
        item.require(signed_in(request), "edit")
    except Forbidden:
        return False
    return True


@staff_of_ours
@require_GET
def file(request: HttpRequest, pk: int) -> HttpResponse:
    document = visible_document(request, pk)
    if not document.is_drawn:
        raise Http404
    file = document.signed_file if "signed" in request.GET and document.signed_file else document.file
    answer = FileResponse(
        file.open("rb"), as_attachment=True, filename=document.file_name(), content_type="application/pdf"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return answer  # type: ignore[return-value]  # a streamed answer is one


@staff_of_ours
@require_GET
def picture(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    document = visible_document(request, pk)
    if not document.is_drawn or not 1 <= number <= document.pages:
        raise Http404
    answer = HttpResponse(page_picture(document, number), content_type="image/webp")
    answer["Cache-Control"] = "private, max-age=86400"
    return answer


def on_card(request: HttpRequest, item: Item, part: str, **form: Any) -> HttpResponse:
    """An open form of the tab: alone where a script asks for it, else on its card, with what was typed and its errors."""
    if request.method == "GET" and request.headers.get("HX-Request"):
        return render(request, part, {"item": item, **form})
    context = page_context(request, item, tabs={"documents": item_tab.tab(item, signed_in(request), **form)})
    return render(request, "items/item.html", context, status=200 if request.method == "GET" else 422)


@staff_of_ours
@require_http_methods(["GET", "POST"])
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: what can be made of the card. POST: a paper of the card by hand."""
    item = visible_item(request, pk, "edit")
    form = MakeDocument(item, request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return on_card(request, item, "documents/_make.html", make=form)
    template, stamped = form.cleaned_data["template"], form.cleaned_data["stamped"]
    flow = InvoiceFlow.first()

    def work() -> Document:
        # Two clicks may come at once: the second waits here and finds what the first has made.
        databases.lock(Item.objects.filter(pk=item.pk)).get()
        just_now = Document.objects.filter(version__template=template, author=request.user.pk)
        just_now = just_now.filter(Q(item=item) | Q(item__parent=item), created_at__gt=clock.now() - DOUBLE)
        twice = just_now.first()
        if twice is not None:
            return twice
        if template.kind == Kind.INVOICE and flow is not None and item.pipeline_id != flow.pipeline_id:
            return flow.make_invoice(item, template, by=signed_in(request), stamped=stamped)[1]
        return making.make(template, item, by=signed_in(request), stamped=stamped)

    try:
        document = databases.persistently(work)
    except (merge_text.MergeError, Refused) as fault:
        messages.error(request, _("“%(name)s” was not made. %(fault)s") % {"name": template.name, "fault": fault})
        return redirect("item", pk)
    return redirect("document", document.pk)


@staff_of_ours
@require_POST
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """again: draw a failed one; void; sent; renew: a next version from the card as it is now; link: a new address."""
    document = visible_document(request, pk, "edit")
    acts = {"again": _again, "void": _void, "sent": _sent, "renew": _renew, "link": _new_link}
    if verb not in acts:
        raise Http404
    try:
        return acts[verb](request, document)
    except (merge_text.MergeError, Refused) as fault:
        messages.error(request, str(fault))
        return redirect("document", pk)


def _again(request: HttpRequest, document: Document) -> HttpResponse:
    if document.status == Document.Status.FAILED:
        draw_again(document)
    return redirect("document", document.pk)


def _void(request: HttpRequest, document: Document) -> HttpResponse:
    def work() -> None:
        databases.lock(Item.objects.filter(pk=document.item_id)).get()
        document.change_status(Document.Status.VOID)
        document.tell("document.voided", actor=request.user)
        InvoiceFlow.paper_changed(document, signed_in(request))

    databases.persistently(work)
    messages.success(request, _("“%s” is void; its page says so.") % document)
    return redirect("document", document.pk)


def _sent(request: HttpRequest, document: Document) -> HttpResponse:
    """A colleague has handed it over: printed, or by a way that the CRM does not know."""

    def work() -> None:
        databases.lock(Item.objects.filter(pk=document.item_id)).get()
        sent.count_as_sent(document, by=signed_in(request))

    databases.persistently(work)
    return redirect("document", document.pk)


def _renew(request: HttpRequest, document: Document) -> HttpResponse:
    fresh = making.make(
        document.version.template,
        document.item,
        by=signed_in(request),
        stamped=document.stamped,
        replaces=document,
    )
    return redirect("document", fresh.pk)


def _new_link(request: HttpRequest, document: Document) -> HttpResponse:
    """Another address, valid for so many days if asked for."""
    days = request.POST.get("days", "")
    until = clock.now() + timedelta(days=int(days)) if days in VALID_DAYS else None
    document.links.filter(revoked_at=None).update(revoked_at=clock.now())
    DocumentLink.make(document, until)
    messages.success(request, _("The old address is closed; this is the new one."))
    return redirect("document", document.pk)


@staff_of_ours
@require_http_methods(["GET", "POST"])
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """A payment of an invoice, by hand; GET: its form, with what is still to be paid."""
    invoice = visible_item(request, pk, "edit")
    if not hasattr(invoice.pipeline, "invoice_flow"):
        raise Http404
    if request.method == "GET":
        still_open = Balance.of(invoice).open
        form = BookPayment(invoice, still_open=still_open if still_open > 0 else None)
        return on_card(request, invoice, "documents/_pay.html", pay=form)
    form = BookPayment(invoice, request.POST)
    if not form.is_valid():
        return on_card(request, invoice, "documents/_pay.html", pay=form)
    data = form.cleaned_data
    try:
        Payment.book(
            invoice,
            -data["amount"] if data["back"] else data["amount"],
            currency=invoice.currency,
            paid_on=data["paid_on"],
            method=data["method"],
            reference=data["reference"],
            by=signed_in(request),
            # The form's own mark: sent twice, it is one payment.
            provider_key=f"form:{data['mark']}",
        )
    except Refused as refused:
        form.add_error(None, refused.sentence)
        return on_card(request, invoice, "documents/_pay.html", pay=form)
    return redirect("item", pk)
