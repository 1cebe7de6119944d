"""How a contact is reached: phones and e-mail addresses, and what is known of each."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import phones
from crm.ground.addresses import one_spelling
from crm.ground.columns.search_key import Part


class Reach(models.Model):
    """What an address and a number of a contact have in common."""

    # It came with other words of this person; nobody of ours has said yet that it is this person's.
    is_new = models.BooleanField(_("new"), default=False)
    came_with = models.ForeignKey("crm.Item", models.SET_NULL, null=True, blank=True, related_name="+", editable=False)

    class Meta:
        abstract = True


class PhoneKind(models.TextChoices):
    MOBILE = "mobile", _("mobile")
    WORK = "work", _("work")
    HOME = "home", _("home")
    OTHER = "other", _("other")


class ContactPhone(Reach):
    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="phones", verbose_name=_("contact"))
    number = models.CharField(_("number"), max_length=20, db_index=True, help_text=_("With country, as +48 …"))
    extension = models.CharField(_("extension"), max_length=7, blank=True, help_text=_("Dialled once it is answered."))
    # Of a possible length, but no numbering plan knows it; no SMS goes there until somebody says that it is right.
    is_unchecked = models.BooleanField(_("not checked"), default=False)
    # Somebody typed it into a public form, whoever that was: SMS cost, and go to listed countries only until it is known.
    is_from_form = models.BooleanField(_("from a public form"), default=False)
    kind = models.CharField(_("kind"), max_length=10, choices=PhoneKind.choices, default=PhoneKind.MOBILE)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("phone")
        verbose_name_plural = _("phones")
        constraints = [models.UniqueConstraint(fields=["contact", "number"], name="phone_once_a_contact")]

    def __str__(self) -> str:
        return phones.display(phones.PhoneNumber(self.number, self.extension).whole)

    @property
    def kept(self) -> str:
        return self.number

    @staticmethod
    def typed(number: str) -> dict[str, Any]:
        """The columns beside the number, as `phones.parse` read it."""
        read = number if isinstance(number, phones.PhoneNumber) else phones.parse(number)
        return {"extension": read.extension, "is_unchecked": not read.is_checked}

    def clean(self) -> None:
        read = phones.parse(self.number)
        stored = type(self).objects.filter(pk=self.pk).values_list("number", flat=True).first()
        if str(read) != stored:
            self.is_unchecked = not read.is_checked
        self.number, self.extension = str(read), read.extension or self.extension


class ContactEmail(Reach):
    contact = models.ForeignKey("crm.Contact", models.CASCADE, related_name="emails", verbose_name=_("contact"))
    address = models.EmailField(_("address"), db_index=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        constraints = [models.UniqueConstraint(fields=["contact", "address"], name="email_once_a_contact")]

    def __str__(self) -> str:
        return self.address

    @property
    def kept(self) -> str:
        return self.address

    def clean(self) -> None:
        self.address = one_spelling(self.address)


# Both are searched by parts.
ContactPhone._meta.get_field("number").register_lookup(Part)
ContactEmail._meta.get_field("address").register_lookup(Part)
