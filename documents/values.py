"""What papers may print: the item's own merge fields, and besides them lines, taxes, totals and the paper itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from babel import numbers as babel_numbers
from django.utils.translation import override
from num2words import num2words

from crm.ground.shown import money
from crm.items.models.lines import Totals, rounded
from crm.messages import merge_text
from crm.models import Item, LineItem, OwnCompany
from documents import glyphs
from documents.models.balances import Balance
from documents.pay_code import pay_code
from documents.pay_code import picture as pay_picture

if TYPE_CHECKING:
    from documents.models import DocumentTemplate
    from documents.models.papers import Credited

PICTURES = ("logo", "stamp", "signature")


def amount_in_words(amount: Decimal, currency: str, language: str) -> str:
    """2461.23 PLN, pl -> "dwa tysiące czterysta sześćdziesiąt jeden złotych polskich 23/100"."""
    amount = rounded(amount, currency)
    whole = int(abs(amount))
    try:
        words = num2words(whole, lang=language)
    except NotImplementedError:
        words = num2words(whole, lang="en")
    name = babel_numbers.get_currency_name(currency, count=whole, locale=language)
    digits = babel_numbers.get_currency_precision(currency)
    rest = ""
    if digits:
        base = 10**digits
        rest = f" {int((abs(amount) - whole) * base):0{digits}d}/{base}"
    return f"{'− ' if amount < 0 else ''}{words} {name}{rest}"


def line_values(rows: Iterable[LineItem], currency: str, template: DocumentTemplate) -> list[dict[str, Any]]:
    """A template from before there were discounts as amounts does not name them: then the line's name tells."""
    tells = "discount_amount" in template.body

    def name(row: LineItem) -> str:
        if tells or not row.discount_amount:
            return row.name
        with override(template.language):
            return f"{row.name} (−{money(row.discount_amount, currency)})"

    return [
        {
            "number": place,
            "name": name(row),
            "description": row.product.description if row.product else "",
            "code": row.product.code if row.product else "",
            "quantity": row.quantity.normalize() + 0,
            "unit": row.unit,
            "price": row.price.normalize() + 0,
            "discount": row.discount.normalize() + 0 if row.discount else "",
            "discount_amount": rounded(row.discount_amount, currency) if row.discount_amount else "",
            "tax": row.tax_name,
            "total": row.amount(currency),
        }
        for place, row in enumerate(rows, 1)
    ]


def _codes(item: Item, to_pay: Decimal | None, number: str) -> dict[str, str]:
    """Texts of the QR codes by their picture's name; `to_pay`: of an invoice, in its currency."""
    payment = pay_code(OwnCompany.first(), to_pay, item.currency, number) if to_pay is not None else ""
    landing = item.qr_codes.first() if item.pk else None
    return {"payment_qr": payment, "landing_qr": landing.link() if landing else ""}


def _pictures(stamped: bool) -> dict[str, str]:
    own = OwnCompany.first()
    return {
        name: f"asset:{name}" if own and getattr(own, name) and (name == "logo" or stamped) else "" for name in PICTURES
    }


def values_for(
    item: Item,
    template: DocumentTemplate,
    *,
    number: str,
    day: datetime,
    stamped: bool = False,
    outputs: dict[str, Any] | None = None,
    credited: Credited | None = None,
) -> merge_text.Values:
    """Everything that the template may print of the item.

    Args:
        number: of the paper; a preview shows the next one without taking it.
        day: when it is made, in the numerator's zone.
        outputs: of earlier rules, by key.
        credited: what a credit note lists instead of the item's lines.
    """
    lines = credited.lines if credited else list(item.lines.select_related("product"))
    totals = (credited.totals if credited else None) or Totals.of(lines, item.currency)
    gross = totals.gross if totals.rates else (item.amount or Decimal(0))
    balance = Balance.of(item) if item.pk else Balance(gross, Decimal(0), Decimal(0))
    still_open = gross - balance.credited - balance.paid
    codes = _codes(item, still_open if template.kind == "invoice" else None, number)
    return merge_text.Values(
        item,
        codes={name: text for name, text in codes.items() if text},
        document={
            "number": number,
            "date": day.date(),
            "due_date": item.due_date or "",
            "title": template.name,
        },
        credited=_credited_values(credited),
        lines=line_values(lines, item.currency, template),
        taxes=[
            {"name": rate.name or "–", "net": rate.net, "tax": rate.tax, "gross": rate.gross} for rate in totals.rates
        ],
        totals={
            "net": totals.net if totals.rates else gross,
            "tax": totals.tax,
            "gross": gross,
            "words": amount_in_words(gross, item.currency, template.language),
            "paid": balance.paid,
            "open": still_open,
        },
        pictures=_pictures(stamped) | {name: f"asset:{name}" if text else "" for name, text in codes.items()},
        rules=outputs or {},
    )


def _credited_values(credited: Credited | None) -> dict[str, Any]:
    """Of the paper that a credit note corrects; empty texts on every other paper."""
    if credited is None:
        return {"number": "", "date": "", "reason": ""}
    paper = credited.paper
    return {
        "number": paper.number,
        "date": paper.numerator.local(paper.created_at).date(),
        "reason": credited.reason,
    }


def fill(template: DocumentTemplate, item: Item, values: merge_text.Values) -> str:
    """The template's HTML with its values, escaped.

    Raises MergeError naming field and line, or the letters that no font here has.
    """
    page = merge_text.render(
        template.body,
        values,
        html=True,
        language=template.language,
        zone=OwnCompany.zone(),
        currency=item.currency,
    )
    return glyphs.writable(page)


def pictures_of(stamped: bool, codes: dict[str, str]) -> dict[str, bytes]:
    """Content of the pictures that a paper may show; `codes`: the texts of its QR codes, by their picture's name."""
    own = OwnCompany.first()
    found = {name: pay_picture(text) for name, text in codes.items()}
    for name in PICTURES:
        file = getattr(own, name, None)
        if file and (name == "logo" or stamped):
            with file.open("rb") as content:
                found[name] = content.read()
    return found
