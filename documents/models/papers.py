"""A paper: made from a template and an item, numbered, drawn as PDF, shown to the customer by a secret link."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.events.record import record
from crm.ground import clock, vault
from crm.ground.columns.moments import MomentField
from crm.ground.columns.search_key import SearchKeyField
from crm.ground.folding import fold
from crm.ground.sentences import SentenceField
from crm.items import customer_rights
from crm.items.models.lines import Totals
from crm.models import Item, Job, LineItem, Role, User
from crm.pipelines import boards
from documents.models.numbers import Numerator
from documents.models.templates import Kind, TemplateVersion


def random_place(_document: Any, _name: str) -> str:
    place = uuid.uuid4().hex
    return f"documents/{place[:2]}/{place}"


@dataclass(frozen=True)
class Credited:
    """What a credit note takes back: unsaved lines, of which paper, and why.

    `totals`: what is printed instead of the lines' own sums, where roundings of earlier notes are made up.
    """

    paper: Document
    lines: list[LineItem]
    reason: str
    totals: Totals | None = None


class DocumentQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        """Papers of items that the person sees, with their customers: a paper shows the customer's address."""
        rows = self.filter(item__in=Item.objects.visible_to(user)).exclude(customer_rights.concealed(user))
        # Of erased customers: kept because the law wants it, and for nothing else.
        keeps_books = Role.objects.of(user).filter(keeps_books=True)
        return rows.filter(models.Q(closed_until=None) | models.Exists(keeps_books))

    def found(self, text: str) -> Self:
        return self.filter(search_key__contains=fold(text))


class Document(models.Model):
    class Status(models.TextChoices):
        QUEUED = "queued", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        SENT = "sent", _("sent")
        VIEWED = "viewed", _("viewed")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        VOID = "void", _("void")

    TONES = {"queued": "secondary", "failed": "red", "viewed": "blue", "accepted": "green", "declined": "orange"}

    item = models.ForeignKey(Item, models.CASCADE, related_name="documents", verbose_name=_("item"))
    version = models.ForeignKey(TemplateVersion, models.PROTECT, related_name="documents", verbose_name=_("template"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=200)
    numerator = models.ForeignKey(Numerator, models.PROTECT, related_name="papers")
    number = models.CharField(_("number"), max_length=80)
    language = models.CharField(_("language"), max_length=5, default="en")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    # What it was made of, as it was then; a change of item or template changes no paper.
    html = models.TextField(editable=False)
    data = models.JSONField(default=dict, editable=False)
    stamped = models.BooleanField(_("with stamp and signature"), default=False)
    file = models.FileField(upload_to=random_place, blank=True, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, editable=False)
    pages = models.PositiveSmallIntegerField(_("pages"), default=0, editable=False)
    error = SentenceField(_("error"), blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    # "rule:12" where a rule made it.
    origin = models.CharField(max_length=40, blank=True, editable=False)
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaced_by", verbose_name=_("replaces")
    )
    created_at = models.DateTimeField(_("made at"), default=clock.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    viewed_at = models.DateTimeField(_("first viewed at"), null=True, blank=True)
    views = models.PositiveIntegerField(_("views"), default=0)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answered_by = models.CharField(_("answered by"), max_length=120, blank=True)
    answer_note = models.TextField(_("note"), blank=True)
    signature = models.FileField(upload_to=random_place, blank=True, editable=False)
    # The accepted paper with its page of evidence; the paper itself stays as it was.
    signed_file = models.FileField(upload_to=random_place, blank=True, editable=False)
    signed_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    # Its customer was erased: until this day it is kept, and closed to all but those who keep the books.
    closed_until = models.DateField(_("closed until"), null=True, blank=True, editable=False)
    search_key = SearchKeyField()

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [models.UniqueConstraint(fields=["numerator", "number"], name="document_number_once")]
        indexes = [models.Index(fields=["item", "-id"], name="documents_of_item")]

    def __str__(self) -> str:
        return f"{self.title} {self.number}"

    def folded(self) -> str:
        return fold(f"{self.number} {self.title}")

    def change_status(self, status: str) -> None:
        self.status = status
        type(self).objects.filter(pk=self.pk).update(status=status)
        boards.touch(self.item.pipeline_id, self.item.stage_id)

    def mark_sent(self) -> bool:
        """It went out to the customer; False if it had before, is void, or nothing could have been seen yet.

        Who calls it tells others (documents/sent.py).
        """
        drawn = type(self).objects.filter(pk=self.pk, sent_at=None).exclude(file="").exclude(status=self.Status.VOID)
        sent = drawn.update(sent_at=clock.now())
        type(self).objects.filter(pk=self.pk, status=self.Status.READY).update(status=self.Status.SENT)
        self.refresh_from_db(fields=["sent_at", "status"])
        return bool(sent)

    def tell(self, kind: str, payload: dict[str, Any] | None = None, **more: Any) -> None:
        """An event of its item, and of the item that it was made for (an invoice's deal)."""
        told = {"document": self.pk, "number": self.number, "title": self.title, "kind": self.kind}
        told |= {"template": self.version.template_id} | (payload or {})
        key = more.pop("key", None)
        for item in filter(None, (self.item, self.item.parent)):
            record(kind, item=item, payload=told, key=f"{key}:{item.pk}" if key else None, **more)

    @property
    def tone(self) -> str:
        return self.TONES.get(self.status, "secondary")

    @property
    def subline(self) -> str:
        return f"{self.get_status_display()} · {self.item.title}"

    @property
    def is_drawn(self) -> bool:
        return bool(self.file)

    @property
    def may_be_answered(self) -> bool:
        """Accept or decline: papers that ask for it, until the answer."""
        open_ = self.status in (self.Status.READY, self.Status.SENT, self.Status.VIEWED)
        return open_ and self.kind in (Kind.OFFER, Kind.CONTRACT, Kind.ACCEPTANCE)

    def file_name(self) -> str:
        return f"{self.number}.pdf".replace("/", "-").replace("\\", "-")

    def link(self) -> str:
        """The address for the customer; made with it; another one once the former are closed."""
        for row in self.links.filter(revoked_at=None):
            if row.is_valid():
                token = vault.unlock(row.sealed).get("token", "")
                if token:
                    return address_of(token)
        return address_of(DocumentLink.make(self))


def address_of(token: str) -> str:
    return str(settings.PUBLIC_URL) + reverse("document-public", args=[token])


class DocumentLink(models.Model):
    """A secret address of one document. Looked up by its hash; the token itself is kept encrypted, to be shown again."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="links")
    hash = models.CharField(max_length=64, unique=True)
    sealed = models.TextField()
    created_at = models.DateTimeField(default=clock.now)
    expires_at = MomentField(_("valid until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("document link")
        verbose_name_plural = _("document links")

    def __str__(self) -> str:
        return f"link of document {self.document_id}"

    @staticmethod
    def digest(token: str) -> str:
        # The purpose is part of what is hashed: a token of anything else opens no document.
        return hashlib.sha256(f"document:{token}".encode()).hexdigest()

    @classmethod
    def make(cls, document: Document, expires_at: datetime | None = None) -> str:
        """A new link; returns its token (256 bits)."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(
            document=document, hash=cls.digest(token), sealed=vault.lock({"token": token}), expires_at=expires_at
        )
        return token

    @classmethod
    def read(cls, token: str) -> DocumentLink | None:
        """The link, valid or not; None for a token that never was one."""
        found = cls.objects.filter(hash=cls.digest(token)).select_related(
            "document", "document__item", "document__item__contact", "document__version__template"
        )
        return found.first()

    def is_valid(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > clock.now())
