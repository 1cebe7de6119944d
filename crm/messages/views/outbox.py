"""The outbox: messages as the customer sees them, mails as mails and SMS as on a phone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from crm.events.models import Event
from crm.ground import databases
from crm.ground.access import staff_of_ours
from crm.ground.folding import fold
from crm.ground.ids import id_of
from crm.ground.refused import Refused
from crm.items.customers import find_or_make
from crm.items.filters import BadFilter
from crm.items.models.items import Item
from crm.messages import tracking
from crm.messages.models.files import Attachment
from crm.messages.models.messages import Medium, Message
from crm.people import exceptions
from crm.people.exceptions import Kind as ExceptionKind
from crm.people.signed_in import signed_in
from crm.pipelines import rights
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline

PAGE = 40


def visible(user: Any) -> Any:
    return Message.objects.visible_to(user).select_related("channel", "contact", "item")


@staff_of_ours
def outbox(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    rows = visible(user)
    medium = request.GET.get("medium", "")
    if medium in Medium.values:
        rows = rows.filter(channel__medium=medium)
    # Mails that belong to no card: lists, programs, strangers where no pipeline takes them.
    loose = "loose" in request.GET and user.is_superuser
    if loose:
        rows = rows.filter(item=None, direction=Message.Direction.IN)
    text = request.GET.get("q", "").strip()
    if text:
        rows = rows.filter(contact__search_key__contains=fold(text)) | rows.filter(to__icontains=text)
    page = Paginator(rows.defer("html").order_by("-created_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    chosen = None
    if "open" in request.GET:
        asked = id_of(request.GET["open"])
        if asked is None:
            raise BadFilter("open", _("“%s” is not a whole number.") % request.GET["open"][:40])
        chosen = visible(request.user).filter(pk=asked).first()
    context = {"page": page, "medium": medium, "media": Medium.choices, "q": text, "chosen": chosen, "nav": "outbox"}
    context |= {"loose": loose, "pipelines": _pipelines(user) if chosen is not None and chosen.item_id is None else []}
    return render(request, "outbox/outbox.html", context)


@staff_of_ours
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message, as fragment for the page's reading pane or as a page of its own."""
    shown = get_object_or_404(visible(request.user), pk=pk)
    name = "outbox/_message.html" if request.headers.get("HX-Request") else "outbox/message.html"
    pipelines = _pipelines(request.user) if shown.item_id is None else []
    context = {"message": shown, "pipelines": pipelines, "nav": "outbox"}
    if shown.direction == Message.Direction.IN:
        kind = ExceptionKind.ADDRESS if shown.channel.medium == Medium.EMAIL else ExceptionKind.NUMBER
        context["exceptions_url"] = exceptions.url_to_add(request.user, kind, shown.to)
    if (
        shown.channel.transport == "outbox"
        and shown.channel.medium == Medium.EMAIL
        and shown.sent_at
        and shown.contact_id
    ):
        context["tries"] = tracking.links_of(shown)
    return render(request, name, context)


def _pipelines(user: Any) -> list[Pipeline]:
    """Where a mail that belongs to no card may become one: the default first."""
    rows = Pipeline.objects.visible_to(user).order_by("-is_default", "order", "pk")
    return [pipeline for pipeline in rows if rights.allows(user, machine_of(pipeline.pk), "add")]


@staff_of_ours
@require_POST
def make_card(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail that belongs to no card becomes one, with its sender as customer; its files and its entry go along."""
    user: Any = request.user
    shown = get_object_or_404(visible(user).filter(direction=Message.Direction.IN), pk=pk)
    if shown.item_id is not None:
        messages.info(request, _("This message is on a card already."))
        return redirect("item", shown.item_id)
    pipeline = get_object_or_404(Pipeline.objects.visible_to(user), pk=id_of(request.POST.get("pipeline")) or 0)
    event = Event.objects.filter(kind="email.received", payload__message=pk).first()
    name = event.data("customer") if event is not None and not event.data("colleague") else ""
    try:
        with transaction.atomic():
            # A second click meets a mail that has its card.
            if databases.lock(Message.objects.filter(pk=pk)).get().item_id is not None:
                return redirect("outbox-message", pk)
            reach = {"email": shown.to} if shown.channel.medium == Medium.EMAIL else {"phone": shown.to}
            found = find_or_make(user, name=name, known=shown.contact, **reach) if shown.to else None
            title = shown.subject or shown.text.split("\n")[0] or _("E-mail from %s") % shown.to
            item = Item.create(pipeline, title[:200], by=user, **(found.links() if found else {}))
            if found is not None:
                found.settle(item)
            _belongs_to(shown, item)
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect("outbox-message", pk)
    return redirect("item", item.pk)


def _belongs_to(shown: Message, item: Item) -> None:
    contact = shown.contact or item.contact
    Message.objects.filter(pk=shown.pk).update(item=item, contact=contact)
    Attachment.objects.filter(message=shown.pk).update(item=item)
    told = Event.objects.filter(kind__in=("email.received", "sms.received"), payload__message=shown.pk, item=None)
    told.update(item=item, contact=contact)


@staff_of_ours
@require_GET
def raw(request: HttpRequest, pk: int) -> FileResponse:
    """The mail as it came, to be saved; whatever could not be shown is in it."""
    shown = get_object_or_404(visible(request.user).filter(raw_mail__isnull=False), pk=pk)
    try:
        content = shown.raw_mail.file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    answer = FileResponse(content, as_attachment=True, filename=f"mail-{pk}.eml", content_type="message/rfc822")
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


@staff_of_ours
@require_POST
def as_customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the mail or follow a link of it as the customer would: for mails that only ever lie in the outbox."""
    shown = get_object_or_404(visible(request.user).filter(channel__transport="outbox"), pk=pk)
    if shown.item is not None:
        shown.item.require(signed_in(request), "edit")
    if not tracking.try_out(shown, request.POST.get("what", "")):
        raise Http404
    messages.success(request, _("Done as the customer would; rules and triggers hear of it."))
    return redirect("outbox-message", pk)


@staff_of_ours
@require_POST
def put_on_card(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail that came without a card belongs to this one from now on; its files and its entry go along."""
    shown = get_object_or_404(visible(request.user).filter(item=None, direction=Message.Direction.IN), pk=pk)
    wanted = id_of(request.POST.get("item", "").lstrip("#"))
    item = Item.objects.visible_to(signed_in(request)).filter(pk=wanted or 0).first()
    if item is None:
        messages.error(request, _("There is no such item."))
        return redirect("outbox-message", pk)
    item.require(signed_in(request), "edit")
    with transaction.atomic():
        _belongs_to(shown, item)
    return redirect("item", item.pk)


@staff_of_ours
@xframe_options_sameorigin
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail's HTML for the sandboxed frame: its own policy, no script; ?pictures=1 loads those of others as well."""
    shown = get_object_or_404(visible(request.user), pk=pk)
    html = shown.html or format_html("<pre>{}</pre>", shown.text)
    answer = HttpResponse(html)
    told: Any = answer
    told._csp_exempt = True
    foreign = " https: http:" if request.GET.get("pictures") == "1" else ""
    answer["Content-Security-Policy"] = (
        f"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:{foreign}; frame-ancestors 'self'"
    )
    answer["Referrer-Policy"] = "no-referrer"
    return answer
