"""The forms that the administration shows for rules and triggers: what, when, only if, more; fields, not raw JSON."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, SettingsForm, TriggerType
from automation.condition_form import ConditionForm
from automation.confidential import hidden_from
from automation.models import Rule, Trigger, scope_of
from automation.publishing import doors
from automation.timing import TimingForm
from crm.models import User


def raw_of(form: forms.Form) -> dict[str, Any]:
    """The bound form's raw data by plain field name, as it is stored."""
    raw: dict[str, Any] = {}
    for name, field in form.fields.items():
        bound = form[name]
        if isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField):
            value: Any = [str(part) for part in (bound.data or [])]
        else:
            value = bound.data
        if value not in (None, "", [], False):
            raw[name] = value if isinstance(value, list) else "on" if value is True else str(value)
    return raw


class PlacedForm(forms.ModelForm):
    """A rule or trigger with the settings form of its type, its condition and (rules) its timing beside it."""

    kind: type[Action] | type[TriggerType]
    publisher: User  # who is about to save it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        placed = self.instance
        data = self.data if self.is_bound else None
        scope = scope_of(placed.where, placed if isinstance(placed, Rule) else None)
        self.own: SettingsForm = self.kind.Settings(
            data, prefix="own", scope=scope, initial=None if placed.pk is None else placed.settings
        )
        self.condition = ConditionForm(data, prefix="if", tree=placed.condition, pipeline=placed.pipeline)
        self.timing = TimingForm(data, prefix="when", initial=placed.timing) if isinstance(placed, Rule) else None

    def parts(self) -> list[forms.Form]:
        return [form for form in (self.own, self.condition, self.timing) if form is not None]

    def is_valid(self) -> bool:
        valid = [super().is_valid(), *(form.is_valid() for form in self.parts())]
        return all(valid)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not all([form.is_valid() for form in self.parts()]):
            raise forms.ValidationError(_("Please look at the fields marked below."))
        if not data.get("is_enabled"):
            return data  # whoever may set the pipeline up may switch off what he could not write
        fault = hidden_from(self.publisher, self.kind.Settings, raw_of(self.own), self.condition.stored())
        if fault:
            raise forms.ValidationError(fault)
        return data

    def _post_clean(self) -> None:
        """Beside what its own fields say: what it would break, such as a later rule that reads its results by its key."""
        super()._post_clean()  # type: ignore[misc]  # the hook of ModelForm, after which the instance has the new values
        if not self.errors:
            self._take_in()
            for words in doors.judge(self.instance, self.publisher).values():
                for word in words:
                    self.add_error(None, word)

    def _take_in(self) -> None:
        self.instance.settings = self.own.stored(raw_of(self.own))
        self.instance.condition = self.condition.stored()
        if self.timing is not None:
            self.instance.timing = self.timing.raw()


class RuleForm(PlacedForm):
    old_settings = forms.BooleanField(
        label=_("planned runs finish with the old settings"),
        required=False,
        help_text=_("Else they take the new ones."),
    )

    class Meta:
        model = Rule
        fields = (
            "name",
            "key",
            "order",
            "is_enabled",
            "after_previous",
            "repeat",
            "repeat_days",
            "on_leave",
            "hourly_limit",
            "retry_hours",
            "note",
        )


class TriggerForm(PlacedForm):
    class Meta:
        model = Trigger
        fields = (
            "name",
            "order",
            "is_enabled",
            "allow_moving_back",
            "change_as",
            "concerns",
            "override",
            "note",
        )
