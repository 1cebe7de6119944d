"""Personal data of forms: what was sent. That somebody agreed to our words stays, bound to nobody's name."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import EMPTIED
from crm.webforms.models import Submission


def _submissions(subject: Subject) -> Any:
    """Theirs, and those that never became a card but name them."""
    loose = Submission.objects.filter(contact=None, item=None).exclude(answers={})
    named = [row.pk for row in loose.only("pk", "answers").iterator(500) if subject.is_named_in(row.answers)]
    return Submission.objects.filter(subject.theirs) | Submission.objects.filter(pk__in=named)


slots.personal_data.register(
    PersonalData(
        _("forms that they sent"),
        EMPTIED,
        _submissions,
        cleared={"answers": {}, "touch": {}, "error": "", "address_hash": ""},
    )
)
