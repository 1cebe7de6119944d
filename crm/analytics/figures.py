"""Figures of a pipeline: where cards stand, how far they come, how long they take, why they are lost.

Every question is asked of the cards that the person sees, and every figure names the filter that lists its cards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import (
    Aggregate,
    Case,
    Count,
    F,
    FloatField,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm import slots
from crm.ground import clock
from crm.ground.columns.decimals import ExactSum
from crm.items.filters import ItemFilter, bounds
from crm.items.models.items import Item
from crm.items.models.profit import margin_of
from crm.items.models.visits import StageVisit
from crm.people.models import User
from crm.pipelines.machine import Machine
from crm.pipelines.models import Stage, StageKind
from crm.pipelines.roles import sees_profit

DAYS = (30, 90, 180, 365)


class Seconds(Func):
    """How long from the second moment to the first."""

    output_field = FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **options: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM (%(expressions)s))", arg_joiner=" - ")

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        sources = [compiler.compile(source) for source in self.get_source_expressions()]
        (left, left_params), (entered, entered_params) = sources
        sql = f"((julianday({left}) - julianday({entered})) * 86400.0)"
        return sql, [*left_params, *entered_params]


class Percentile(Aggregate):
    """The value below which that share of the rows lies, between two of them where it falls between (R-7)."""

    output_field = FloatField()
    function = "dealwright_percentile"

    def __init__(self, expression: Any, share: float) -> None:
        super().__init__(expression, share=share)

    def as_postgresql(self, compiler: Any, connection: Any, **options: Any) -> Any:
        template = "PERCENTILE_CONT(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
        return self.as_sql(compiler, connection, template=template)

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        # crm/sqlite brings the function.
        return self.as_sql(compiler, connection, template="%(function)s(%(expressions)s, %(share)s)")


@dataclass
class Table:
    """One section: `rows` of cells below `heads`; a cell is a figure, a text, or (figure, filter that lists it).

    Args:
        chart: the column (from 1) whose figures are drawn as bars; 0: none.
        money: columns of amounts in the base currency.
        hours: columns of seconds, shown as days or hours.
        unrated: how many amounts are in none of its sums: their currency has no rate to the base currency.
    """

    key: str
    label: Any
    help: Any
    heads: list[Any]
    rows: list[list[Any]] = field(default_factory=list)
    chart: int = 0
    money: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    unrated: int = 0


@dataclass(frozen=True)
class Span:
    """Whole days in the person's zone, both included."""

    since: date
    until: date

    @classmethod
    def of(cls, days: int) -> Span:
        today = timezone.localtime(clock.now()).date()
        return cls(today - timedelta(days=days - 1), today)

    def filter(self, what: str, **more: Any) -> str:
        """The list's filter for cards created or closed within."""
        return urlencode({f"{what}_from": self.since.isoformat(), f"{what}_to": self.until.isoformat(), **more})


@dataclass
class Figures:
    """What the tables are made from."""

    machine: Machine
    user: User
    span: Span
    shown: ItemFilter

    def items(self) -> QuerySet[Item]:
        rows = Item.objects.visible_to(self.user).filter(pipeline=self.machine.pipeline).order_by()
        return self.shown.apply(rows, self.user)

    def within(self, column: str) -> QuerySet[Item]:
        start, end = bounds(self.span.since, self.span.until)
        return self.items().filter(**{f"{column}__gte": start, f"{column}__lt": end})

    def closed(self, kind: str) -> QuerySet[Item]:
        return self.within("closed_at").filter(stage__kind=kind)

    def listed(self, query: str) -> str:
        """A filter together with what is filtered already."""
        return "&".join(filter(None, (query, self.shown.query)))


def snapshot(figures: Figures) -> Table:
    unrated = Count("pk", filter=Q(amount__isnull=False, base_amount=None))
    rows = figures.items().values("stage_id")
    found: dict[int, Any] = {
        row["stage_id"]: row for row in rows.annotate(count=Count("pk"), sum=ExactSum("base_amount"), unrated=unrated)
    }
    heads = [lazy("stage"), lazy("cards"), lazy("amount")]
    table = Table("now", lazy("Where cards stand now"), "", heads, chart=1, money=(2,))
    table.unrated = sum(row["unrated"] for row in found.values())
    for stage in figures.machine.ordered():
        here = found.get(stage.pk, {})
        link = figures.listed(urlencode({"stage": stage.pk}))
        table.rows.append([stage.name, (here.get("count", 0), link), here.get("sum") or 0])
    return table


def funnel(figures: Figures) -> Table:
    """Of the cards made in the span: how many came at least as far. A lost card counts as far as it had come."""
    steps = [stage for stage in figures.machine.ordered() if stage.kind != StageKind.LOST]
    # Visits of this pipeline's stages only: the card may have been in another one.
    places = [When(stage=pk, then=Value(place)) for pk, place in _places(figures.machine, steps).items()]
    visits = StageVisit.objects.filter(item=OuterRef("pk"), undone=False).order_by().values("item")
    top = visits.annotate(top=Max(Case(*places, default=Value(0), output_field=IntegerField()))).values("top")
    rows = figures.within("created_at").annotate(top=Coalesce(Subquery(top), 0)).values("top")
    reached = dict(rows.annotate(count=Count("pk")).values_list("top", "count"))
    help_ = lazy("Cards made in these days, and how many of them came at least to each stage.")
    heads = [lazy("stage"), lazy("cards"), lazy("of all, %"), lazy("of the stage before, %")]
    table = Table("funnel", lazy("How far cards come"), help_, heads, chart=1)
    everyone = sum(reached.values())
    before = everyone
    for place, stage in enumerate(steps):
        count = sum(number for top, number in reached.items() if top >= place)
        shown: Any = count
        if stage is steps[0]:
            shown = (count, figures.listed(figures.span.filter("created")))
        table.rows.append([stage.name, shown, _share(count, everyone), _share(count, before)])
        before = count
    return table


def _places(machine: Machine, steps: list[Stage]) -> dict[int, int]:
    """By stage: the place of the step that it is, or, for one that was taken out, of the step that stood before it."""
    places = {stage.pk: place for place, stage in enumerate(steps)}
    for stage in machine.pipeline.stages.filter(retired=True).exclude(kind=StageKind.LOST):
        places[stage.pk] = max(0, sum(step.order < stage.order for step in steps) - 1)
    return places


def outcome(figures: Figures) -> Table:
    table = Table(
        "closed", lazy("Closed cards"), lazy("Closed in these days."),
        [lazy("outcome"), lazy("cards"), lazy("amount"), lazy("of all, %")], money=(2,),
    )  # fmt: skip
    sums = {
        kind: figures.closed(kind).aggregate(count=Count("pk"), sum=ExactSum("base_amount"))
        for kind in (StageKind.WON, StageKind.LOST)
    }
    total = sum(row["count"] for row in sums.values())
    for kind, row in sums.items():
        link = figures.listed(figures.span.filter("closed", kind=kind))
        table.rows.append([StageKind(kind).label, (row["count"], link), row["sum"] or 0, _share(row["count"], total)])
    return table


def times(figures: Figures) -> Table:
    """Stays that ended in the span."""
    start, end = bounds(figures.span.since, figures.span.until)
    visits = StageVisit.objects.filter(
        item__in=figures.items().values("pk"), undone=False, left_at__gte=start, left_at__lt=end
    )
    stay = Seconds(F("left_at"), F("entered_at"))
    found = {
        row["stage_id"]: row
        for row in visits.order_by()
        .values("stage_id")
        .annotate(count=Count("pk"), middle=Percentile(stay, 0.5), most=Percentile(stay, 0.9))
    }
    table = Table(
        "times", lazy("Time in stage"), lazy("Of stays that ended in these days: half were shorter, nine in ten were shorter."),
        [lazy("stage"), lazy("stays"), lazy("median"), lazy("nine in ten")], chart=2, hours=(2, 3),
    )  # fmt: skip
    for stage in figures.machine.ordered():
        row = found.get(stage.pk)
        if row is not None and stage.is_open:
            table.rows.append([stage.name, row["count"], row["middle"], row["most"]])
    return table


def reasons(figures: Figures) -> Table:
    table = Table(
        "lost", lazy("Why cards are lost"), lazy("Lost in these days."),
        [lazy("reason"), lazy("cards"), lazy("amount")], chart=1, money=(2,),
    )  # fmt: skip
    rows = figures.closed(StageKind.LOST).values("lost_reason_id", "lost_reason__name")
    for row in rows.annotate(count=Count("pk"), sum=ExactSum("base_amount")).order_by("-count")[:20]:
        link = figures.listed(
            figures.span.filter("closed", kind=StageKind.LOST, reason=row["lost_reason_id"] or "none")
        )
        table.rows.append([row["lost_reason__name"] or _("no reason named"), (row["count"], link), row["sum"] or 0])
    return table


def won_by(figures: Figures, key: str, label: Any, column: str, name: Any) -> Table:
    table = Table(key, label, lazy("Won in these days."), [name, lazy("cards"), lazy("amount")], chart=2, money=(2,))
    parameter = column.removesuffix("_id")
    shown = "owner__name" if column == "owner_id" else column
    rows = figures.closed(StageKind.WON).values(*dict.fromkeys((column, shown)))
    worth = {"sum": ExactSum("base_amount"), "about": Sum("base_amount")}  # an exact sum cannot be ordered by
    for row in rows.annotate(count=Count("pk"), **worth).order_by(F("about").desc(nulls_last=True), "-count")[:20]:
        query = figures.span.filter("closed", kind=StageKind.WON, **{parameter: row[column] or "none"})
        table.rows.append([row[shown] or _("none"), (row["count"], figures.listed(query)), row["sum"] or 0])
    return table


def profits(figures: Figures) -> Table | None:
    """Of won cards whose cost prices are known; for those alone who see profit."""
    if not sees_profit(figures.user):
        return None
    rows = figures.closed(StageKind.WON).filter(profit__isnull=False)
    found = rows.values("owner_id", "owner__name").annotate(
        count=Count("pk"),
        net=ExactSum("profit__base_net"),
        gained=ExactSum("profit__base_amount"),
        about=Sum("profit__base_amount"),  # an exact sum cannot be ordered by
        unrated=Count("pk", filter=Q(profit__base_net=None)),
    )
    table = Table(
        "profit", lazy("Profit by owner"), lazy("Won in these days, of the cards whose cost prices are known."),
        [lazy("owner"), lazy("cards"), lazy("net"), lazy("profit"), lazy("margin, %")], chart=3, money=(2, 3),
    )  # fmt: skip
    for row in found.order_by(F("about").desc(nulls_last=True), "-count")[:20]:
        net, earned = row["net"] or Decimal(0), row["gained"] or Decimal(0)
        margin = margin_of(earned, net)
        cells = [net, earned, "–" if margin is None else float(margin)]
        # No list shows just these: those without a known cost would stand among them.
        table.rows.append([row["owner__name"] or _("none"), row["count"], *cells])
        table.unrated += row["unrated"]
    return table if table.rows else None


TABLES: list[Callable[[Figures], Table | None]] = [
    snapshot,
    funnel,
    outcome,
    times,
    reasons,
    lambda figures: won_by(figures, "sources", lazy("Won by source"), "source", lazy("source")),
    lambda figures: won_by(figures, "owners", lazy("Won by owner"), "owner_id", lazy("owner")),
    profits,
]


def tables(figures: Figures) -> list[Table]:
    """All of them, those of upper layers last."""
    made = (make(figures) for make in (*TABLES, *slots.analytics))
    return [table for table in made if table is not None]


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
