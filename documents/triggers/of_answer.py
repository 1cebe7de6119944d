"""What trigger types of answers to a paper have in common: the template, and who answered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.ground.folding import fold
from crm.models import Event, Item
from documents.triggers.of_template import OfTemplate

WHO = [("", _("anybody")), ("contact", _("the card's contact")), ("named", _("the name below"))]


class OfAnswer(OfTemplate):
    class Settings(OfTemplate.Settings):
        who = forms.ChoiceField(label=_("by whom"), choices=WHO, required=False)
        name = forms.CharField(
            label=_("name"),
            max_length=120,
            required=False,
            help_text=_("As it is typed on the page; case does not matter."),
        )

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("who") == "named" and not data.get("name") and "name" not in self.errors:
                self.add_error("name", _now("By whom?"))
            return data

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if not super().matches(event, item, settings):
            return False
        wanted = {"contact": item.contact.name if item.contact else "", "named": settings["name"]}.get(settings["who"])
        return wanted is None or (bool(wanted) and fold(wanted) == fold(event.data("by")))

    def summary(self, settings: dict[str, Any]) -> str:
        who = settings.get("name") if settings.get("who") == "named" else dict(WHO).get(str(settings.get("who") or ""))
        return f"{super().summary(settings)} · {who}"
