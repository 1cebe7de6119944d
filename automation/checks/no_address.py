"""A message to customers on a stage that a form fills, while the form does not ask for where to send it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks, together
from crm.models import FormField, WebForm

WORDS = {
    "phone": _("The form “%s” does not have to tell a phone, and this rule writes to it."),
    "email": _("The form “%s” does not have to tell an e-mail address, and this rule writes to it."),
}


@checks.register
class NoAddress(Check):
    key = "no_address"
    label = _("The form does not ask for the address")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        fed = feeding(checked)
        asked = FormField.objects.filter(form__in={form.pk for forms in fed.values() for form in forms}, required=True)
        told = set(asked.values_list("form_id", "saves_to"))
        for key, rules in checked.by_stage().items():
            for rule in rules:
                wanted = rule.writes_to
                if any(leaf["field"] == f"contact.{wanted}" for leaf in together(rule.part.condition)):
                    continue  # it writes to those alone who have one
                for form in fed.get(key, []) if wanted else ():
                    if (form.pk, f"contact.{wanted}") not in told:
                        yield self.found(rule.path, str(WORDS[wanted]) % form.name)
                        break


def feeding(checked: Checked) -> dict[str, list[WebForm]]:
    """Public forms by the stage (its id) on which they put new cards."""
    found: dict[str, list[WebForm]] = {}
    for form in WebForm.objects.filter(pipeline=checked.live.pipeline, is_active=True).order_by("pk"):
        stage = form.stage_id or checked.machine.first_open().pk
        found.setdefault(str(stage), []).append(form)
    return found
