"""What a rule would write and when, for one card that is there: shown in the panel while it is edited. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from automation.fields import MergeTextField
from automation.timing import NoCalendar, Timing, zone_for
from automation.values import zone_of
from automation.variables import Variables
from crm.ground import clock
from crm.items import customer_rights
from crm.messages import merge_text
from crm.models import Item, User
from crm.pipelines.machine import machine_of
from crm.pipelines.roles import sees_profit

LOOKED = 20  # cards among which one with a customer whom the person sees is looked for
# Parts a row of values; nobody types it.
BETWEEN = "\x1f"


def card_for(pipeline: int, stage: int | None, by: User) -> Item | None:
    """The newest card of the stage that the person sees, with its customer, else the newest of the pipeline (ids)."""
    seen = Item.objects.alive().visible_to(by).filter(pipeline=pipeline).order_by("-pk")
    rows = seen.select_related("contact", "company", "owner", "stage", "visit", "pipeline", "lost_reason")
    near = [*(rows.filter(stage=stage)[:LOOKED] if stage is not None else ()), *rows[:LOOKED]]
    return next((item for item in near if customer_rights.shows(by, item)), None)


class Sample:
    """
    Args:
        outputs: names by the key of each earlier rule; they have no values before it runs, so their names stand for them.
    """

    def __init__(self, item: Item, by: User, outputs: Mapping[str, set[str]]) -> None:
        self.item, self.by = item, by
        self.rules: dict[str, Any] = {}
        for key, names in outputs.items():
            for name in names:
                self._place(self.rules.setdefault(key, {}), name.split("."), f"[{name}]")

    @staticmethod
    def _place(holder: dict[str, Any], names: list[str], value: str) -> None:
        for name in names[:-1]:
            holder = holder.setdefault(name, {})
        holder[names[-1]] = value

    def values(self, paths: list[str]) -> dict[str, str]:
        """Each merge field as it would be written; one that cannot be has nothing."""
        source = BETWEEN.join(f"{{{{ {path} }}}}" for path in paths)
        try:
            found = self._written(source, {}).split(BETWEEN)
        except merge_text.MergeError:
            found = []
        if len(found) == len(paths):
            return dict(zip(paths, found, strict=True))
        return {path: self.text(f"{{{{ {path} }}}}") for path in paths}

    def text(self, source: str, extra: Mapping[str, Any] | None = None) -> str:
        """A merge text for the card; empty for one that cannot be filled in, whose field says why."""
        try:
            return self._written(source, dict(extra or {}))
        except merge_text.MergeError:
            return ""

    def _written(self, source: str, extra: dict[str, Any]) -> str:
        known = {"rules": self.rules, "vars": Variables(self.item, self.item.visit)} | extra
        values = merge_text.Values(self.item, sees_profit=partial(sees_profit, self.by), **known)
        language = merge_text.language_of(self.item)
        return merge_text.render(
            source, values, language=language, zone=zone_of(self.item), currency=self.item.currency
        )

    def texts(self, form: Any) -> dict[str, str]:
        """What each merge text of a bound settings form comes to, by the name under which it was posted."""
        found = {}
        for name, one in form.fields.items():
            source = str(form[name].data or "")
            if isinstance(one, MergeTextField) and "{" in source:
                extra = {root: {key: f"[{key}]" for key in names or ()} for root, names in one.extra.items()}
                found[form.add_prefix(name)] = self.text(source, extra)
        return found

    def when(self, timing: Timing, chained: bool) -> str:
        """A worked example: when the rule would run for this card if it arrived now."""
        if timing.when == "now" and not timing.working_only:
            return ""
        calendar, now = machine_of(self.item.pipeline_id).pipeline.working_time(), clock.now()
        zone, _whose = zone_for(timing, self.item, calendar)
        value = self.item.value_of(timing.date_field) if timing.date_field else None
        try:
            due = timing.due(now, calendar, zone, value)
        except (NoCalendar, ValueError, OverflowError) as error:
            return str(error)
        if due is None:
            return _("“%s” has no such date yet: the rule would wait for it.") % self.item.title
        words = _("Starting now it would run on %s") if not chained else _("If the rule before it ended now, on %s")
        moment = timezone.localtime(due)
        return words % f"{date_format(moment, 'D')} {date_format(moment, 'SHORT_DATETIME_FORMAT')}"
