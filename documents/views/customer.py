"""The paper's page for the customer: to read, download, accept or decline. No cookie is set; the address is the key."""

from __future__ import annotations

import base64
import binascii
import struct
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.base import ContentFile
from django.db.models import F
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.events.notice import notify
from crm.ground import characters, clock, databases
from crm.ground.access import public
from crm.ground.robots import is_proxy, is_robot
from crm.ground.sentences import said
from crm.models import OwnCompany, User
from crm.webforms.views import address_hash
from documents import evidence, sent
from documents.models import Document, DocumentLink, PaymentAccount
from documents.models.checkouts import still_open
from documents.models.templates import Kind
from documents.pictures import page_picture

MOST_POINTS = 4000  # of a drawn name, each way
MOST_SIGNATURE = 200_000  # bytes of a drawn name


def link_of(token: str) -> DocumentLink:
    """Raises Http404 for what is no valid address of a paper; all faults look alike."""
    link = DocumentLink.read(token)
    if link is None or not link.is_valid() or link.document.item.deleted_at is not None:
        raise Http404
    return link


def private(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def may_lead_away(answer: HttpResponse) -> HttpResponse:
    """Its form is answered with a payment provider's address; browsers ask the policy of where the form stood."""
    told: Any = answer
    told._csp_update = {"form-action": ["https:"] if settings.PRODUCTION else ["https:", "http:"]}
    return answer


@public
@require_GET
def page(request: HttpRequest, token: str) -> HttpResponse:
    try:
        document = link_of(token).document
    except Http404:
        own = OwnCompany.first()
        with translation.override(own.language if own else "en"):
            return private(render(request, "documents/gone.html", {"own": own}, status=404))
    return shown(request, token, document)


def shown(request: HttpRequest, token: str, document: Document, fault: str = "", status: int = 200) -> HttpResponse:
    newer = document.replaced_by.order_by("-pk").first()
    with translation.override(document.language):
        context: dict[str, Any] = {
            "document": document,
            "token": token,
            "own": OwnCompany.first(),
            "pages": range(1, document.pages + 1),
            "newer": newer,
            "fault": fault,
            "typed": request.POST,
            "language": document.language,
            "totals": document.data.get("totals", {}),
            "is_void": document.status == Document.Status.VOID,
            "asked": _asked(document),
        }
        answer = private(render(request, "documents/page.html", context, status=status))
        return may_lead_away(answer) if context["asked"] else answer


def _asked(document: Document) -> Decimal:
    """What can be paid online of an invoice's page now."""
    if document.kind != Kind.INVOICE or document.status == Document.Status.VOID or PaymentAccount.first() is None:
        return Decimal(0)
    return still_open(document.item)


@public
@require_GET
def file(request: HttpRequest, token: str) -> HttpResponse:
    document = link_of(token).document
    if not document.is_drawn:
        raise Http404
    # Who accepted it gets it with the evidence.
    answer = FileResponse(
        (document.signed_file or document.file).open("rb"),
        as_attachment="inline" not in request.GET,
        filename=document.file_name(),
        content_type="application/pdf",
    )
    answer["X-Content-Type-Options"] = "nosniff"
    return private(answer)  # type: ignore[arg-type]  # cleaned of what no column keeps


@public
@require_GET
def picture(request: HttpRequest, token: str, number: int) -> HttpResponse:
    """A page of it as a picture, for phones that show no PDF within a page."""
    document = link_of(token).document
    if not document.is_drawn or not 1 <= number <= document.pages:
        raise Http404
    return private(HttpResponse(page_picture(document, number), content_type="image/webp"))


@public
@csrf_exempt  # no cookie takes part; who has the address may be counted
@require_POST
def seen(request: HttpRequest, token: str) -> HttpResponse:
    """The page's script says that a person looks at it. Colleagues and robots are not counted."""
    document = link_of(token).document
    if not request.user.is_authenticated and not is_robot(request) and not is_proxy(request) and document.is_drawn:
        count_view(document)
    return private(HttpResponse(status=204))


def count_view(document: Document) -> None:
    """The first view of a paper is an event, once for ever; count and event are one transaction."""
    databases.persistently(lambda: _counted(document))


def _counted(document: Document) -> None:
    Document.objects.filter(pk=document.pk).update(views=F("views") + 1)
    if not Document.objects.filter(pk=document.pk, viewed_at=None).update(viewed_at=clock.now()):
        return
    sent.plan_opened(document)
    waiting = (Document.Status.READY, Document.Status.SENT)
    Document.objects.filter(pk=document.pk, status__in=waiting).update(status=Document.Status.VIEWED)
    document.tell("document.opened", payload={"customer": _customer(document)}, key=f"document.opened:{document.pk}")


def _customer(document: Document) -> str:
    contact = document.item.contact
    return contact.name if contact else ""


@public
@csrf_exempt  # as above: the secret address takes the cookie's place
@require_http_methods(["POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Accept with a name (typed, and drawn if the customer likes), or decline with a word. Never by GET."""
    document = link_of(token).document
    with translation.override(document.language):
        try:
            request.POST = characters.posted(request.POST)  # type: ignore[assignment]  # cleaned of what no column keeps
            name = " ".join(request.POST.get("name", "").split())[:120]
        except RequestDataTooBig:
            request.POST = QueryDict()
            return shown(request, token, document, _("This is more than can be taken. Please draw it again."), 413)
        accepts = request.POST.get("answer") == "accept"
        if request.user.is_authenticated:
            return shown(
                request, token, document, _("You are logged in as a colleague; only the customer answers."), 403
            )
        if not document.may_be_answered:
            return shown(request, token, document, _("This paper has been answered already."), 409)
        if accepts and (len(name) < 3 or request.POST.get("agree") != "on"):
            fault = _("Please write your name and tick that you agree.")
            return shown(request, token, document, fault, 422)
        try:
            drawing = _drawing(request.POST.get("signature", ""))
        except ValueError:
            return shown(request, token, document, _("The drawn signature cannot be read. Please draw it again."), 422)
        sender = address_hash(request)
        databases.persistently(
            lambda: _answered(document.pk, accepts, name, request.POST.get("note", "")[:2000], drawing, sender)
        )
    return private(redirect("document-public", token))


def _drawing(text: str) -> bytes:
    """The PNG of a drawn name; nothing if none was drawn. Raises ValueError."""
    if not text:
        return b""
    head, _comma, content = text.partition(",")
    if head != "data:image/png;base64" or len(content) > MOST_SIGNATURE:
        raise ValueError("no drawing that can be kept")
    try:
        drawn = base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ValueError("no drawing that can be kept") from error
    # 27 kB may hold 13 000 by 13 000 points of nothing, which no page of evidence could draw.
    head_of = drawn[:24]
    if len(head_of) < 24 or not head_of.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        raise ValueError("no drawing that can be kept")
    width, height = struct.unpack(">II", head_of[16:24])
    if not (0 < width <= MOST_POINTS and 0 < height <= MOST_POINTS):
        raise ValueError("no drawing that can be kept")
    return drawn


def _answered(pk: int, accepts: bool, name: str, note: str, drawing: bytes, sender: str) -> None:
    document = databases.lock(Document.objects.filter(pk=pk)).get()
    if not document.may_be_answered:
        return  # answered twice at once: the first one stands
    status = Document.Status.ACCEPTED if accepts else Document.Status.DECLINED
    document.answered_at, document.answered_by, document.answer_note = clock.now(), name, note
    document.status = status
    if drawing:
        document.signature.save("signature.png", ContentFile(drawing), save=False)
    document.save(update_fields=["answered_at", "answered_by", "answer_note", "status", "signature"])
    payload: dict[str, Any] = {"by": name, "note": note, "customer": name or _customer(document)}
    # What was signed and from where, for whoever doubts it later.
    payload |= {"sha256": document.sha256, "address_hash": sender, "drawn": bool(drawing)}
    document.tell("document.signed" if accepts else "document.declined", payload=payload)
    sent.plan_opened(document)
    if accepts and document.is_drawn:
        evidence.plan(document)
    owner: User | None = document.item.owner or document.author
    if owner is not None:
        words = {"name": name or lazy("The customer"), "document": str(document)}
        text = said("notice.declined", "%(name)s declined “%(document)s”")
        if accepts:
            text = said("notice.accepted", "%(name)s accepted “%(document)s”")
        notify([owner], text % words, item=document.item, kind="answer", group=f"document:{document.pk}:answer")
