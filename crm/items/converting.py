"""A lead becomes a deal: the same customer, its fields taken along, or joined to a deal that is there already."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.events.models import Cause
from crm.events.record import record
from crm.ground import databases
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.items.filters import custom_fields
from crm.items.models.gate import MoveOptions
from crm.items.models.items import Item
from crm.people.models import User
from crm.pipelines.machine import machine_of
from crm.pipelines.models import Pipeline, StageKind


def is_lead(item: Item) -> bool:
    return item.item_type.key == "lead"


def deals_of(lead: Item, user: User) -> list[Item]:
    """Open items of other types of the same customer, which the lead may be joined to."""
    if lead.contact_id is None and lead.company_id is None:
        return []
    rows = Item.objects.visible_to(user).open().exclude(item_type=lead.item_type_id)
    mine = rows.filter(contact=lead.contact_id) if lead.contact_id else rows.filter(company=lead.company_id)
    return list(mine.select_related("stage", "pipeline").order_by("-created_at")[:20])


def convert(
    lead: Item,
    *,
    by: User,
    pipeline: Pipeline | None = None,
    title: str = "",
    into: Item | None = None,
    cause: Cause = Cause(),
) -> Item:
    """Make a deal of the lead in a pipeline, or join it to one; the lead goes to its first *won* stage.

    Raises Refused: no right to add there or to move the lead, or the lead is closed already.
    """
    with transaction.atomic():
        # Read anew under its lock: a second click finds the lead won.
        lead = databases.lock(Item.objects.filter(pk=lead.pk)).get()
        machine = machine_of(lead.pipeline_id)
        won = next((stage for stage in machine.ordered() if stage.kind == StageKind.WON), None)
        if won is None or lead.stage.kind != StageKind.OPEN:
            raise Refused(said("lead.closed", "This lead is closed already."))
        if into is None:
            assert pipeline is not None
            into = Item.create(pipeline, title or lead.title, by=by, cause=cause, parent=lead, **_taken(lead, pipeline))
            into.tags.set(lead.tags.all())
        else:
            into.require(by, "edit")
        lead.move_to(won, MoveOptions(by=by, cause=cause, override=True))
        words = {"lead": lead.pk, "lead_title": lead.title, "deal": into.pk, "deal_title": into.title}
        record("lead.converted", item=lead, actor=by, cause=cause, payload=words)
        record("lead.converted", item=into, actor=by, cause=cause, payload=words)
    return into


def _taken(lead: Item, pipeline: Pipeline) -> dict[str, Any]:
    """Columns that mean the same on both, and custom fields that the other type has too."""
    keys = {field.key for field in custom_fields(pipeline)}
    return {
        "contact": lead.contact,
        "company": lead.company,
        "owner": lead.owner,
        "amount": lead.amount,
        "currency": lead.currency,
        "source": lead.source,
        "first_touch": lead.first_touch,
        "last_touch": lead.last_touch,
        "custom": {key: value for key, value in lead.custom.items() if key in keys},
    }
