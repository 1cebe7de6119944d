"""Document accepted."""

from django.utils.translation import gettext_lazy as _

from automation.base import trigger_types
from documents.triggers.of_answer import OfAnswer


@trigger_types.register
class DocumentSigned(OfAnswer):
    key = "document_signed"
    label = _("Document accepted")
    synonyms = _("accepted, signature")
    example = _("The contract is accepted: to “Advance”.")
    help = _("The customer accepts or signs the paper on its page.")
    events = ("document.signed",)
