"""Control (Bitrix24's word): a card that stays too long in a stage is told to the supervisor."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Wait, actions
from automation.fields import MergeTextField, UserChoices
from automation.models import LateItem
from automation.timing import UNITS, NoCalendar, after, amount_words, check_amount
from crm.events import kinds
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import clock
from crm.ground.sentences import everywhere, said
from crm.items import activity
from crm.people.models import supervisors_of

KIND = "item.late"
WITHOUT = [("activity", _("activity of people")), ("move", _("being moved on"))]


@actions.register
class ControlTimeInStage(Action):
    key = "control_time_in_stage"
    label = _("Control time in stage")
    synonyms = _("supervise, late, rotting, deadline")
    example = _("Two working days without a call or mail: the supervisor hears of it.")
    group = "team"
    icon = "clock"
    help = _(
        "Tells the supervisor, once a visit, when the card stays too long: without being moved on, or without a mail, call,"
        " note or task done of people. It stands on their day until somebody cares for it."
    )
    outputs = {"late_since": _("late since")}

    class Settings(SettingsForm):
        amount = forms.IntegerField(label=_("longer than"), min_value=1, max_value=100_000, initial=2)
        unit = forms.ChoiceField(label=_("of what"), choices=UNITS[1:], initial="working_days")
        without = forms.ChoiceField(
            label=_("without"),
            choices=WITHOUT,
            initial="activity",
        )
        unless_planned = forms.BooleanField(
            label=_("not while something is planned"),
            required=False,
            initial=True,
            help_text=_("A task, call or meeting with a date ahead holds it off until then."),
        )
        to_users = UserChoices(label=_("tell"), required=False, help_text=_("Empty: the owner's supervisor."))
        text = MergeTextField(label=_("text"), required=False, help_text=_("Empty: how long nothing has happened."))

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            check_amount(self)
            return data

    def run(self, context: Context) -> Outcome:
        return self._judge(context)

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        return self._judge(context)

    def _judge(self, context: Context) -> Outcome:
        since = self._since(context)
        try:
            due = after(since, context.settings["amount"], context.settings["unit"], context.item)
        except NoCalendar as error:
            raise ActionError(str(error)) from error
        planned = context.item.next_activity_at if context.settings["unless_planned"] else None
        if planned is not None:
            due = max(due, planned)
        return Wait(until=due) if due > clock.now() else self._late(context, since)

    def _since(self, context: Context) -> datetime:
        entered = context.visit.entered_at
        return entered if context.settings["without"] == "move" else activity.last(context.item, since=entered)

    def _late(self, context: Context, since: datetime) -> Outcome:
        settings, item = context.settings, context.item
        people = [person for person in settings["to_users"] or supervisors_of(item.owner) if person.is_active]
        if not people:
            raise ActionError(said("notice.nobody", "There is nobody to notify."))
        for_how_long = everywhere("", partial(amount_words, settings["amount"], settings["unit"]))
        text = context.text(settings["text"]) or said(
            "item.late", "“%(title)s” has stood in “%(stage)s” for more than %(time)s and nobody cares for it."
        ) % {"title": item.title, "stage": context.visit.stage.name, "time": for_how_long}
        notify(people, text, item=item, kind="supervisor", sender=context.rights, group=f"late:{context.run.pk}")
        LateItem.objects.bulk_create(
            LateItem(run=context.run, item=item, user=person, since=since, until_moved=settings["without"] == "move")
            for person in people
        )
        names = ", ".join(person.name for person in people)
        payload = {"to": names, "amount": settings["amount"], "unit": settings["unit"]}
        record(KIND, item=item, actor=context.rights, cause=context.cause, payload=payload)
        return Done({"late_since": since.isoformat()}, summary=names[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        without = dict(WITHOUT).get(str(settings.get("without")), "")
        return f"{amount_words(settings.get('amount') or 1, settings.get('unit') or 'working_days')}: {without}"


def _told(event: Any) -> kinds.Shown:
    words = {"time": amount_words(event.data("amount", 1), event.data("unit", "days")), "people": event.data("to")}
    return "clock", _now("Longer than %(time)s in this stage; told: %(people)s") % words, ""


kinds.register(kinds.EventKind(KIND, _("Too long in its stage"), "clock", _told, conceals=(), names_customer=False))
