"""Personal data of the API: answers that are kept for repeated requests."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.api.models import ApiCall
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import DELETED


def _answers(subject: Subject) -> Any:
    """Those that name them, and those about them or one of their cards: a repeat of the request is made anew."""
    named = [row.pk for row in ApiCall.objects.only("pk", "answer").iterator(500) if _is_about(subject, row.answer)]
    return ApiCall.objects.filter(pk__in=named)


def _is_about(subject: Subject, answer: Any) -> bool:
    body = answer.get("body", answer) if isinstance(answer, dict) else answer
    if isinstance(body, dict) and {"contact", "item", "id"} & set(body):
        ids = {body.get("item"), body.get("id")}
        if body.get("contact") == subject.contact.pk or ids & {subject.contact.pk, *subject.items}:
            return True
    return subject.is_named_in(answer)


slots.personal_data.register(PersonalData(_("stored answers of the API"), DELETED, _answers, counts=False))
