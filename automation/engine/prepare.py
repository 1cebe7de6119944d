"""Prepare: what a run needs before its action begins, rights, limits, settings, or a readable reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from automation import live
from automation.base import ActionError, Context, action_of, bind, first_error
from automation.models import Rule, Run, scope_of
from automation.values import rendered
from crm.events.notice import notify
from crm.ground import clock
from crm.ground.sentences import everywhere, named, said
from crm.items import customer_rights
from crm.models import Forbidden, Item, Message, Pipeline, User
from crm.people.models import administrators
from crm.pipelines import rights
from crm.pipelines.roles import sees_profit


class Hold(Exception):
    """The run waits for a person; the sentence says why.

    Args:
        also: what must be written although the attempt is rolled back (a notice, the rule's pause).
    """

    def __init__(self, sentence: str, also: Callable[[], Any] | None = None) -> None:
        super().__init__(sentence)
        self.also = also


@dataclass
class Batch:
    """What the runs of one transaction share.

    Args:
        ends: their ends, written together. events: events that nobody waits for, likewise.
        prepared: by rule and version, whose rights count and the cleaned settings.
    """

    ends: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    prepared: dict[Any, tuple[User, dict[str, Any]]] = field(default_factory=dict)


def prepare(run: Run, item: Item, batch: Batch) -> Context:
    """Rights, limits, settings: everything the action needs, or a readable reason why not."""
    rule = run.rule
    if action_of(rule.action).sends:
        check_hourly_limit(rule)
    known = (rule.pk, run.pk if run.pinned or run.caller_id else rule.version)
    if known not in batch.prepared:
        batch.prepared[known] = (acting_as(run), cleaned_settings(run))
    acting, settings = batch.prepared[known]
    if not acting.is_superuser:
        try:
            item.require(acting, "edit")  # E40: never more than the publisher may do with this very item
        except Forbidden as refused:
            told = said("right.missing", "The rule acts with the rights of %s, who may not change this card.")
            raise ActionError(told % acting.name) from refused
    # The item's own visit is at hand; a kept run belongs to an earlier one.
    visit = item.visit if item.visit_id == run.visit_id and item.visit is not None else run.visit
    return Context(run, rule, item, visit, acting, settings, run.outputs, rendered)


def cleaned_settings(run: Run) -> dict[str, Any]:
    """The action's form, bound again: what has gone since is a readable failure."""
    rule = run.rule
    raw = (run.taken or {}).get("settings", {})
    form = bind(action_of(rule.action).Settings, raw, scope_of(rule.where, rule, running=True))
    if not form.is_valid():
        raise ActionError(everywhere("settings.fault", partial(first_error, form)))
    return form.cleaned_data


def acting_as(run: Run) -> User:
    """Whose rights count: the publisher's; of a rule of a set those that the caller's publisher has as well.

    Raises ActionError where neither of the two has all that the other has: nobody could say what both may do.
    """
    own = acting_for(run.rule)
    if run.caller is None:
        return own
    other = acting_as(run.caller)
    if own.pk == other.pk or _has_all_of(other, own):
        return own
    if _has_all_of(own, other):
        return other
    words = said("set.rights", "%(one)s and %(other)s published the set and its caller, and have different rights.")
    raise ActionError(words % {"one": own.name, "other": other.name})


def _has_all_of(one: User, other: User) -> bool:
    """Whether whatever `other` may do is done with the rights of `one` too: everything, or what the other may not at all."""
    if one.is_superuser or other.is_superuser:
        return one.is_superuser
    if sees_profit(other) and not sees_profit(one):
        return False
    mine, theirs = rights.reach(one), rights.reach(other)
    for pipeline, scopes in theirs.items():
        for action, scope in scopes.items():
            if scope != rights.Scope.NONE and mine.get(pipeline, {}).get(action) != rights.Scope.ALL:
                return False
    of_customers = [
        (customer_rights.scope_of(one, a), customer_rights.scope_of(other, a)) for a in customer_rights.ACTIONS
    ]
    return all(theirs == rights.Scope.NONE or mine == rights.Scope.ALL for mine, theirs in of_customers)


def acting_for(rule: Rule) -> User:
    """E40: the publisher, else the pipeline's automation owner (administrators are told), else the rule is held."""
    publisher = rule.publisher
    if publisher is not None and publisher.is_active:
        return publisher
    owner = Pipeline.objects.select_related("automation_owner").get(pk=rule.pipeline_id).automation_owner
    words = {"rule": rule.name}
    if owner is not None and owner.is_active:
        text = said("rule.successor", "The rule “%(rule)s” now acts with the rights of %(name)s.") % {
            **words,
            "name": owner.name,
        }
        notify(administrators(), text, kind="rights", group=f"successor:{rule.pk}")
        return owner
    text = (
        said("rule.held", "The rule “%(rule)s” is held: its publisher is no longer active and nobody takes over.")
        % words
    )
    raise Hold(
        said("publisher.gone", "Its publisher is no longer active and nobody takes over."),
        lambda: notify(administrators(), text, kind="rights", group=f"held:{rule.pk}"),
    )


def check_hourly_limit(rule: Rule) -> None:
    """E42: a rule above its message limit is paused, and one notice is given."""
    recent = Message.objects.filter(origin=f"rule:{rule.pk}", created_at__gt=clock.now() - timedelta(hours=1))
    if recent[: rule.hourly_limit].count() < rule.hourly_limit:
        return
    reason = said("rule.hourly_limit", "Paused: more than %d messages in an hour.") % rule.hourly_limit

    def pause() -> None:
        live.pause(rule, reason)
        notify(administrators(), named(rule.name, reason), kind="limit", group=f"limit:{rule.pk}")

    raise Hold(reason, pause)
