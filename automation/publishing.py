"""Publishing a rule or trigger: what every writer of them does (administration, API), in one place."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from automation.base import Action, TriggerType, actions, bind, trigger_types
from automation.conditions import OPERATORS
from automation.engine import control
from automation.models import Rule, Run, Trigger, scope_of
from automation.timing import TimingForm
from crm.fields import FieldType
from crm.models import Job, User
from crm.work.leased import Status

WAITING = (Status.PLANNED, Status.HELD, Status.WAITING)


def publish(placed: Rule | Trigger, by: User, *, pin_planned: bool = False) -> int:
    """Save it; it acts with the rights of `by` from now on.

    Args:
        pin_planned: planned runs of a rule finish with the old settings; else they take the new ones.
    Returns how many planned runs of a rule that was switched off are cancelled.
    """
    with transaction.atomic():
        old = type(placed)._default_manager.filter(pk=placed.pk).first() if placed.pk else None
        if isinstance(placed, Rule) and not placed.key:
            placed.key = free_key(placed)
        placed.publisher = by
        placed.unconfirmed = []  # whoever saves it has seen how its condition reads
        placed.save()
        if not isinstance(placed, Rule) or not isinstance(old, Rule):
            return 0
        if old.unconfirmed and old.paused_at:
            control.release_rule(placed, by)
        if old.is_enabled and not placed.is_enabled:
            return _cancel(placed)
        if pin_planned:
            names = ("action", "settings", "condition", "timing", "version")
            control.pin_planned(placed, {name: getattr(old, name) for name in names})
        else:
            Job.plan("replan_rule", f"replan:{placed.pk}:{placed.version}", lane=1, payload={"rule": placed.pk})
    return 0


def retire(placed: Rule | Trigger) -> int:
    """It is not used any more; its history keeps naming it. Returns how many planned runs are cancelled."""
    with transaction.atomic():
        placed.is_enabled, placed.retired = False, True
        placed.save()
        return _cancel(placed) if isinstance(placed, Rule) else 0


def _cancel(rule: Rule) -> int:
    """After the commit: this transaction holds the pipeline, and items are always locked before it is."""
    count = Run.objects.filter(rule=rule, status__in=WAITING).count()
    reason = _("the rule was switched off")
    transaction.on_commit(lambda: control.cancel_planned(rule, reason))
    return count


def free_key(rule: Rule) -> str:
    """One that no rule of the stage has, made of the action's name."""
    used = set(Rule.objects.filter(stage=rule.stage).values_list("key", flat=True))
    base = slugify(rule.action).replace("-", "_") or "rule"
    return next(key for key in (base, *(f"{base}_{n}" for n in range(2, 999))) if key not in used)


# ---------------------------------------------------------------------- what a program sends


def check(placed: Rule | Trigger, kinds: dict[str, FieldType]) -> dict[str, list[str]]:
    """What is wrong with it, by field ("settings.text"); empty: it could be published.

    Args:
        kinds: types of the fields that a condition may read, by path.
    """
    faults: dict[str, list[str]] = {}
    kind = _kind(placed)
    if kind is None:
        name = "action" if isinstance(placed, Rule) else "type"
        return {name: [_("“%s” is not installed.") % getattr(placed, name)]}
    scope = scope_of(placed.stage, placed if isinstance(placed, Rule) else None)
    form = bind(kind.Settings, placed.settings, scope)
    faults |= {f"settings.{name}": [str(word) for word in words] for name, words in form.errors.items()}
    for name in set(placed.settings) - set(form.fields):
        faults[f"settings.{name}"] = [_("There is no such setting.")]
    if isinstance(placed, Rule):
        timing = TimingForm(placed.timing or {"when": "now"})
        faults |= {f"timing.{name}": [str(word) for word in words] for name, words in timing.errors.items()}
    try:
        check_condition(placed.condition, kinds)
    except ValidationError as error:
        faults["condition"] = list(error.messages)
    return faults


def _kind(placed: Rule | Trigger) -> type[Action] | type[TriggerType] | None:
    return actions.get(placed.action) if isinstance(placed, Rule) else trigger_types.get(placed.type)


def check_condition(tree: Any, kinds: dict[str, FieldType], depth: int = 0) -> None:
    """Raises ValidationError in words for a tree that could not be judged: an unknown field, a comparison that does not
    fit it, a value that is none of its type."""
    if not isinstance(tree, dict) or depth > 10:
        raise ValidationError(_("A condition is an object of all, any, not, or field, op and value."))
    if not tree:
        return
    for glue in ("all", "any"):
        if glue in tree:
            if not isinstance(tree[glue], list):
                raise ValidationError(_("“%s” takes a list.") % glue)
            for part in tree[glue]:
                check_condition(part, kinds, depth + 1)
            return
    if "not" in tree:
        check_condition(tree["not"], kinds, depth + 1)
        return
    _check_leaf(tree, kinds)


def _check_leaf(leaf: dict[str, Any], kinds: dict[str, FieldType]) -> None:
    path, operator = str(leaf.get("field", "")), OPERATORS.get(str(leaf.get("op", "")))
    if operator is None:
        raise ValidationError(_("There is no comparison “%s”.") % str(leaf.get("op", ""))[:40])
    kind = kinds.get(path)
    if path.startswith("rules."):
        return  # what an earlier rule will make is known when it ran
    if kind is None:
        raise ValidationError(_("The field “%s” no longer exists.") % path[:80])
    if leaf["op"] not in kind.operators:
        raise ValidationError(_("This comparison does not fit the field."))
    if leaf.get("value_field"):
        if str(leaf["value_field"]) not in kinds:
            raise ValidationError(_("The field “%s” no longer exists.") % str(leaf["value_field"])[:80])
        return
    value = leaf.get("value")
    if operator.takes and value in (None, "", []):
        raise ValidationError(_("What shall it be compared with?"))
    several = value if isinstance(value, list) else [value]
    if operator.takes == "two" and len(several) != 2:
        raise ValidationError(_("Two values are needed: from, and to."))
    if operator.takes and operator.takes != "days":
        for one in several:
            kind.from_json(one)
    if operator.takes == "days" and not (isinstance(value, int) and 0 <= value <= 36_500):
        raise ValidationError(_("“%s” is not a number of days.") % str(value)[:40])
