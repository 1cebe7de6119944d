"""Which settings and conditions read what only some people see: profit, and what things cost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from automation.base import SettingsForm
from crm.messages.merge_fields import CONFIDENTIAL
from crm.messages.merge_text import paths_in
from crm.models import User
from crm.pipelines.roles import sees_profit

# Their last words: without one of them nothing need be parsed.
_WORD = re.compile("|".join(re.escape(path.rpartition(".")[2]) for path in CONFIDENTIAL))
_NAMED = re.compile("|".join(rf"\b{re.escape(path)}\b" for path in CONFIDENTIAL))


def named_in(*trees: Any) -> str:
    """The first confidential field that plain data (settings, a condition) names, in a merge text however it is spelt."""
    plain = json.dumps(trees)
    found = _NAMED.search(plain)
    if found is not None:
        return found[0]
    if not _WORD.search(plain):
        return ""
    read = {path for text in _texts(trees) if "{" in text for path in paths_in(text)}
    return next((path for path in CONFIDENTIAL if path in read), "")


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list | tuple):
        for one in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(one)


def hidden_from(by: User, form: type[SettingsForm] | None, settings: dict[str, Any], condition: dict[str, Any]) -> str:
    """Why this person may not publish it: it reads or sets what he does not see. Empty where he may."""
    sets = [name for name in getattr(form, "confidential", ()) if settings.get(name) not in (None, "", [])]
    read = named_in(settings, condition)
    if not (sets or read) or sees_profit(by):
        return ""
    if read:
        return _("It reads “%s”, and your role does not see cost prices and profit.") % read
    return _("It sets a cost price, and your role does not see cost prices and profit.")
