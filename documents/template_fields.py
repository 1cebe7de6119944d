"""What a paper's template may name besides the fields of every merge text, and the check of a template at save."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.messages import merge_text

# Root: names below it, with their label and type for the picker. Lists are gone through with {% for %}.
FIELDS: dict[str, tuple[Any, dict[str, tuple[Any, str]]]] = {
    "document": (
        _("Document"),
        {
            "number": (_("number"), "text"),
            "date": (_("date"), "date"),
            "due_date": (_("payable until"), "date"),
            "title": (_("title"), "text"),
        },
    ),
    "credited": (
        _("Invoice that is credited"),
        {
            "number": (_("number"), "text"),
            "date": (_("date"), "date"),
            "reason": (_("reason"), "text"),
        },
    ),
    "totals": (
        _("Totals"),
        {
            "net": (_("without tax"), "money"),
            "tax": (_("tax"), "money"),
            "gross": (_("with tax"), "money"),
            "words": (_("in words"), "text"),
            "paid": (_("paid so far"), "money"),
            "open": (_("still to pay"), "money"),
        },
    ),
    "pictures": (
        _("Pictures"),
        {
            "logo": (_("logo"), "picture"),
            "stamp": (_("stamp"), "picture"),
            "signature": (_("signature"), "picture"),
            "payment_qr": (_("QR code of the payment"), "picture"),
            "landing_qr": (_("the card's newest QR code"), "picture"),
        },
    ),
}
LISTS: dict[str, dict[str, tuple[Any, str]]] = {
    "lines": {
        "number": (_("number"), "number"),
        "name": (_("name"), "text"),
        "description": (_("description"), "text"),
        "code": (_("code"), "text"),
        "quantity": (_("quantity"), "number"),
        "unit": (_("unit"), "text"),
        "price": (_("price"), "money"),
        "discount": (_("discount, %"), "number"),
        "discount_amount": (_("discount as an amount"), "money"),
        "tax": (_("tax"), "text"),
        "total": (_("sum"), "money"),
    },
    "taxes": {
        "name": (_("name"), "text"),
        "net": (_("without tax"), "money"),
        "tax": (_("tax"), "money"),
        "gross": (_("with tax"), "money"),
    },
}


def check_template(source: str) -> None:
    """Raises MergeError for a template that cannot work: syntax, unknown filter, unknown field, with its line."""
    names: dict[str, set[str] | None] = {root: set(fields) for root, (_label, fields) in FIELDS.items()}
    # A list's own name may stand alone, or with its size.
    names |= dict.fromkeys(LISTS, None)
    names["rules"] = None  # what earlier rules of the stage made; known only where the rule stands
    merge_text.check(source, extra=names)
