"""Run a saved rule set: the engine plans its rules (engine/sets.py); it ends when all of them have ended."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Call, Context, Done, Outcome, SettingsForm, actions
from automation.fields import RuleSetChoice
from automation.models import RuleSet, Run
from crm.ground.sentences import said
from crm.work.leased import Status


@actions.register
class RunRuleSet(Action):
    key = "run_rule_set"
    label = _("Run a rule set")
    synonyms = _("subprogram, reuse, scenario")
    example = _("“Greet a new customer” from three stages alike.")
    group = "helpers"
    icon = "list"
    leads = True
    help = _(
        "Runs the rules of a set in this stay, with the rights that both publishers have, and goes on when all have ended."
        " Later rules read their values as rules.this_key.their_key.name."
    )
    helper = True
    alone = True

    class Settings(SettingsForm):
        rule_set = RuleSetChoice(label=_("rule set"))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            chosen, here = data.get("rule_set"), self.scope.place
            within = here if isinstance(here, RuleSet) and not self.scope.running else None
            if chosen is not None and within is not None and (chosen == within or within.pk in chosen.calls()):
                self.add_error("rule_set", _now("The sets would call each other in a circle."))
            return data

    def run(self, context: Context) -> Outcome:
        return Call(context.settings["rule_set"].pk)

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        """All its rules have ended: their values, or that one failed."""
        if status == "late":
            raise ActionError(sentence)
        called = list(Run.objects.filter(caller=context.run).select_related("rule").order_by("order"))
        failed = next((run for run in called if run.status == Status.FAILED), None)
        if failed is not None:
            words = said("set.failed", "“%(rule)s” of the set failed: %(why)s")
            raise ActionError(words % {"rule": failed.rule.name, "why": failed.error})
        return Done({run.rule.key: run.outputs for run in called if run.outputs})

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("rule_set") or "")
