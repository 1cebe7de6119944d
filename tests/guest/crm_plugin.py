"""A third party's action, trigger type, event, transport, type of field, tab, hint, badge, health, page and menu entry."""

import os
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from automation.base import (
    Action,
    ActionError,
    Context,
    Done,
    Outcome,
    SettingsForm,
    TriggerType,
    Wait,
    actions,
    trigger_types,
)
from automation.fields import MergeTextField
from crm import slots
from crm.events import kinds as event_kinds
from crm.events.kinds import EventKind
from crm.events.record import record
from crm.fields import Asked, field_types
from crm.fields.base import TextLike
from crm.ground.access import staff_of_ours
from crm.items import customer_rights
from crm.messages.transports.base import Transport, TransportError, transports
from crm.slots import Badge, Health, ItemTab, NavLink

event_kinds.register(
    EventKind(
        "guest.knocked", "Somebody knocked", "hand-stop", lambda e: ("hand-stop", f"Knocked {e.data('times')}×", "")
    )
)


@actions.register
class Greet(Action):
    """Writes a greeting on the timeline; the twenty lines of docs/extending.md."""

    key = "greet"
    label = "Greet"
    group = "team"
    icon = "hand-stop"
    help = "Writes a greeting on the timeline."
    outputs = {"greeting": "greeting"}

    class Settings(SettingsForm):
        text = MergeTextField(label="text")

    def run(self, context: Context) -> Outcome:
        text = context.text(context.settings["text"])
        record("comment.added", item=context.item, cause=context.cause, payload={"text": text})
        return Done({"greeting": text})


@actions.register
class Misbehave(Action):
    """Does what actions do on bad days; settings say what."""

    key = "misbehave"
    label = "Misbehave"
    helper = True
    awaits = ("guest.knocked",)
    outputs = {"done": "done"}

    class Settings(SettingsForm):
        how = forms.CharField()

    def run(self, context: Context) -> Outcome:
        how = context.settings["how"]
        record("comment.added", item=context.item, cause=context.cause, payload={"text": f"misbehaved: {how}"})
        if how == "raise":
            raise ValueError("an action with a bug")
        if how == "temporary":
            raise ActionError("busy, come back", permanent=False)
        if how == "kill":
            os.kill(os.getpid(), 9)
        if how == "wait":
            return Wait(on="event:guest.knocked")
        if how == "wait for nobody":
            return Wait(on="event:guest.never")
        if how == "pause":
            from datetime import timedelta

            from crm.ground import clock

            return Wait(until=clock.now() + timedelta(hours=1))
        return Done({"done": how})


@trigger_types.register
class Knocked(TriggerType):
    key = "knocked"
    label = "Somebody knocked"
    events = ("guest.knocked",)

    class Settings(SettingsForm):
        times = forms.IntegerField(required=False)

    def matches(self, event: Any, item: Any, settings: dict[str, Any]) -> bool:
        if event.data("explode"):
            raise ValueError("a trigger type with a bug")
        return settings["times"] in (None, event.data("times"))


@transports.register
class Carrier(Transport):
    """A transport that takes no idempotency key, as SMS providers do; it answers what the channel's settings say."""

    key = "carrier"
    label = "Carrier pigeon"
    media = ("sms",)

    class Settings(forms.Form):
        answer = forms.CharField(required=False)

    def send(self, message: Any) -> str:
        answer = self.settings.get("answer", "")
        if log := os.environ.get("CARRIER_LOG"):
            with open(log, "a") as file:
                file.write(f"{message.pk}\n")
        if answer == "refused":
            raise TransportError("The number does not exist.", permanent=True)
        if answer == "busy":
            raise TransportError("Try later.", retry_after=7200)
        if answer == "lost":
            raise TransportError("The line broke.", sent=True)
        return f"pigeon-{message.pk}"


@field_types.register
class Colour(TextLike):
    """A colour as "#A0522D"; people may write it small, short or without its sign."""

    key = "guest_colour"
    label = "colour"
    schema = {"type": "string", "pattern": "^#[0-9A-F]{6}$"}
    operators = ("equals", "not_equals", "is_empty", "is_filled")

    def read(self, text: str, asked: Asked = Asked()) -> str:
        bare = text.strip().removeprefix("#").upper()
        bare = "".join(sign * 2 for sign in bare) if len(bare) == 3 else bare
        if not re.fullmatch("[0-9A-F]{6}", bare):
            raise ValidationError(f"{text.strip()} is no colour.")
        return f"#{bare}"

    def from_json(self, kept: Any) -> Any:
        found = super().from_json(kept)
        return None if found is None else self.read(found)

    def form_field(self, asked: Asked = Asked(), **options: Any) -> forms.Field:
        return ColourField(**options)

    def told_typed(self, value: Any) -> str:
        return f"colour {value}"

    def filter(self, path: str, text: str) -> Q:
        return Q(**{path: self.read(text)})


class ColourField(forms.CharField):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        return Colour().read(text) if text else ""


@slots.item_tabs.register
def guest_tab(item: Any, user: Any) -> ItemTab:
    return ItemTab("guest", "Guests", "guest/_tab.html", {"words": f"Guests of {item.title}"})


@slots.column_hints.register
def guest_hint(machine: Any) -> dict[int, str]:
    last = machine.ordered()[-1]
    return {} if last.kind != "lost" else {last.pk: "a guest says goodbye"}


@slots.card_badges.register
def guest_badges(items: list[Any]) -> dict[int, list[Badge]]:
    return {item.pk: [Badge("hand-stop", "Someone at the door", "info")] for item in items if "Knock" in item.title}


@slots.health_checks.register
def guest_health() -> list[Health]:
    return [Health("guests", figure="1")]


@staff_of_ours
def guests(request: HttpRequest) -> HttpResponse:
    if not customer_rights.works_here(request.user):
        raise Http404
    return HttpResponse("1 guest")


slots.routes.register(path("guests/", guests, name="guests"))
slots.nav_links.register(NavLink("guests", "guests", "hand-stop", "Guests"))
