"""A rule whose publisher lacks the right that its action needs: it would fail at every card."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import ERROR, Check, Checked, Finding, checks
from crm.pipelines import rights
from crm.pipelines.machine import machine_of

RIGHTS = {
    "add": _("add"), "edit": _("edit"), "move": _("move"), "delete": _("delete"),
}  # fmt: skip


@checks.register
class PublisherRights(Check):
    """Of what is new or changed: what stands unchanged keeps its publisher, and blocks nobody else."""

    key = "publisher_rights"
    label = _("The publisher may not do it")
    level = ERROR

    def look(self, checked: Checked) -> Iterator[Finding]:
        by = checked.by
        if by is None:
            return
        for rule in checked.rules:
            for right, pipeline in rule.asked("needs", []) if rule.part.id in checked.given else ():
                machine = checked.machine if pipeline is None else machine_of(pipeline)
                if not rights.allows(by, machine, right):
                    words = _now("It acts with the rights of %(name)s, who may not %(right)s cards in “%(pipeline)s”.")
                    values = {"name": by.name, "right": RIGHTS.get(right, right), "pipeline": machine.pipeline}
                    yield self.found(rule.path, words % values)
