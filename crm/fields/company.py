from django.utils.translation import gettext_lazy as _

from crm.fields.record import Record


class Firm(Record):
    """A company; who may be chosen hangs on who chooses (crm/board/forms/items.py)."""

    key = "company"
    label = _("company")
    model = "crm.Company"
