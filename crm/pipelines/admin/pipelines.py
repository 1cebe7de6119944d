from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, StackedInline, TabularInline, display, register
from crm.company.models import OwnCompany
from crm.fields import own
from crm.ground.folding import fold
from crm.ground.ids import id_of
from crm.pipelines.admin.of_pipeline import OfPipeline
from crm.pipelines.custom_fields import MOST_ON_CARD, CustomField, card_choices
from crm.pipelines.diagram import diagram
from crm.pipelines.machine import machine_of
from crm.pipelines.models import ItemType, LostReason, Pipeline, Stage, StageKind, StageTransition
from crm.pipelines.rights import Scope
from crm.pipelines.roles import Role, RoleRight


@register(ItemType)
class ItemTypeAdmin(ModelAdmin):
    list_display = ("name", "key", "order")
    search_fields = ("name", "key")


def needed_choices(item_type: int | None = None) -> list[tuple[str, str]]:
    """Columns and custom fields that a stage may ask for; of one item type, where that is known."""
    ours = [
        (name, str(own.ITEM[name].label)) for name in ("owner", "contact", "company", "amount", "due_date", "source")
    ]
    custom = CustomField.of_items(item_type).values_list("key", "label")
    return ours + [(f"custom.{key}", label) for key, label in custom]


class StageForm(forms.ModelForm):
    needed_to_enter = forms.MultipleChoiceField(
        label=_("fields needed to enter"), choices=needed_choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    needed_to_leave = forms.MultipleChoiceField(
        label=_("fields needed to leave"), choices=needed_choices, required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Stage
        fields = (
            "name",
            "order",
            "kind",
            "colour",
            "probability",
            "days_to_rot",
            "guidance",
            "needed_to_enter",
            "needed_to_leave",
            "entered_by",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pipeline_id:
            choices = needed_choices(self.instance.pipeline.item_type_id)
            for name in ("needed_to_enter", "needed_to_leave"):
                box: Any = self.fields[name]
                box.choices = choices


class StagesFormSet(forms.BaseInlineFormSet):
    """At least one open, one won, one lost. A stage in use is protected by its foreign keys, and Django says by what."""

    def clean(self) -> None:
        super().clean()
        kept = (
            [f for f in self.forms if f.cleaned_data and not f.cleaned_data.get("DELETE")]
            if not any(self.errors)
            else []
        )
        if any(self.errors):
            return
        names: set[str] = set()
        for form in kept:
            name = fold(form.cleaned_data.get("name", "")).strip()
            if name in names:
                form.add_error("name", _now("Another stage of this pipeline is called so."))
            names.add(name)
        kinds = {form.cleaned_data.get("kind") for form in kept}
        for kind in StageKind:
            if kind not in kinds:
                raise ValidationError(_now("A pipeline needs at least one stage of the kind “%s”.") % kind.label)


class StageInline(OfPipeline, StackedInline):
    model = Stage
    form = StageForm
    formset = StagesFormSet
    extra = 0
    can_delete = False  # a wizard asks where what uses it goes
    readonly_fields = ("way_out",)
    fieldsets = (
        (None, {"fields": (("name", "order", "kind", "colour"), ("probability", "days_to_rot", "way_out"))}),
        (
            _("What it asks for"),
            {"fields": ("guidance", "needed_to_enter", "needed_to_leave", "entered_by"), "classes": ("collapse",)},
        ),
    )

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(retired=False)

    @display(description="")
    def way_out(self, stage: Stage) -> str:
        if stage.pk is None:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("stage-remove", args=[stage.pk]), _now("Remove this stage…"))


class TransitionInline(OfPipeline, TabularInline):
    model = StageTransition
    extra = 1
    verbose_name_plural = _("allowed moves (none: all moves are allowed)")

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        match = request.resolver_match
        if db_field.name in ("source", "target") and match and match.kwargs.get("object_id"):
            kwargs["queryset"] = Stage.active.filter(pipeline_id=match.kwargs["object_id"])
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class LostReasonInline(OfPipeline, TabularInline):
    model = LostReason
    extra = 1


FIRST_STAGES = (
    (_("New"), StageKind.OPEN, "blue", 10),
    (_("In progress"), StageKind.OPEN, "orange", 50),
    (_("Won"), StageKind.WON, "green", 100),
    (_("Lost"), StageKind.LOST, "red", 0),
)


CLOSED, OPEN = "closed", "open"


def give_rights(pipeline: Pipeline, like: str) -> None:
    """What the roles may do in a new pipeline: as in another one, nothing at all, or (open) no word of it."""
    if like == CLOSED:
        nothing = {field.name: Scope.NONE for field in RoleRight._meta.fields if field.name.startswith("may_")}
        RoleRight.objects.bulk_create(RoleRight(role=role, pipeline=pipeline, **nothing) for role in Role.objects.all())
    elif like != OPEN:
        for right in RoleRight.objects.filter(pipeline=id_of(like) or 0):
            right.pk, right.pipeline = None, pipeline
            right.save(force_insert=True)
    Role.took_effect()


class PipelineForm(forms.ModelForm):
    card_fields = forms.MultipleChoiceField(
        label=_("fields on cards"),
        choices=card_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Up to six, besides title, customer, amount and owner."),
    )

    rights_like = forms.ChoiceField(
        label=_("Who may do what"),
        help_text=_("A pipeline that no role names is open to everybody who works here. Roles are changed afterwards."),
    )

    class Meta:
        model = Pipeline
        fields = (
            *("name", "item_type", "order", "is_default", "currency", "calendar", "may_skip", "may_go_back"),
            *("undo_seconds", "card_fields", "automation_owner"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk or not Role.objects.exists():
            # There is nobody to keep out, or it was said when the pipeline was made.
            del self.fields["rights_like"]
        else:
            known = [(str(pipeline.pk), _now("as in “%s”") % pipeline) for pipeline in Pipeline.objects.all()]
            ways: Any = self.fields["rights_like"]
            ways.choices = [("", "—"), *known, (CLOSED, _("administrators only")), (OPEN, _("open to everybody"))]
        own = OwnCompany.first()
        if not self.instance.pk and own is not None:
            self.initial.setdefault("currency", own.currency)
            self.fields["currency"].initial = self.initial["currency"] = own.currency

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).strip().upper()

    def clean_card_fields(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["card_fields"]
        if len(chosen) > MOST_ON_CARD:
            raise ValidationError(_now("At most %d fields fit on a card.") % MOST_ON_CARD)
        return chosen


@register(Pipeline)
class PipelineAdmin(OfPipeline, ModelAdmin):
    pipeline_path = "pk"
    form = PipelineForm
    list_display = ("name", "item_type", "order", "is_default", "currency", "state")
    list_filter = ("item_type", "state")
    search_fields = ("name",)
    list_select_related = ("item_type",)
    autocomplete_fields = ("automation_owner", "calendar")
    fieldsets = (
        (None, {"fields": (("name", "item_type"), ("order", "is_default"), ("currency", "calendar"), "way_out")}),
        (_("Moving"), {"fields": ("machine", ("may_skip", "may_go_back"), "undo_seconds")}),
        (_("Cards"), {"fields": ("card_fields",)}),
        (_("People"), {"fields": ("automation_owner",)}),
    )

    readonly_fields = ("machine", "way_out")

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).exclude(state=Pipeline.State.REMOVED)

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Whose rights automation falls back to is for administrators to say."""
        theirs = () if request.user.is_superuser else ("automation_owner", "calendar")
        return (*self.readonly_fields, *theirs)

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """A new one is asked who may do what in it, once any role exists: silence would open it to everybody."""
        if obj is not None or not Role.objects.exists():
            return self.fieldsets
        return (*self.fieldsets[:1], (_("Roles"), {"fields": ("rights_like",)}), *self.fieldsets[1:])

    @display(description=_("state machine"))
    def machine(self, pipeline: Pipeline) -> str:
        return diagram(machine_of(pipeline.pk)) if pipeline.pk else "–"

    @display(description=_("not used any more?"))
    def way_out(self, pipeline: Pipeline) -> str:
        if pipeline.pk is None:
            return ""
        words = _now("In use again, or remove…") if pipeline.is_archived else _now("Archive or remove this pipeline…")
        return format_html('<a href="{}">{}</a>', reverse("pipeline-end", args=[pipeline.pk]), words)

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False  # a wizard asks where its cards go

    def get_inlines(self, request: Any, obj: Pipeline | None) -> Any:
        return (StageInline, TransitionInline, LostReasonInline) if obj else ()

    def response_add(self, request: Any, obj: Pipeline, post_url_continue: str | None = None) -> Any:
        """A new pipeline starts with four stages, and goes on to where they are edited."""
        for place, (name, kind, colour, probability) in enumerate(FIRST_STAGES):
            Stage.objects.create(
                pipeline=obj, name=str(name), kind=kind, colour=colour, probability=probability, order=place
            )
        messages.info(request, _now("It starts with four stages; change them to yours."))
        like = request.POST.get("rights_like")
        if like:
            give_rights(obj, like)
        request.POST = request.POST.copy()
        request.POST["_continue"] = "1"
        return super().response_add(request, obj, post_url_continue)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.touch_machine()  # stages and moves are the machine
