"""Who gets no messages any more: an address or number, not a person. It holds for whoever has it, now and later."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.ground import clock, phones
from crm.ground.addresses import one_spelling
from crm.ground.marks import keyed_hashes
from crm.ground.sentences import said
from crm.ground.shown import beside
from crm.messages.models.messages import Medium, Message
from crm.people.models import Contact, User


def spelled(medium: str, address: str) -> str:
    """An address or number as refusals keep it. Raises ValidationError for what is none."""
    if medium == Medium.SMS:
        return phones.parse(address)
    kept = one_spelling(address)
    validate_email(kept)
    return kept


class RefusalQuerySet(models.QuerySet["Refusal"]):
    def standing(self) -> RefusalQuerySet:
        return self.filter(lifted_at=None)

    def against(self, medium: str, address: str) -> Refusal | None:
        """Why nothing is sent there; None where nothing speaks against it."""
        kept = one_spelling(address) if medium == Medium.EMAIL else address
        # Of who was erased only a mark is left.
        known = [kept, *keyed_hashes(medium, kept)]
        return self.standing().filter(medium=medium, address__in=known).order_by("pk").first()

    def of(self, contact: Contact) -> RefusalQuerySet:
        """What stands against the contact's addresses and numbers."""
        emails = contact.emails.order_by().values("address")
        numbers = contact.phones.order_by().values("number")
        theirs = Q(medium=Medium.EMAIL, address__in=emails) | Q(medium=Medium.SMS, address__in=numbers)
        return self.standing().filter(theirs).select_related("message__item").order_by("pk")


class Refusal(models.Model):
    class Reason(models.TextChoices):
        STOP = "stop", _("answered STOP")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        BOUNCED = "bounced", _("its server refused a mail for good")
        COMPLAINED = "complained", _("called a mail of ours spam")
        ASKED = "asked", _("asked one of us")

    shows_item = False  # set by a page for its reader
    SENTENCES = {
        Reason.STOP: said("refusal.stop", "%(to)s gets no SMS: it answered STOP on %(day)s."),
        Reason.UNSUBSCRIBED: said("refusal.unsubscribed", "%(to)s gets no e-mail: it unsubscribed on %(day)s."),
        Reason.BOUNCED: said("refusal.bounced", "Mail to %(to)s comes back: %(words)s"),
        Reason.COMPLAINED: said(
            "refusal.complained", "%(to)s gets no e-mail: its reader called our mail spam on %(day)s."
        ),
        Reason.ASKED: said("refusal.asked", "%(to)s gets no messages: this was asked for on %(day)s."),
    }

    medium = models.CharField(_("medium"), max_length=10, choices=Medium.choices)
    # In one spelling: crm/ground/addresses.py, or E.164.
    address = models.CharField(_("address or number"), max_length=254)
    reason = models.CharField(_("why"), max_length=12, choices=Reason.choices, default=Reason.ASKED)
    words = models.CharField(_("in the words of its server"), max_length=300, blank=True)
    since = models.DateTimeField(_("since"), default=clock.now)
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by which message")
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        "crm.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("lifted by"),
    )
    lifted_why = models.CharField(_("lifted because"), max_length=300, blank=True)

    objects = RefusalQuerySet.as_manager()

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        indexes = [models.Index(fields=["medium", "address"], name="refusal_of_address")]
        constraints = [
            models.UniqueConstraint(
                fields=["medium", "address", "reason"], condition=Q(lifted_at=None), name="refused_once_a_reason"
            )
        ]

    def __str__(self) -> str:
        return beside(self.shown_address, self.get_reason_display())

    def clean(self) -> None:
        if self.medium and self.address:
            try:
                self.address = spelled(self.medium, self.address)
            except ValidationError as error:
                raise ValidationError({"address": error.messages}) from error

    @property
    def shown_address(self) -> str:
        if not ("@" in self.address or self.address.startswith("+")):
            return str(_("an erased customer"))
        return phones.display(self.address) if self.medium == Medium.SMS else self.address

    def sentence(self) -> str:
        """Why nothing is sent there, in the reader's language."""
        words = {"to": self.shown_address, "day": timezone.localtime(self.since).date(), "words": self.words or "?"}
        return self.SENTENCES[self.Reason(self.reason)] % words

    @classmethod
    def keep(cls, medium: str, address: str, reason: str, *, message: Message | None = None, words: str = "") -> bool:
        """Nothing is sent there from now on. False: it was known already.

        Args:
            address: a number in E.164, as providers give it, or an address in any spelling.
        """
        kept = one_spelling(address) if medium == Medium.EMAIL else address
        more = {"message": message, "words": words[:300]}
        return cls.objects.get_or_create(
            medium=medium, address=kept[:254], reason=reason, lifted_at=None, defaults=more
        )[1]

    def held_by(self) -> models.QuerySet[Contact]:
        """Contacts that have the address or number."""
        at = Q(emails__address=self.address) if self.medium == Medium.EMAIL else Q(phones__number=self.address)
        return Contact.objects.filter(at).distinct()

    def lift(self, why: str, by: User | None = None) -> None:
        """It may be written to again. Stays in the table, with who lifted it and why."""
        now: Any = clock.now()
        lifted = {"lifted_at": now, "lifted_by": by, "lifted_why": why[:300]}
        if type(self).objects.standing().filter(pk=self.pk).update(**lifted):
            self.lifted_at, self.lifted_by, self.lifted_why = now, by, why[:300]
