"""An urgent drag behind a flood: how long until its immediate rule has begun. On both databases; FLOOD=20000 runs.

Alone: `python -m bench.flood`. The figure is the 95th percentile of 20 drags while the flood is still being worked off.
"""

from __future__ import annotations

import io
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FLOOD, DRAGS = int(os.environ.get("FLOOD", "20000")), 20


def flood(database: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from automation.models import Rule, Run
    from crm.ground import clock
    from crm.models import Item, Pipeline, User
    from crm.work import lanes

    call_command("migrate", verbosity=0)
    call_command("demo", language="en", deals=2000, stdout=io.StringIO())
    Run.objects.all().delete()
    anna = User.objects.get(email="anna@example.com")
    pipeline = Pipeline.objects.get(is_default=True)
    stages = list(pipeline.stages.order_by("order"))
    bulk = Rule.objects.create(
        stage=stages[2], name="Bulk", key="flood", action="add_comment", settings={"text": "flood"}, publisher=anna
    )
    Rule.objects.create(
        stage=stages[1], name="Urgent", key="urgent", action="add_comment", settings={"text": "now"}, publisher=anna
    )
    cards = [item for item in Item.objects.alive().filter(pipeline=pipeline, visit__isnull=False)[:2000]]
    rounds = -(-FLOOD // len(cards))
    made = (
        Run(rule=bulk, visit_id=card.visit_id, item=card, round=n, lane=lanes.BULK, due_at=clock.now(), keeps=True)
        for n in range(rounds)
        for card in cards
    )
    Run.objects.bulk_create(list(made)[:FLOOD], batch_size=1000)
    worker = subprocess.Popen([sys.executable, "manage.py", "up", "--no-web"], env=os.environ, cwd=ROOT)
    try:
        waited = _drags(anna, stages, bulk)
        left = Run.objects.filter(rule=bulk, finished_at=None).count()
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    p95 = sorted(waited)[int(len(waited) * 0.95) - 1]
    print(
        f"{database:<11} drag behind {FLOOD} due runs, p50 / p95 s: {statistics.median(waited):.2f} / {p95:.2f}"
        f"   (target 5; {left} of the flood were left)",
        flush=True,
    )


def _drags(anna: Any, stages: list[Any], bulk: Any) -> list[float]:
    """Seconds from each drag until the first rule of its stage has begun."""
    from automation.models import Run
    from crm.items.models.gate import MoveOptions
    from crm.models import Item

    while not Run.objects.filter(rule=bulk, finished_at__isnull=False).exists():
        time.sleep(0.05)
    waited = []
    for item in Item.objects.alive().filter(pipeline=stages[0].pipeline).exclude(stage=stages[1])[:DRAGS]:
        start = time.perf_counter()
        visit = item.move_to(stages[1], MoveOptions(by=anna)).visit
        while not Run.objects.filter(visit=visit, rule__key="urgent", started_at__isnull=False).exists():
            time.sleep(0.01)
            if time.perf_counter() - start > 120:
                break
        waited.append(time.perf_counter() - start)
    return waited


def main() -> None:
    from tests.servers import create, postgres

    def each(database: str, more: dict[str, str]) -> None:
        with tempfile.TemporaryDirectory(prefix="dealwright-flood-") as folder:
            own = os.environ | more | {"DEALWRIGHT_VAR": folder, "FLOOD_DB": database}
            own["DJANGO_SETTINGS_MODULE"] = "crm.settings"
            subprocess.run([sys.executable, "-m", "bench.flood"], cwd=ROOT, env=own, check=True)

    each("sqlite", {})
    with postgres(fsync=True) as server:
        each("postgresql", {"DATABASE_URL": create(server, "flood")})


if __name__ == "__main__":
    flood(os.environ["FLOOD_DB"]) if "FLOOD_DB" in os.environ else main()
