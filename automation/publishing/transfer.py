"""Rules and triggers into another pipeline: copies in its draft, with new ids; what does not fit there is told before."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from automation.document import RULE, Document
from automation.models import Rule, RuleSet
from automation.publishing import drafts
from automation.publishing.judging import Judge
from automation.publishing.keys import free_key
from automation.publishing.operations import Asked, checked_place, chosen, remove
from automation.publishing.references import referring, type_of
from automation.publishing.rows import Live, read
from automation.variables import Variable
from crm.models import Pipeline, User


def _copies(source: Document, live: Live, ids: list[str], target: Document, there: Live, asked: Asked) -> list[str]:
    """Put behind what stands at the place; ids that they have there. References to what only the old pipeline holds are left out."""
    made = []
    known: list[Any] = [*target.variables, *there.shared]
    variables = {one.key for one in known}
    for id in ids:
        found = source.find(id)
        if found is None:
            continue
        kind, _spot, part = found
        place = checked_place(target, there, kind, asked)
        copy = part.model_copy(deep=True)
        copy.id = target.free_id(part.id, {*there.rules, *there.triggers, *there.sets})
        row = live.rows_of(kind).get(id)
        copy.is_enabled = row.is_enabled if row is not None and not row.retired else part.is_enabled
        for name, model in referring(type_of(part)).items():
            alien = model in (Rule, RuleSet) or (model is Variable and copy.settings.get(name) not in variables)
            if alien:
                copy.settings.pop(name, None)
        if kind == RULE:
            copy.key = free_key(copy.key, (rule.key for rule in target.rules_of(place)))
        target.add(kind, place, copy)
        made.append(copy.id)
    return made


def misfits(source: Pipeline, target: Pipeline, by: User, asked: Asked) -> list[str]:
    """What would not fit there, a sentence each. Raises CannotDo."""
    live, document = _drafted(source)
    there, wanted = _drafted(target)
    made = _copies(document, live, chosen(document, asked), wanted, there, asked)
    judge = Judge(there, wanted, by)
    found: list[str] = []
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
        live, document = _drafted(source)
        ids = chosen(document, asked)
        drafts.edit(target, by, lambda wanted, there: made.extend(_copies(document, live, ids, wanted, there, asked)))
        if moves:
            drafts.edit(source, by, lambda fresh, known: remove(fresh, known, {"ids": ids}))
    return made
