"""Personal data of webhooks: what was told to other programs, and what they told us."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.ground.sentences import said
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import EMPTIED
from crm.webhooks.models import InboundCall, WebhookDelivery
from crm.work.leased import UNSTARTED
from crm.work.models import Job


def _calls(subject: Subject) -> Any:
    loose = InboundCall.objects.filter(item=None).exclude(body={})
    named = [row.pk for row in loose.only("pk", "body").iterator(500) if subject.is_named_in(row.body)]
    return InboundCall.objects.filter(item__in=subject.items) | InboundCall.objects.filter(pk__in=named)


def _deliveries(subject: Subject) -> Any:
    return WebhookDelivery.objects.filter(event__in=subject.events.values("pk"))


@slots.erasure_begins.register
def cancel_deliveries(subject: Subject) -> None:
    """What was not told yet is not told any more."""
    waiting = _deliveries(subject).exclude(job=None).values("job")
    jobs = Job.objects.filter(pk__in=waiting, status__in=UNSTARTED)
    Job.cancel(list(jobs.values_list("pk", flat=True)), said("erased", "the customer was erased"))


slots.personal_data.register(
    PersonalData(
        _("told to other programs"),
        _("emptied here; ask the other programs to erase it as well"),
        _deliveries,
        cleared={"body": "", "answer": "", "error": ""},
    )
)
slots.personal_data.register(
    PersonalData(_("told by other programs"), EMPTIED, _calls, cleared={"body": {}, "result": ""})
)
