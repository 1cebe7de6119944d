"""Which settings and conditions read what only some people see: profit, and what things cost."""

from __future__ import annotations

import json
import re
from typing import Any

from django.utils.translation import gettext as _

from automation.base import SettingsForm
from crm.messages.merge_fields import CONFIDENTIAL
from crm.models import User
from crm.pipelines.roles import sees_profit

_NAMED = re.compile("|".join(rf"\b{re.escape(path)}\b" for path in CONFIDENTIAL))


def named_in(*trees: Any) -> str:
    """The first confidential field that plain data (settings, a condition) names; empty for none."""
    found = _NAMED.search(json.dumps(trees))
    return found[0] if found is not None else ""


def hidden_from(by: User, form: type[SettingsForm] | None, settings: dict[str, Any], condition: dict[str, Any]) -> str:
    """Why this person may not publish it: it reads or sets what he does not see. Empty where he may."""
    sets = [name for name in getattr(form, "confidential", ()) if settings.get(name) not in (None, "", [])]
    read = named_in(settings, condition)
    if not (sets or read) or sees_profit(by):
        return ""
    if read:
        return _("It reads “%s”, and your role does not see cost prices and profit.") % read
    return _("It sets a cost price, and your role does not see cost prices and profit.")
