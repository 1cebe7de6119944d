"""The filter panel of contacts or companies."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.customers.filter import SORTS as SORTS_OF
from crm.customers.filter import CustomerFilter, fields_of
from crm.people.models import Contact, Tag, User

DAY = forms.DateInput(attrs={"type": "date"})


class CustomerFilterForm(forms.Form):
    """The filter panel of contacts or companies; its fields carry the names that crm.customers.filter reads."""

    def __init__(self, shown: CustomerFilter) -> None:
        super().__init__(initial=dict(shown.pairs()), auto_id="filter_%s")
        people = [(str(pk), name) for pk, name in User.objects.filter(is_active=True).values_list("pk", "name")]
        whose = [("", "—"), ("me", _("mine")), ("none", _("without owner")), *people]
        self.fields["owner"] = forms.ChoiceField(label=_("owner"), required=False, choices=whose)
        tags = [(str(tag.pk), tag.name) for tag in Tag.objects.order_by("name")[:500]]
        if tags:
            self.fields["tag"] = forms.ChoiceField(label=_("tag"), required=False, choices=[("", "—"), *tags])
        if shown.model is Contact:
            self.fields["company"] = forms.CharField(label=_("company"), required=False, max_length=200)
            languages = [("", "—"), *settings.LANGUAGES]
            self.fields["language"] = forms.ChoiceField(label=_("language"), required=False, choices=languages)
        else:
            self.fields["tax_number"] = forms.CharField(label=_("tax number"), required=False, max_length=40)
            self.fields["address"] = forms.CharField(label=_("address"), required=False, max_length=200)
        for name, label in (("email", _("e-mail")), ("phone", _("phone")), ("cards", _("open cards"))):
            choices = [("", "—"), ("yes", _("yes")), ("no", _("no"))]
            self.fields[f"has_{name}"] = forms.ChoiceField(label=label, required=False, choices=choices)
        self.fields["created_from"] = forms.CharField(label=_("created from"), required=False, widget=DAY)
        self.fields["created_to"] = forms.CharField(label=_("created to"), required=False, widget=DAY)
        for row in fields_of(shown.model):
            self.fields[f"c.{row.key}"] = row.field.type.filter_field(row.field.asked, label=row.label)
        orders = [(name, label) for name, (label, _rows) in SORTS_OF[shown.model].items() if name]
        if shown.sort.startswith("-"):
            orders.append((shown.sort, _("%s, the other way round") % SORTS_OF[shown.model][shown.sort[1:]][0]))
        self.fields["sort"] = forms.ChoiceField(label=_("order"), required=False, choices=[("", "—"), *orders])
