from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.admin.base import register
from crm.admin.declared import DeclaredAdmin, DeclaredForm
from crm.models import Channel
from crm.transports.base import transports


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
