"""An app is let in, changed, removed; what its manifest says is judged here, before anybody can place it."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from automation.engine import chain
from automation.remote import types
from automation.remote.fields import declared_types
from automation.remote.models import App, AppCall, AppType
from crm.ground import databases, safe_http
from crm.ground.icons import known_icons
from crm.messages import merge_text
from crm.models import Item, Job, User
from crm.webhooks.models import locked_secret
from crm.work.leased import Status
from crm.work.queue import Kind, register_kind

GIVE_UP = "give_up_app_calls"
PATH = re.compile(r"[a-z_]+(\.[a-z0-9_]+){1,2}")
Faults = dict[str, list[str]]


def faults_of(manifest: dict[str, Any]) -> Faults:
    """What is wrong with a manifest whose shape is right (automation/remote/api.py), by field."""
    faults: Faults = {}
    for place, path in enumerate(manifest["sends"]):
        try:
            if not PATH.fullmatch(path):
                raise merge_text.MergeError(_("“%s” is no field.") % path[:80])
            merge_text.check(f"{{{{ {path} }}}}")
        except merge_text.MergeError as error:
            faults[f"sends.{place}"] = [str(error)]
    for group in ("actions", "triggers"):
        for place, one in enumerate(manifest[group]):
            for name, words in _type_faults(one, group == "triggers").items():
                faults[f"{group}.{place}.{name}"] = words
        _once(faults, group, manifest[group])
    return faults


def _type_faults(one: dict[str, Any], is_trigger: bool) -> Faults:
    faults: Faults = {}
    if one["icon"] and one["icon"] not in known_icons():
        faults["icon"] = [_("There is no icon “%(icon)s”; there are %(all)s.") % {
            "icon": one["icon"][:40], "all": ", ".join(sorted(known_icons())),
        }]  # fmt: skip
    if not is_trigger:
        try:
            safe_http.check(one["address"])
        except safe_http.Unsafe as error:
            faults["address"] = [str(error)]
        _once(faults, "outputs", one["outputs"])
    for place, field in enumerate(one["fields"]):
        kind = declared_types.get(field["type"])
        if kind is None or (is_trigger and not kind.of_triggers):
            faults[f"fields.{place}.type"] = [_("There is no such type of field here.")]
        elif kind.key == "choice" and not field["options"]:
            faults[f"fields.{place}.options"] = [_("A list needs something to choose from.")]
    _once(faults, "fields", one["fields"])
    return faults


def _once(faults: Faults, group: str, rows: list[dict[str, Any]]) -> None:
    keys = [row["key"] for row in rows]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            faults[f"{group}.{place}.key"] = [_("“%s” is there twice.") % key]


@transaction.atomic
def install(manifest: dict[str, Any], by: User) -> tuple[App, str]:
    """A new app, or one that was removed; its token is known now and never again. The manifest was judged."""
    app, _made = App.objects.get_or_create(key=manifest["key"])
    app.removed_at, app.installed_by, app.secret = None, by, locked_secret()
    token = app.new_token()
    _write(app, manifest)
    return app, token


@transaction.atomic
def change(app: App, manifest: dict[str, Any]) -> App:
    """What it does not declare any more is gone; rules that stand on it say so when they run."""
    _write(app, manifest)
    return app


def _write(app: App, manifest: dict[str, Any]) -> None:
    app.names, app.about, app.sends = manifest["name"], manifest["about"], manifest["sends"]
    app.save()
    app.types.update(is_gone=True)
    for group, kind in (("actions", AppType.Kind.ACTION), ("triggers", AppType.Kind.TRIGGER)):
        for one in manifest[group]:
            values = {"declared": {name: value for name, value in one.items() if name != "key"}, "is_gone": False}
            AppType.objects.update_or_create(app=app, kind=kind, key=one["key"], defaults=values)
    types.forget()


def new_credentials(app: App) -> str:
    """Another secret and another token, the old ones open nothing any more; returns the token."""
    app.secret = locked_secret()
    token = app.new_token()
    app.save()
    types.forget()
    return token


@transaction.atomic
def remove(app: App) -> None:
    """Runs that wait for it fail within seconds: nobody can answer any more."""
    app.remove()
    Job.plan(GIVE_UP, f"app:{app.pk}:{app.removed_at}", payload={"app": app.pk})
    types.forget()


def give_up(job: Job) -> Any:
    """The job after a removal: whatever waited for an answer learns that none will come."""
    types.forget()  # this process may still know the app as it was
    waiting = (Status.WAITING, Status.HELD)
    calls = AppCall.objects.filter(app=job.payload["app"], state=AppCall.State.LATER, run__status__in=waiting)
    for call in calls.order_by("item_id", "pk"):
        databases.lock(Item.objects.filter(pk=call.item_id)).values_list("pk").first()
        if AppCall.objects.filter(pk=call.pk, state=AppCall.State.LATER).update(state=AppCall.State.OVER):
            chain.wake(f"app:{call.pk}")
    return Status.DONE, ""


register_kind(Kind(GIVE_UP, give_up))
