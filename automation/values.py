"""What merge texts and conditions of rules read: the item's values and the outputs of earlier rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

from automation.facts import CannotJudge, Facts
from automation.models import Run
from automation.variables import Variable, Variables
from crm.fields import type_of
from crm.fields.record import Record
from crm.ground.sentences import said
from crm.messages import merge_fields, merge_text
from crm.models import Item, StageVisit
from crm.pipelines.machine import machine_of


class RuleOutputs(dict[str, Any]):
    """rules.<key>.<output> of this visit; read from the database when a text first asks.

    Args:
        caller: of a rule of a set: the run that called it; it reads what the set's earlier rules gave.
    """

    def __init__(self, visit: StageVisit | None, caller: int | None = None) -> None:
        super().__init__()
        if visit is not None:
            runs = Run.objects.filter(visit=visit, caller=caller).exclude(outputs={}).order_by("round", "pk")
            for key, outputs in runs.values_list("rule__key", "outputs"):
                self[key] = outputs


def values_for(
    item: Item, visit: StageVisit | None, source: str = "rules", *, caller: int | None = None, **extra: Any
) -> merge_text.Values:
    """Args: extra: further roots, and `sees_profit` of merge_text.Values."""
    values = merge_text.Values(item, **extra)
    if "rules" in source:
        values["rules"] = RuleOutputs(visit, caller)
    if "vars" in source:
        values["vars"] = Variables(item, visit)
    return values


def zone_of(item: Item) -> str:
    calendar = machine_of(item.pipeline_id).pipeline.working_time()
    return calendar.zone if calendar else "UTC"


def rendered(
    source: str, item: Item, visit: StageVisit | None, html: bool = False, for_mail: bool = False, **extra: Any
) -> str:
    """A merge text for a customer: their language, the pipeline's zone, the item's currency.

    Args:
        html, for_mail: as in merge_text.render.
    """
    if "{" not in source:
        return source
    return merge_text.render(
        source,
        values_for(item, visit, source, **extra),
        language=merge_text.language_of(item),
        zone=zone_of(item),
        currency=item.currency,
        html=html,
        for_mail=for_mail,
    )


class _Described(dict[str, tuple[Any, str]]):
    """Label and type by path, asked for once and only where a condition names a field."""

    def __missing__(self, path: str) -> tuple[Any, str]:
        if not self:
            self["stage"] = (gettext_lazy("stage"), "stage")
            self.update(
                (path, (label, kind))
                for _group, rows in merge_fields.field_list(confidential=True)
                for path, label, kind in rows
            )
            self.update({f"vars.{one.key}": (one.label, one.type) for one in Variable.objects.all()})
            if path in self:
                return self[path]
        return path, ""


class Shared:
    """What the cards of one pipeline have alike, asked for once where many of them are judged in a row.

    Args:
        zone: of its calendar.
    """

    def __init__(self, zone: str) -> None:
        self.zone, self.described = zone, _Described()
        self.defined = cache(lambda pipeline: list(Variable.objects.of(pipeline)))
        self.custom = cache(merge_fields.custom_keys)


class _Reader:
    """What stands at a path, for one card's condition. `sees_profit`: of whoever answers for it; asked where it is read."""

    def __init__(
        self,
        item: Item,
        visit: StageVisit | None,
        caller: int | None,
        sees_profit: Callable[[], bool],
        shared: Shared | None,
    ) -> None:
        self.item, self.visit, self.caller, self.sees_profit = item, visit, caller, sees_profit
        self.values = merge_text.Values(item, custom=shared.custom if shared is not None else merge_fields.custom_keys)
        self.described = shared.described if shared is not None else _Described()
        defined = shared.defined(item.pipeline_id) if shared is not None else None
        self.variables: Any = SimpleLazyObject(lambda: Variables(item, visit, defined))

    def __call__(self, path: str) -> Any:
        """Raises KeyError for a field that has gone, CannotJudge for one that is not theirs to read."""
        if path == "stage":
            return self.item.stage
        if path in merge_fields.LINKED:  # of an item: no other root links one
            return merge_fields.LINKED[path](self.item)
        if path in merge_fields.CONFIDENTIAL:
            return self._confidential(path)
        root, *names = path.split(".")
        if root == "rules" and "rules" not in dict.keys(self.values):
            self.values["rules"] = RuleOutputs(self.visit, self.caller)
        if root == "vars":
            if len(names) != 1 or names[0] not in self.variables:
                raise KeyError(path)
            return self.variables[names[0]]
        return self._plain(path, root, names)

    def _confidential(self, path: str) -> Any:
        if not self.sees_profit():
            raise CannotJudge(said("profit.not_for_rule", "The rule's publisher does not see profit (%s).") % path)
        return merge_fields.CONFIDENTIAL[path].get(self.item)

    def _plain(self, path: str, root: str, names: list[str]) -> Any:
        if names[:1] == ["custom"] and isinstance(type_of(self.described[path][1]), Record):
            row = self.item if root == "item" else getattr(self.item, root)
            return row.custom.get(names[-1]) if row is not None else None  # two colleagues may have one name
        found: Any = self.values[root] if root in self.values else None  # noqa: SIM401  made on first use
        if found is None:
            raise KeyError(path)
        if not found and root in ("contact", "company", "owner"):
            return None  # nobody is linked: every field of theirs is empty
        for name in names:
            if not isinstance(found, dict) or name not in found:
                raise KeyError(path)
            found = found[name]
        return found


def facts_for(
    item: Item,
    visit: StageVisit | None,
    now: datetime,
    changes: dict[str, Any] | None = None,
    caller: int | None = None,
    sees_profit: Callable[[], bool] = bool,
    shared: Shared | None = None,
) -> Facts:
    """What a condition of this item may read; paths as in merge texts.

    Args:
        sees_profit: whether whoever answers for the condition sees profit; asked where one is read.
        shared: where many cards of one pipeline are judged.
    """
    reader = _Reader(item, visit, caller, sees_profit, shared)
    return Facts(
        values=reader,
        labels=lambda path: reader.described[path][0],
        types=lambda path: reader.described[path][1],
        now=now,
        zone=shared.zone if shared is not None else zone_of(item),
        changes=changes,
        hides=merge_fields.CONFIDENTIAL.__contains__,
    )
