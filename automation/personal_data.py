"""Personal data of automation: what rules read and made. What is still planned for the customer's cards is cancelled."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.approvals import Approval
from automation.engine import chain
from automation.models import LateItem, Run, TriggerFiring
from automation.remote.models import AppCall
from automation.variables import Variable, VariableValue
from crm import slots
from crm.ground.sentences import said
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import DELETED, EMPTIED
from crm.work.leased import FINAL, UNSTARTED, Status


@slots.erasure_begins.register
def cancel_runs(subject: Subject) -> None:
    """Nothing more is done for the customer; a run that is at work (the one that erases) ends by itself."""
    runs = Run.objects.filter(item__in=subject.items, status__in=UNSTARTED).select_related("rule")
    for run in runs.order_by("pk"):
        fresh = Run.objects.filter(pk=run.pk, status__in=UNSTARTED).select_related("rule").first()
        if fresh is not None:
            chain.end(fresh, Status.CANCELLED, said("erased", "the customer was erased"))


def _company_variables(subject: Subject) -> Any:
    """Values of the whole company that name them."""
    named = [
        one.pk
        for one in Variable.objects.exclude(value=None)
        if subject.is_named_in(one.value) or subject.name in str(one.value)
    ]
    return Variable.objects.filter(pk__in=named)


def _runs(subject: Subject) -> Any:
    return Run.objects.filter(item__in=subject.items, status__in=FINAL)


for data in (
    PersonalData(
        _("runs of rules"),
        EMPTIED,
        _runs,
        cleared={"outputs": {}, "changes": {}, "condition_read": "", "error": "", "taken": None},
    ),
    PersonalData(
        _("firings of triggers"),
        EMPTIED,
        lambda subject: TriggerFiring.objects.filter(item__in=subject.items),
        cleared={"reason": ""},
        counts=False,
    ),
    PersonalData(
        _("variables"), DELETED, lambda subject: VariableValue.objects.filter(item__in=subject.items), counts=False
    ),
    PersonalData(
        _("approvals"), DELETED, lambda subject: Approval.objects.filter(item__in=subject.items), counts=False
    ),
    PersonalData(
        _("calls of apps"),
        EMPTIED,
        lambda subject: AppCall.objects.filter(item__in=subject.items),
        cleared={"body": "", "answer": {}},
    ),
    PersonalData(_("variables"), EMPTIED, _company_variables, cleared={"value": None}, counts=False),
    PersonalData(_("late cards"), DELETED, lambda s: LateItem.objects.filter(item__in=s.items), counts=False),
):
    slots.personal_data.register(data)
