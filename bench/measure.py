"""All measurements of one database and one size; prints lines of the table."""

from __future__ import annotations

import gzip
import io
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from crm.items.models.gate import MoveOptions  # noqa: E402

SIZE, DATABASE = int(os.environ["BENCH_SIZE"]), os.environ["BENCH_DB"]
HTTP = {"HTTP_HOST": "127.0.0.1"}


def line(what: str, figure: str, target: str = "") -> None:
    print(f"{DATABASE:<11}{SIZE:>8}  {what:<52}{figure:>14}   {target}", flush=True)


def milliseconds(work: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Median and 95th percentile."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.95)]


def queries(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    words = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return len([query for query in captured if not query["sql"].startswith(words)])


def prepare() -> Any:
    """The demo with SIZE deals in its pipeline, and planner statistics as a living system has them."""
    from crm.models import Pipeline

    call_command("migrate", verbosity=0)
    call_command("demo", language="en", deals=SIZE, stdout=io.StringIO())
    call_command("collectstatic", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if DATABASE == "postgresql":
            connection.ensure_connection()
            cursor.execute("VACUUM ANALYZE")
    return Pipeline.objects.get(is_default=True)


def board(client: Client, pipeline: Any) -> None:
    url = f"/board/{pipeline.pk}/"

    def page() -> Any:
        return client.get(url, **HTTP)

    def totals() -> Any:
        return client.get(f"{url}totals/", **HTTP)

    def whole() -> None:
        page()
        totals()

    answer = page()
    p50, p95 = milliseconds(whole, 15)
    line("board, headers included, server p50 / p95 ms", f"{p50:.0f} / {p95:.0f}", "100 000 <= 2 x 1 000")
    line("board page, queries", str(queries(page)), "<= 16")
    line("board page, compressed KB", f"{len(gzip.compress(answer.content, 6)) / 1024:.1f}", "<= 20")
    from crm.pipelines import boards

    version = boards.version_of(pipeline.pk)
    p50, _p95 = milliseconds(lambda: client.get(f"{url}live/?v={version}", **HTTP), 40)
    line("poll, nothing changed, p50 ms", f"{p50:.1f}", "(3, issue 3)")


def gate(pipeline: Any) -> None:
    """Cards onto a stage with five rules and back, without a request."""
    from automation.models import Rule
    from crm.models import Item, User

    anna = User.objects.get(email="anna@example.com")
    stages = list(pipeline.stages.order_by("order"))
    for number in range(5):
        Rule.objects.create(
            stage=stages[1],
            key=f"b{number}",
            name=f"B{number}",
            action="add_comment",
            settings={"text": "x"},
            publisher=anna,
            order=number,
        )
    ids = list(Item.objects.alive().filter(stage=stages[0]).values_list("pk", flat=True)[:40])
    ids = (ids * 200)[:200]
    onto: list[float] = []
    for pk in ids:
        item = Item.objects.get(pk=pk)
        target = stages[1] if item.stage_id != stages[1].pk else stages[0]
        start = time.perf_counter()
        item.move_to(target, MoveOptions(by=anna, version=item.version))
        if target is stages[1]:
            onto.append((time.perf_counter() - start) * 1000)
    onto.sort()
    line(
        "gate onto 5 rules, p50 / p95 ms", f"{statistics.median(onto):.1f} / {onto[int(len(onto) * 0.95)]:.1f}", "<= 15"
    )
    item = Item.objects.alive().filter(stage=stages[0]).first()
    line(
        "gate onto 5 rules, queries",
        str(queries(lambda: item.move_to(stages[1], MoveOptions(by=anna, version=item.version)))),
        "<= 12 (+ bell)",
    )


def drags(client: Client, pipeline: Any) -> None:
    """A card of the first column onto the second and back, as the browser sends it."""
    from crm.models import Item
    from crm.pipelines import boards

    stages = list(pipeline.stages.order_by("order"))
    count = iter(range(10**9))

    def drag() -> Any:
        card = Item.objects.alive().filter(stage=stages[next(count) % 2]).order_by("rank").first()
        target = stages[1] if card.stage_id == stages[0].pk else stages[0]
        data = {"id": card.pk, "to": target.pk, "version": card.version, "v": boards.version_of(pipeline.pk)}
        start = time.perf_counter()
        answer = client.post(f"/board/{pipeline.pk}/move/", data, **HTTP)
        assert answer.status_code == 200, answer.content
        return (time.perf_counter() - start) * 1000

    times = sorted(drag() for _ in range(40))
    line("whole drag request, p50 / p95 ms", f"{statistics.median(times):.0f} / {times[37]:.0f}", "<= 40")
    line("whole drag request, queries (with 2 of this bench)", str(queries(drag)), "<= 20")


def clear_work() -> None:
    from automation.models import Run
    from crm.models import Job

    Run.objects.all().delete()
    Job.objects.all().delete()


def runs_per_second(pipeline: Any) -> None:
    """Internal runs by two worker processes that drain what is due."""
    from automation.models import Rule, Run
    from crm.ground import clock
    from crm.models import Item

    clear_work()
    rule = Rule.objects.filter(action="add_comment", key="b0").get()
    items = list(Item.objects.alive().filter(visit__isnull=False)[:1000])
    now = clock.now()
    runs = [
        Run(rule=rule, visit_id=item.visit_id, item=item, round=round_number, due_at=now, keeps=True)
        for round_number in range(6)
        for item in items
    ]
    random.Random(1).shuffle(runs)
    Run.objects.bulk_create(runs, batch_size=1000)
    code = "import django; django.setup(); from crm.work import queue; queue.drain_all()"
    connections.close_all()
    start = time.perf_counter()
    workers = [subprocess.Popen([sys.executable, "-c", f"import time; {code}"]) for _ in range(2)]
    for worker in workers:
        worker.wait()
    seconds = time.perf_counter() - start - IMPORT_SECONDS
    done = Run.objects.filter(status="done").count()
    assert done == len(runs), f"{done} of {len(runs)}"
    line("internal runs per second, two workers", f"{done / seconds:.0f}", ">= 800 SQLite, >= 400 PostgreSQL")


def import_seconds() -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "import django; django.setup(); from crm.work import queue; queue.drain_all()"],
        check=True,
    )
    return time.perf_counter() - start


def ticker(pipeline: Any) -> None:
    """100 000 planned runs, none of them due: what the ticker asks each second."""
    from automation.models import Rule, Run
    from crm import slots
    from crm.ground import clock
    from crm.models import Item

    clear_work()
    rule = Rule.objects.filter(key="b0").get()
    items = list(Item.objects.alive().filter(visit__isnull=False)[:1000])
    later = clock.now() + timedelta(days=3)
    for round_number in range(0, 100, 5):
        Run.objects.bulk_create(
            Run(rule=rule, visit_id=item.visit_id, item=item, round=r, due_at=later)
            for r in range(round_number, round_number + 100_000 // len(items) // 20)
            for item in items
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def ask() -> None:
        for worker in slots.workers:
            worker.reclaim()
            worker.due()

    p50, p95 = milliseconds(ask, 200)
    line(f"ticker, {Run.objects.count()} planned, none due, p50 / p95 ms", f"{p50:.2f} / {p95:.2f}", "<= 2")
    clear_work()


def main() -> None:
    global IMPORT_SECONDS
    pipeline = prepare()
    from allauth.usersessions.models import UserSession

    from crm.models import User

    client = Client()
    anna = User.objects.get(email="anna@example.com")
    client.force_login(anna)
    # As a login through the form lists it.
    UserSession.objects.create(user=anna, session_key=client.session.session_key, ip="127.0.0.1", user_agent="bench")
    only = os.environ.get("BENCH_ONLY", "")
    if only == "":
        board(client, pipeline)
        gate(pipeline)
        drags(client, pipeline)
    if only == "" and (SIZE == 10_000 or os.environ.get("BENCH_ALL")):
        clear_work()
        IMPORT_SECONDS = import_seconds()
        runs_per_second(pipeline)
        ticker(pipeline)
        from bench.stack import measure_stack

        measure_stack(line)
    if only in ("", "papers") and (SIZE == 1_000 or os.environ.get("BENCH_ALL") or only):
        from bench.papers import measure_papers

        measure_papers(line, milliseconds, DATABASE)
    if only in ("", "publishing") and (SIZE == 1_000 or os.environ.get("BENCH_ALL") or only):
        from bench.publishing import measure_publishing

        measure_publishing(line)
    if only in ("", "rooms") and (SIZE == 100_000 or os.environ.get("BENCH_ALL")):
        from bench.rooms import measure_rooms

        measure_rooms(client, pipeline)


IMPORT_SECONDS = 0.0
if __name__ == "__main__":
    main()
