"""What a row says in words, folded, beside it for the index of whole words (crm/items/search_index.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db import models

from crm.ground.folding import fold

MOST = 4000  # characters of one row


def indexed(texts: Iterable[Any]) -> str | None:
    """Words with a blank between them, as the index keeps them and a search asks for them; None for none.

    "INV/2026/7, Łódź" becomes "inv 2026 7 lodz": both databases then break texts up in the same way.
    """
    found = " ".join(re.findall(r"\w+", fold(" ".join(_spoken(one) for one in texts))))
    return found[:MOST] or None


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(_spoken, value.values()))
    if isinstance(value, list | tuple):
        return " ".join(map(_spoken, value))
    return value if isinstance(value, str) else ""


class WordsField(models.TextField):
    """Filled from the record's `says()` whenever the row is saved whole, in bulk too.

    Whoever writes single columns (`update`, `update_fields`) writes this one as well.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"null": True, "editable": False} | options))

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        found = indexed(model_instance.says())  # type: ignore[attr-defined]  # rows with this column say their words
        setattr(model_instance, self.attname, found)
        return found

    def deconstruct(self) -> Any:
        # A plain column to migrations: what fills it is no matter of the schema.
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.TextField", args, options
