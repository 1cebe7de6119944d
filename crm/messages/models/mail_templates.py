"""Mails written once and sent often: by colleagues from a card, and by rules."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.messages import merge_text

# An editor writes {% if a > 1 %} as HTML; within its own marks a merge text is plain.
MARKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class MailTemplate(models.Model):
    name = models.CharField(_("name"), max_length=80)
    language = models.CharField(
        _("language"), max_length=5, choices=settings.LANGUAGES, blank=True, help_text=_("Empty: for everybody.")
    )
    subject = models.CharField(_("subject"), max_length=250)
    body = models.TextField(_("text"), max_length=merge_text.MAX_SOURCE)
    letterhead = models.BooleanField(_("on the company's letter paper"), default=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("mail template")
        verbose_name_plural = _("mail templates")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.body = MARKS.sub(lambda found: unescape(found[0]).replace("\xa0", " "), self.body)
        for name in ("subject", "body"):
            try:
                merge_text.check(getattr(self, name), extra={"rules": None})
            except merge_text.MergeError as error:
                raise ValidationError({name: str(error)}) from error

    def filled(self, values: merge_text.Values, **formats: Any) -> tuple[str, str]:
        """(subject, HTML of the text) with the values of an item. Raises MergeError.

        Args:
            formats: `language`, `zone`, `currency` of merge_text.render.
        """
        subject = merge_text.render(self.subject, values, **formats)
        return " ".join(subject.split())[:250], merge_text.render(
            self.body, values, html=True, for_mail=True, **formats
        )
