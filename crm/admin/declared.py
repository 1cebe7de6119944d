"""Rows whose settings are declared by a class of a registry: channels by their transport, accounts by their provider."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin
from crm.ground import vault


class DeclaredForm(forms.ModelForm):
    """The row's own fields, and below them (`own`) those that the chosen class declares.

    Attributes:
        registry: of the classes; `chooses` names the field that holds the chosen key.
    """

    registry: ClassVar[Any]
    chooses: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django writes the labels of columns so, and not those of fields that a form declares.
        self.fields[self.chooses].label = capfirst(self.fields[self.chooses].label)
        self.own: forms.Form | None = None
        found = self.registry.get(self.data.get(self.chooses) or getattr(self.instance, self.chooses))
        if found is not None:
            initial = {name: self.instance.settings.get(name) for name in found.Settings.base_fields}
            # The admin asks for every declared field; settings are declared by the class.
            self.own = found.Settings(self.data or None, prefix="own", initial=initial)
            for name, field in self.own.fields.items():
                if name in found.secrets:
                    field.help_text = " ".join(filter(None, [str(field.help_text), str(KEEPS)]))

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """What the provider is told to call, by what it tells there."""
        found = self.registry.get(getattr(self.instance, self.chooses))
        return found.addresses(self.instance) if found is not None and self.instance.pk else []

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # A row that was just switched to another class shows that one's settings on the next page.
        same = bool(self.instance.pk) and getattr(self.instance, self.chooses) == data.get(self.chooses)
        if same and self.own is not None and not self.own.is_valid():
            faults = [(name, errors[0]) for name, errors in self.own.errors.items() if name in self.own.fields]
            raise forms.ValidationError([f"{self.own.fields[name].label}: {fault}" for name, fault in faults])
        return data

    def save(self, commit: bool = True) -> Any:
        row = self.instance
        if self.own is not None and self.own.is_bound and self.own.is_valid():
            found = self.registry.get(getattr(row, self.chooses))
            values = dict(self.own.cleaned_data)
            secrets = {name: values.pop(name, "") for name in found.secrets}
            kept = vault.unlock(row.secret)
            row.secret = vault.lock({name: value or kept.get(name, "") for name, value in secrets.items()})
            row.settings = values
        return super().save(commit)


KEEPS = _("Write-only; empty keeps what is stored.")


class DeclaredAdmin(ModelAdmin):
    change_form_template = "admin/crm/channel/change_form.html"

    def response_add(self, request: Any, obj: Any, post_url_continue: str | None = None) -> Any:
        form: Any = self.form
        found = form.registry.get(getattr(obj, form.chooses))
        if found is not None and found.Settings.base_fields:
            request.POST = request.POST.copy()
            request.POST["_continue"] = "1"
        return super().response_add(request, obj, post_url_continue)
