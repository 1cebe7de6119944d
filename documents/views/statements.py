"""Bank statements: a file is read, its lines are looked at, and booked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Q, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from crm.ground.access import staff_of_ours
from crm.ground.folding import fold
from crm.ground.ids import id_of
from crm.importing import reading
from crm.models import Forbidden, Item, Refused
from documents import statements as taking
from documents.models import Document, InvoiceFlow, Statement, StatementLine
from documents.models.templates import Kind

PAGE = 100


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("file"),
        help_text=gettext_lazy("As the bank gives it: CSV, XLSX, XLS or ODS. A file read twice brings nothing twice."),
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".csv,.txt,.tsv,.xlsx,.xls,.ods"}),
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("encoding"),
        required=False,
        choices=[("", gettext_lazy("find out")), *((name, name) for name in reading.ENCODINGS)],
        help_text=gettext_lazy("Only of CSV files, if letters look wrong."),
        widget=forms.Select(attrs={"class": "form-select"}),
    )


@staff_of_ours
@require_http_methods(["GET", "POST"])
def statements(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            _may_book(user)
            taken = taking.take_in(file.read(), file.name, user, form.cleaned_data["encoding"])
        except taking.CannotTake as fault:
            form.add_error("file", str(fault))
        else:
            words = ngettext("%(fresh)d new line.", "%(fresh)d new lines.", taken.fresh) % {"fresh": taken.fresh}
            known = _("Known already: %d.") % taken.known if taken.known else ""
            messages.success(request, " ".join(filter(None, [words, known])))
            for unread in taken.faults[:5]:
                messages.error(request, unread)
            return redirect("statement", taken.statement.pk)
    waiting = Count("lines", filter=Q(lines__payment=None, lines__dismissed=False))
    rows = Statement.objects.visible_to(user).annotate(all=Count("lines"), waiting=waiting).select_related("author")
    context = {"form": form, "statements": rows[:50], "nav": "documents"}
    return render(request, "documents/statements.html", context, status=422 if form.errors else 200)


def _may_book(user: Any) -> None:
    """Raises Refused for who may edit no invoice."""
    invoices = Item.objects.alive().reached_by(user, "edit").filter(pipeline__invoice_flow__isnull=False)
    if not InvoiceFlow.objects.exists() or not (user.is_superuser or invoices.exists()):
        raise Refused(_("There is no invoice on which you may book a payment."))


@staff_of_ours
@require_http_methods(["GET", "POST"])
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    user: Any = request.user
    shown = get_object_or_404(Statement.objects.visible_to(user), pk=pk)
    rows = shown.lines.select_related("invoice__contact", "invoice__stage", "payment")
    faults: dict[int, str] = {}
    if request.method == "POST":
        chosen = [found for found in map(id_of, request.POST.getlist("line")) if found is not None]
        lines = list(rows.filter(pk__in=chosen, payment=None))
        if request.POST.get("do") == "dismiss":
            shown.lines.filter(pk__in=chosen, payment=None).update(dismissed=True)
            return redirect("statement", pk)
        booked = 0
        for line in lines:
            fault = _book(line, request.POST.get(f"invoice_{line.pk}", ""), user)
            faults |= {line.pk: fault} if fault else {}
            booked += not fault
        if booked:
            words = ngettext("%d payment was booked.", "%d payments were booked.", booked) % booked
            messages.success(request, words)
        if not faults:
            return redirect("statement", pk)
    # What waits comes first; a line stays where it was while its fault is shown.
    waiting = Case(When(payment=None, dismissed=False, then=0), default=1, output_field=IntegerField())
    page = Paginator(rows.annotate(waits=waiting).order_by("waits", "pk"), PAGE).get_page(request.GET.get("page"))
    shown_lines: list[Any] = list(page)
    numbers = _numbers([line.invoice_id for line in shown_lines if line.invoice_id])
    for line in shown_lines:
        line.number = request.POST.get(f"invoice_{line.pk}") or numbers.get(line.invoice_id or 0, "")
        line.fault = faults.get(line.pk, "")
    context = {"statement": shown, "lines": shown_lines, "page": page, "nav": "documents"}
    return render(request, "documents/statement.html", context, status=422 if faults else 200)


def _numbers(items: list[int]) -> dict[int, str]:
    papers = Document.objects.filter(item__in=items, kind=Kind.INVOICE).exclude(status=Document.Status.VOID)
    return dict(papers.order_by("pk").values_list("item", "number"))


def _book(line: StatementLine, text: str, user: Any) -> str:
    """What keeps the line from being booked, or empty."""
    invoice = line.invoice
    number = text.replace("\0", "").strip()
    proposed = _numbers([invoice.pk]).get(invoice.pk, "") if invoice is not None else ""
    if not number and (proposed or invoice is None):
        return _("Write the number of the invoice.")
    if number and number != proposed:
        papers = Document.objects.visible_to(user).filter(kind=Kind.INVOICE, search_key__startswith=fold(number))
        papers = papers.exclude(status=Document.Status.VOID).select_related("item__pipeline")
        exact = {paper.item_id: paper.item for paper in papers if fold(paper.number) == fold(number)}
        if not exact:
            return _("There is no invoice “%s”.") % number[:60]
        if len(exact) > 1:
            return _("More than one invoice has the number “%s”; please book it on its card.") % number[:60]
        (invoice,) = exact.values()
    assert invoice is not None
    try:
        taking.book(line, invoice, user)
    except Forbidden as refused:
        return str(refused.sentence)
    except Refused as refused:
        return str(refused.sentence)
    return ""
