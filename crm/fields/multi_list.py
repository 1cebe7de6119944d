from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.fields.base import NEWS, PRESENCE
from crm.fields.choice import Choice
from crm.folding import fold


class MultiList(Choice):
    """Several of a list. It equals a value that is among what was chosen."""

    key = "multi_list"
    label = _("list, several")
    operators = ("contains", "not_contains", "one_of", "none_of", *PRESENCE, *NEWS)

    def from_json(self, kept: Any) -> Any:
        if kept in (None, "", [], {}):
            return None
        return [str(one) for one in kept] if isinstance(kept, list) else str(kept)

    def same(self, value: Any, other: Any, zone: ZoneInfo) -> bool:
        chosen, wanted = ([fold(one) for one in _several(side)] for side in (value, other))
        return chosen == wanted or (len(wanted) == 1 and wanted[0] in chosen)

    def filter(self, path: str, text: str) -> Q:
        return Q(**{f"{path}__icontains": text})


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [value]
