from django.utils.translation import gettext_lazy as _

from crm.fields.record import Record


class Reason(Record):
    """Why something was lost."""

    key = "lost_reason"
    label = _("lost reason")
    model = "crm.LostReason"
    is_few = True
