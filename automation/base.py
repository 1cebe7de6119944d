"""What an author of actions and trigger types reads: Action, TriggerType, their outcomes and their context."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext_lazy

from automation.scope import Scope as Scope
from automation.scope import SettingsForm as SettingsForm
from automation.scope import bind as bind
from automation.scope import first_error as first_error
from crm.events.models import Cause
from crm.ground.icons import known_icons
from crm.ground.sentences import said, spoken
from crm.messages import merge_text
from crm.models import Item, Stage
from crm.pipelines.roles import sees_profit
from crm.registry import Registry
from crm.work.leased import Status

if TYPE_CHECKING:
    from automation.models import Rule, Run
    from crm.models import Event, Pipeline, StageVisit, User


# ---------------------------------------------------------------------- outcomes


@dataclass(frozen=True)
class Done:
    """It is done. `outputs`: plain values that later rules read as rules.<key>.<name>. `summary` is for people."""

    outputs: dict[str, Any] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True)
class Skip:
    """It was not done, and need not be: the reason in one sentence (crm/ground/sentences.py: each reader's language)."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """It goes on later: when the job or task ends, the event happens, or at `until`.

    Args:
        on: "job:12", "task:5" or "event:email.opened"; empty for a pure pause.
        until: aware instant; at it a pure pause goes on, and any other wait fails. Default 90 days.
        outputs: kept, and handed to `resume`.
    """

    on: str = ""
    until: datetime | None = None
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """The rules of a set are planned for this visit, and it goes on when all of them have ended.

    Args:
        rule_set: its id.
    """

    rule_set: int


Outcome = Done | Skip | Wait | Call


class ActionError(Exception):
    """It could not be done. One decision: permanent ends the run at once, else it is tried again (E45)."""

    def __init__(self, sentence: Any, *, permanent: bool = True, retry_after: float | None = None) -> None:
        super().__init__(spoken(sentence))
        self.permanent, self.retry_after = permanent, retry_after


# ---------------------------------------------------------------------- actions


@dataclass
class Context:
    """What an action gets.

    Args:
        settings: the settings form's cleaned data.
        rights: whose rights count (the rule's publisher or who took over); also who is shown.
        outputs: of this run so far (after a Wait).
        render: fills a merge text (automation/values.py); actions call `text`.
    """

    run: Run
    rule: Rule
    item: Item
    visit: StageVisit
    rights: User
    settings: dict[str, Any]
    outputs: dict[str, Any]
    render: Callable[..., str]

    @property
    def cause(self) -> Cause:
        """The cause of what this action does: one deeper than the entry that started it."""
        return Cause("rule", f"run:{self.run.pk}", self.run.depth + 1, self.rule.name)

    @property
    def origin(self) -> str:
        return f"rule:{self.rule.pk}"

    def text(self, source: str, **extra: Any) -> str:
        """A merge text with the item's values, in the customer's language. Raises ActionError."""
        try:
            extra["sees_profit"] = partial(sees_profit, self.rights)
            return self.render(source, self.item, self.visit, caller=self.run.caller_id, **extra)
        except merge_text.MergeError as error:
            raise ActionError(str(error)) from error


# The engine asks it of every rule (E40); what an action needs besides is added.
EDIT: tuple[str, int | None] = ("edit", None)


class Action:
    """One automatic action.

    Attributes:
        key: verb, such as "send_sms". label, icon (of our sprite), help: for the catalogue. group: its heading.
        synonyms: other words that people search it by, with commas; a lazy text. example: what it is used for, in one sentence.
        Settings: a SettingsForm that refuses nonsense at save and reports it readably at run.
        outputs: {name: label} of the values it produces.
        helper: no visible effect, values only (E14).
        alone: it touches other items or counters, so it never shares a transaction with other runs.
        sends: it writes messages, so the rule's hourly limit counts (E42).
        branches: skipped by its condition, it stops the whole chain after it (E12).
        awaits: kinds of events that it may return Wait(on="event:…") for; others are refused when it does.
        leads: what stands after it is meant to wait for it, so a rule that is added there is set to start when it was done.
        pauses: it may take long; hardly anything that stands after it is meant to run beside it.
        causes: kinds of events that it makes happen, by which a trigger may move the item on at once.
        drastic: it is seldom meant for every item that arrives; without a condition the checks warn.
    """

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    group: ClassVar[str] = "item"
    icon: ClassVar[str] = "bolt"
    help: ClassVar[Any] = ""
    synonyms: ClassVar[Any] = ""
    example: ClassVar[Any] = ""
    helper: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    sends: ClassVar[bool] = False
    branches: ClassVar[bool] = False
    awaits: ClassVar[tuple[str, ...]] = ()
    leads: ClassVar[bool] = False
    pauses: ClassVar[bool] = False
    causes: ClassVar[tuple[str, ...]] = ()
    drastic: ClassVar[bool] = False
    outputs: ClassVar[dict[str, Any]] = {}

    class Settings(SettingsForm):
        pass

    def run(self, context: Context) -> Outcome:
        """Change rows. Never talk to the world: write a Message (with its job) and Wait for it."""
        raise NotImplementedError

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        """Called when what it waited for ended (`status` done, failed, skipped, cancelled; pauses: done), or when its time
        was up before (late, with the reason)."""
        if status == "done":
            return Done(context.outputs)
        if status == "skipped":
            return Skip(sentence)
        if status == "late":
            raise ActionError(sentence)
        spoken = dict(Status.choices).get(status, status)
        raise ActionError(sentence or said("awaited.ended", "What it waited for was %s.") % spoken)

    def summary(self, settings: dict[str, Any]) -> str:
        """One line for the rule's card, from cleaned settings."""
        return ""

    # ------------------------------------------------------------------ what checks ask (automation/checks/)

    def moves_to(self, settings: dict[str, Any]) -> Stage | None:
        """The stage of its pipeline to which it moves the item, where it does."""
        return None

    def leaves(self, settings: dict[str, Any]) -> bool:
        """Whether the item's visit ends with it, so that later rules of the stage are cancelled."""
        return self.moves_to(settings) is not None

    def writes_to(self, settings: dict[str, Any]) -> str:
        """What of the customer it writes to: "email" or "phone"; empty: to no customer."""
        return ""

    def needs(self, settings: dict[str, Any]) -> list[tuple[str, int | None]]:
        """Rights that its publisher must have to some items, EDIT among them: (right, id of a pipeline), None for the rule's own."""
        return [EDIT]


class MissingAction(Action):
    """Stands in for an action whose app is not installed."""

    key = "missing"
    label = "?"

    def __init__(self, key: str) -> None:
        self.missing_key = key

    def run(self, context: Context) -> Outcome:
        raise ActionError(said("action.missing", "The action “%s” is not installed.") % self.missing_key)


# The kind of event of all triggers of apps (automation/remote/).
APP_FIRED = "app.fired"
GROUPS: dict[str, Any] = {
    "customer": gettext_lazy("Talk to the customer"),
    "team": gettext_lazy("Work in the team"),
    "item": gettext_lazy("Change the item"),
    "documents": gettext_lazy("Documents and money"),
    "connect": gettext_lazy("Connect"),
    "helpers": gettext_lazy("Helpers"),
    "apps": gettext_lazy("Third party"),
}


# ---------------------------------------------------------------------- trigger types


class TriggerType:
    """One kind of happening that moves items.

    One of time ("no activity for three days") has `due_for` and `tell`: the engine keeps a timer for each of its subjects
    (engine/timers.py), and when it is due `tell` records the event that `matches` then sees like any other.

    Attributes:
        events: kinds of events it looks at, such as ("task.status",).
        arms: of one of time: kinds of events after which it is counted anew.
        arms_on_activity: so it is after whatever people do (crm/items/activity.py).
        subject: of one of time: the model that is waited for; items, unless said otherwise.
        catch_up: what fell due so long before it was armed is not told any more; None: it always is.
    """

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    group: ClassVar[str] = "item"
    icon: ClassVar[str] = "bolt"
    help: ClassVar[Any] = ""
    synonyms: ClassVar[Any] = ""
    example: ClassVar[Any] = ""
    events: ClassVar[tuple[str, ...]] = ()
    arms: ClassVar[tuple[str, ...]] = ()
    arms_on_activity: ClassVar[bool] = False
    subject: ClassVar[str] = "crm.Item"
    catch_up: ClassVar[timedelta | None] = timedelta(days=14)

    class Settings(SettingsForm):
        pass

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        """Is it this one? `settings` are cleaned. An exception is logged as a failed firing, nothing else."""
        return True

    def summary(self, settings: dict[str, Any]) -> str:
        return ""

    # ------------------------------------------------------------------ types of time

    def due_for(self, subject: Any, settings: dict[str, Any], event: Event | None = None) -> datetime | None:
        """When it happens to this subject (UTC), as things stand; None: it does not. Raises NoCalendar.

        Asked when the timer is armed (`event`: what happened just now, so that nothing need be looked up) and again when it
        is due: one that has moved on waits for its new time.
        """
        raise NotImplementedError

    def tell(self, subject: Any, settings: dict[str, Any], due_at: datetime) -> None:
        """It has happened: record the event, with a key that makes it once. The subject's item is locked."""
        raise NotImplementedError

    def subjects(self, pipeline: Pipeline) -> Any:
        """What a trigger of the pipeline waits for (a queryset): the cards of its open stages."""
        return Item.objects.open().filter(pipeline=pipeline)

    def subjects_of(self, event: Event) -> Iterable[Any]:
        """For which subjects an event of `arms` may have changed the time."""
        return (event.item,) if event.item is not None else ()

    def pipelines_of(self, subject: Any) -> set[int]:
        """In which pipelines (ids) triggers may wait for the subject."""
        return {subject.pipeline_id}

    def item_of(self, subject: Any) -> Item:
        """The card that is locked while it is told."""
        item: Item = subject
        return item

    @classmethod
    def is_timed(cls) -> bool:
        return cls.due_for is not TriggerType.due_for


def _fault(cls: type[Action] | type[TriggerType]) -> str:
    """What would only be seen in the catalogue, or when a customer waits."""
    if cls.icon not in known_icons():
        return f"has the unknown icon {cls.icon!r}"
    if cls.group not in GROUPS:
        return f"has the unknown group {cls.group!r}; known are {', '.join(GROUPS)}"
    if issubclass(cls, Action) and cls.run is Action.run:
        return "has no run"
    if issubclass(cls, TriggerType) and cls.is_timed() and (not cls.arms or cls.tell is TriggerType.tell):
        return "has due_for, but not both arms and tell"
    return ""


actions: Registry[Action] = Registry("actions", Action, fault=_fault)
trigger_types: Registry[TriggerType] = Registry("trigger types", TriggerType, ("key", "label", "events"), _fault)


def action_of(key: str) -> Action:
    found = actions.get(key)
    return found() if found is not None else MissingAction(key)
