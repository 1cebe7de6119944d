"""The demo's papers: own details, templates in its language, products, the pipeline of invoices."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from automation.demo import Placing
from automation.models import Rule
from automation.publishing.models import Publication
from automation.publishing.publishing import editing
from crm.demo.company import Demo
from crm.ground import clock
from crm.items.listing import replace_lines
from crm.items.models.lines import rounded
from crm.models import Item, ItemType, Job, LineItem, OwnCompany, Pipeline, Product, Stage, StageKind, TaxRate
from documents import making, sent, starter
from documents.models import DocumentTemplate, InvoiceFlow, Payment
from documents.models.invoicing import today
from documents.models.templates import Kind

TEXTS: dict[str, dict[str, Any]] = {
    "en": {
        "pipeline": "Invoices",
        "one": "Invoice",
        "stages": ("Draft", "Sent", "Partly paid", "Overdue", "Paid", "Void"),
        "taxes": (("20 %", 20), ("5 %", 5), ("0 %", 0)),
        "unit": "pc.",
        "company": {
            "tax_number": "GB 123 4567 89", "registration": "Companies House 01234567", "bank": "Thames Bank",
            "account": "GB82 WEST 1234 5698 7654 32", "bic": "WESTGB22", "website": "oakhouse.example",
        },
        "invoice": "Create invoice",
        "mail": "E-mail: your invoice",
        "subject": "Invoice {{ rules.invoice.number }}",
        "body": "Dear {{ contact.salutation }},\n\nhere is your invoice {{ rules.invoice.number }}:\n{{ rules.invoice.link }}\n\nThank you for your order!\n{{ owner.name }}, {{ own_company.name }}",
        "opened": "Customer opens the invoice",
        "paid": "Invoice paid",
        "tell": "The customer has opened the invoice: {{ item.title }}",
        "notify": "Tell the owner",
    },
    "pl": {
        "pipeline": "Faktury",
        "one": "Faktura",
        "stages": ("Szkic", "Wysłana", "Częściowo opłacona", "Po terminie", "Opłacona", "Anulowana"),
        "taxes": (("23 %", 23), ("8 %", 8), ("0 %", 0)),
        "unit": "szt.",
        "company": {
            "tax_number": "525-000-11-22", "registration": "KRS 0000123456, Sąd Rejonowy dla m.st. Warszawy",
            "bank": "Bank Przykładowy S.A.", "account": "PL61 1090 1014 0000 0712 1981 2874", "bic": "WBKPPLPP",
            "website": "debowydom.example",
        },
        "invoice": "Utwórz fakturę",
        "mail": "E-mail: faktura",
        "subject": "Faktura {{ rules.invoice.number }}",
        "body": "Dzień dobry {{ contact.salutation }},\n\nprzesyłamy fakturę {{ rules.invoice.number }}:\n{{ rules.invoice.link }}\n\nDziękujemy za zamówienie!\n{{ owner.name }}, {{ own_company.name }}",
        "opened": "Klient otwiera fakturę",
        "paid": "Faktura opłacona",
        "tell": "Klient otworzył fakturę: {{ item.title }}",
        "notify": "Powiadom opiekuna",
    },
    "fr": {
        "pipeline": "Factures",
        "one": "Facture",
        "stages": ("Brouillon", "Envoyée", "Réglée en partie", "En retard", "Réglée", "Annulée"),
        "taxes": (("20 %", 20), ("10 %", 10), ("5,5 %", Decimal("5.5"))),
        "unit": "pce",
        "company": {
            "tax_number": "FR 12 345678901", "registration": "RCS Lyon 345 678 901 · SIRET 345 678 901 00012",
            "bank": "Banque Exemple", "account": "FR14 2004 1010 0505 0001 3M02 606", "bic": "PSSTFRPPLYO",
            "website": "maisonduchene.example",
        },
        "invoice": "Créer la facture",
        "mail": "E-mail : votre facture",
        "subject": "Facture {{ rules.invoice.number }}",
        "body": "Bonjour {{ contact.salutation }},\n\nvoici votre facture {{ rules.invoice.number }} :\n{{ rules.invoice.link }}\n\nMerci de votre commande !\n{{ owner.name }}, {{ own_company.name }}",
        "opened": "Le client ouvre la facture",
        "paid": "Facture réglée",
        "tell": "Le client a ouvert la facture : {{ item.title }}",
        "notify": "Prévenir le responsable",
    },
    "vi": {
        "pipeline": "Hoá đơn",
        "one": "Hoá đơn",
        "stages": ("Nháp", "Đã gửi", "Trả một phần", "Quá hạn", "Đã thanh toán", "Huỷ"),
        "taxes": (("10 %", 10), ("8 %", 8), ("0 %", 0)),
        "unit": "cái",
        "company": {
            "tax_number": "0312345678", "registration": "GCNĐKDN 0312345678, Sở KH&ĐT TP. Hồ Chí Minh",
            "bank": "Ngân hàng Ví Dụ", "account": "0123 4567 8901", "bic": "970499", "website": "nhagosoi.example",
        },
        "invoice": "Tạo hoá đơn",
        "mail": "E-mail: hoá đơn của quý khách",
        "subject": "Hoá đơn {{ rules.invoice.number }}",
        "body": "Chào {{ contact.salutation }},\n\nđây là hoá đơn {{ rules.invoice.number }}:\n{{ rules.invoice.link }}\n\nCảm ơn quý khách đã đặt hàng!\n{{ owner.name }}, {{ own_company.name }}",
        "opened": "Khách mở hoá đơn",
        "paid": "Hoá đơn đã thanh toán",
        "tell": "Khách đã mở hoá đơn: {{ item.title }}",
        "notify": "Báo người phụ trách",
    },
}  # fmt: skip


def add_documents(demo: Demo) -> None:
    texts = TEXTS[demo.language]
    OwnCompany.objects.update(**texts["company"])
    taxes = [
        TaxRate.objects.create(name=name, percent=percent, is_default=place == 0, order=place)
        for place, (name, percent) in enumerate(texts["taxes"])
    ]
    currency = demo.texts["currency"]
    factor = 30_000 if currency == "VND" else 1
    for place, name in enumerate(demo.texts["products"]):
        Product.objects.create(
            name=name,
            code=f"OAK-{place + 1:03}",
            unit=texts["unit"],
            price=(450 + 310 * place) * factor,
            cost=(280 + 205 * place) * factor,
            currency=currency,
            tax=taxes[0],
        )
    demo.pipeline.card_fields = ["profit"]
    demo.pipeline.save()
    templates = starter.install(demo.language)
    _invoices(texts, currency)
    _automation(demo, texts, templates)


def _invoices(texts: dict[str, Any], currency: str) -> None:
    type_, _made = ItemType.objects.get_or_create(key="invoice")
    type_.name, type_.plural, type_.icon = texts["one"], texts["pipeline"], "file-text"
    type_.save()
    pipeline = Pipeline.objects.create(item_type=type_, name=texts["pipeline"], currency=currency, order=9)
    kinds = (StageKind.OPEN,) * 4 + (StageKind.WON, StageKind.LOST)
    colours = ("grey", "azure", "yellow", "red", "green", "grey")
    draft, sent, partly, overdue, paid, void = (
        Stage.objects.create(pipeline=pipeline, name=name, order=order, kind=kind, colour=colour)
        for order, (name, kind, colour) in enumerate(zip(texts["stages"], kinds, colours, strict=True))
    )
    InvoiceFlow.objects.create(
        pipeline=pipeline, draft=draft, sent=sent, partly_paid=partly, overdue=overdue, paid=paid, void=void
    )


def _automation(demo: Demo, texts: dict[str, Any], templates: dict[str, Any]) -> None:
    """R6 to R9 of the demo, and the triggers of document and payment."""
    prepare, waiting, prepayment = demo.stages[2], demo.stages[3], demo.stages[4]
    prepare.needed_to_enter = ["amount"]  # an invoice over nothing cannot be made
    prepare.save()
    invoice = {"template": str(templates["invoice"].pk)}
    with editing(demo.pipeline, demo.people[0], Publication.Origin.DEMO) as under_way:
        placing = Placing(under_way.document, texts)
        papers = invoice | {"due_days": "14", "stamped": "", "wait": "on"}
        placing.rule(prepare, "invoice", "invoice", "create_invoice", papers)
        mail = {"subject": texts["subject"], "body": texts["body"]}
        placing.rule(prepare, "invoice_mail", "mail", "send_email", mail, after_previous=Rule.After.DONE)
        placing.trigger(waiting, "opened", "document_opened", invoice)
        told = {"to_roles": ["owner"], "text": texts["tell"]}
        placing.rule(waiting, "opened", "notify", "notify", told)
        placing.trigger(prepayment, "paid", "invoice_paid", {})


INVOICES = 40


def add_history(demo: Demo) -> None:
    """The newest deals that came as far have their invoice; those that came further are paid, one in six in part."""
    anna = demo.people[0]
    flow = InvoiceFlow.objects.select_related("pipeline").get(pipeline__item_type__key="invoice")
    template = DocumentTemplate.objects.get(kind=Kind.INVOICE, language=demo.language)
    products = {product.name: product for product in Product.objects.select_related("tax")}
    far = Item.objects.filter(pipeline=demo.pipeline, stage__in=demo.stages[3:7], amount__gt=0)
    newest = sorted(far.order_by("-created_at")[:INVOICES], key=lambda item: item.stage_entered_at)
    for place, deal in enumerate(newest):
        waiting = deal.stage_id == demo.stages[3].pk
        asked = deal.stage_entered_at - timedelta(days=1 if waiting else 4)
        product = products.get(deal.title.partition(" – ")[0]) or next(iter(products.values()))
        with clock.at(asked):
            replace_lines(deal, [_line(deal, product)])
            invoice, document = flow.make_invoice(deal, template, by=anna)
            sent.count_as_sent(document, by=anna)
        if not waiting or place % 6 == 5:
            with clock.at(asked + timedelta(days=2, hours=place % 7)):
                part = waiting or invoice.amount is None
                worth = deal.amount or Decimal(0)
                amount = rounded(worth / 2, deal.currency) if part else worth
                Payment.book(
                    invoice,
                    amount,
                    currency=deal.currency,
                    paid_on=today(),
                    reference=document.number,
                    by=anna,
                )
    # What is told of all this is history: it moves nothing any more.
    Job.objects.filter(kind="match").delete()
    Job.objects.filter(kind=making.DRAW).update(due_at=clock.now())  # else they would count as weeks late


def _line(deal: Item, product: Product) -> LineItem:
    """One line over the deal's amount, the tax within it."""
    tax = product.tax
    return LineItem(
        product=product, name=product.name, quantity=1, unit=product.unit, price=deal.amount or Decimal(0),
        cost=rounded((deal.amount or Decimal(0)) * (48 + deal.pk % 25) / 100, deal.currency),
        tax_name=tax.name if tax else "", tax_percent=tax.percent if tax else None, tax_included=True,
    )  # fmt: skip
