"""The fields of items, contacts and companies, ours and the company's own, with what their values look like."""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import Q
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field as Described

from crm.api.auth import scope
from crm.api.errors import answers
from crm.api.paging import only
from crm.fields import Field, own
from crm.items import customer_rights
from crm.people.models import User
from crm.people.signed_in import signed_in
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import Pipeline
from crm.pipelines.rights import Scope

router = Router(tags=["fields"])


class FieldOut(Schema):
    target: str
    name: str = Described(description="A column, or `custom.<key>`: a key of `custom` in bodies and answers.")
    label: str
    type: str
    item_type: int | None = Described(description="Of an item's own field: whose it is; null: all types.")
    options: list[str]
    required: bool
    value: dict[str, Any] = Described(description="JSON schema of its values.")


def _out(target: str, field: Field, item_type: int | None = None) -> dict[str, Any]:
    return {
        "target": target,
        "name": field.name,
        "label": str(field.label),
        "type": field.type.key,
        "item_type": item_type,
        "options": [key for key, _label in field.options] if field.type.has_options else [],
        "required": field.is_needed,
        "value": field.type.schema,
    }


@router.get("/fields", response=answers(list[FieldOut]), summary="Fields of items, contacts and companies")
@scope("read")
def fields(request: HttpRequest, target: Literal["item", "contact", "company"] | None = None) -> Any:
    only(request, "target")
    wanted: list[str] = [target] if target else list(own.OF)
    found = [_out(key, field) for key in wanted for field in own.OF[key].values()]
    return found + [_out(row.target, row.field, row.item_type_id) for row in _seen(signed_in(request), wanted)]


def _seen(user: User, targets: list[str]) -> Any:
    """The company's own fields tell how it works: those of items whose pipelines the person sees, of customers alike."""
    seen = Q()
    if customer_rights.scope_of(user, "view") > Scope.NONE:
        seen |= Q(target__in=("contact", "company"))
    types = Pipeline.objects.visible_to(user).values("item_type")
    if types.exists():
        seen |= Q(target="item") & (Q(item_type=None) | Q(item_type__in=types))
    return CustomField.objects.filter(seen, target__in=targets) if seen else CustomField.objects.none()
