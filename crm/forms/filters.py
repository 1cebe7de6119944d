"""The form in the filter panel; its fields carry the names that crm.filters reads from the address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.filters import ACTIVITIES, SORTS, ItemFilter, custom_fields
from crm.models import Pipeline, Tag, User
from crm.models.fields import FieldType


class FilterForm(forms.Form):
    owner = forms.ChoiceField(label=_("owner"), required=False)
    activity = forms.ChoiceField(label=_("next activity"), required=False, choices=[("", "—"), *ACTIVITIES])
    age = forms.IntegerField(label=_("days in stage, at least"), required=False, min_value=0)
    tag = forms.ChoiceField(label=_("tag"), required=False)
    sort = forms.ChoiceField(
        label=_("order"), required=False, choices=[(key, label) for key, (label, _rows) in SORTS.items()]
    )

    def __init__(self, shown: ItemFilter, pipeline: Pipeline) -> None:
        super().__init__(initial=dict(shown.pairs()), auto_id="filter_%s")
        people = [(str(pk), name) for pk, name in User.objects.filter(is_active=True).values_list("pk", "name")]
        owner: Any = self.fields["owner"]
        owner.choices = [("", "—"), ("me", _("mine")), ("none", _("without owner")), *people]
        tags = [(str(tag.pk), tag.name) for tag in Tag.objects.order_by("name")[:500]]
        tag: Any = self.fields["tag"]
        tag.choices = [("", "—"), *tags]
        if not tags:
            del self.fields["tag"]
        for row in custom_fields(pipeline):
            made: forms.Field = forms.CharField(label=row.label, required=False, max_length=200)
            if row.type in (FieldType.LIST, FieldType.MULTI_LIST):
                made = forms.ChoiceField(label=row.label, required=False, choices=[("", "—"), *row.choices()])
            elif row.type == FieldType.BOOLEAN:
                made = forms.ChoiceField(label=row.label, required=False, choices=[("", "—"), ("1", _("yes"))])
            elif row.type in (FieldType.DATE, FieldType.DATETIME):
                made = forms.CharField(label=row.label, required=False, widget=forms.DateInput(attrs={"type": "date"}))
            self.fields[f"c.{row.key}"] = made


class SavedViewForm(forms.Form):
    name = forms.CharField(label=_("name"), max_length=60)
    shared = forms.BooleanField(label=_("for everybody"), required=False)
