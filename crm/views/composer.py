"""The composer on an item's card, and what people do with single entries of its timeline."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm import clock, mentions, sending
from crm.access import staff_of_ours
from crm.events import record
from crm.forms.composer import FORMS
from crm.models import Attachment, Event, Item, Message, Task
from crm.models.messages import Medium
from crm.views import items


@staff_of_ours
@require_POST
def write(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """A note, e-mail, SMS or task; a refusal shows the page with what was typed and why."""
    shown = items.visible_item(request, pk, "edit")
    made = FORMS.get(kind)
    if made is None:
        raise Http404
    form = made(shown, request.POST, request.FILES)
    if form.is_valid():
        try:
            with transaction.atomic():
                WRITERS[kind](request, shown, form.cleaned_data)
            return redirect("item", pk)
        except sending.CannotSend as refused:
            form.add_error(None, str(refused))
    context = items.page_context(request, shown, composing=(kind, form))
    return render(request, "items/item.html", context, status=422)


def _note(request: HttpRequest, item: Item, data: dict[str, Any]) -> None:
    user: Any = request.user
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


@staff_of_ours
@require_GET
def download(request: HttpRequest, pk: int) -> FileResponse:
    """A file of a note, to who sees its card: always saved, never opened as a page of ours."""
    seen = Item.objects.visible_to(request.user)  # type: ignore[arg-type]
    row = get_object_or_404(Attachment.objects.filter(item__in=seen), pk=pk)
    try:
        answer = FileResponse(row.file.open("rb"), as_attachment=True, filename=row.name, content_type=row.kind)
    except FileNotFoundError:
        raise Http404 from None
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


def _message(medium: str) -> Any:
    def send(request: HttpRequest, item: Item, data: dict[str, Any]) -> None:
        sending.queue_message(
            channel=sending.channel_for(medium),
            to=data["to"],
            subject=data.get("subject", ""),
            text=data["text"],
            contact=item.contact,
            item=item,
            author=request.user,  # type: ignore[arg-type]
            language=item.contact.language if item.contact else "",
            survives_leaving=True,
        )
        messages.success(request, _("It is on its way to %s.") % data["to"])

    return send


def _task(request: HttpRequest, item: Item, data: dict[str, Any]) -> None:
    user: Any = request.user
    Task.add(
        item=item,
        shown_as=user,
        kind=data["kind"],
        title=data["title"],
        description=data["description"],
        deadline=data["deadline"],
        assignee=data["assignee"] or user,
        creator=user,
        visit_id=item.visit_id,
    )


WRITERS = {"note": _note, "email": _message(Medium.EMAIL), "sms": _message(Medium.SMS), "task": _task}


@staff_of_ours
@require_POST
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Pin an entry to the top of the timeline, or take it down again."""
    seen = Item.objects.visible_to(request.user)  # type: ignore[arg-type]
    event = get_object_or_404(Event.objects.filter(item__in=seen).select_related("item"), pk=pk)
    event.item.require(request.user, "edit")
    Event.objects.filter(pk=pk).update(pinned_at=None if event.pinned_at else clock.now())
    return redirect("item", event.item_id)


@staff_of_ours
@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """A message nobody knows about: it arrived, or it shall be sent again (E47)."""
    seen = Item.objects.visible_to(request.user)  # type: ignore[arg-type]
    message = get_object_or_404(Message.objects.filter(item__in=seen).select_related("item"), pk=pk)
    message.item.require(request.user, "edit")
    sending.settle(message, request.POST.get("arrived") == "1", request.user)  # type: ignore[arg-type]
    return redirect("item", message.item_id)
