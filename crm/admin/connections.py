"""What connects us with programs of others: tokens, webhooks both ways."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages as notes
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import webhooks
from crm.admin.base import ModelAdmin, ReadOnlyAdmin, action, display, register
from crm.models import ApiToken, InboundCall, InboundHook, Webhook, WebhookDelivery
from crm.models.api import SCOPES


class TokenForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple, initial=["read"]
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scopes", "expires_at")


@register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    form = TokenForm
    list_display = ("name", "user", "prefix", "scopes", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("user",)
    search_fields = ("name", "prefix")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def save_model(self, request: Any, obj: ApiToken, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made, text = ApiToken.make(obj.user, obj.name, obj.scopes, obj.expires_at)
        obj.pk = made.pk
        words = _now("The token is shown this once; copy it now:")
        notes.warning(request, format_html("{} <code>{}</code>", words, text))

    @action(description=_("Revoke"))
    def revoke(self, request: Any, queryset: Any) -> None:
        from crm import clock

        count = queryset.filter(revoked_at=None).update(revoked_at=clock.now())
        notes.success(request, _now("%d tokens were revoked.") % count)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False  # revoked, so that who used what stays known


@register(Webhook)
class WebhookAdmin(ModelAdmin):
    list_display = ("name", "url", "kinds", "owner", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "url")
    autocomplete_fields = ("owner",)
    fields = ("name", "url", "kinds", "owner", "is_active", "shown_secret")
    readonly_fields = ("shown_secret",)
    actions = ("new_secret",)

    @display(description=_("secret for its signatures"))
    def shown_secret(self, webhook: Webhook) -> str:
        return webhook.open_secret() if webhook.pk else str(_now("Shown after saving."))

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        webhooks.forget_subscriptions()

    @action(description=_("Make a new secret"))
    def new_secret(self, request: Any, queryset: Any) -> None:
        from crm.models.webhooks import locked_secret

        for webhook in queryset:
            webhook.secret = locked_secret()
            webhook.save()


@register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "webhook", "status", "http_status", "error", "event")
    list_filter = ("status", "webhook")
    search_fields = ("message_id",)
    list_select_related = ("webhook", "event")
    actions = ("redeliver",)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None

    @action(description=_("Deliver again"))
    def redeliver(self, request: Any, queryset: Any) -> None:
        for delivery in queryset.exclude(status=WebhookDelivery.Status.PLANNED):
            webhooks.redeliver(delivery)


@register(InboundHook)
class InboundHookAdmin(ModelAdmin):
    list_display = ("name", "find_by", "path", "must_sign", "is_active")
    search_fields = ("name",)
    fields = ("name", "find_by", "path", "must_sign", "is_active", "address", "shown_secret")
    readonly_fields = ("address", "shown_secret")

    @display(description=_("secret for its signatures"))
    def shown_secret(self, hook: InboundHook) -> str:
        return hook.open_secret() if hook.pk else str(_now("Shown after saving."))


@register(InboundCall)
class InboundCallAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "hook", "item", "result")
    list_filter = ("hook",)
    search_fields = ("key",)
    list_select_related = ("hook", "item")
