"""The Automation tab of the item page, the marks on cards, the hint on drop: what upper rooms show below (E50)."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from automation.approvals import Vote
from automation.base import action_of
from automation.compiled import automation_of
from automation.engine.due import timing_of
from automation.models import Run
from automation.timing import duration_words, zone_for
from automation.variables import kept_values
from crm import slots
from crm.events.kinds import kind_of as event_kind_of
from crm.fields import type_of
from crm.ground import clock
from crm.ground.shown import beside
from crm.items.models.gate import field_labels
from crm.models import Item, Job, User
from crm.pipelines import rights
from crm.pipelines.machine import Machine, machine_of
from crm.slots import Badge, ItemTab, NavLink
from crm.work.leased import UNSTARTED, Status

TONES = {
    Status.DONE: ("circle-check", "ok"),
    Status.PLANNED: ("clock", "info"),
    Status.WAITING: ("clock", "info"),
    Status.HELD: ("hand-stop", "warning"),
    Status.RUNNING: ("refresh", "info"),
    Status.SKIPPED: ("player-pause", "quiet"),
    Status.CANCELLED: ("x", "quiet"),
    Status.FAILED: ("circle-x", "bad"),
    Status.UNKNOWN: ("question-mark", "warning"),
}


def sentence(run: Run) -> str:
    """What became of the run, or what will, in one sentence."""
    status = run.status
    if status == Status.PLANNED and run.due_at is not None:
        delta = run.due_at - clock.now()
        if delta.total_seconds() <= 0:
            return _("Will run in a moment.")
        return _("Will run in %s.") % duration_words(delta) + _by_zone(run)
    if status == Status.PLANNED and run.waiting_for == "previous":
        return _("Will run after the rule before it.")
    if status == Status.PLANNED:
        return (
            _("Waiting for the field “%s” to be filled.")
            % field_labels(run.item, [run.waiting_for.removeprefix("date:")])[0]
        )
    if status == Status.WAITING:
        return _waiting(run)
    if status == Status.SKIPPED:
        return _("Did not run: %s") % run.error
    if status == Status.FAILED:
        return _("Failed: %s") % run.error
    if status == Status.CANCELLED:
        return _("Cancelled: %s") % run.error
    if status == Status.HELD:
        return _("Held: %s") % run.error
    if status == Status.UNKNOWN:
        return _("Unknown: %s") % run.error
    return run.error if status == Status.DONE else str(run.get_status_display())


def _by_zone(run: Run) -> str:
    """Whose clock it was counted by, where the rule asks for another than the company's."""
    timing = timing_of(run)
    if timing.zone_of == "company" or timing.when == "now":
        return ""
    zone, whose = zone_for(timing, run.item, run.item.machine().pipeline.working_time())
    words = {
        "owner": _("By the owner's time zone, %s."),
        "contact": _("By the contact's time zone, %s."),
        "company": _("By the company's time zone, %s, as no other is known."),
    }
    return " " + words[whose] % zone


def _waiting(run: Run) -> str:
    """For a message: whether it is held because the move may still be undone (E54), and how long."""
    kind, _colon, pk = run.wait_on.partition(":")
    if kind != "job":
        words = {
            "event": _("Waits until something happens: %s."),
            "approval": _("Waits for answers%s."),
            "set": _("Waits for the rules of its set%s."),
            "task": _("Waits for a task to end%s."),
        }.get(kind, _("Waits%s."))
        what = str(event_kind_of(pk).label) if kind == "event" else ""
        until = (
            _(" until %s") % date_format(timezone.localtime(run.due_at), "SHORT_DATETIME_FORMAT") if run.due_at else ""
        )
        return words % (what + (until if kind != "set" else ""))
    due = Job.objects.filter(pk=pk, status=Status.PLANNED, attempts=0).values_list("due_at", flat=True).first()
    if due is not None and due > clock.now():
        return _("Will be sent in %s.") % duration_words(due - clock.now())
    return _("Waiting for the message to be sent.")


VERBS = {
    Status.PLANNED: ("now", "hold", "cancel"),
    Status.HELD: ("release", "cancel"),
    Status.WAITING: ("cancel",),
    Status.FAILED: ("again",),
    Status.SKIPPED: ("again",),
    Status.CANCELLED: ("again",),
}


def _answers(run: Run, votes: list[Vote], user: User) -> dict[str, Any]:
    """Of an approval: who is asked and what each has said, and where the reader himself answers."""
    mine = next((vote.pk for vote in votes if vote.user_id == user.pk and not vote.answer), None)
    open_still = run.status == Status.WAITING
    more: dict[str, Any] = {"votes": votes, "answer": mine if open_still else None}
    if run.status == Status.SKIPPED:
        more["sentence"] = run.error  # it did run: colleagues were asked, and said no
    return more


def row(run: Run) -> dict[str, Any]:
    icon, tone = TONES[Status(run.status)]
    action = action_of(run.rule.action)
    return {
        "run": run,
        "icon": icon,
        "tone": tone,
        "action_icon": action.icon,
        "sentence": sentence(run),
        "at": run.finished_at or run.due_at,
        "verbs": VERBS.get(Status(run.status), ()),
    }


@slots.item_tabs.register
def automation_tab(item: Item, user: User) -> ItemTab:
    """Every rule of the current and past visits, the newest visit first."""
    runs = Run.objects.filter(item=item).select_related("rule", "visit__stage", "approval")
    votes = Prefetch("approval__votes", Vote.objects.select_related("user").order_by("pk"))
    visits: dict[int, dict[str, Any]] = {}
    for run in runs.prefetch_related(votes).order_by("-visit_id", "order", "round")[:200]:
        run.item = item
        entry = visits.setdefault(
            run.visit_id, {"visit": run.visit, "current": run.visit_id == item.visit_id, "rows": [], "planned": 0}
        )
        approval = getattr(run, "approval", None)
        entry["rows"].append(row(run) | (_answers(run, list(approval.votes.all()), user) if approval else {}))
        entry["planned"] += run.status in UNSTARTED
    planned = sum(entry["planned"] for entry in visits.values())
    return ItemTab(
        key="automation",
        label=_("Automation"),
        template="automation/_item_tab.html",
        context={
            "visits": list(visits.values()),
            "variables": _variables(item),
            "link": catalogue_link(machine_of(item.pipeline_id), user) if user.is_superuser else None,
            "designer": designer_link(machine_of(item.pipeline_id), user) if user.is_superuser else None,
        },
        count=planned,
    )


@slots.board_links.register
def designer_link(machine: Machine, user: User) -> NavLink | None:
    if not rights.configures(user, machine):
        return None
    return NavLink(
        "designer", reverse("designer", args=[machine.pipeline.pk]), "robot", _("Automation"), of_stages=True
    )


@slots.board_links.register
def catalogue_link(machine: Machine, user: User) -> NavLink | None:
    """For whoever sets the pipeline up; nobody else could change anything there."""
    if not rights.configures(user, machine):
        return None
    return NavLink("catalogue", reverse("catalogue", args=[machine.pipeline.pk]), "bolt", _("Rules and triggers"))


def _variables(item: Item) -> list[tuple[str, str]]:
    """What rules have kept for the card, as its reader writes it; constants and empty ones are no news."""
    return [
        (one.label, type_of(one.type).told(kept))
        for one, kept in kept_values(item, item.visit_id)
        if not one.is_constant and kept not in (None, "")
    ]


@slots.card_badges.register
def run_badges(items: list[Item]) -> dict[int, list[Badge]]:
    """A card shows failed rules (red) and rules at work (turning)."""
    counts = (
        Run.objects.filter(visit_id__in=[item.visit_id for item in items if item.visit_id])
        .filter(Q(status__in=(Status.FAILED, Status.UNKNOWN, Status.RUNNING)) | Q(status=Status.WAITING))
        .values("item_id")
        .annotate(
            bad=Count("pk", filter=Q(status__in=(Status.FAILED, Status.UNKNOWN))),
            busy=Count("pk", filter=Q(status__in=(Status.RUNNING, Status.WAITING))),
        )
    )
    badges: dict[int, list[Badge]] = {}
    for found in counts:
        marks = badges.setdefault(found["item_id"], [])
        if found["bad"]:
            words = ngettext("%(n)d rule failed", "%(n)d rules failed", found["bad"])
            marks.append(Badge("alert-triangle", words % {"n": found["bad"]}, "bad"))
        elif found["busy"]:
            marks.append(Badge("refresh", _("Rules are at work"), "busy"))
    return badges


@slots.column_hints.register
def drop_hints(machine: Machine) -> dict[int, str]:
    """ "3 rules: SMS to customer · create Invoice …" for each stage."""
    hints = {}
    for stage_id, rules in automation_of(machine).rules.items():
        on = [rule for rule in rules if rule.is_enabled]
        if on:
            words = ngettext("%(n)d rule will run", "%(n)d rules will run", len(on)) % {"n": len(on)}
            hints[stage_id] = beside(words, " · ".join(rule.name for rule in on))
    return hints


@slots.sends_on_entry.register
def messages_on_entry(machine: Machine) -> dict[int, int]:
    """How many rules of each stage send something."""
    return {
        stage_id: sum(rule.is_enabled and action_of(rule.action).sends for rule in rules)
        for stage_id, rules in automation_of(machine).rules.items()
    }
