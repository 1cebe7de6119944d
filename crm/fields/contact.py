from django.utils.translation import gettext_lazy as _

from crm.fields.record import Record


class Customer(Record):
    """A contact; who may be chosen hangs on who chooses (crm/board/forms/items.py)."""

    key = "contact"
    label = _("contact")
    model = "crm.Contact"
