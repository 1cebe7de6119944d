"""The new records of a slice of rows, written together in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm.items.models.items import Item
from crm.people.models import Company, Contact, Tag
from crm.people.reach import ContactEmail, ContactPhone

ORDER = (Company, Contact, ContactPhone, ContactEmail)


class Batch:
    """Records have no id until `flush`; what needs one is said with `then`.

    Args:
        items: writes the drafts of items; gets the list.
    """

    def __init__(self, items: Callable[[list[Item]], None]) -> None:
        self._write_items = items
        self.clear()

    def clear(self) -> None:
        """Forget what was not written: its transaction was rolled back."""
        self._rows: dict[type, list[Any]] = {model: [] for model in (*ORDER, Item)}
        self._tags: list[tuple[Any, Tag]] = []
        self._then: list[Callable[[], None]] = []

    def add(self, record: Any) -> None:
        self._rows[type(record)].append(record)

    def tag(self, record: Any, tags: list[Tag]) -> None:
        self._tags += [(record, tag) for tag in tags]

    def then(self, step: Callable[[], None]) -> None:
        """Call it when the records have their ids."""
        self._then.append(step)

    def flush(self) -> None:
        for model in ORDER:
            if self._rows[model]:
                model._default_manager.bulk_create(self._rows[model])
        if self._rows[Item]:
            self._write_items(self._rows[Item])
        for tagged in (Company, Contact, Item):
            through: Any = tagged.tags.through
            column = f"{tagged._meta.model_name}_id"
            links = [through(**{column: record.pk, "tag": tag}) for record, tag in self._tags if type(record) is tagged]
            if links:
                through.objects.bulk_create(links, ignore_conflicts=True)
        steps = self._then
        self.clear()
        for step in steps:
            step()
