"""No activity: people have left the card alone for too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType, trigger_types
from automation.timing import UNITS, after, amount_words, check_amount
from crm.events import kinds
from crm.events.record import record
from crm.items import activity
from crm.models import Cause, Event, Item

KIND = "item.idle"


@trigger_types.register
class NoActivity(TriggerType):
    key = "no_activity"
    label = _("No activity")
    synonyms = _("silent, forgotten, idle")
    example = _("Silent for 14 days: to “Win back”.")
    group = "item"
    icon = "clock"
    help = _(
        "Nobody has written, called, noted, moved or changed anything for so long. What rules do does not count;"
        " what the customer does counts. Cards of all open stages count, those too that are already that quiet when it is saved."
    )
    events = (KIND,)
    # A card that a rule brings here counts from what people did last, too.
    arms = ("item.created", "item.restored", "stage.entered")
    arms_on_activity = True
    # A card that was forgotten half a year ago is what it is for.
    catch_up = None

    class Settings(SettingsForm):
        amount = forms.IntegerField(label=_("for how long"), min_value=1, max_value=100_000, initial=3)
        unit = forms.ChoiceField(label=_("of what"), choices=UNITS[1:], initial="working_days")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            check_amount(self)
            return data

    def due_for(self, subject: Item, settings: dict[str, Any], event: Event | None = None) -> datetime | None:
        if not subject.stage.is_open:
            return None
        is_fresh = event is not None and activity.is_activity(event.kind, event.cause_kind)
        since = event.created_at if event is not None and is_fresh else _last(subject)
        return after(since, settings["amount"], settings["unit"], subject)

    def tell(self, subject: Item, settings: dict[str, Any], due_at: datetime) -> None:
        since = _last(subject)
        payload = {"amount": settings["amount"], "unit": settings["unit"], "since": since.isoformat()}
        key = f"{KIND}:{subject.pk}:{settings['amount']}:{settings['unit']}:{int(since.timestamp())}"
        record(KIND, item=subject, payload=payload, cause=Cause("system"), key=key)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return (event.data("amount"), event.data("unit")) == (settings["amount"], settings["unit"])

    def summary(self, settings: dict[str, Any]) -> str:
        return amount_words(settings.get("amount") or 1, settings.get("unit") or "working_days")


def _last(item: Item) -> datetime:
    return activity.last(item, since=item.created_at, handling=True)


def _told(event: Any) -> kinds.Shown:
    return "clock", _now("No activity for %s") % amount_words(event.data("amount", 1), event.data("unit", "days")), ""


kinds.register(kinds.EventKind(KIND, _("No activity"), "clock", _told, shows=("changes",), names_customer=False))
