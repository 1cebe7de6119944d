"""Changed fields as people read them: old and new value under the field's label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from crm.events.kinds import Shown
from crm.events.models import Event
from crm.fields import Field, own, type_of_value
from crm.fields.record import Record
from crm.pipelines.custom_fields import CustomField


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
        found = {f"custom.{key}": fields[key].field for key in keys if key in fields} if fields else {}
        self.fields: dict[str, Field] = {**own.ITEM, **own.ITEM_KEPT, **found}
        # By field that links another record: names by their ids.
        self.names: dict[str, dict[Any, str]] = {}
        for name, field in self.fields.items():
            if isinstance(field.type, Record):
                ids = {value for one in changed for value in one.get(name, ()) if isinstance(value, int | str)}
                self.names[name] = field.type.names(ids) if ids else {}

    def shown(self, event: Event) -> Shown:
        changes = event.data("changes", {})
        lines = [
            f"{self._label(name)}: {self._value(name, old)} → {self._value(name, new)}"
            for name, (old, new) in changes.items()
        ]
        if [*changes] == ["owner"]:
            new = changes["owner"][1]
            return "user", _("Given to %s") % (self._value("owner", new) if new else _("nobody")), "\n".join(lines)
        return "pencil", _("Changed"), "\n".join(lines)

    def _label(self, name: str) -> Any:
        return self.fields[name].label if name in self.fields else name

    def _value(self, name: str, value: Any) -> str:
        if name in self.names and (value is None or isinstance(value, int | str)):
            return self.names[name].get(value, f"#{value}") if value is not None else "–"
        field = self.fields.get(name)
        return (field.type if field else type_of_value(value)).told(value) or "–"
