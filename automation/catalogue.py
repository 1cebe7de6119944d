"""The catalogue: every action and trigger type, found by its words and by other words for it; and what is placed already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from automation.base import GROUPS, Action, TriggerType, action_of, actions, trigger_types
from automation.document import RULE, TRIGGER
from automation.models import Rule, Trigger
from crm.ground.folding import fold
from crm.ground.shown import beside
from crm.messages import merge_fields
from crm.models import User
from crm.pipelines.roles import sees_profit

ACTION = "action"


@dataclass(frozen=True)
class Entry:
    """One type. kind: action or trigger. `helper`: it only gives values (E14)."""

    kind: str
    type: type[Action] | type[TriggerType]

    @property
    def key(self) -> str:
        return self.type.key

    @property
    def part(self) -> str:
        """What a placed one is: rule or trigger."""
        return RULE if self.kind == ACTION else TRIGGER

    @property
    def group(self) -> str:
        return str(GROUPS.get(self.type.group, self.type.group))

    @property
    def app(self) -> str:
        """The name of the app that brought it; empty for types of installed code."""
        return str(getattr(self.type, "app", ""))

    @property
    def helper(self) -> bool:
        return bool(getattr(self.type, "helper", False))

    def rank(self, asked: str) -> int:
        """How well it fits a folded text; 0: not at all. What has a word that begins with it comes before what holds it, its own words
        before other words for it, those before its help."""
        label = fold(str(self.type.label))
        words = label.replace("-", "").split()  # "em" finds "e-mail"
        if asked.replace("-", "") in words:
            return 6  # "task" means *create task* before *complete tasks*
        if any(word.startswith(asked.replace("-", "")) for word in words) or label.startswith(asked):
            return 5
        others = [fold(word).strip() for word in (*str(self.type.synonyms).split(","), self.app)]
        if any(word.startswith(asked) for one in others for word in (one, *one.split())):
            return 4
        if asked in label or asked in self.key:
            return 3
        if all(
            part in f"{label} {' '.join(others)} {fold(str(self.type.help))} {fold(str(self.type.example))}"
            for part in asked.split()
        ):
            return 2
        return 1 if asked in fold(self.group) else 0


def entries(kind: str = "", group: str = "") -> list[Entry]:
    """Ours and third parties' alike, by their groups. `kind`, `group`: a key; empty: all."""
    found = [
        *(Entry(TRIGGER, one) for one in trigger_types if kind != ACTION),
        *(Entry(ACTION, one) for one in actions if kind != TRIGGER),
    ]
    return [entry for entry in found if not group or entry.type.group == group]


def search(text: str, kind: str = "", group: str = "") -> list[Entry]:
    """The best first; of an empty text all, as they stand."""
    asked = fold(text).strip()
    found = entries(kind, group)
    if not asked:
        return found
    order = list(GROUPS)  # of two that fit alike the one that talks to customers is meant
    ranked = [(entry.rank(asked), entry) for entry in found]
    ranked.sort(key=lambda pair: (-pair[0], order.index(pair[1].type.group)))
    return [entry for rank, entry in ranked if rank]


def groups() -> list[tuple[str, Any]]:
    return list(GROUPS.items())


def placed(pipeline: int, text: str = "", kind: str = "", group: str = "") -> list[Rule | Trigger]:
    """Rules and triggers of a pipeline (its id) whose name, type or note has these words, by their stages; of a group alone."""
    asked = fold(text).strip().split()
    rows: list[Rule | Trigger] = []
    if kind != TRIGGER:
        rules = Rule.objects.filter(pipeline=pipeline, retired=False).select_related("stage", "rule_set")
        rows += rules.order_by("stage__order", "order", "pk")
    if kind != ACTION:
        triggers = Trigger.objects.filter(pipeline=pipeline, retired=False).select_related("stage")
        rows += triggers.order_by("stage__order", "order", "pk")
    if group:
        rows = [row for row in rows if getattr(_type_of(row), "group", "") == group]
    return [row for row in rows if all(part in fold(_words_of(row)) for part in asked)]


def _type_of(row: Rule | Trigger) -> Any:
    return action_of(row.action) if isinstance(row, Rule) else trigger_types.get(row.type)


def _words_of(row: Rule | Trigger) -> str:
    found = _type_of(row)
    texts = " ".join(value for value in row.settings.values() if isinstance(value, str))
    known = f"{found.label} {found.synonyms}" if found is not None else ""
    return f"{row.name} {row.note} {row.where} {known} {texts}"


# ---------------------------------------------------------------------- what texts may name


def merge_fields_for(variables: Iterable[Any], by: User) -> list[tuple[Any, list[tuple[str, Any, str]]]]:
    """For a picker: groups of (path, label, type). `variables`: rows or parts, with key, label and type."""
    shown = [(f"vars.{one.key}", one.label, one.type) for one in variables]
    groups = merge_fields.field_list(confidential=sees_profit(by))
    return [*groups, *([(_("Variables"), shown)] if shown else [])]


def outputs_shown(outputs: dict[str, set[str]], rules: Iterable[Any]) -> list[tuple[str, str]]:
    """What earlier rules give: the path, and whose it is in words ("Invoice: number").

    Args:
        outputs: names by the key of a rule, those of a called set's rules among them (`Scope.outputs`).
        rules: of the place in their order, rows or parts, with key, name and action.
    """
    return [
        (f"rules.{rule.key}.{name}", beside(rule.name, action_of(rule.action).outputs.get(name, name)))
        for rule in rules
        for name in sorted(outputs.get(rule.key, ()))
    ]
