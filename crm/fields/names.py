from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked, Cells
from crm.fields.multi_list import MultiList


class Names(MultiList):
    """Several short names that need not be known, such as tags."""

    key = "names"
    label = _("tags")
    is_custom = False
    has_options = False
    lists = True

    def cells(self, text: str, cells: Cells, asked: Asked = Asked()) -> tuple[list[Any], list[str]]:
        return [part.strip()[:50] for part in re.split(r"[;,]", text) if part.strip()], []
