"""Changed fields as people read them: old and new value under the field's label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.translation import gettext as _

from crm.models import CustomField, Event, Item
from crm.templatetags.dealwright import as_read

Shown = tuple[str, str, str]  # icon, sentence, text below


class Changes:
    """What changes of many events name, asked for together: one query for each kind of record that occurs in them.

    Args:
        events: those of a page; others than field.changed are passed over.
        fields: custom fields by key, where the caller has them; else they are asked for.
    """

    def __init__(self, events: list[Event], fields: Mapping[str, CustomField] | None = None) -> None:
        changed = [event.data("changes", {}) for event in events if event.kind == "field.changed"]
        keys = {name.removeprefix("custom.") for one in changed for name in one if name.startswith("custom.")}
        if fields is None and keys:
            fields = {row.key: row for row in CustomField.of_items().filter(key__in=keys)}
        rows = [fields[key] for key in keys if key in fields] if fields else []
        self.labels = {f"custom.{row.key}": row.label for row in rows}
        # How a value is read depends on what it is typed into.
        self.fields: dict[str, Any] = {f"custom.{row.key}": row.form_field() for row in rows}
        # By column that links another record: the records by their id.
        self.records: dict[str, dict[Any, str]] = {}
        for name in {name for one in changed for name in one if not name.startswith("custom.")}:
            try:
                column: Any = Item._meta.get_field(name)
            except FieldDoesNotExist:  # a column of an older version
                continue
            self.labels[name] = str(column.verbose_name)
            self.fields[name] = column.formfield()
            if column.related_model:
                ids = {value for one in changed for value in one.get(name, ()) if value is not None}
                found = column.related_model._base_manager.in_bulk(ids)
                self.records[name] = {pk: str(row) for pk, row in found.items()}

    def shown(self, event: Event) -> Shown:
        changes = event.data("changes", {})
        lines = [
            f"{self.labels.get(name, name)}: {self._value(name, old)} → {self._value(name, new)}"
            for name, (old, new) in changes.items()
        ]
        if [*changes] == ["owner"]:
            new = changes["owner"][1]
            return "user", _("Given to %s") % (self._value("owner", new) if new else _("nobody")), "\n".join(lines)
        return "pencil", _("Changed"), "\n".join(lines)

    def _value(self, name: str, value: Any) -> str:
        if name in self.records and value is not None:
            return self.records[name].get(value, f"#{value}")
        return as_read(value, self.fields.get(name)) or "–"
