"""Channels, conversations, messages. The channel keeps the books; the transport only talks (crm/transports)."""

from __future__ import annotations

import base64
import uuid
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from crm.company.models import WorkingCalendar
from crm.ground import clock
from crm.ground.sentences import SentenceField
from crm.items import customer_rights
from crm.messages.transports.base import transports
from crm.people.models import Contact, User


class Medium(models.TextChoices):
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("SMS")


class Channel(models.Model):
    """One configured way to reach people."""

    class KnownCustomers(models.TextChoices):
        CARD = "card", _("become cards too")
        BELL = "bell", _("only ring a bell")

    name = models.CharField(_("name"), max_length=80)
    medium = models.CharField(_("medium"), max_length=10, choices=Medium.choices)
    transport = models.CharField(_("transport"), max_length=40)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    secret = models.TextField(blank=True, editable=False)  # encrypted; see crm/ground/vault.py
    sender = models.CharField(_("sender"), max_length=200, blank=True, help_text=_("Address or number shown as from."))
    is_active = models.BooleanField(_("active"), default=True)
    is_default = models.BooleanField(_("default for its medium"), default=False)
    hourly_limit = models.PositiveIntegerField(_("messages an hour, at most"), default=1000)
    contact_daily_limit = models.PositiveIntegerField(_("automatic messages a day to one contact, at most"), default=10)
    calendar = models.ForeignKey(
        WorkingCalendar,
        models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("sends only in working time of"),
    )
    track = models.BooleanField(
        _("track opens and links"), default=True, help_text=_("Of mails to customers; links then lead through us.")
    )
    known_customers = models.CharField(
        _("mails of customers without an open card"),
        max_length=10,
        choices=KnownCustomers.choices,
        default=KnownCustomers.CARD,
        help_text=_("Where strangers become cards; their owner is told in either case."),
    )
    robots = models.TextField(
        _("programs that write for others"),
        blank=True,
        help_text=_(
            "One address or @domain a line: a mail from there is of whoever its Reply-To names, as those of wordpress@"
            " and no-reply@ are in any case."
        ),
    )
    strangers = models.ForeignKey(
        "crm.Pipeline",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("mails of strangers become cards in"),
        help_text=_("Empty: they are kept in the outbox, without a card."),
    )
    fault = models.CharField(_("fault"), max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["medium", "name"]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        found = transports.get(self.transport)
        if found is not None and self.medium and self.medium not in found.media:
            raise ValidationError({"transport": _("This transport does not carry %s.") % self.get_medium_display()})

    @classmethod
    def default_for(cls, medium: str) -> Channel | None:
        return cls.objects.filter(medium=medium, is_active=True).order_by("-is_default", "pk").first()


class Conversation(models.Model):
    """All messages with one customer through one channel."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="conversations")
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="conversations")
    unread = models.PositiveIntegerField(default=0)
    last_message_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [models.UniqueConstraint(fields=["contact", "channel"], name="one_conversation_a_channel")]

    def __str__(self) -> str:
        return f"{self.contact} · {self.channel}"


def _mark(name: str, key: str) -> str:
    """96 bits that only we can make for this name."""
    return salted_hmac("crm.message", name, secret=key, algorithm="sha256").hexdigest()[:24]


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User) -> Self:
        """Messages of items that the user may see, with their customers; those of no item are the administrators'."""
        # Named by the relation: items know what leaving a stage does to messages, so they cannot be imported here.
        items: Any = Message._meta.get_field("item").related_model
        if user.is_superuser:
            return self
        return self.filter(item__in=items.objects.visible_to(user)).exclude(customer_rights.concealed(user))


class Message(models.Model):
    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        SKIPPED = "skipped", _("not sent")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        UNKNOWN = "unknown", _("unknown: please look")

    class Direction(models.TextChoices):
        OUT = "out", _("out")
        IN = "in", _("in")

    # Ours, in every send: a callback finds the row by it before or after the outcome is written.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("conversation")
    )
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="messages", verbose_name=_("channel"))
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices, default=Direction.OUT)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("contact")
    )
    item = models.ForeignKey(
        "crm.Item", models.SET_NULL, null=True, blank=True, related_name="messages", verbose_name=_("item")
    )
    job = models.OneToOneField(
        "crm.Job", models.SET_NULL, null=True, blank=True, related_name="message", verbose_name=_("job")
    )
    to = models.CharField(_("to"), max_length=254)
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), blank=True)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PLANNED)
    error = SentenceField(_("error"), blank=True)
    provider_id = models.CharField(_("number at the provider"), max_length=120, blank=True, db_index=True)
    # A password, a code, a notice to one of ours: no refusal stops it.
    is_necessary = models.BooleanField(default=False, editable=False)
    # The Message-ID of a mail that came in; an answer names it.
    mail_id = models.CharField(max_length=420, blank=True, editable=False)
    answers = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="answered_by", verbose_name=_("answers the mail")
    )
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author"))
    # Which rule sent it ("rule:12"); its hourly limit counts these (E42).
    origin = models.CharField(_("made by"), max_length=40, blank=True)
    cause_depth = models.PositiveSmallIntegerField(_("depth of causes"), default=0)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    opened_at = models.DateTimeField(_("first opened at"), null=True, blank=True)
    opens = models.PositiveIntegerField(_("opened"), default=0)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["-created_at"], name="message_newest"),
            models.Index(fields=["item", "-created_at"], name="message_of_item"),
            models.Index(fields=["origin", "created_at"], name="message_of_rule"),
            models.Index(fields=["channel", "created_at"], name="message_of_channel"),
            models.Index(fields=["contact", "created_at"], name="message_of_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.to}: {self.subject or self.text[:40]}"

    @property
    def is_automatic(self) -> bool:
        return bool(self.origin)

    def public_address(self) -> str:
        """The signed id as a mail's Message-ID; short enough for one line, as some programs mangle folded ones."""
        host = settings.PUBLIC_URL.split("//")[-1].split(":")[0]
        local = base64.urlsafe_b64encode(self.public_id.bytes).decode().rstrip("=")
        return f"<{local}.{_mark(local, settings.SECRET_KEY)}@{host}>"

    @classmethod
    def in_thread(cls, ids: list[str]) -> Message | None:
        """The mail of ours that one of these Message-IDs names: by our mark, or as the provider called it."""
        for text in ids:
            found = cls.marked(text) or cls._called(text)
            if found is not None:
                return found
        return None

    @classmethod
    def known_thread(cls, ids: list[str]) -> Message | None:
        """The mail of ours, or of a customer, that one of these Message-IDs names."""
        theirs = cls.objects.filter(direction=cls.Direction.IN, mail_id__in=ids).exclude(mail_id="")
        return cls.in_thread(ids) or theirs.order_by("-pk").first()

    @classmethod
    def marked(cls, text: str) -> Message | None:
        """The mail whose Message-ID this is, if the mark in it is ours."""
        name, _dot, mark = text.strip("<>").partition("@")[0].rpartition(".")
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        if len(name) != 22 or not any(constant_time_compare(mark, _mark(name, key)) for key in keys):
            return None
        return cls.objects.filter(public_id=uuid.UUID(bytes=base64.urlsafe_b64decode(f"{name}=="))).first()

    @classmethod
    def _called(cls, text: str) -> Message | None:
        names = {text[:120], text.strip("<>").partition("@")[0][:120]} - {""}
        ours = cls.objects.filter(direction=cls.Direction.OUT, channel__medium=Medium.EMAIL)
        return ours.filter(provider_id__in=names).first() if text.strip("<>@") else None

    def values(self) -> dict[str, Any]:
        """What another rule may read of it."""
        return {"id": self.pk, "to": self.to, "status": self.status}


# How far a message is by its provider's words; an older word never overwrites a newer one.
FAR = [Message.Status.SENT, Message.Status.FAILED, Message.Status.DELIVERED]


class MessageLink(models.Model):
    """A link of a mail that leads through us, by its place in the text."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="links")
    place = models.PositiveSmallIntegerField()
    url = models.CharField(max_length=2000)
    clicks = models.PositiveIntegerField(default=0)
    clicked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("link of a message")
        verbose_name_plural = _("links of messages")
        constraints = [models.UniqueConstraint(fields=["message", "place"], name="one_link_a_place")]

    def __str__(self) -> str:
        return self.url
