from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages as notes
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.admin.base import ModelAdmin, ReadOnlyAdmin, action, display, register
from crm.admin.declared import DeclaredAdmin, DeclaredForm
from crm.ground import clock
from crm.people.signed_in import signed_in
from documents.models import (
    Checkout,
    CreditNote,
    Document,
    DocumentTemplate,
    InvoiceFlow,
    Numerator,
    Payment,
    PaymentAccount,
    PaymentLink,
    QrCode,
)
from documents.providers.base import providers


@register(Numerator)
class NumeratorAdmin(ModelAdmin):
    list_display = ("name", "pattern", "reset", "next_number")
    search_fields = ("name", "pattern")

    @display(description=_("next number"))
    def next_number(self, numerator: Numerator) -> str:
        return numerator.preview(clock.now())


@register(DocumentTemplate)
class DocumentTemplateAdmin(ModelAdmin):
    list_display = ("name", "kind", "language", "version", "is_active", "editor")
    list_filter = ("kind", "language", "is_active")
    search_fields = ("name",)
    list_select_related = ("numerator",)
    readonly_fields = ("editor",)
    filter_horizontal = ("pipelines",)
    fieldsets = (
        (None, {"fields": (("name", "kind"), ("language", "page"), "numerator", "is_active", "pipelines", "editor")}),
        (_("Text"), {"fields": ("body", "style"), "classes": ("collapse",)}),
    )

    @display(description=_("editor"))
    def editor(self, template: DocumentTemplate) -> str:
        if template.pk is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("template-edit", args=[template.pk]), _now("Edit with a preview")
        )


@register(InvoiceFlow)
class InvoiceFlowAdmin(ModelAdmin):
    list_display = ("pipeline", "due_days")


class PaymentAccountForm(DeclaredForm):
    registry, chooses = providers, "provider"
    provider = forms.ChoiceField(label=_("provider"), choices=providers.choices)

    class Meta:
        model = PaymentAccount
        fields = ("name", "provider", "is_active")


@register(PaymentAccount)
class PaymentAccountAdmin(DeclaredAdmin):
    form = PaymentAccountForm
    list_display = ("name", "provider", "is_active", "fault")

    @display(description=_("fault"))
    def fault(self, account: PaymentAccount) -> str:
        return account.fault() or "–"


@register(Checkout)
class CheckoutAdmin(ReadOnlyAdmin):
    list_display = ("invoice", "amount", "currency", "status", "created_at", "error")
    list_filter = ("status",)
    search_fields = ("provider_id",)
    list_select_related = ("invoice",)
    fields = ("invoice", "account", "amount", "currency", "status", "error", "provider_id", "created_at")


@register(PaymentLink)
class PaymentLinkAdmin(ReadOnlyAdmin):
    list_display = ("invoice", "amount", "created_at", "revoked_at")
    list_select_related = ("invoice",)
    fields = ("invoice", "amount", "created_at", "revoked_at")
    actions = ("revoke",)

    @action(description=_("Close these links"))
    def revoke(self, request: Any, queryset: Any) -> None:
        count = queryset.filter(revoked_at=None).update(revoked_at=clock.now())
        notes.success(request, ngettext("%d link was closed.", "%d links were closed.", count) % count)


@register(QrCode)
class QrCodeAdmin(ReadOnlyAdmin):
    list_display = ("name", "item", "scans", "scanned_at", "created_at")
    list_select_related = ("item",)
    search_fields = ("name",)
    fields = (
        "name",
        "item",
        "address",
        "picture",
        "heading",
        "text",
        "button",
        "target",
        "scans",
        "scanned_at",
        "created_at",
    )
    readonly_fields = ("address", "picture")

    @display(description=_("address"))
    def address(self, code: QrCode) -> str:
        return format_html('<a href="{0}">{0}</a>', code.link())

    @display(description=_("picture"))
    def picture(self, code: QrCode) -> str:
        return format_html(
            '<a href="{0}" download><img src="{0}" alt="" width="160" height="160"></a>', code.picture_link()
        )


@register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    list_display = ("number", "title", "item", "status", "views", "created_at")
    list_filter = ("status", "kind")
    search_fields = ("search_key",)
    list_select_related = ("item",)
    fields = (
        "number", "title", "item", "status", "error", "version", "author", "created_at", "sent_at", "viewed_at",
        "views", "answered_at", "answered_by", "answer_note", "pages", "sha256", "replaces",
    )  # fmt: skip


@register(CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin):
    list_display = ("document", "invoice", "amount", "currency", "reason", "created_at")
    list_filter = ("currency",)
    search_fields = ("reason", "document__search_key", "invoice__search_key")
    list_select_related = ("document", "invoice")
    fields = ("document", "corrects", "invoice", "amount", "currency", "reason", "author", "created_at")


@register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("paid_on", "invoice", "amount", "currency", "method", "reference")
    list_filter = ("method", "currency")
    search_fields = ("reference", "invoice__search_key")
    list_select_related = ("invoice",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(pk__in=Payment.objects.visible_to(signed_in(request)).values("pk"))
