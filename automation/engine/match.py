"""Match: an event that happened, the triggers of its item's pipeline, one winner, one move."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import OperationalError, transaction

from automation.base import bind, first_error
from automation.compiled import automation_of
from automation.conditions import judge
from automation.engine.due import MAX_DEPTH
from automation.facts import CannotJudge
from automation.models import Trigger, TriggerFiring, scope_of, type_of
from automation.values import facts_for
from crm.events.notice import notify
from crm.ground import clock, databases
from crm.ground.sentences import everywhere, named, said
from crm.items.models.gate import MoveOptions
from crm.models import Cause, Event, Item, Job, Refused, User
from crm.people.models import administrators
from crm.pipelines.machine import Machine, machine_of
from crm.pipelines.roles import sees_profit
from crm.work.leased import LeaseLost, Status

log = logging.getLogger("dealwright.automation")

Result = TriggerFiring.Result


def match(job: Job) -> None:
    """The job of one event. Events of one item are matched oldest first, whoever claims them."""
    if job.item_id:
        earlier = Job.objects.filter(
            kind="match", item_id=job.item_id, pk__lt=job.pk, status__in=(Status.PLANNED, Status.RUNNING)
        )
        for other in earlier.order_by("pk"):
            try:
                with transaction.atomic():
                    match_event(other.payload["event"])
            except (LeaseLost, OperationalError):
                raise
            except Exception:
                log.exception("event %s is left to its own job", other.payload["event"])
                continue
            Job.objects.filter(pk=other.pk).update(
                status=Status.DONE, owner="", lease_until=None, crashes=0, finished_at=clock.now()
            )
    match_event(job.payload["event"])


def match_event(pk: int) -> list[TriggerFiring]:
    event = Event.objects.select_related("item", "contact", "actor").get(pk=pk)
    firings = []
    for item in concerned(event):
        firings += _match_item(event, item)
    return firings


def concerned(event: Event) -> Iterable[Any]:
    """E37: the item the event is bound to, else the contact's open items (each trigger says newest or all)."""
    if event.item_id:
        return databases.lock(Item.objects.filter(pk=event.item_id))
    open_items = Item.objects.open().filter(contact_id=event.contact_id or 0)
    # Locked without the join on stages: a row that moved meanwhile would fall out of a joined answer.
    ids = list(open_items.values_list("pk", flat=True))
    locked = list(databases.lock(Item.objects.alive().filter(pk__in=ids).order_by("pk")))
    return [item for item in locked if item.stage.is_open]


def _match_item(event: Event, item: Item) -> list[TriggerFiring]:
    machine = machine_of(item.pipeline_id)
    candidates = [t for t in automation_of(machine).triggers if event.kind in getattr(type_of(t), "events", ())]
    if not event.item_id and not _is_newest(event, item):
        candidates = [t for t in candidates if t.concerns == Trigger.Concerns.ALL]
    if not candidates:
        return []
    if item.deleted_at is not None:
        return [_fire(event, t, item, Result.REFUSED, said("item.deleted", "the item was deleted")) for t in candidates]
    matched, firings = [], []
    for trigger in candidates:
        try:
            with transaction.atomic():
                if wants(trigger, event, item):
                    matched.append(trigger)
        except (LeaseLost, OperationalError):
            raise
        except Exception as error:
            log.info("trigger %s failed on event %s", trigger.pk, event.pk, exc_info=True)
            firings.append(_fire(event, trigger, item, Result.FAILED, str(error) or repr(error)))
    if matched:
        firings += _decide(event, item, machine, matched)
    return firings


def _is_newest(event: Event, item: Item) -> bool:
    newest = Item.objects.open().filter(contact_id=event.contact_id or 0).order_by("-created_at", "-pk").first()
    return newest is not None and newest.pk == item.pk


def wants(trigger: Trigger, event: Event, item: Item) -> bool:
    """Is it this event? The type's own settings first, then the condition, on fresh data."""
    found = type_of(trigger)
    form = bind(found.Settings, trigger.settings, scope_of(trigger.stage, running=True))
    if not form.is_valid():
        raise CannotJudge(everywhere("settings.fault", partial(first_error, form)))
    if not found.matches(event, item, form.cleaned_data):
        return False
    if not trigger.condition:
        return True
    sees = partial(_sees_profit, trigger)
    facts = facts_for(item, None, clock.now(), event.data("changes", {}), sees_profit=sees)
    return judge(trigger.condition, facts).true


def _acting_for(trigger: Trigger) -> User | None:
    """Whose rights count: the publisher's, else the pipeline's automation owner's.

    Read anew: the trigger was compiled with the machine, its publisher may have lost rights or the account since.
    """
    owner = machine_of(trigger.pipeline_id).pipeline.automation_owner_id
    known = User.objects.in_bulk([pk for pk in (trigger.publisher_id, owner) if pk])
    found = (known.get(trigger.publisher_id), known.get(owner))
    return next((user for user in found if user is not None and user.is_active), None)


def _sees_profit(trigger: Trigger) -> bool:
    acting = _acting_for(trigger)
    return acting is not None and sees_profit(acting)


def _decide(event: Event, item: Item, machine: Machine, matched: list[Trigger]) -> list[TriggerFiring]:
    """E33 to E36: who wins, and what is logged for the others."""
    winner = choose(item, machine, matched)
    firings = []
    for trigger in matched:
        if trigger is winner:
            firings.append(_move(event, item, trigger))
        elif trigger.stage_id == item.stage_id:
            firings.append(_fire(event, trigger, item, Result.THERE))
        elif not leads_forward(item, machine, trigger) and not trigger.allow_moving_back:
            firings.append(_fire(event, trigger, item, Result.REFUSED, _refused_back(item)))
        else:
            firings.append(_fire(event, trigger, item, Result.ANOTHER))
    return firings


def _refused_back(item: Item) -> str:
    return said("trigger.back", "it would move the item back from %s") % item.stage.name


def leads_forward(item: Item, machine: Machine, trigger: Trigger) -> bool:
    here = machine.stages.get(item.stage_id)
    if here is None or trigger.stage_id not in machine.position:
        return False
    return here.is_open and machine.position[trigger.stage_id] > machine.position[here.pk]


def choose(item: Item, machine: Machine, matched: list[Trigger]) -> Trigger | None:
    """E35: the earliest stage that still leads forward; else the lowest order among *allow moving back*."""
    elsewhere = [t for t in matched if t.stage_id != item.stage_id and t.stage_id in machine.position]
    forward = [t for t in elsewhere if leads_forward(item, machine, t)]
    if forward:
        return min(forward, key=lambda t: (machine.position[t.stage_id], t.order, t.pk))
    back = [t for t in elsewhere if t.allow_moving_back]
    return min(back, key=lambda t: (t.order, t.pk)) if back else None


def _move(event: Event, item: Item, trigger: Trigger) -> TriggerFiring:
    if item.automation_paused_at is not None:
        return _fire(event, trigger, item, Result.REFUSED, said("item.paused", "Automation of this item is paused."))
    if event.depth >= MAX_DEPTH:
        reason = said("loop", "loop: %s") % trigger.name
        text = said("loop.stopped", "Rules move “%(title)s” in a circle and were stopped (%(why)s).")
        told = text % {"title": item.title, "why": reason}
        notify(administrators(), told, item=item, kind="loop", group=f"loop:{item.pk}")
        return _fire(event, trigger, item, Result.REFUSED, reason)
    rights = _acting_for(trigger)
    if rights is None:
        reason = said("publisher.gone", "Its publisher is no longer active and nobody takes over.")
        notify(administrators(), named(trigger.name, reason), kind="rights", group=f"trigger:{trigger.pk}")
        return _fire(event, trigger, item, Result.REFUSED, reason)
    try:
        with transaction.atomic():
            item.move_to(
                trigger.stage,
                MoveOptions(
                    by=rights,
                    shown_as=trigger.change_as or item.owner or rights,
                    cause=Cause("trigger", f"trigger:{trigger.pk}", event.depth + 1, trigger.name),
                    override=trigger.override,
                    key=f"event:{event.pk}:{item.pk}",
                ),
            )
    except Refused as refusal:
        people = [item.owner] if item.owner else administrators()
        text = said("trigger.refused", "“%(trigger)s” could not move “%(title)s”: %(why)s")
        words = {"trigger": trigger.name, "title": item.title, "why": refusal.sentence}
        notify(people, text % words, item=item, kind="refused", group=f"refused:{trigger.pk}:{item.pk}")
        return _fire(event, trigger, item, Result.REFUSED, refusal.sentence)
    except (LeaseLost, OperationalError):
        raise
    except Exception as error:
        log.exception("trigger %s could not move item %s", trigger.pk, item.pk)
        return _fire(event, trigger, item, Result.FAILED, str(error) or repr(error))
    return _fire(event, trigger, item, Result.MOVED)


def _fire(event: Event, trigger: Trigger, item: Item, result: str, reason: str = "") -> TriggerFiring:
    firing, _made = TriggerFiring.objects.get_or_create(
        event=event, trigger=trigger, item=item, defaults={"result": result, "reason": reason}
    )
    return firing
