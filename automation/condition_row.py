"""One comparison of a condition, drawn anew as its field and comparison want it: for the administration and the designer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from automation.condition_form import ConditionForm, Readable
from automation.conditions import OPERATORS
from crm.ground.ids import id_of
from crm.models import Pipeline


def drawn(request: HttpRequest, pipeline: Pipeline | None) -> HttpResponse:
    """Which comparisons fit the field, what boxes the comparison takes; what was typed stays where it fits."""
    asked = {name: request.GET.get(name, "")[:200] for name in ("field", "op", "n", "other")}
    number = min(id_of(asked["n"]) or 1, 999)
    values = [value[:500] for value in request.GET.getlist("value")[:50]]
    kind = Readable().type_of(asked["field"])
    if kind is not None and asked["op"] not in kind.operators:
        asked["op"], values = "", []  # of the field that stood there before
    takes = OPERATORS[asked["op"]].takes if asked["op"] in OPERATORS else ""
    kept: Any = values if takes in ("two", "many") else values[0] if values else None
    leaf: dict[str, Any] = {"field": asked["field"], "op": asked["op"], "value": kept}
    if "other" in request.GET and takes == "one":
        leaf["value_field"] = asked["other"]
    tree = {"all": [leaf]}
    form = ConditionForm(prefix="if", tree=tree, places=[number], pipeline=pipeline)
    return TemplateResponse(request, "admin/automation/_condition_row.html", {"row": form.row(number)})
