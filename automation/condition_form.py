"""A condition as people fill it in: a field, a comparison that fits it, values that it can judge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation import condition_shape
from automation.conditions import OPERATORS, Operator
from automation.variables import Variable
from crm.fields import Asked, FieldType, type_of
from crm.fields.text import Text
from crm.ground.ids import id_of
from crm.messages import merge_fields
from crm.models import CustomField, Pipeline
from crm.pipelines.machine import machine_of

# Comparisons that are offered at first, without scripts too, and how many there may be.
CONDITION_ROWS, MOST_ROWS = 4, 40
# What is read of the moment itself: path, label, type.
MOMENT = (("now.time", _("time of day"), "time"), ("now.weekday", _("day of the week"), "weekday"))
PATH_OF = {"time_between": "now.time", "weekday_is": "now.weekday"}


class Readable:
    """The fields that a condition may read: their labels, types, and what lists may hold.

    Args:
        pipeline: whose rule or trigger it is; its stages are offered.
        variables: (path, label, type) of those that it may name; None: those that there are.
        stages: (id, name) of the pipeline's, where they are at hand.
    """

    def __init__(
        self,
        pipeline: Pipeline | None = None,
        variables: list[tuple[str, Any, str]] | None = None,
        stages: list[tuple[str, str]] | None = None,
    ) -> None:
        entry = (_now("The entry"), [("stage", str(_("stage")), "stage"), *MOMENT])
        if variables is None:
            known = Variable.objects.of(pipeline.pk) if pipeline is not None else Variable.objects.all()
            variables = [(f"vars.{one.key}", one.label, one.type) for one in known]
        self.groups = [
            *merge_fields.field_list(confidential=True),
            entry,
            *([(_now("Variables"), variables)] if variables else []),
        ]
        self.types: dict[str, str] = {path: kind for _group, rows in self.groups for path, _label, kind in rows}
        self.labels = {path: str(label) for _group, rows in self.groups for path, label, _kind in rows}
        rows = CustomField.objects.exclude(options="")
        self.options: dict[str, Sequence[tuple[str, Any]]] = {
            f"{row.target}.custom.{row.key}": row.choices() for row in rows if type_of(row.type).has_options
        }
        if pipeline is not None:
            stages = stages or [(str(stage.pk), stage.name) for stage in machine_of(pipeline.pk).ordered()]
            self.options |= dict.fromkeys(("stage", "item.stage"), stages)

    def choices(self) -> list[tuple[str, Any]]:
        groups = [(group, [(path, label) for path, label, _type in rows]) for group, rows in self.groups]
        return [("", "—"), *groups]

    def type_of(self, path: str) -> FieldType | None:
        return type_of(self.types[path]) if path in self.types else None

    def asked(self, path: str, currency: str) -> Asked:
        return Asked(currency=currency, options=self.options.get(path, ()))


def operators_of(kind: FieldType | None) -> list[tuple[str, Any]]:
    found = [(key, kind.words.get(key, OPERATORS[key].label)) for key in kind.operators] if kind else []
    return [("", "—"), *found]


class ValuesInput(forms.Widget):
    """As many boxes of a field's own as a comparison takes; of many: ticks for a list, else a line each."""

    def __init__(self, inner: forms.Field, takes: str) -> None:
        super().__init__()
        self.takes = takes
        self.inner: Any = inner.widget
        if takes == "many":
            ticks = isinstance(inner, forms.ChoiceField)
            lines = {"rows": 3, "placeholder": _("One a line.")}
            choices = [(key, label) for key, label in inner.choices if key] if ticks else []  # type: ignore[attr-defined]  # ticks are for lists
            self.inner = forms.CheckboxSelectMultiple(choices=choices) if ticks else forms.Textarea(attrs=lines)
        if takes == "days":
            self.inner = forms.NumberInput(attrs={"min": 0, "max": 36_500})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        sent = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
        if isinstance(self.inner, forms.Textarea):
            sent = [line for text in (sent if isinstance(sent, list) else [sent]) for line in str(text).splitlines()]
        return [str(one) for one in (sent if isinstance(sent, list) else [sent]) if str(one).strip()]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        values = list(value or [])
        if not self.takes:
            return ""
        if isinstance(self.inner, forms.CheckboxSelectMultiple):
            return self.inner.render(name, values, attrs, renderer)
        if isinstance(self.inner, forms.Textarea):
            return self.inner.render(name, "\n".join(values), attrs, renderer)
        boxes = []
        for place in range(2 if self.takes == "two" else 1):
            own = dict(attrs or {})
            if place:
                own |= {"id": f"{own.get('id', name)}_to", "aria-label": str(_("to"))}
            boxes.append((self.inner.render(name, values[place] if place < len(values) else "", own, renderer),))
        return format_html('<span class="condition-values">{}</span>', format_html_join(" – ", "{}", boxes))


class ValuesField(forms.Field):
    """The texts that people gave; read by the field's type in the form's `clean`."""

    def clean(self, value: Any) -> list[str]:
        if any("\0" in one for one in value):
            raise ValidationError(_now("A character is in it that cannot be kept."))
        if any(len(one) > 5000 for one in value):
            raise ValidationError(_now("This is too long."))
        return list(value)


def _is_beyond(leaf: dict[str, Any]) -> bool:
    """A comparison that no row can show: of a result of an earlier rule, whose type is known when it has run."""
    return any(str(leaf.get(name) or "").startswith("rules.") for name in ("field", "value_field"))


@dataclass(frozen=True)
class Row:
    """One comparison as it is drawn. other: the field it is compared with, where it is not a value."""

    number: int
    field: Any
    op: Any
    value: Any
    other: Any

    @property
    def fields(self) -> list[Any]:
        return [one for one in (self.field, self.op, self.value, self.other) if one is not None]

    @property
    def takes(self) -> str:
        """How many values stand beside it (automation/conditions.py)."""
        return str(self.value.field.widget.takes) if self.op.value() else ""


class ConditionForm(forms.Form):
    """Comparisons in groups of any depth (automation/condition_shape.py). What no row can show is shown and kept.

    Args:
        tree: the stored condition.
        pipeline: whose it is: its stages are offered. currency: of amounts; empty: the pipeline's.
        places: the numbers of the rows; by default as many as are stored or were sent.
    """

    glue = forms.ChoiceField(label=_("only if"), choices=condition_shape.GLUES, required=False)
    # How the comparisons stand together; without scripts nothing writes it, and all stand in one group.
    shape = forms.CharField(required=False, max_length=5000, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        tree: dict[str, Any] | None = None,
        pipeline: Pipeline | None = None,
        currency: str = "",
        places: Iterable[int] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tree, self.currency = tree or {}, currency or (pipeline.currency if pipeline else "")
        self.readable = Readable(pipeline)
        self.kept_shape, stored = condition_shape.shape_of(self.tree)
        self.places = list(places) or self._numbers(stored)
        nested = any(isinstance(part, dict) for part in self.kept_shape["parts"])
        self.initial.update(glue=self.kept_shape["glue"], shape=json.dumps(self.kept_shape) if nested else "")
        if places:
            stored = dict(zip(self.places, stored.values(), strict=False))
        if self.is_bound:
            stored = {}  # what was sent stands for itself: its rows have other numbers
        self.choices = self.readable.choices()
        for number in self.places:
            self._add_row(number, stored.get(number, {}))

    def _add_row(self, number: int, part: dict[str, Any]) -> None:
        path, op = self._chosen(number, part)
        kind = self.readable.type_of(path)
        operator = OPERATORS.get(op) if kind is not None and op in kind.operators else None
        # What was stored and is offered no more stays in sight, so that saving does not drop it without a word.
        gone = [(path, _now("%s (not offered any more)") % path)] if path and kind is None else []
        misfit = [(op, OPERATORS[op].label if op in OPERATORS else op)] if op and operator is None else []
        field: forms.Field = forms.ChoiceField(label=_("field"), choices=[*self.choices, *gone], required=False)
        self.fields[f"field_{number}"] = field
        self.fields[f"op_{number}"] = forms.ChoiceField(
            label=_("is"), choices=[*operators_of(kind), *misfit], required=False,
            error_messages={"invalid_choice": _("This comparison does not fit the field.")},
        )  # fmt: skip
        asked = self.readable.asked(path, self.currency)
        # Until a comparison is chosen one plain box: a list's first option would seem to be chosen.
        inner = (kind if kind is not None and operator else Text()).input(asked)
        widget = ValuesInput(inner, operator.takes if operator else "one" if not op else "")
        self.fields[f"value_{number}"] = ValuesField(label=_("value"), required=False, widget=widget)
        self.initial.update({f"field_{number}": path, f"op_{number}": op})
        self.initial[f"value_{number}"] = self._shown(kind, operator, part, asked)
        if "value_field" in part or self.add_prefix(f"other_{number}") in self.data:
            other = str(part.get("value_field", ""))
            lost = (
                [(other, _now("%s (not offered any more)") % other)]
                if other and other not in self.readable.types
                else []
            )
            label = _("the field to compare with")
            self.fields[f"other_{number}"] = forms.ChoiceField(
                label=label, choices=[*self.choices, *lost], required=False
            )
            self.initial[f"other_{number}"] = other

    def _numbers(self, stored: dict[int, Any]) -> list[int]:
        """Of what is stored with some empty ones behind; of what was sent."""
        if not self.is_bound:
            return list(range(1, max(CONDITION_ROWS, len(stored)) + 1))
        begin = (self.add_prefix("field_"), self.add_prefix("op_"))
        sent = {name.rpartition("_")[2] for name in self.data if name.startswith(begin)}
        return sorted({number for number in map(id_of, sent) if number is not None and 0 < number < 1000})

    def _chosen(self, row: int, part: dict[str, Any]) -> tuple[str, str]:
        if self.is_bound:
            path, op = (str(self.data.get(self.add_prefix(f"{name}_{row}"), "")) for name in ("field", "op"))
            return path, op
        op = str(part.get("op", ""))
        return str(part.get("field") or PATH_OF.get(op, "")), op

    @staticmethod
    def _shown(kind: FieldType | None, operator: Operator | None, part: dict[str, Any], asked: Asked) -> list[str]:
        value = part.get("value")
        if kind is None or operator is None or value in (None, "", []):
            return []
        several = value if isinstance(value, list) else kind.parts(str(value)) if operator.takes != "one" else [value]
        if operator.takes == "days":
            return [str(one) for one in several]
        shown = []
        for one in several:
            try:
                shown.append(kind.shown(kind.from_json(one), asked))
            except (ValidationError, ArithmeticError, ValueError):
                shown.append(str(one))
        return shown

    @property
    def is_deep(self) -> bool:
        """Whether there is something in it that no row can show."""
        shape, leaves = condition_shape.shape_of(self.tree)
        too_deep = condition_shape.depth_of(shape) > condition_shape.DEEPEST
        return too_deep or len(leaves) > MOST_ROWS or any(map(_is_beyond, leaves.values()))

    def row(self, number: int) -> Row:
        names = ("field", "op", "value", "other")
        found = {name: self[f"{name}_{number}"] if f"{name}_{number}" in self.fields else None for name in names}
        return Row(number, **found)

    empty_group: ClassVar[dict[str, Any]] = {"glue": "any", "parts": []}

    def group(self) -> dict[str, Any]:
        """The outermost group as it is drawn: parts are rows or groups."""
        shape = self.kept_shape
        if self.is_bound:
            try:
                shape = condition_shape.read(self["shape"].data or "", self.places) or shape
            except ValidationError:
                shape = {"glue": "all", "parts": []}
        drawn: set[int] = set()

        def group(node: Any) -> dict[str, Any]:
            parts: list[dict[str, Any]] = []
            for one in node["parts"]:
                if isinstance(one, dict):
                    parts.append({"group": group(one)})
                elif one in self.places:
                    drawn.add(one)
                    parts.append({"row": self.row(one)})
            return {"glue": node["glue"], "parts": parts}

        whole = group(shape)
        whole["parts"] += [{"row": self.row(number)} for number in self.places if number not in drawn]
        return whole

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self.leaves: dict[int, dict[str, Any]] = {}
        if self.is_deep:
            return data
        if len(self.places) > MOST_ROWS:
            raise ValidationError(_now("A condition has %d comparisons at most.") % MOST_ROWS)
        for number in self.places:
            leaf = self._leaf(number, data)
            if leaf is not None:
                self.leaves[number] = leaf
        found = condition_shape.read(data.get("shape") or "", self.places)
        self.read_shape = found or {"glue": "all", "parts": list(self.places)}
        if data.get("glue"):
            self.read_shape["glue"] = data["glue"]
        return data

    def _leaf(self, number: int, data: dict[str, Any]) -> dict[str, Any] | None:
        """The comparison of a row; None for one that says nothing, or is wrong and has its error."""
        path, op = data.get(f"field_{number}"), data.get(f"op_{number}")
        if bool(path) != bool(op):
            if f"op_{number}" not in self.errors:
                self.add_error(f"op_{number}" if path else f"field_{number}", _("Choose the field and the comparison."))
            return None
        if not path or not op or f"value_{number}" in self.errors:
            return None
        kind = self.readable.type_of(path)
        if kind is None:
            self.add_error(f"field_{number}", _("The field “%s” no longer exists.") % path)
            return None
        if op not in kind.operators:
            self.add_error(f"op_{number}", _("This comparison does not fit the field."))
            return None
        if f"other_{number}" in self.fields:
            return self._compared(number, path, op, data.get(f"other_{number}") or "")
        asked = self.readable.asked(path, self.currency)
        texts = data.get(f"value_{number}") or []
        # Ticks are values as they are; lines are, unless there is one alone that holds several numbers.
        widget: Any = self.fields[f"value_{number}"].widget
        ticked = isinstance(widget.inner, forms.CheckboxSelectMultiple)
        try:
            apart = ticked or (widget.takes == "many" and kind.is_text)
            value = OPERATORS[op].typed(kind, texts, asked, apart=apart)
        except ValidationError as error:
            self.add_error(f"value_{number}", error)
            return None
        return {"field": path, "op": op} | ({} if value is None else {"value": value})

    def _compared(self, number: int, path: str, op: str, other: str) -> dict[str, Any] | None:
        """With another field instead of a value."""
        if OPERATORS[op].takes != "one":
            self.add_error(f"op_{number}", _("This comparison takes no other field."))
        elif self.readable.type_of(other) is None:
            self.add_error(f"other_{number}", _("With which field?"))
        else:
            return {"field": path, "op": op, "value_field": other}
        return None

    def stored(self) -> dict[str, Any]:
        """The tree; empty for no condition."""
        return self.tree if self.is_deep else condition_shape.tree_of(self.read_shape, self.leaves)
