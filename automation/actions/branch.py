"""Stop the chain unless: its own condition decides; the engine skips what follows (engine/chain.py)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, actions


@actions.register
class Branch(Action):
    key = "branch"
    label = _("Stop the chain unless")
    synonyms = _("if, condition, fork")
    example = _("The following rules only for orders above 10,000.")
    group = "helpers"
    icon = "git-merge"
    leads = True
    help = _("If its condition is not met, all rules that follow it one after the other are skipped.")
    helper = True
    branches = True

    def run(self, context: Context) -> Outcome:
        return Done()
