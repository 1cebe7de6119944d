"""Publishing a rule or trigger: what every writer of them does (administration, API), in one place."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from automation.base import Action, TriggerType, actions, bind, trigger_types
from automation.condition_form import PATH_OF, Readable
from automation.conditions import OPERATORS
from automation.engine import control
from automation.models import Rule, Run, Trigger, scope_of
from automation.timing import NOW, TimingForm
from crm.messages.merge_fields import CONFIDENTIAL
from crm.models import Job, User
from crm.pipelines.roles import sees_profit
from crm.work.leased import Status

PARTS = {"all", "any", "not", "field", "op", "value", "value_field"}
MOST_PARTS = 100  # of one all or any
WAITING = (Status.PLANNED, Status.HELD, Status.WAITING)


def publish(placed: Rule | Trigger, by: User, *, pin_planned: bool = False, confirms: bool = True) -> int:
    """Save it; it acts with the rights of `by` from now on.

    Args:
        confirms: whoever saves it has seen how its condition reads since the upgrade to typed conditions.
        pin_planned: planned runs of a rule finish with the old settings; else they take the new ones.
    Returns how many planned runs of a rule that was switched off are cancelled.
    """
    with transaction.atomic():
        old = type(placed)._default_manager.filter(pk=placed.pk).first() if placed.pk else None
        if isinstance(placed, Rule) and not placed.key:
            placed.key = free_key(placed)
        placed.publisher = by
        if confirms:
            placed.unconfirmed = []
        placed.save()
        if not isinstance(placed, Rule) or not isinstance(old, Rule):
            return 0
        if confirms and old.unconfirmed and old.paused_at:
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
    used = set(rule.beside().values_list("key", flat=True))
    base = slugify(rule.action).replace("-", "_") or "rule"
    return next(key for key in (base, *(f"{base}_{n}" for n in range(2, 999))) if key not in used)


# ---------------------------------------------------------------------- what a program sends


_CONFIDENTIAL = re.compile("|".join(rf"\b{re.escape(path)}\b" for path in CONFIDENTIAL))


def hidden_from(settings: dict[str, Any], condition: dict[str, Any], by: User) -> str:
    """Why this person may not publish it: it reads what he does not see. Empty where he may."""
    found = _CONFIDENTIAL.search(json.dumps([settings, condition]))
    if found is None or sees_profit(by):
        return ""
    return _("It reads “%s”, and your role does not see cost prices and profit.") % found[0]


def check(placed: Rule | Trigger, sent: Collection[str], readable: Readable, by: User) -> dict[str, list[str]]:
    """What is wrong with what was sent, by field ("settings.text"); the condition's values are stored typed.

    Args:
        by: who is about to publish it.
        sent: names of what was sent: what stood there before is not judged again, so that a broken rule can be switched off.
    """
    kind = _kind(placed)
    if kind is None and "settings" in sent:
        name = "action" if isinstance(placed, Rule) else "type"
        return {name: [_("“%s” is not installed.") % getattr(placed, name)]}
    faults = _settings_faults(placed, kind) if kind is not None and "settings" in sent else {}
    if isinstance(placed, Rule) and "timing" in sent:
        faults |= _timing_faults(placed)
    if "condition" in sent:
        try:
            placed.condition = typed_condition(placed.condition, readable, placed.pipeline.currency)
        except ValidationError as error:
            faults["condition"] = list(error.messages)
        except (ArithmeticError, ValueError, TypeError):  # of a shape that no type expects
            faults["condition"] = [_("It has a value that cannot be read.")]
    for name, (settings, condition) in {"settings": (placed.settings, {}), "condition": ({}, placed.condition)}.items():
        if name in sent and name not in faults and (hidden := hidden_from(settings, condition, by)):
            faults[name] = [hidden]
    return faults


def _settings_faults(placed: Rule | Trigger, kind: type[Action] | type[TriggerType]) -> dict[str, list[str]]:
    odd = [name for name, value in placed.settings.items() if not isinstance(value, str | int | float | bool | list)]
    if odd:
        return {f"settings.{name}": [_("A single text or number is needed here.")] for name in odd}
    scope = scope_of(placed.where, placed if isinstance(placed, Rule) else None)
    form = bind(kind.Settings, placed.settings, scope)
    faults = _form_faults("settings", form, placed.settings)
    if not faults:
        placed.settings = form.stored(placed.settings)
    return faults


def _timing_faults(rule: Rule) -> dict[str, list[str]]:
    """Stored as the form reads it: what only the form could read ("9:30") would stop the whole pipeline."""
    odd = [name for name, value in rule.timing.items() if not isinstance(value, str | int | bool)]
    if odd:
        return {f"timing.{name}": [_("A single text or number is needed here.")] for name in odd}
    form = TimingForm(rule.timing or {"when": NOW})
    faults = _form_faults("timing", form, rule.timing)
    if not faults:
        rule.timing = form.raw()
    return faults


def _form_faults(name: str, form: Any, raw: dict[str, Any]) -> dict[str, list[str]]:
    faults = {f"{name}.{key}": [str(word) for word in words] for key, words in form.errors.items()}
    return faults | {f"{name}.{key}": [_("There is no such setting.")] for key in set(raw) - set(form.fields)}


def _kind(placed: Rule | Trigger) -> type[Action] | type[TriggerType] | None:
    return actions.get(placed.action) if isinstance(placed, Rule) else trigger_types.get(placed.type)


def typed_condition(tree: Any, readable: Readable, currency: str, depth: int = 0) -> dict[str, Any]:
    """The tree with its values as they are stored. Raises ValidationError in words for one that could not be judged: an
    unknown field, a comparison that does not fit it, a value that the form would refuse."""
    if not isinstance(tree, dict) or depth > 10:
        raise ValidationError(_("A condition is an object of all, any, not, or field, op and value."))
    if not tree:
        return {}
    if ({"all", "any", "not"} & set(tree) and len(tree) != 1) or set(tree) - PARTS:
        raise ValidationError(_("A condition is an object of all, any, not, or field, op and value."))
    for glue in ("all", "any"):
        if glue in tree:
            if not isinstance(tree[glue], list) or len(tree[glue]) > MOST_PARTS:
                raise ValidationError(_("“%s” takes a list.") % glue)
            return {glue: [typed_condition(part, readable, currency, depth + 1) for part in tree[glue]]}
    if "not" in tree:
        return {"not": typed_condition(tree["not"], readable, currency, depth + 1)}
    return _typed_leaf(tree, readable, currency)


def _typed_leaf(leaf: dict[str, Any], readable: Readable, currency: str) -> dict[str, Any]:
    op = str(leaf.get("op", ""))
    operator = OPERATORS.get(op)
    if operator is None:
        raise ValidationError(_("There is no comparison “%s”.") % op[:40])
    path = str(leaf.get("field") or PATH_OF.get(op, ""))
    kind, other = readable.type_of(path), str(leaf.get("value_field") or "")
    if path.startswith("rules."):
        return leaf  # what an earlier rule will make is known when it ran
    if kind is None or (other and not other.startswith("rules.") and readable.type_of(other) is None):
        raise ValidationError(_("The field “%s” no longer exists.") % (path if kind is None else other)[:80])
    if op not in kind.operators:
        raise ValidationError(_("This comparison does not fit the field."))
    made: dict[str, Any] = {"field": path, "op": op}
    if other:
        return made | {"value_field": other}
    value = leaf.get("value")
    if isinstance(value, list) and operator.takes in ("one", "days"):
        raise ValidationError(_("A single text or number is needed here."))
    if any(isinstance(one, list | dict) for one in (value if isinstance(value, list) else [value])):
        raise ValidationError(_("A single text or number is needed here."))
    several = value if isinstance(value, list) else [] if value is None else [value]
    asked = readable.asked(path, currency)
    texts = [str(one) if operator.takes == "days" else kind.shown(kind.from_json(one), asked) for one in several]
    typed = operator.typed(kind, texts, asked, apart=True)
    return made if typed is None else made | {"value": typed}
