from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import submissions
from crm.admin.base import ModelAdmin, ReadOnlyAdmin, StackedInline, action, display, register
from crm.models import Consent, FormField, Submission, WebForm


class FormFieldInline(StackedInline):
    model = FormField
    extra = 0
    fieldsets = (
        (
            None,
            {"fields": (("label", "key", "kind"), ("required", "order", "saves_to"), ("help", "default"), "options")},
        ),
    )


@register(WebForm)
class WebFormAdmin(ModelAdmin):
    list_display = ("name", "address", "kind", "pipeline", "is_active")
    list_filter = ("kind", "is_active", "pipeline")
    search_fields = ("name", "slug")
    autocomplete_fields = ("owner",)
    prepopulated_fields = {"slug": ("name",)}
    inlines = (FormFieldInline,)
    readonly_fields = ("embed_code",)
    fieldsets = (
        (None, {"fields": (("name", "slug"), ("kind", "is_active"), "embed_code")}),
        (
            _("What it makes"),
            {"fields": (("pipeline", "stage"), "item_title", ("owner", "source"), ("duplicates", "deals"))},
        ),
        (_("Texts"), {"fields": ("language", "heading", "intro", "button", "thanks")}),
        (_("Where it may stand"), {"fields": ("allowed_sites",)}),
    )

    @display(description=_("address"))
    def address(self, form: WebForm) -> str:
        return format_html('<a href="{}">{}</a>', form.get_absolute_url(), form.get_absolute_url())

    @display(description=_("code for a site"))
    def embed_code(self, form: WebForm) -> str:
        from django.conf import settings

        if not form.pk:
            return "–"
        code = f'<script src="{settings.PUBLIC_URL}/embed.js" data-form="{form.slug}" async></script>'
        return format_html("<code>{}</code>", code)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        WebForm.objects.filter(pk=form.instance.pk).update(version=F("version") + 1)


@register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("number", "form", "status", "contact", "item", "created_at", "error")
    list_filter = ("status", "form", "created_at")
    search_fields = ("contact__search_key", "error")
    list_select_related = ("form", "contact", "item")
    actions = ("process_again",)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        # Actions need it; the form itself stays read-only.
        return obj is None and bool(request.user.is_superuser)

    @action(description=_("Process again"))
    def process_again(self, request: Any, queryset: Any) -> None:
        failed = queryset.filter(status=Submission.Status.FAILED)
        for submission in failed:
            submissions.replay(submission)
        messages.success(request, _now("Submissions processed again: %d.") % len(failed))


@register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = ("contact", "text", "given_at", "withdrawn_at")
    search_fields = ("contact__search_key", "text")
    list_select_related = ("contact",)
