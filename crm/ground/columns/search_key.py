"""What a record is found by: its words folded, kept beside it for the index."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.lookups import Contains


class Part(Contains):
    """`contains` as PostgreSQL's trigram indexes know it: an expression, so that equality never meets them."""

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        sql, params = super().process_lhs(compiler, connection, lhs)
        return (f"lower({sql})", params) if connection.vendor == "postgresql" else (sql, params)


class SearchKeyField(models.CharField):
    """Filled from the record's `folded()` whenever the row is written, in bulk too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"max_length": 250, "editable": False} | options))

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        found: str = model_instance.folded()[: self.max_length]  # type: ignore[attr-defined]  # rows with this column have a key
        setattr(model_instance, self.attname, found)
        return found

    def deconstruct(self) -> Any:
        # A plain column to migrations: what fills it is no matter of the schema.
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options


SearchKeyField.register_lookup(Part)
