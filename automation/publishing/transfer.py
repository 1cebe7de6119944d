"""Rules and triggers into another pipeline: copies in its draft, with new ids; what does not fit there is told before."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from automation.document import RULE, Document
from automation.models import Rule, RuleSet
from automation.publishing import drafts
from automation.publishing.judging import Judge
from automation.publishing.keys import free_key
from automation.publishing.operations import Asked, checked_place, chosen, remove
from automation.publishing.references import referring, type_of
from automation.publishing.rows import Live, read
from automation.variables import Variable
from crm.ground import databases
from crm.models import Pipeline, User


def _copies(
    source: Document, live: Live, ids: list[str], target: Document, there: Live, asked: Asked
) -> tuple[list[str], list[str]]:
    """Put behind what stands at the place; returns the ids that they have there, and a sentence for each thing left out."""
    made, lost = [], []
    known: list[Any] = [*target.variables, *there.shared]
    variables = {one.key for one in known}
    keys: dict[str, str] = {}
    for id in ids:
        found = source.find(id)
        if found is None:
            continue
        kind, spot, part = found
        place = checked_place(target, there, kind, asked)
        copy = part.model_copy(deep=True)
        copy.id = target.free_id(part.id, {*there.rules, *there.triggers, *there.sets})
        row = live.rows_of(kind).get(id)
        copy.is_enabled = row.is_enabled if row is not None and not row.retired else part.is_enabled
        for name, model in referring(type_of(part)).items():
            named = copy.settings.get(name)
            known_there = isinstance(named, str) and named in variables
            alien = model in (Rule, RuleSet) or (model is Variable and not known_there)
            if alien and copy.settings.pop(name, None):
                label = type_of(part).Settings.base_fields[name].label
                lost.append(
                    _("%(rule)s: “%(field)s” names what only the other pipeline has, and is left out.")
                    % {"rule": part.name, "field": label}
                )
        if kind == RULE:
            used = {rule.key for rule in target.rules_of(place)}
            copy.key = part.key if part.key not in used else free_key(part.key, used)
            keys[part.key] = copy.key
            if copy.after_previous and spot.before not in ids:
                copy.after_previous = ""
                lost.append(_("%s: it starts by itself there, as the rule before it does not come along.") % part.name)
        target.add(kind, place, copy)
        made.append(copy.id)
    _read_anew(target, made, {old: new for old, new in keys.items() if old != new})
    return made, lost


def _read_anew(target: Document, made: list[str], keys: dict[str, str]) -> None:
    """Texts and conditions of the copies read their own rules, which have other keys there."""
    for id in made:
        found = target.find(id)
        if found is not None and keys:
            part = found[2]
            part.settings, part.condition = _renamed(part.settings, keys), _renamed(part.condition, keys)


def _renamed(value: Any, keys: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(one, keys) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, keys) for one in value]
    if not isinstance(value, str) or "rules" not in value:
        return value
    return re.sub(r"\brules\.([-\w]+)", lambda found: f"rules.{keys.get(found[1], found[1])}", value)


def misfits(source: Pipeline, target: Pipeline, by: User, asked: Asked) -> list[str]:
    """What would not fit there, a sentence each. Raises CannotDo."""
    live, document = _drafted(source)
    there, wanted = _drafted(target)
    made, found = _copies(document, live, chosen(document, asked), wanted, there, asked)
    judge = Judge(there, wanted, by)
    for kind, spot, part in wanted.placed():
        if part.id in made:
            said = judge.of(spot, part, {"settings", "condition", *(["timing", "key"] if kind == RULE else [])})
            found += [f"{part.name}: {word}" for words in said.values() for word in words]
    return found


def _drafted(pipeline: Pipeline) -> tuple[Live, Document]:
    live, draft = read(pipeline), drafts.draft_of(pipeline)
    return live, drafts.document_of(draft) if draft is not None else live.document.copy_of()


def transfer(source: Pipeline, target: Pipeline, by: User, asked: Asked, *, moves: bool) -> list[str]:
    """Into the draft of the target, misfits too; a move also takes them out of the source's draft. Each goes live by itself.

    Returns their ids there. Raises CannotDo.
    """
    made: list[str] = []
    with transaction.atomic():
        # In one order, so that two opposite ones wait for each other; a colleague's edit waits, and is not lost.
        for one in sorted((source, target), key=lambda pipeline: pipeline.pk):
            databases.lock(Pipeline.objects.filter(pk=one.pk)).values_list("pk").first()
            drafts.locked(one)
        live, document = _drafted(source)
        ids = chosen(document, asked)
        drafts.edit(
            target, by, lambda wanted, there: made.extend(_copies(document, live, ids, wanted, there, asked)[0])
        )
        if moves:
            drafts.edit(source, by, lambda fresh, known: remove(fresh, known, {"ids": ids}))
    return made
