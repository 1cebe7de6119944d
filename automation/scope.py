"""Settings of a type: the form, where a rule or trigger stands, and stored raw data bound to it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.datastructures import MultiValueDict

from crm.ground.shown import beside
from crm.models import Stage


@dataclass
class Scope:
    """Where a rule or trigger stands, for its settings form: what may be chosen, which fields texts may name.

    Args:
        place: the stage, or the rule set, of one pipeline.
        outputs: gives {rule key: names} of the rules before it; asked only by texts that name them.
        variables: gives the keys of the variables that the pipeline's rules may name.
        running: bound for a run: texts are not checked again, rendering itself says what is missing.
    """

    place: Any
    outputs: Callable[[], dict[str, set[str]]] = dict
    variables: Callable[[], set[str]] = set
    running: bool = False

    @property
    def pipeline_id(self) -> int:
        found: int = self.place.pipeline_id
        return found

    @property
    def stage(self) -> Stage | None:
        """The stage; None within a rule set."""
        return self.place if isinstance(self.place, Stage) else None

    def merge_extra(self, source: str) -> dict[str, set[str]]:
        """Roots that a text may name beside those of the card; looked up only where it names them."""
        found: dict[str, set[str]] = {}
        if "rules" in source:
            found["rules"] = {f"{key}.{name}" for key, names in self.outputs().items() for name in names}
        if "vars" in source:
            found["vars"] = self.variables()
        return found


class SettingsForm(forms.Form):
    """Settings of a type. Raw form data is stored, and the same form is bound again when it runs.

    Attributes:
        confidential: names of those that only who sees profit may fill in (crm/pipelines/roles.py).
    """

    confidential: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        self.scope = scope
        super().__init__(*args, **kwargs)
        for bound in self.fields.values():
            place = getattr(bound, "place", None)
            if place is not None:
                place(scope)

    def stored(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Raw data as it is kept: numbers that were typed stand as numbers, whoever reads them later, in any language."""
        kept = dict(raw)
        for name, bound in self.fields.items():
            plain = getattr(bound, "plain", None)
            if plain is not None and kept.get(name) not in (None, ""):
                kept[name] = plain(self.cleaned_data.get(name))
        return kept


def bind(form: type[SettingsForm], raw: dict[str, Any], scope: Scope, prefix: str | None = None) -> SettingsForm:
    """The form bound to stored raw data."""
    data = MultiValueDict({key: value if isinstance(value, list) else [value] for key, value in raw.items()})
    return form(data, scope=scope, prefix=prefix)


def first_error(form: forms.Form) -> str:
    """The first fault of a bound form as one sentence that names the field."""
    for name, errors in form.errors.items():
        bound = form.fields.get(name)
        label = str(bound.label or name) if bound else ""
        return beside(label, errors[0]) if label else str(errors[0])
    return ""
