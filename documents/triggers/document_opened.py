"""Document opened."""

from django.utils.translation import gettext_lazy as _

from automation.base import trigger_types
from documents.triggers.of_template import OfTemplate


@trigger_types.register
class DocumentOpened(OfTemplate):
    key = "document_opened"
    label = _("Document opened")
    synonyms = _("viewed, read offer")
    example = _("The invoice was opened: to “Waiting for payment”.")
    help = _("The customer opens the paper's page: no colleague, no scanner, no preview; the first time counts.")
    events = ("document.opened",)
