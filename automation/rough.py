"""Settings as they stand in a draft, faulty ones too, as something like a form's cleaned data: for what is shown and hinted.

Without the forms' own look-ups: a few queries, whatever the number of rules. Nothing runs by it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.db.models import Model

from automation.document import RULE, Document
from automation.models import Rule, RuleSet
from automation.publishing.references import referring, type_of
from crm.ground.ids import id_of

Rows = dict[type[Model], dict[Any, Any]]


class Rough:
    def __init__(self, document: Document) -> None:
        self.rows = _named_rows(document)

    def settings(self, kind: Any, raw: dict[str, Any]) -> dict[str, Any]:
        """Rows for their ids, lists for choices of many, nothing for what is empty.

        Args:
            kind: the action or trigger type. raw: the settings of a part.
        """
        made: dict[str, Any] = {}
        for name, one in kind.Settings.base_fields.items():
            value = raw.get(name)
            if isinstance(one, forms.ModelMultipleChoiceField):
                several = value if isinstance(value, list) else []
                made[name] = [row for row in (self._row(one, v) for v in several) if row is not None]
            elif isinstance(one, forms.ModelChoiceField):
                made[name] = self._row(one, value)
            elif isinstance(one, forms.MultipleChoiceField):
                made[name] = value if isinstance(value, list) else [value] if value else []
            elif isinstance(one, forms.IntegerField):
                made[name] = id_of(str(value)) if value not in (None, "") else None
            else:
                made[name] = value if value is not None else ""
        return made | {name: value for name, value in raw.items() if name not in made}

    def _row(self, one: Any, value: Any) -> Any:
        known = self.rows.get(one.queryset.model, {})
        if isinstance(value, list | dict):
            return None
        return known.get(value) or known.get(id_of(str(value)))


def _named_rows(document: Document) -> Rows:
    """All rows that settings name, one query a model."""
    ids: dict[type[Model], set[int]] = {}
    for _kind, _spot, part in document.placed():
        for name, model in referring(type_of(part)).items():
            value = part.settings.get(name)
            several = value if isinstance(value, list) else [value]
            ids.setdefault(model, set()).update(pk for one in several if (pk := id_of(str(one))) is not None)
    found: Rows = {
        model: apps.get_model(model._meta.label)._base_manager.in_bulk(pks) for model, pks in ids.items() if pks
    }
    found.setdefault(RuleSet, {}).update({id: one.name for id, one in document.sets.items()})
    found.setdefault(Rule, {}).update({part.id: part.name for kind, _spot, part in document.placed() if kind == RULE})
    return found
