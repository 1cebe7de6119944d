"""Random code."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.models import GeneratedCode
from crm.ground.sentences import said

# Without what people mistake for each other on paper: 0 and O, 1, I and L.
ALPHABETS = {
    "digits": (_("digits"), "0123456789"),
    "letters": (_("letters"), "ABCDEFGHJKMNPQRSTUVWXYZ"),
    "both": (_("letters and digits"), "ABCDEFGHJKMNPQRSTUVWXYZ23456789"),
}
TRIES = 20


@actions.register
class GenerateCode(Action):
    key = "generate_code"
    label = _("Random code")
    synonyms = _("voucher, coupon, password, token")
    example = _("A voucher code of eight letters for the mail.")
    group = "helpers"
    icon = "key"
    leads = True
    help = _("A code for a voucher, a door, an order; on request one that was never given before.")
    helper = True
    outputs = {"code": _("code")}

    class Settings(SettingsForm):
        length = forms.IntegerField(label=_("length"), min_value=4, max_value=40, initial=8)
        alphabet = forms.ChoiceField(label=_("of"), choices=[(key, one[0]) for key, one in ALPHABETS.items()])
        begins = forms.CharField(label=_("begins with"), max_length=20, required=False)
        unique = forms.BooleanField(label=_("never given before"), required=False, initial=True)

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        letters = ALPHABETS[settings["alphabet"]][1]
        for _try in range(TRIES):
            code = settings["begins"] + "".join(secrets.choice(letters) for _place in range(settings["length"]))
            if not settings["unique"] or GeneratedCode.objects.get_or_create(code=code)[1]:
                return Done({"code": code}, summary=code)
        raise ActionError(said("code.used_up", "Nearly all codes of this length have been given; make it longer."))

    def summary(self, settings: dict[str, Any]) -> str:
        return f"{settings.get('begins', '')}{'•' * int(settings.get('length') or 8)}"
