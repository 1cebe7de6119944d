"""Where a colleague approves: signed in, or by the link in the mail. Opening it decides nothing; only a POST does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from automation.approvals import Approval, Vote, answer
from automation.engine import chain
from crm.board.forms.items import NeedsForm
from crm.ground import characters, clock, databases
from crm.ground.access import public, staff_of_ours
from crm.ground.refused import Refused
from crm.ground.shown import money, num
from crm.items.models.profit import Profit
from crm.models import Item, User
from crm.people.signed_in import signed_in
from crm.pipelines.roles import sees_profit


@staff_of_ours
@require_http_methods(["GET", "POST"])
def approval(request: HttpRequest, pk: int) -> HttpResponse:
    vote = get_object_or_404(
        Vote.objects.select_related("approval__run", "approval__item", "user"), pk=pk, user=signed_in(request)
    )
    return _page(request, vote, "automation/approval.html")


@public
@csrf_exempt  # no cookie takes part; the signed address takes its place
@require_http_methods(["GET", "POST", "HEAD"])
def approval_public(request: HttpRequest, token: str) -> HttpResponse:
    """For whoever has the mail; scanners open it and change nothing."""
    vote = Vote.of(token)
    if vote is None:
        raise Http404
    with translation.override(vote.user.language or None):
        found = _page(request, vote, "automation/approval_public.html")
    found["Cache-Control"], found["Referrer-Policy"] = "no-store", "no-referrer"
    found["X-Robots-Tag"] = "noindex, nofollow"
    return found


def _page(request: HttpRequest, vote: Vote, template: str) -> HttpResponse:
    asked, fault = vote.approval, ""
    sent: Any = characters.posted(request.POST) if request.method == "POST" else None
    form = NeedsForm(asked.item, asked.item.stage, asked.fields, False, sent, user=vote.user)
    if sent is not None and sent.get("answer") in ("yes", "no"):
        accepts = sent["answer"] == "yes"
        if not accepts or form.is_valid():
            try:
                _answer(
                    vote, accepts, sent.get("comment", "").strip(), form.values() if accepts and asked.fields else {}
                )
                return redirect(request.path)
            except Refused as refused:
                fault = refused.sentence
    vote.refresh_from_db()
    asked.refresh_from_db()
    context = {
        "facts": _facts(asked.item, vote.user),
        "vote": vote,
        "approval": asked,
        "form": form,
        "fault": fault,
        "comment": sent.get("comment", "") if sent is not None else "",
        "is_open": asked.is_open and asked.deadline > clock.now() and not vote.answer,
        "over": "" if asked.is_open or vote.answer else _("This is not asked any more."),
        "nav": "day",
    }
    return render(request, template, context, status=422 if sent is not None else 200)


def _facts(item: Item, user: User) -> list[tuple[str, str]]:
    """What whoever decides wants to know of the card, as far as he may see it: (label, value)."""
    if not Item.objects.visible_to(user).filter(pk=item.pk).exists():
        return []
    lines = list(item.lines.all())
    rebate = sum((line.rebate(item.currency) for line in lines), Decimal(0))
    found = [
        (_("customer"), item.contact.name if item.contact else item.company.name if item.company else ""),
        (_("pipeline"), f"{item.pipeline.name} · {item.stage.name}"),
        (_("owner"), item.owner.name if item.owner else ""),
        (_("amount"), money(item.amount, item.currency)),
        (_("discount"), money(rebate, item.currency) if rebate else ""),
    ]
    profit = Profit.objects.filter(item=item).first() if sees_profit(user) else None
    if profit is not None:
        share = (
            "" if profit.margin is None else " · " + _("%(share)s %% of the net sum") % {"share": num(profit.margin)}
        )
        found.append((_("profit"), money(profit.amount, item.currency) + share))
    return [(label, value) for label, value in found if value]


def _answer(vote: Vote, accepts: bool, comment: str, values: dict[str, Any]) -> None:
    def work() -> None:
        with transaction.atomic():
            if answer(vote, accepts, comment, values) != Approval.State.OPEN:
                chain.wake(f"approval:{vote.approval_id}")

    databases.persistently(work)
