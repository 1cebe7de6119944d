"""Where answers of customers arrive: an IMAP mailbox that is looked into each minute."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import vault
from crm.ground.sentences import SentenceField
from crm.messages.models.messages import Channel, Medium


def today() -> date:
    """By real time: it is compared with what a foreign server says, which knows nothing of a demo's moved clock."""
    return datetime.now(UTC).date()


class Mailbox(models.Model):
    """One folder of one account. What came before it was set up is not read."""

    class Security(models.TextChoices):
        TLS = "tls", _("TLS")
        STARTTLS = "starttls", "STARTTLS"
        NONE = "none", _("none")

    name = models.CharField(_("name"), max_length=80)
    channel = models.ForeignKey(
        Channel,
        models.PROTECT,
        related_name="mailboxes",
        limit_choices_to={"medium": Medium.EMAIL},
        verbose_name=_("channel"),
        help_text=_("Answers to what this channel sends arrive here."),
    )
    host = models.CharField(_("server"), max_length=200)
    port = models.PositiveIntegerField(
        _("port"), default=993, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    security = models.CharField(_("encryption"), max_length=10, choices=Security.choices, default=Security.TLS)
    user = models.CharField(_("user"), max_length=200)
    secret = models.TextField(blank=True, editable=False)  # encrypted; see crm/ground/vault.py
    folder = models.CharField(_("folder"), max_length=200, default="INBOX")
    is_active = models.BooleanField(_("active"), default=True)
    # The server numbers mails upwards; a new validity means that it began anew (RFC 3501).
    validity = models.BigIntegerField(null=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    # What arrived before it was set up is not ours to read.
    since = models.DateField(default=today, editable=False)
    checked_at = models.DateTimeField(_("last looked into"), null=True, editable=False)
    fault = SentenceField(_("fault"), blank=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.channel_id and self.channel.medium != Medium.EMAIL:
            raise ValidationError({"channel": _("This channel carries no e-mail.")})

    def password(self) -> str:
        values: dict[str, Any] = vault.unlock(self.secret)
        return str(values.get("password", ""))
