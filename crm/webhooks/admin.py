"""What connects us with programs of others: tokens, webhooks both ways."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages as notes
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, ReadOnlyAdmin, action, display, register
from crm.api.models import SCOPES, ApiToken
from crm.events import kinds as event_kinds
from crm.ground import clock
from crm.webhooks import calls as webhooks
from crm.webhooks.models import InboundCall, InboundHook, Webhook, WebhookDelivery, locked_secret


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
        tokens = list(queryset.filter(revoked_at=None))
        for token in tokens:
            token.revoked_at = clock.now()
            token.save()  # one by one, for the audit log
        count = len(tokens)
        notes.success(request, _now("Tokens revoked: %d.") % count)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False  # revoked, so that who used what stays known


def _known_kinds() -> str:
    """What is recorded here, by key and name, folded away below the box."""
    rows = ((kind.key, kind.label) for kind in event_kinds.kinds())
    listed = format_html_join("", "<li><code>{}</code> {}</li>", rows)
    return format_html("<details><summary>{}</summary><ul>{}</ul></details>", _now("All kinds"), listed)


class WebhookForm(forms.ModelForm):
    url = forms.CharField(label=_("address"), max_length=500, widget=forms.TextInput(attrs={"class": "vURLField"}))
    kinds = forms.CharField(
        label=_("kinds of events"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, such as stage.entered, or email. for all that begin so. Empty: only rules call it."),
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "kinds", "owner", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["kinds"] = "\n".join(self.instance.kinds)
        # Offered as one types; what a future app will record may be named too.
        self.fields["kinds"].help_text = format_html("{} {}", self.fields["kinds"].help_text, _known_kinds())

    def clean_kinds(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["kinds"].splitlines() if line.strip()]


class _WithSecret(ModelAdmin):
    """Its secret is shown when it is made, and never again."""

    actions = ("new_secret",)

    def _show(self, request: Any, row: Any) -> None:
        words = _now("The secret of “%s” is shown this once; copy it now:") % row.name
        notes.warning(request, format_html("{} <code>{}</code>", words, row.open_secret()))

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        webhooks.forget_subscriptions()
        if not change:
            self._show(request, obj)

    @action(description=_("Make a new secret"))
    def new_secret(self, request: Any, queryset: Any) -> None:
        for row in queryset:
            row.secret = locked_secret()
            row.save()
            self._show(request, row)


@register(Webhook)
class WebhookAdmin(_WithSecret):
    form = WebhookForm
    list_display = ("name", "url", "kinds", "owner", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "url")
    autocomplete_fields = ("owner",)


@register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "webhook", "status", "http_status", "error", "event")
    list_filter = ("status", "webhook")
    search_fields = ("message_id",)
    list_select_related = ("webhook", "event")
    actions = ("redeliver",)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None and bool(request.user.is_superuser)

    @action(description=_("Deliver again"))
    def redeliver(self, request: Any, queryset: Any) -> None:
        for delivery in queryset.exclude(status=WebhookDelivery.Status.PLANNED):
            webhooks.redeliver(delivery)


@register(InboundHook)
class InboundHookAdmin(_WithSecret):
    list_display = ("name", "find_by", "path", "must_sign", "is_active")
    search_fields = ("name",)
    fields = ("name", "find_by", "path", "must_sign", "is_active", "address_shown")
    readonly_fields = ("address_shown",)

    @display(description=_("address"))
    def address_shown(self, row: InboundHook) -> str:
        return row.address()


@register(InboundCall)
class InboundCallAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "hook", "item", "result")
    list_filter = ("hook",)
    search_fields = ("key",)
    list_select_related = ("hook", "item")
