"""Copy or move to another pipeline, from the designer's dialog: where to, what would not fit, and then done."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from automation.publishing import transfer
from automation.publishing.operations import CannotDo
from automation.views.designer import board, drafted, mine, refused
from crm.ground import characters
from crm.ground.access import staff_of_ours
from crm.ground.ids import id_of
from crm.models import Pipeline
from crm.people.signed_in import signed_in


@staff_of_ours
@require_GET
def places(request: HttpRequest, pk: int) -> HttpResponse:
    """Stages and rule sets of a pipeline, and the other pipelines that the person sets up: for the dialog, key and name each."""
    pipeline = mine(request, pk)
    live, _draft, document = drafted(pipeline)
    stages = [{"key": f"stage-{key}", "name": stage.name} for key, stage in live.stages.items() if not stage.retired]
    sets = [{"key": f"set-{key}", "name": one.name} for key, one in document.sets.items()]
    others = Pipeline.objects.configured_by(signed_in(request)).in_use().exclude(pk=pipeline.pk)
    pipelines = [{"key": str(one.pk), "name": one.name} for one in others]
    return JsonResponse({"places": stages + sets, "pipelines": pipelines})


@staff_of_ours
@require_POST
def transfer_parts(request: HttpRequest, pk: int) -> HttpResponse:
    """412: what would not fit, unless *sure*. Else the board as it is now; the address of the other one stands in X-There."""
    source = mine(request, pk)
    sent = characters.posted(request.POST)
    target = (
        Pipeline.objects.configured_by(signed_in(request)).in_use().filter(pk=id_of(sent.get("pipeline")) or 0).first()
    )
    if target is None or target.pk == source.pk or sent.get("do") not in ("copy", "move"):
        raise Http404
    asked: dict[str, Any] = {
        "ids": sent.getlist("ids")[:500],
        "place": sent.get("place", "")[:80],
        "chain": sent.get("chain", ""),
    }
    by = signed_in(request)
    try:
        wrong = transfer.misfits(source, target, by, asked)
        if wrong and sent.get("sure") != "1":
            return refused(
                _("This does not fit there, and stands in the draft until somebody mends it:")
                + "\n"
                + "\n".join(wrong[:20]),
                412,
            )
        made = transfer.transfer(source, target, by, asked, moves=sent["do"] == "move")
    except CannotDo as error:
        return refused(str(error))
    answer = board(request, source)
    answer["X-There"] = f"{reverse('designer', args=[target.pk])}?open={made[0]}"
    return answer
