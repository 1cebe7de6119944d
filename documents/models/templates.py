"""What papers look like: HTML and CSS with merge fields; every saved text stays as a version."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.messages import merge_text
from crm.models import Pipeline, User
from documents.models.numbers import Numerator
from documents.template_fields import check_template


class Kind(models.TextChoices):
    OFFER = "offer", _("offer")
    CONTRACT = "contract", _("contract")
    INVOICE = "invoice", _("invoice")
    CREDIT_NOTE = "credit_note", _("credit note")
    ACCEPTANCE = "acceptance", _("acceptance act")
    DELIVERY = "delivery", _("delivery note")
    OTHER = "other", _("other")


class DocumentTemplate(models.Model):
    class Page(models.TextChoices):
        A4 = "A4", "A4"
        A5 = "A5", "A5"
        LETTER = "letter", _("letter")

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.OTHER)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="en")
    body = models.TextField(_("HTML"), help_text=_("With merge fields, such as {{ contact.name }}."))
    style = models.TextField(_("CSS"), blank=True)
    page = models.CharField(_("page"), max_length=6, choices=Page.choices, default=Page.A4)
    numerator = models.ForeignKey(Numerator, models.PROTECT, verbose_name=_("numbers"))
    pipelines = models.ManyToManyField(
        Pipeline, blank=True, verbose_name=_("pipelines"), help_text=_("None: for cards of all.")
    )
    is_active = models.BooleanField(_("in use"), default=True)
    version = models.PositiveIntegerField(_("version"), default=0, editable=False)

    class Meta:
        ordering = ["kind", "name"]
        verbose_name = _("document template")
        verbose_name_plural = _("document templates")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        for name, text in (("body", self.body), ("style", self.style)):
            try:
                check_template(text)
            except merge_text.MergeError as error:
                raise ValidationError({name: str(error)}) from error

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A changed text is a new version: papers name the one that they were made with."""
        with transaction.atomic():
            last = self.versions.order_by("-number").first() if self.pk else None
            changed = last is None or (last.body, last.style, last.page) != (self.body, self.style, self.page)
            if changed:
                self.version = last.number + 1 if last else 1
            super().save(*args, **kwargs)
            if changed:
                TemplateVersion.objects.create(
                    template=self, number=self.version, body=self.body, style=self.style, page=self.page
                )

    def current(self) -> TemplateVersion:
        return self.versions.get(number=self.version)

    @classmethod
    def offered(cls, pipeline_id: int) -> models.QuerySet[DocumentTemplate]:
        """Those in use that cards of the pipeline may be made into."""
        return cls.objects.filter(models.Q(pipelines=None) | models.Q(pipelines=pipeline_id), is_active=True).distinct()


class TemplateVersion(models.Model):
    template = models.ForeignKey(DocumentTemplate, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    body = models.TextField()
    style = models.TextField(blank=True)
    page = models.CharField(max_length=6, default="A4")
    author = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="template_version_once")]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"
