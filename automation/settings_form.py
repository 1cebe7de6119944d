"""The forms that the administration shows for rules and triggers: what, when, only if, more; fields, not raw JSON."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, SettingsForm, TriggerType
from automation.conditions import OPERATORS
from automation.models import Rule, Trigger, scope_of
from automation.timing import TimingForm
from crm import merge

# Comparisons that are offered at first, without scripts too, and how many there may be.
CONDITION_ROWS, MOST_ROWS = 4, 20


def readable_paths() -> list[tuple[str, Any]]:
    groups = [(group, [(path, label) for path, label, _type in rows]) for group, rows in merge.field_list()]
    stage = [("stage", _("stage"))]
    return [("", "—"), *groups, (_now("The entry"), stage)]


class ConditionForm(forms.Form):
    """Comparisons, all or any of them. A deeper tree (made by the API) is shown and kept."""

    most = MOST_ROWS
    glue = forms.ChoiceField(
        label=_("only if"), choices=[("all", _("all of these hold")), ("any", _("any of these holds"))], required=False
    )

    def __init__(self, *args: Any, tree: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tree = tree or {}
        self.places = range(1, self._count() + 1)
        for row in self.places:
            self.fields[f"field_{row}"] = forms.ChoiceField(label=_("field"), choices=readable_paths, required=False)
            operators = [(key, operator.label) for key, operator in OPERATORS.items()]
            self.fields[f"op_{row}"] = forms.ChoiceField(label=_("is"), choices=[("", "—"), *operators], required=False)
            self.fields[f"value_{row}"] = forms.CharField(label=_("value"), required=False, max_length=500)
        if not self.is_bound:
            self._show()

    def _parts(self) -> list[dict[str, Any]]:
        return self.tree.get("all") or self.tree.get("any") or ([self.tree] if "op" in self.tree else [])

    def _count(self) -> int:
        """As many as are stored, and as many as were sent: the page adds rows."""
        sent = (name.rpartition("_")[2] for name in self.data if name.startswith(self.add_prefix("op_")))
        asked = [int(number) for number in sent if number.isascii() and number.isdigit() and len(number) < 3]
        return min(MOST_ROWS, max([CONDITION_ROWS, len(self._parts()), *asked]))

    @property
    def is_deep(self) -> bool:
        parts = self._parts()
        return "not" in self.tree or len(parts) > MOST_ROWS or any("op" not in part for part in parts)

    def _show(self) -> None:
        self.initial["glue"] = "any" if "any" in self.tree else "all"
        for row, part in zip(self.places, self._parts(), strict=False):
            value = part.get("value", "")
            self.initial[f"field_{row}"] = part.get("field", "")
            self.initial[f"op_{row}"] = part.get("op", "")
            self.initial[f"value_{row}"] = ", ".join(map(str, value)) if isinstance(value, list) else value

    def rows(self) -> list[tuple[Any, Any, Any]]:
        return [(self[f"field_{n}"], self[f"op_{n}"], self[f"value_{n}"]) for n in self.places]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for row in self.places:
            path, op = data.get(f"field_{row}"), data.get(f"op_{row}")
            if bool(path) != bool(op) and op not in ("time_between", "weekday_is"):
                self.add_error(f"op_{row}" if path else f"field_{row}", _("Choose the field and the comparison."))
            operator = OPERATORS.get(op or "")
            if operator is not None and operator.needs_value and not data.get(f"value_{row}"):
                self.add_error(f"value_{row}", _("What shall it be compared with?"))
        return data

    def stored(self) -> dict[str, Any]:
        """The tree; empty for no condition."""
        if self.is_deep:
            return self.tree
        data = self.cleaned_data
        leaves = [
            {"field": data[f"field_{n}"], "op": data[f"op_{n}"], "value": data[f"value_{n}"]}
            for n in self.places
            if data.get(f"op_{n}")
        ]
        return {data.get("glue") or "all": leaves} if leaves else {}


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        placed = self.instance
        data = self.data if self.is_bound else None
        scope = scope_of(placed.stage, placed if isinstance(placed, Rule) else None)
        self.own: SettingsForm = self.kind.Settings(
            data, prefix="own", scope=scope, initial=None if placed.pk is None else placed.settings
        )
        self.condition = ConditionForm(data, prefix="if", tree=placed.condition)
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
        return data

    def save(self, commit: bool = True) -> Any:
        self.instance.settings = raw_of(self.own)
        self.instance.condition = self.condition.stored()
        if self.timing is not None:
            self.instance.timing = self.timing.raw()
        return super().save(commit)


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
