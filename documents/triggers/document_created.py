"""Document created."""

from django.utils.translation import gettext_lazy as _

from automation.base import trigger_types
from documents.triggers.of_template import OfTemplate


@trigger_types.register
class DocumentCreated(OfTemplate):
    key = "document_created"
    label = _("Document created")
    synonyms = _("contract, offer, PDF made")
    example = _("The offer is there: to “Send”.")
    help = _("A paper of the card is ready as PDF.")
    events = ("document.created",)
