"""A document into rows: what differs, in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from automation.document import RULE, SET, STAGE, TRIGGER, Document, Place
from automation.models import Rule, RuleSet, Trigger
from automation.publishing.comparing import ADDED, REMOVED, VARIABLE, Change
from automation.publishing.references import type_of
from automation.publishing.rows import Live, Written, fill
from automation.variables import Variable
from crm.models import User

# Written beside publications (automation/live.py); the switch is too, but who takes a rule away switches it off.
LIVE = ("paused_at", "paused_because", "hung_at")


class Writer:
    """Writes only rows that differ, in bulk.

    Args:
        by: who answers for what changed; None: who did before.
        publishers: who does instead, by id.
    """

    def __init__(self, live: Live, document: Document, by: User | None, publishers: dict[str, User | None]) -> None:
        self.live, self.document, self.by, self.publishers = live, document, by, publishers
        self.written = Written()

    def write(self, changes: list[Change]) -> Written:
        of = {what: [change for change in changes if change.what == what] for what in (VARIABLE, SET, RULE, TRIGGER)}
        self._variables(of[VARIABLE])
        self._sets(of[SET])
        self._placed(Rule, of[RULE], self.written.rules)
        self._placed(Trigger, of[TRIGGER], self.written.triggers)
        return self.written

    # ------------------------------------------------------------------ definitions

    def _variables(self, changes: list[Change]) -> None:
        for change in changes:
            row = self.live.variables.get(change.id) or Variable(pipeline=self.live.pipeline, key=change.id)
            row.retired = change.after is None
            if change.after is not None:
                for name in ("label", "type", "scope", "value"):
                    setattr(row, name, getattr(change.after, name))
                row.extra = change.after.extra
            row.save()
            self.live.variables[change.id] = row
            self.live.inside.know(Variable, row.pk, row.key)

    def _sets(self, changes: list[Change]) -> None:
        for change in sorted(changes, key=lambda one: one.verb != REMOVED):  # a name that becomes free first
            row = self.live.sets.get(change.id) or RuleSet(pipeline=self.live.pipeline, uid=change.id)
            row.retired = change.after is None
            if change.after is not None:
                row.name, row.note, row.extra = change.after.name, change.after.note, change.after.extra
            row.save()
            self.live.sets[change.id] = row
            self.live.inside.know(RuleSet, row.pk, row.uid)

    # ------------------------------------------------------------------ rules and triggers

    def _placed(self, model: Any, changes: list[Change], told: list[Any]) -> None:
        known = self.live.rows_of(RULE if model is Rule else TRIGGER)
        new, old = [], []
        for change in changes:
            row = known.get(change.id)
            if row is None:
                row = known[change.id] = model(uid=change.id, pipeline=self.live.pipeline)
                new.append((row, change))
            else:
                old.append((row, change))
        before = [copy(row) for row, _change in old]
        for row, change in (*new, *old):
            self._change(row, change)
        moved = self._orders(model, known, {change.id for change in changes})
        self._free_keys(model, [row for row, _change in old])
        model._default_manager.bulk_create([row for row, _change in new])
        for row, _change in new:
            self.live.inside.know(model, row.pk, row.uid)
        again = [row for row, change in new if self._names_new_ones(row, change)]
        for row, change in old:
            self._names_new_ones(row, change)
        self._update(model, [*(row for row, _change in old), *again])
        model._default_manager.bulk_update(moved, ["order"], batch_size=500)
        self.written.changes += [
            *((None, row) for row, _change in new),
            *zip(before, (row for row, _c in old), strict=True),
        ]
        told += [row for row, _change in (*new, *old)]

    def _names_new_ones(self, row: Any, change: Change) -> bool:
        """Only now have the others that it may name ids."""
        if change.after is None:
            return False
        settings = self.live.inside.outward(type_of(change.after), change.after.settings)
        differs: bool = settings != row.settings
        row.settings = settings
        return differs

    @staticmethod
    def _update(model: Any, rows: list[Any]) -> None:
        """By one statement for all; live state, which the engine writes beside us, is left as it is."""
        names = [one.name for one in model._meta.concrete_fields if not one.primary_key and one.name not in LIVE]
        model._default_manager.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=names, batch_size=200
        )

    def _change(self, row: Any, change: Change) -> None:
        if change.after is None:
            row.is_enabled, row.retired = False, True
            row.version += 1
            return
        part, spot = change.after, change.spot
        assert spot is not None
        if isinstance(row, Rule) and row.pk is not None and change.gives and not row.retired:
            self.written.before[row.pk] = row.kept()
        if row.pk is None:
            setattr(row, "action" if isinstance(row, Rule) else "type", getattr(part, "action", None) or part.type)
        if change.verb == ADDED:  # a new one, or one that comes back
            row.is_enabled, row.retired = part.is_enabled, False
        fill(row, part, self.live.inside)
        self._stand(row, spot.place)
        if change.gives:
            row.version += 1
            row.publisher = self.publishers.get(row.uid) or self.by or row.publisher
        if "condition" in change.fields and self.by is not None and row.unconfirmed:
            row.unconfirmed = []
            self.written.confirmed += [row] if isinstance(row, Rule) else []

    def _stand(self, row: Any, place: Place) -> None:
        if isinstance(row, Rule):
            row.stage = self.live.stages[place.key] if place.kind == STAGE else None
            row.rule_set = self.live.sets[place.key] if place.kind == SET else None
        else:
            row.stage = self.live.stages[place.key]

    def _orders(self, model: Any, known: dict[str, Any], touched: set[str]) -> list[Any]:
        """Rows whose number in their list must change, of those that nothing else writes; lists in order stay as they are."""
        what = RULE if model is Rule else TRIGGER
        moved = []
        for kind, _place, parts in self.document.lists():
            if kind != what or not any(part.id in touched for part in parts):
                continue
            rows = [known[part.id] for part in parts]
            last = 0
            for row in rows:
                if row.order <= last:
                    row.order = last + 1
                    moved.append(row)
                last = row.order
        return [row for row in moved if row.uid not in touched]

    def _free_keys(self, model: Any, rows: Iterable[Any]) -> None:
        """Two rules that swap their keys, or one that takes the place of a retired one: none may stand there twice meanwhile."""
        if model is Rule:
            ids = [row.pk for row in rows]
            away = Concat(Value("~"), Cast(F("pk"), CharField()))
            Rule.objects.filter(pk__in=ids).update(key=away, retired=True)
