"""A notice that nobody would get now: an empty department, people who have left or are all away."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks
from automation.recipients import RecipientsForm
from crm.models import User


@checks.register
class NobodyReceives(Check):
    key = "nobody_receives"
    label = _("Nobody receives it")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        belong: dict[int, list[User]] = {}
        for rule in checked.rules:
            settings = rule.settings
            if not issubclass(rule.type.Settings, RecipientsForm) or settings.get("to_roles"):
                continue  # who owns a card is seen when there is one
            people, department = list(settings.get("to_users") or []), settings.get("to_department")
            if department:
                if department.pk not in belong:
                    belong[department.pk] = list(department.people.all())
                people += belong[department.pk]
            if (people or department) and not any(person.is_there() for person in people):
                words = _now(
                    "Nobody would get it now: all who are chosen have left or are away, or the department is empty."
                )
                yield self.found(f"{rule.path}.settings", words)
