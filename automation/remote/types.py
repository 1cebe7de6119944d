"""The actions and trigger types that apps declare, as classes like ours, made of rows."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from automation.base import (
    APP_FIRED,
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
from automation.remote.fields import declared
from automation.remote.models import AppCall, AppType, told
from automation.remote.sending import body_of, plan_call
from crm.ground.sentences import said
from crm.models import Event, Item

LEARN_SECONDS = 2.0  # how soon a process learns of an app
Known = dict[str, dict[str, Any]]
_known: tuple[float, Known] | None = None


def forget() -> None:
    """They were changed in this process."""
    global _known
    _known = None


def known() -> Known:
    """By kind, by full key: the classes, as this process last read them."""
    global _known
    if _known is None or time.monotonic() - _known[0] > LEARN_SECONDS:
        found: Known = {kind: {} for kind in AppType.Kind.values}
        for row in AppType.objects.select_related("app"):
            made = {AppType.Kind.ACTION: _action, AppType.Kind.TRIGGER: _trigger}[AppType.Kind(row.kind)](row)
            found[row.kind][row.full_key] = made
        _known = (time.monotonic(), found)
    return _known[1]


def _described(row: AppType, form: type[SettingsForm]) -> dict[str, Any]:
    """What both have. Their words are worded for each reader, and are no markup."""
    return {
        "key": row.full_key,
        "label": told(row.declared["name"]),
        "help": told(row.declared.get("help") or {}),
        "synonyms": told(row.declared.get("synonyms") or {}),
        "example": told(row.declared.get("example") or {}),
        "icon": row.declared.get("icon") or "webhook",
        "group": "apps",
        "Settings": form,
        "row": row,
        "app": str(row.app),
        "is_gone": row.is_gone or row.app.removed_at is not None,
    }


def gone(row: AppType) -> Any:
    """Why it does nothing any more, in one sentence that names the app."""
    if row.app.removed_at is not None:
        return said("app.removed", "The app “%s” was removed.") % str(row.app)
    words = said("app.type_gone", "The app “%(app)s” does not offer “%(name)s” any more.")
    return words % {"app": str(row.app), "name": str(row)}


def _action(row: AppType) -> type[Action]:
    fields = {one["key"]: declared(one).asked(one) for one in row.declared["fields"]}
    form = type("Settings", (SettingsForm,), fields)
    outputs = {one["key"]: told(one["name"]) for one in row.declared["outputs"]}
    return type("Declared", (RemoteAction,), {**_described(row, form), "outputs": outputs})


def _trigger(row: AppType) -> type[TriggerType]:
    fields = {one["key"]: declared(one).wanted(one) for one in row.declared["fields"]}
    form = type("Settings", (SettingsForm,), fields)
    return type("Declared", (RemoteTrigger,), _described(row, form))


class RemoteAction(Action):
    """Calls the app, and waits for its answer: at once, or later by the address that the call brings."""

    row: ClassVar[AppType]
    app: ClassVar[str]
    is_gone: ClassVar[bool]

    def run(self, context: Context) -> Outcome:
        if self.is_gone:
            raise ActionError(gone(self.row))
        fields = self.row.declared["fields"]
        settings = {one["key"]: declared(one).sent(context, context.settings[one["key"]]) for one in fields}
        call = plan_call(self.row, context.run, body_of(self.row, context.rule, context.item, settings))
        return Wait(on=f"job:{call.job_id}", outputs={"call": call.pk})

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        """Woken by the end of the job that called it, by the answer that came later, or by the deadline. What the app has
        answered counts, however late the run goes on (somebody held it)."""
        call = AppCall.objects.get(pk=context.outputs["call"])
        if call.state == AppCall.State.ANSWERED:
            return Done(call.answer.get("outputs", {}), summary=call.answer.get("summary", ""))
        if call.is_answered:
            words = said("app.failed", "%(app)s: %(reason)s")
            raise ActionError(words % {"app": self.app, "reason": call.answer.get("reason", "")})
        if status == "done" and call.state == AppCall.State.LATER and self.row.app.removed_at is None:
            return Wait(on=f"app:{call.pk}", until=call.deadline, outputs=context.outputs)
        if self.row.app.removed_at is not None:
            raise ActionError(gone(self.row))
        if status == "late":
            raise ActionError(said("app.late", "The app “%s” did not answer in time.") % self.app)
        return super().resume(context, status, sentence)

    def summary(self, settings: dict[str, Any]) -> str:
        return next((str(value)[:80] for value in settings.values() if isinstance(value, str) and value), self.app)


class RemoteTrigger(TriggerType):
    """The app says that it happened to a card; settings narrow by the values that it sends along."""

    row: ClassVar[AppType]
    app: ClassVar[str]
    is_gone: ClassVar[bool]
    events = (APP_FIRED,)

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        if self.is_gone or (event.data("app"), event.data("trigger")) != (self.row.app.key, self.row.key):
            return False
        values = event.data("values") or {}
        for field in self.row.declared["fields"]:
            wanted = settings.get(field["key"])
            if wanted not in (None, "") and not declared(field).matches(wanted, values.get(field["key"], "")):
                return False
        return True

    def summary(self, settings: dict[str, Any]) -> str:
        return ", ".join(str(value) for value in settings.values() if value not in (None, ""))[:80] or self.app


actions.also(lambda: known()[AppType.Kind.ACTION])
trigger_types.also(lambda: known()[AppType.Kind.TRIGGER])
