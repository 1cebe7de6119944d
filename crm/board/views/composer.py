"""The composer on an item's card, and what people do with single entries of its timeline."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import linebreaks
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.board.views import items
from crm.company.models import OwnCompany
from crm.customers.views import person
from crm.events.models import Event
from crm.events.record import record
from crm.ground import clock
from crm.ground.access import staff_of_ours
from crm.ground.downloads import saved_only
from crm.ground.ids import id_of
from crm.items import calls, customer_rights, mentions
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages import inviting, merge_text, open_ends, sending
from crm.messages.forms.composer import FORMS
from crm.messages.mail import composing
from crm.messages.models.files import Attachment
from crm.messages.models.mail_templates import MailTemplate
from crm.messages.models.messages import Medium, Message
from crm.messages.outgoing import Outgoing
from crm.people.signed_in import signed_in


@staff_of_ours
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """A note, e-mail, SMS or task; a refusal shows the page with what was typed and why. GET: its fields."""
    shown = items.visible_item(request, pk, "edit")
    made = FORMS.get(kind)
    if made is None:
        raise Http404
    if request.method == "GET":
        tab = {"kind": kind, "form": made(shown, user=request.user)}
        return render(request, "items/_composer_fields.html", {"tab": tab, "item": shown})
    form = made(shown, request.POST, request.FILES, user=request.user)
    if form.is_valid():
        try:
            with transaction.atomic():
                WRITERS[kind](request, shown, form)
            return _back(request, shown)
        except sending.CannotSend as refused:
            form.add_error(None, str(refused))
    return _again(request, shown, kind, form)


def _again(request: HttpRequest, shown: Item, kind: str, form: Any) -> HttpResponse:
    """The page that it was written on, with what was typed and why it was refused."""
    place = _customer_page(request, shown)
    if place is not None:
        return person.written_page(request, *place, shown, kind, form)
    context = items.page_context(request, shown, composing=(kind, form))
    return render(request, "items/item.html", context, status=422)


def _customer_page(request: HttpRequest, item: Item) -> tuple[str, int] | None:
    """The kind and id of the customer on whose page it was written."""
    kinds = {"contact": "contacts", "company": "companies"}
    back = request.POST.get("back", "")
    record = getattr(item, back) if back in kinds else None
    # Sight of the customer may have been lost meanwhile; what was typed then stays on the card.
    if record is None or not customer_rights.allows(signed_in(request), "view", record):
        return None
    return kinds[back], record.pk


def _back(request: HttpRequest, item: Item) -> HttpResponse:
    """To where it was written: the card, or its customer's page with the same card chosen."""
    place = _customer_page(request, item)
    if place is not None:
        return redirect(f"{reverse(request.POST['back'], args=[place[1]])}?card={item.pk}")
    return redirect("item", item.pk)


def _note(request: HttpRequest, item: Item, form: Any) -> None:
    user: Any = request.user
    data = form.cleaned_data
    told = mentions.tell_mentioned(data["text"], item=item, by=user)
    payload = {"text": data["text"], "mentioned": [person.name for person in told]}
    event = record("comment.added", item=item, actor=user, payload=payload)
    assert event is not None
    kept = []
    for file, name, kind in data["files"]:
        row = Attachment.objects.create(
            item=item, event=event, file=file, name=name, kind=kind, size=file.size, author=user
        )
        kept.append({"id": row.pk, "name": name, "size": file.size})
    if kept:
        Event.objects.filter(pk=event.pk).update(payload=payload | {"files": kept})
    messages.success(request, _("The note is saved."))


@staff_of_ours
@require_GET
def download(request: HttpRequest, pk: int) -> FileResponse:
    """A file of a note or mail, to who sees its card: always saved, never opened as a page of ours."""
    row = get_object_or_404(Attachment.objects.visible_to(signed_in(request)), pk=pk)
    return saved_only(row)


def _email(request: HttpRequest, item: Item, form: Any) -> None:
    data = form.cleaned_data
    language = merge_text.language_of(item)
    text, html = data["text"].text, ""
    if data["text"].html and not data["letterhead"]:
        text, html = composing.written(data["text"].html)
    elif data["letterhead"]:
        rich = data["text"].html or linebreaks(text, autoescape=True)
        text, html = composing.letter(rich, data["subject"], language)
    try:
        files = form.attached()
    except OSError:
        raise sending.CannotSend(_("The file of a paper cannot be read; please make it again.")) from None
    _send(
        request,
        item,
        Medium.EMAIL,
        data,
        text,
        subject=data["subject"],
        html=html,
        answers=data["answers"],
        files=files,
    )


def _sms(request: HttpRequest, item: Item, form: Any) -> None:
    _send(request, item, Medium.SMS, form.cleaned_data, form.cleaned_data["text"])


def _send(request: HttpRequest, item: Item, medium: str, data: dict[str, Any], text: str, **more: Any) -> None:
    answered = more.get("answers")
    sending.queue_message(
        Outgoing(
            channel=answered.channel if answered else sending.channel_for(medium),
            to=data["to"],
            text=text,
            contact=item.contact,
            item=item,
            author=signed_in(request),
            language=item.contact.language if item.contact else "",
            survives_leaving=True,
            **more,
        )
    )
    messages.success(request, _("It is on its way to %s.") % data["to"])


@staff_of_ours
@require_GET
def mail_template(request: HttpRequest, pk: int) -> JsonResponse:
    """A template with the card's values: `subject`, `html`, `letterhead`; or `error`, a sentence."""
    shown = items.visible_item(request, pk, "edit")
    if not customer_rights.shows(signed_in(request), shown):
        return JsonResponse({"error": str(customer_rights.REFUSALS["view"])}, status=403)
    chosen = get_object_or_404(MailTemplate, pk=id_of(request.GET.get("template")) or 0, is_active=True)
    formats = {"language": merge_text.language_of(shown), "zone": OwnCompany.zone(), "currency": shown.currency}
    try:
        subject, html = chosen.filled(merge_text.Values(shown), **formats)
    except merge_text.MergeError as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"subject": subject, "html": html, "letterhead": chosen.letterhead})


def _task(request: HttpRequest, item: Item, form: Any) -> None:
    user: Any = request.user
    data = form.cleaned_data
    with transaction.atomic():
        task = Task.add(
            item=item,
            shown_as=user,
            kind=data["kind"],
            title=data["title"],
            description=data["description"],
            deadline=data["deadline"],
            minutes=data["minutes"] or 30,
            place=data["place"],
            assignee=data["assignee"] or user,
            creator=user,
            visit_id=item.visit_id,
        )
        task.set_coworkers(data["participants"], by=user)
        if data["invites"]:
            inviting.invite(task, by=user)
    messages.success(request, _("“%s” is planned.") % data["title"])


def _call(request: HttpRequest, item: Item, form: Any) -> None:
    data = form.cleaned_data
    calls.log(
        by=signed_in(request),
        number=data["number"],
        is_incoming=data["direction"] == "in",
        is_answered=data["answered"],
        item=item,
        contact=item.contact,
        own_number=data["own_number"],
        seconds=(data["minutes"] or 0) * 60,
        note=data["note"],
    )
    messages.success(request, _("The call is written down."))


WRITERS = {"note": _note, "email": _email, "sms": _sms, "call": _call, "task": _task}


@staff_of_ours
@require_POST
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Pin an entry to the top of the timeline, or take it down again."""
    seen = Item.objects.visible_to(signed_in(request))
    event = get_object_or_404(Event.objects.filter(item__in=seen).select_related("item"), pk=pk)
    item: Any = event.item
    item.require(signed_in(request), "edit")
    Event.objects.filter(pk=pk).update(pinned_at=None if event.pinned_at else clock.now())
    return redirect("item", event.item_id)


@staff_of_ours
@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """A message nobody knows about: it arrived, or it shall be sent again (E47)."""
    seen = Item.objects.visible_to(signed_in(request))
    message = get_object_or_404(Message.objects.filter(item__in=seen).select_related("item"), pk=pk)
    item: Any = message.item
    item.require(signed_in(request), "edit")
    if message.job_id is None:
        raise Http404  # one that came in, or of an import: nothing is open about it
    open_ends.settle(message, request.POST.get("arrived") == "1", signed_in(request))
    return redirect("item", message.item_id)
