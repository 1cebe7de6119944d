"""QR codes that a rule makes for a card: each leads to a page of ours, so that we see it was scanned."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.events.record import record
from crm.ground import clock, databases
from crm.models import Item

# Seen again within this, it is the same scan.
SAME_SCAN_SECONDS = 3600


def new_token() -> str:
    return secrets.token_urlsafe(12)


class QrCode(models.Model):
    item = models.ForeignKey(Item, models.CASCADE, related_name="qr_codes", verbose_name=_("item"))
    name = models.CharField(_("name"), max_length=80)
    # 96 bits: short enough for a small code, too many to try.
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    heading = models.CharField(_("heading"), max_length=200)
    text = models.TextField(_("text"), blank=True)
    button = models.CharField(_("button"), max_length=60, blank=True)
    target = models.CharField(_("leads to"), max_length=1000, blank=True)
    language = models.CharField(max_length=5, default="en")
    origin = models.CharField(max_length=40, blank=True, editable=False)
    scans = models.PositiveIntegerField(_("scans"), default=0)
    scanned_at = models.DateTimeField(_("last scanned at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("QR code")
        verbose_name_plural = _("QR codes")
        indexes = [models.Index(fields=["item", "-id"], name="qr_codes_of_item")]

    def __str__(self) -> str:
        return self.name

    def link(self) -> str:
        return str(settings.PUBLIC_URL) + reverse("qr", args=[self.token])

    def picture_link(self) -> str:
        return str(settings.PUBLIC_URL) + reverse("qr-picture", args=[self.token])

    def scanned(self) -> None:
        """A person looks at the page. Told once an hour, counted each time."""
        now = clock.now()
        slot = int(now.timestamp() // SAME_SCAN_SECONDS)
        contact = self.item.contact
        payload: dict[str, Any] = {"code": self.pk, "name": self.name, "customer": contact.name if contact else ""}

        def work() -> None:
            QrCode.objects.filter(pk=self.pk).update(scans=F("scans") + 1, scanned_at=now)
            record("qr.scanned", item=self.item, contact=contact, payload=payload, key=f"qr.scanned:{self.pk}:{slot}")

        databases.persistently(work)
