"""Which papers a message takes along: as a file, or by their address in its text."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Message
from documents.models.papers import Document


class CarriedPaper(models.Model):
    """Written with the message; once it has left, the paper is sent (documents/sent.py)."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="carried", verbose_name=_("message"))
    document = models.ForeignKey(Document, models.CASCADE, related_name="carried_by", verbose_name=_("document"))

    class Meta:
        verbose_name = _("paper of a message")
        verbose_name_plural = _("papers of messages")
        constraints = [models.UniqueConstraint(fields=["message", "document"], name="paper_once_a_message")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.document_id}"
