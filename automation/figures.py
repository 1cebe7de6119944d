"""The analytics page's section of automation: what rules did."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from automation.models import Run
from crm import slots
from crm.analytics.figures import Figures, Table
from crm.items.filters import bounds
from crm.work.leased import Status


@slots.analytics.register
def runs_by_rule(figures: Figures) -> Table:
    """Runs that ended in the span, by rule, of cards that the person sees."""
    start, end = bounds(figures.span.since, figures.span.until)
    rows = Run.objects.filter(
        rule__stage__pipeline=figures.machine.pipeline, item__in=figures.items().values("pk"),
        finished_at__gte=start, finished_at__lt=end,
    )  # fmt: skip
    counts = {name: Count("pk", filter=Q(status=name)) for name in (Status.DONE, Status.SKIPPED, Status.FAILED)}
    heads = [_("rule"), _("stage"), _("done"), _("skipped"), _("failed")]
    table = Table("rules", _("What rules did"), _("Runs that ended in these days."), heads, chart=2)
    found: Any = rows.order_by().values("rule__name", "rule__stage__name", "rule__stage__order", "rule__order")
    for row in found.annotate(**counts).order_by("rule__stage__order", "rule__order")[:60]:
        table.rows.append([row["rule__name"], row["rule__stage__name"], *(row[name] for name in counts)])
    return table
