from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm import vault
from crm.admin.base import ModelAdmin, register
from crm.models import Channel
from crm.transports.base import transports


class ChannelForm(forms.ModelForm):
    transport = forms.ChoiceField(label=_("transport"), choices=transports.choices)

    class Meta:
        model = Channel
        fields = (
            "name",
            "medium",
            "transport",
            "sender",
            "is_active",
            "is_default",
            "hourly_limit",
            "contact_daily_limit",
            "track",
            "calendar",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own: forms.Form | None = None
        key = self.data.get("transport") or self.instance.transport
        found = transports.get(key)
        if found is not None:
            initial = {name: self.instance.settings.get(name) for name in found.Settings.base_fields}
            # The admin asks for every declared field; settings are declared by the transport.
            self.own = found.Settings(self.data or None, prefix="own", initial=initial)
            for name, field in self.own.fields.items():
                if name in found.secrets:
                    field.help_text = _("Write-only; empty keeps what is stored.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # A channel that was just switched to another transport shows that one's settings on the next page.
        same = bool(self.instance.pk) and self.instance.transport == data.get("transport")
        if same and self.own is not None and not self.own.is_valid():
            faults = [(name, errors[0]) for name, errors in self.own.errors.items() if name in self.own.fields]
            raise forms.ValidationError([f"{self.own.fields[name].label}: {fault}" for name, fault in faults])
        return data

    def save(self, commit: bool = True) -> Any:
        channel = self.instance
        if self.own is not None and self.own.is_bound and self.own.is_valid():
            found = transports.get(channel.transport)
            assert found is not None
            values = dict(self.own.cleaned_data)
            secrets = {name: values.pop(name, "") for name in found.secrets}
            kept = vault.unlock(channel.secret)
            channel.secret = vault.lock({name: value or kept.get(name, "") for name, value in secrets.items()})
            channel.settings = values
        return super().save(commit)


@register(Channel)
class ChannelAdmin(ModelAdmin):
    form = ChannelForm
    change_form_template = "admin/crm/channel/change_form.html"
    list_display = ("name", "medium", "transport", "sender", "is_active", "is_default", "fault")
    list_filter = ("medium", "is_active")
    search_fields = ("name",)
    autocomplete_fields = ("calendar",)

    def response_add(self, request: Any, obj: Channel, post_url_continue: str | None = None) -> Any:
        found = transports.get(obj.transport)
        if found is not None and found.Settings.base_fields:
            request.POST = request.POST.copy()
            request.POST["_continue"] = "1"
        return super().response_add(request, obj, post_url_continue)
