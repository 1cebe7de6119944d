"""How many cards meet a condition now: shown while it is built. In SQL where it can be said so, else of the newest cards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from automation.checking import every_comparison
from automation.conditions import judge
from automation.facts import CannotJudge
from automation.values import Shared, facts_for, zone_of
from crm.fields.day import Date
from crm.fields.money import Money
from crm.ground import clock
from crm.items import customer_rights
from crm.models import Item, User
from crm.pipelines.roles import sees_profit

MOST = 2000
SECONDS = 0.2  # what the look at single cards may take: whoever types waits for it
# Columns that a condition reads as they are; texts are compared folded, which only Python does.
NUMBERS = {"item.amount": "amount"}
DAYS = {"item.due_date": "due_date"}
SIGNS = {"more_than": "__gt", "at_least": "__gte", "less_than": "__lt", "at_most": "__lte", "equals": ""}


@dataclass(frozen=True)
class Count:
    """matching of total; is_about: reckoned from the newest cards."""

    matching: int
    total: int
    is_about: bool = False

    def sentence(self) -> str:
        words = (
            _("About %(n)d of %(all)d cards here match") if self.is_about else _("%(n)d of %(all)d cards here match")
        )
        return words % {"n": self.matching, "all": self.total}


def count(items: Any, tree: dict[str, Any], by: User) -> Count:
    """
    Args:
        items: a queryset of those that are meant; only what the person may see is counted.
        tree: a stored condition, typed.
    """
    seen = items & Item.objects.visible_to(by)
    # What a customer is called or lives at is told by no figure either.
    hides = customer_rights.is_said(by) and any(_of_customer(leaf) for leaf in every_comparison(tree))
    total, asked = seen.count(), in_sql(tree)
    if asked is not None:
        return Count(seen.filter(asked).count(), total)
    rows = seen.select_related(
        "contact", "company", "owner", "stage", "visit", "pipeline", "lost_reason", "profit"
    ).order_by("-pk")[:MOST]
    rows = rows.prefetch_related("contact__emails", "contact__phones")
    started, looked, matching, shared = time.monotonic(), 0, 0, None
    for item in rows.iterator(chunk_size=100):
        shared = shared or Shared(zone_of(item))
        if hides and not customer_rights.shows(by, item):
            total -= 1
            continue
        matching += _holds(tree, item, by, shared)
        looked += 1
        if time.monotonic() - started > SECONDS:
            break
    if looked >= total:
        return Count(matching, total)
    return Count(round(matching * total / looked) if looked else 0, total, is_about=True)


def _of_customer(leaf: dict[str, Any]) -> bool:
    return any(
        str(leaf.get(name) or "").startswith(("contact", "company", "item.contact", "item.company"))
        for name in ("field", "value_field")
    )


def _holds(tree: dict[str, Any], item: Item, by: User, shared: Shared) -> bool:
    try:
        return judge(
            tree, facts_for(item, item.visit, clock.now(), sees_profit=partial(sees_profit, by), shared=shared)
        ).true
    except CannotJudge:
        return False


def in_sql(tree: dict[str, Any]) -> Q | None:
    """The same as a filter; None where it has a part that only Python reads."""
    if not tree:
        return Q()
    if "not" in tree:
        inner = in_sql(tree["not"])
        return None if inner is None else ~inner
    for glue in ("all", "any"):
        if glue in tree:
            parts = [in_sql(part) for part in tree[glue]]
            known = [part for part in parts if part is not None]
            return Q(*known, _connector=Q.AND if glue == "all" else Q.OR) if len(known) == len(parts) else None
    return _leaf(tree)


def _leaf(leaf: dict[str, Any]) -> Q | None:
    path, op, value = str(leaf.get("field")), str(leaf.get("op")), leaf.get("value")
    column = NUMBERS.get(path) or DAYS.get(path)
    if leaf.get("value_field"):
        return None
    if path in ("stage", "item.stage") and op in ("equals", "one_of"):
        several = value if isinstance(value, list) else [value]
        return Q(stage__in=several) if all(isinstance(one, int) for one in several) else None
    if column is None:
        return None
    if op in ("is_empty", "is_filled"):
        return Q(**{f"{column}__isnull": op == "is_empty"})
    kind: Any = Money() if path in NUMBERS else Date()
    try:
        if op == "between" and isinstance(value, list) and len(value) == 2:
            low, high = (kind.from_json(one) for one in value)
            return Q(**{f"{column}__gte": low, f"{column}__lte": high})
        if op not in SIGNS:
            return None
        wanted = kind.from_json(value)
    except ValidationError:
        return None
    # An empty field is neither more nor less than anything, and equals nothing but another empty one.
    if wanted is None or isinstance(wanted, datetime):
        return None
    return Q(**{f"{column}{SIGNS[op]}": wanted, f"{column}__isnull": False})
