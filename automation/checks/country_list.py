"""SMS to numbers that strangers typed into a public form, while no country is listed for such."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.checking import WARNING, Check, Checked, Finding, checks
from automation.checks.no_address import feeding
from crm.models import OwnCompany


@checks.register
class CountryList(Check):
    """Without the list such an SMS waits until somebody has confirmed the number (crm/messages/reaching.py)."""

    key = "country_list"
    label = _("No country is listed for SMS to strangers")
    level = WARNING

    def look(self, checked: Checked) -> Iterator[Finding]:
        own = OwnCompany.first()
        if own is not None and own.sms_countries.strip():
            return
        fed = feeding(checked)
        for key, rules in checked.by_stage().items():
            for rule in rules:
                if key in fed and rule.writes_to == "phone":
                    words = _now(
                        "Numbers from the form “%s” get no SMS: your company's page lists no country for such."
                    )
                    yield self.found(rule.path, words % fed[key][0].name)
