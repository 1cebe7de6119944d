from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import F
from django.forms.models import ModelChoiceIterator, ModelChoiceIteratorValue
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, ReadOnlyAdmin, StackedInline, action, display, register
from crm.pipelines.admin.custom_fields import key_of
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import Stage
from crm.webforms import submissions
from crm.webforms.models import Consent, FormField, Submission, WebForm


class FormFieldForm(forms.ModelForm):
    saves_to = forms.ChoiceField(label=_("Saves to"), required=False)
    key = forms.SlugField(
        label=_("Key"), required=False, max_length=40, help_text=_("Used in merge texts. Empty: made from the label.")
    )

    class Meta:
        model = FormField
        fields = ("label", "key", "kind", "required", "order", "saves_to", "help", "default", "options")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["saves_to"]
        chosen.choices = _targets(self.instance.saves_to)

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"]) or key_of(self.cleaned_data.get("label", ""))


def _targets(kept: str) -> list[Any]:
    """Places an answer may be kept at, by whose they are; one that is gone stays in the list, so that it is seen."""
    own = {"item.custom": [], "contact.custom": []}  # type: dict[str, list[tuple[str, str]]]
    for target, key, label in CustomField.objects.values_list("target", "key", "label"):
        if f"{target}.custom" in own:
            own[f"{target}.custom"].append((f"{target}.custom.{key}", label))
    groups: list[Any] = [
        ("", _("by its kind: name, e-mail and phone are the customer's")),
        (FormField.NOWHERE, _("with the submission only")),
        (
            _("Customer"),
            [*((path, label) for path, label in PLACES if path.startswith("contact")), *own["contact.custom"]],
        ),
        (_("Card"), [*((path, label) for path, label in PLACES if path.startswith("item")), *own["item.custom"]]),
    ]
    known = {path for _group, rows in groups[2:] for path, _label in rows} | {"", FormField.NOWHERE}
    return groups if kept in known else [*groups, (kept, kept)]


PLACES = (
    ("contact.name", _("name")),
    ("contact.email", _("e-mail")),
    ("contact.phone", _("phone")),
    ("item.title", _("title")),
    ("item.amount", _("amount")),
    ("item.source", _("source")),
)


class FieldsFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        """Two fields with one label are made two keys."""
        used: set[str] = set()
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            if not data or data.get("DELETE") or not data.get("key"):
                continue
            key = base = data["key"]
            for number in range(2, 99):
                if key not in used:
                    break
                key = f"{base[:36]}_{number}"
            used.add(key)
            data["key"] = form.instance.key = key
        super().clean()


class GroupedStages(ModelChoiceIterator):
    """Stages under the name of their pipeline: "New" stands in each of them."""

    def __iter__(self) -> Iterator[Any]:
        groups: dict[str, list[Any]] = {}
        for stage in self.queryset.all():
            groups.setdefault(str(stage.pipeline), []).append((ModelChoiceIteratorValue(stage.pk, stage), stage.name))
        yield ("", str(_("the first one")))
        yield from groups.items()


class StageByPipeline(forms.ModelChoiceField):
    iterator = GroupedStages

    def __init__(self, queryset: Any, **kwargs: Any) -> None:
        stages = Stage.active.select_related("pipeline").order_by("pipeline__order", "pipeline", "order")
        super().__init__(stages, **kwargs)


class WebFormForm(forms.ModelForm):
    class Meta:
        model = WebForm
        fields = (
            "name", "slug", "kind", "is_active", "pipeline", "stage", "item_title", "owner", "source", "duplicates", "deals",
            "language", "heading", "intro", "button", "thanks", "allowed_sites",
        )  # fmt: skip
        field_classes = {"stage": StageByPipeline}


class FormFieldInline(StackedInline):
    model = FormField
    form = FormFieldForm
    formset = FieldsFormSet
    extra = 0
    fieldsets = (
        (
            None,
            {"fields": (("label", "key", "kind"), ("required", "order", "saves_to"), ("help", "default"), "options")},
        ),
    )


@register(WebForm)
class WebFormAdmin(ModelAdmin):
    form = WebFormForm
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
        if not form.pk:
            return "–"
        code = f'<script src="{settings.PUBLIC_URL}/embed.js" data-form="{form.slug}" async></script>'
        return format_html("<code>{}</code>", code)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        WebForm.objects.filter(pk=form.instance.pk).update(version=F("version") + 1)
        if not any(field.target.startswith("contact.") for field in form.instance.fields.all()):
            messages.warning(request, _now("No field of this form says who the customer is: its cards will have none."))


@register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("number", "form", "status", "contact", "item", "created_at", "error")
    list_filter = ("status", "form", "created_at")
    search_fields = ("contact__search_key",)
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
