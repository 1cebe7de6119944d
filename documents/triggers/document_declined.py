"""Document declined."""

from django.utils.translation import gettext_lazy as _

from automation.base import trigger_types
from documents.triggers.of_answer import OfAnswer


@trigger_types.register
class DocumentDeclined(OfAnswer):
    key = "document_declined"
    label = _("Document declined")
    synonyms = _("refused, rejected offer")
    example = _("The offer was declined: to “Talk again”.")
    help = _("The customer declines the paper on its page.")
    events = ("document.declined",)
