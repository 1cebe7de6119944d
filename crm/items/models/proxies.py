"""The item types that come with the product, each as a model of its own over the one table."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.items.models.item_set import ItemQuerySet
from crm.items.models.items import Item


class _Typed(models.Manager[Any]):
    """A proxy's manager: only its own item type."""

    def get_queryset(self) -> ItemQuerySet:
        return ItemQuerySet(self.model, using=self._db).filter(item_type__key=self.model.type_key)


class Lead(Item):
    type_key = "lead"
    objects = _Typed()  # type: ignore[assignment,misc]  # of its type only

    class Meta:
        proxy = True
        verbose_name = _("lead")
        verbose_name_plural = _("leads")


class Deal(Item):
    type_key = "deal"
    objects = _Typed()  # type: ignore[assignment,misc]  # of its type only

    class Meta:
        proxy = True
        verbose_name = _("deal")
        verbose_name_plural = _("deals")


class Quote(Item):
    type_key = "quote"
    objects = _Typed()  # type: ignore[assignment,misc]  # of its type only

    class Meta:
        proxy = True
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")


class Invoice(Item):
    type_key = "invoice"
    objects = _Typed()  # type: ignore[assignment,misc]  # of its type only

    class Meta:
        proxy = True
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
