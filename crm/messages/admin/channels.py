from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.admin.base import register
from crm.admin.declared import DeclaredAdmin, DeclaredForm
from crm.messages.models.messages import Channel, Medium
from crm.messages.transports.base import transports


class ChannelForm(DeclaredForm):
    registry, chooses = transports, "transport"
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
            "strangers",
            "known_customers",
            "robots",
            "calendar",
        )


@register(Channel)
class ChannelAdmin(DeclaredAdmin):
    form = ChannelForm
    list_display = ("name", "medium", "transport", "sender", "is_active", "is_default", "fault")
    list_filter = ("medium", "is_active")
    search_fields = ("name",)
    autocomplete_fields = ("calendar",)

    # What is read or written in mails alone; an SMS has no links that are counted and no robots.
    OF_MAIL = ("track", "strangers", "known_customers", "robots")

    def get_fields(self, request: Any, obj: Channel | None = None) -> Any:
        fields = ChannelForm.Meta.fields
        if obj is None or obj.medium == Medium.EMAIL:
            return fields
        return [name for name in fields if name not in self.OF_MAIL]
