"""Fields that administrators add: the label first, its key made of it, options only for lists."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, register
from crm.fields import field_types
from crm.ground.folding import fold
from crm.people.signed_in import signed_in
from crm.pipelines import retyping
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import touch_all_machines


def key_of(label: str) -> str:
    """The key that a label gives: "Szerokość, cm" is szerokosc_cm."""
    return re.sub(r"[^a-z0-9]+", "_", fold(label)).strip("_")[:40] or "field"


class CustomFieldForm(forms.ModelForm):
    class Meta:
        model = CustomField
        fields = ("label", "key", "target", "item_type", "type", "options", "order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "type" in self.fields:  # which types need options, for the page
            self.fields["type"].widget.attrs["data-lists"] = " ".join(cls.key for cls in field_types if cls.has_options)
        if "key" in self.fields:  # not of a field that is there already
            self.fields["key"].required = False
            self.fields["key"].help_text = _(
                "Used in merge texts and by the API; cannot be changed later. Empty: made from the label."
            )

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"]) or key_of(self.cleaned_data.get("label", ""))


@register(CustomField)
class CustomFieldAdmin(ModelAdmin):
    form = CustomFieldForm
    list_display = ("label", "key", "target", "item_type", "type", "order")
    list_filter = ("target", "item_type", "type")
    search_fields = ("label", "key")

    class Media:
        js = (forms.Script("js/custom-field.js", type="module"),)

    def get_readonly_fields(self, request, obj=None):
        return ("key", "target") if obj else ()

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Another type reads what is stored under the old one; what it cannot read stays, and is told."""
        super().save_model(request, obj, form, change)
        if change and "type" in form.changed_data:
            retyping.plan(obj, signed_in(request))
            words = _now("What is stored is read by the new type now; the bell tells what cannot be.")
            self.message_user(request, words, messages.INFO)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        touch_all_machines()
