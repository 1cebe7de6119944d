"""Steps of a draft: each edit is one, and is undone and done again by whoever made it, whatever others did elsewhere."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from automation.document import RULE, SET, TRIGGER, Document, Place, RulePart, SetPart, Spot, TriggerPart, VariablePart
from automation.publishing.comparing import ADDED, CHANGED, REMOVED, VARIABLE, Change, applied
from automation.publishing.models import Draft, DraftStep
from crm.models import User

MOST_STEPS = 100
PARTS: dict[str, Any] = {RULE: RulePart, TRIGGER: TriggerPart, SET: SetPart, VARIABLE: VariablePart}


class CannotUndo(Exception):
    """The sentence says why."""


def remember(draft: Draft, by: User, changes: list[Change]) -> None:
    """A new step; what its maker had undone before it cannot be done again."""
    if not changes:
        return
    DraftStep.objects.filter(draft=draft, user=by, undone=True).delete()
    DraftStep.objects.create(draft=draft, user=by, changes=[_plain(change) for change in changes])
    old = DraftStep.objects.filter(draft=draft).order_by("-pk").values_list("pk", flat=True)[MOST_STEPS:]
    DraftStep.objects.filter(pk__in=list(old)).delete()


def undo(draft: Draft, document: Document, by: User) -> Document:
    """The document without the person's last step. Raises CannotUndo."""
    step = DraftStep.objects.filter(draft=draft, user=by, undone=False).order_by("-pk").first()
    if step is None:
        raise CannotUndo(_("There is nothing of yours to undo."))
    changes = [_reversed(_change(one)) for one in step.changes]
    return _done(step, document, changes[::-1], undone=True)


def redo(draft: Draft, document: Document, by: User) -> Document:
    """The document with the step that the person undid last. Raises CannotUndo."""
    step = DraftStep.objects.filter(draft=draft, user=by, undone=True).order_by("pk").first()
    if step is None:
        raise CannotUndo(_("There is nothing of yours to do again."))
    return _done(step, document, [_change(one) for one in step.changes], undone=False)


def _done(step: DraftStep, document: Document, changes: list[Change], *, undone: bool) -> Document:
    for change in changes:
        _require(step, document, change)
    made = applied(document, changes)
    step.undone = undone
    step.save(update_fields=["undone"])
    return made


def _require(step: DraftStep, document: Document, change: Change) -> None:
    """It stands as the step left it, or another step stands on it."""
    there = _standing(document, change)
    same = there is None if change.before is None else there is not None and there.plain() == change.before.plain()
    found = document.find(change.id) if change.what in (RULE, TRIGGER) else None
    elsewhere = found is not None and change.old_spot is not None and found[1].place != change.old_spot.place
    if same and not elsewhere:
        return
    others = DraftStep.objects.filter(draft=step.draft, pk__gt=step.pk, undone=False).exclude(user=step.user)
    named = [one for one in others.select_related("user") if any(c["id"] == change.id for c in one.changes)]
    part = change.after or change.before
    words = {"name": getattr(part, "name", "") or change.id, "person": named[-1].user if named else _("Somebody")}
    raise CannotUndo(_("%(person)s has changed “%(name)s” since; that stands on your step.") % words)


def _standing(document: Document, change: Change) -> Any:
    if change.what == SET:
        known = document.sets.get(change.id)
        return known.model_copy(update={"rules": change.before.rules if change.before else []}) if known else None
    if change.what == VARIABLE:
        return next((one for one in document.variables if one.key == change.id), None)
    found = document.find(change.id)
    return found[2] if found is not None else None


# ---------------------------------------------------------------------- as plain data


def _plain(change: Change) -> dict[str, Any]:
    return {
        "what": change.what,
        "id": change.id,
        "before": change.before.plain() if change.before is not None else None,
        "after": change.after.plain() if change.after is not None else None,
        "old_spot": _plain_spot(change.old_spot),
        "spot": _plain_spot(change.spot),
        "moved": change.moved,
    }


def _plain_spot(spot: Spot | None) -> list[str] | None:
    return [spot.place.kind, spot.place.key, spot.before] if spot is not None else None


def _spot(plain: list[str] | None) -> Spot | None:
    return Spot(Place(plain[0], plain[1]), plain[2]) if plain else None


def _change(plain: dict[str, Any]) -> Change:
    before, after = (PARTS[plain["what"]](**plain[side]) if plain[side] else None for side in ("before", "after"))
    return _made(
        plain["what"], plain["id"], before, after, _spot(plain["old_spot"]), _spot(plain["spot"]), plain["moved"]
    )


def _reversed(change: Change) -> Change:
    return _made(change.what, change.id, change.after, change.before, change.spot, change.old_spot, change.moved)


def _made(what: str, id: str, before: Any, after: Any, old_spot: Spot | None, spot: Spot | None, moved: bool) -> Change:
    verb = ADDED if before is None else REMOVED if after is None else CHANGED
    return Change(what, verb, id, before, after, old_spot, spot, moved=moved)
