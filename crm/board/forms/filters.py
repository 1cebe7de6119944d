"""The form in the filter panel; its fields carry the names that crm.items.filters reads from the address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.items.filters import ACTIVITIES, CONFIDENTIAL, SORTS, ItemFilter, custom_fields
from crm.people.models import Tag, User
from crm.pipelines.machine import machine_of
from crm.pipelines.models import LostReason, Pipeline, StageKind
from crm.pipelines.roles import sees_profit

DAY = forms.DateInput(attrs={"type": "date"})


class FilterForm(forms.Form):
    owner = forms.ChoiceField(label=_("owner"), required=False)
    stage = forms.ChoiceField(label=_("stage"), required=False)
    kind = forms.ChoiceField(label=_("open or closed"), required=False, choices=[("", "—"), *StageKind.choices])
    activity = forms.ChoiceField(label=_("next activity"), required=False, choices=[("", "—"), *ACTIVITIES])
    age = forms.IntegerField(label=_("days in stage, at least"), required=False, min_value=0)
    tag = forms.ChoiceField(label=_("tag"), required=False)
    amount_from = forms.CharField(label=_("amount from"), required=False, max_length=80)
    amount_to = forms.CharField(label=_("amount to"), required=False, max_length=80)
    profit_from = forms.CharField(label=_("profit from"), required=False, max_length=80)
    profit_to = forms.CharField(label=_("profit to"), required=False, max_length=80)
    currency = forms.CharField(label=_("currency"), required=False, max_length=3)
    source = forms.CharField(label=_("source"), required=False, max_length=80)
    reason = forms.ChoiceField(label=_("lost reason"), required=False)
    due_from = forms.CharField(label=_("expected from"), required=False, widget=DAY)
    due_to = forms.CharField(label=_("expected to"), required=False, widget=DAY)
    created_from = forms.CharField(label=_("created from"), required=False, widget=DAY)
    created_to = forms.CharField(label=_("created to"), required=False, widget=DAY)
    closed_from = forms.CharField(label=_("closed from"), required=False, widget=DAY)
    closed_to = forms.CharField(label=_("closed to"), required=False, widget=DAY)
    sort = forms.ChoiceField(label=_("order"), required=False)

    def __init__(self, shown: ItemFilter, pipeline: Pipeline, user: User) -> None:
        super().__init__(initial=dict(shown.pairs()), auto_id="filter_%s")
        hidden = () if sees_profit(user) else CONFIDENTIAL
        for name in hidden:
            self.fields.pop(name, None)
        orders: Any = self.fields["sort"]
        orders.choices = [(key, label) for key, (label, _rows) in SORTS.items() if key not in hidden]
        people = [(str(pk), name) for pk, name in User.objects.filter(is_active=True).values_list("pk", "name")]
        owner: Any = self.fields["owner"]
        owner.choices = [("", "—"), ("me", _("mine")), ("none", _("without owner")), *people]
        tags = [(str(tag.pk), tag.name) for tag in Tag.objects.order_by("name")[:500]]
        tag: Any = self.fields["tag"]
        tag.choices = [("", "—"), *tags]
        if not tags:
            del self.fields["tag"]
        stage: Any = self.fields["stage"]
        stage.choices = [("", "—"), *((str(row.pk), row.name) for row in machine_of(pipeline.pk).ordered())]
        reasons = LostReason.objects.filter(Q(pipeline=None) | Q(pipeline=pipeline))
        reason: Any = self.fields["reason"]
        reason.choices = [("", "—"), ("none", _("none")), *((str(row.pk), row.name) for row in reasons)]
        if shown.sort.startswith("-"):  # chosen by a head; the form keeps it
            sort: Any = self.fields["sort"]
            label = SORTS[shown.sort.removeprefix("-")][0]
            sort.choices = [*sort.choices, (shown.sort, _("%s, the other way round") % label)]
        for row in custom_fields(pipeline):
            self.fields[f"c.{row.key}"] = row.field.type.filter_field(row.field.asked, label=row.label)


class SavedViewForm(forms.Form):
    name = forms.CharField(label=_("name"), max_length=60)
    shared = forms.BooleanField(label=_("for everybody"), required=False)
