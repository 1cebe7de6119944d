"""The rooms people live in, on a large house: 200 000 contacts and 2 000 000 events beside the deals."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection
from django.test import Client

from bench.measure import HTTP, SIZE, line, milliseconds, queries
from bench.stack import together, wait
from tests.servers import free_port

CONTACTS, EVENTS = 2 * SIZE, 20 * SIZE
IMPORTED = SIZE // 2


def fill() -> None:
    """Contacts as an import makes them; events of the deals, spread over them, by one statement."""
    from crm.ground.folding import fold
    from crm.models import Contact, ContactEmail, ContactPhone, Event, Item

    have = Contact.objects.count()
    names = ("Nguyễn Thị Hằng", "Zażółć Gęślą", "Żaneta Kowalska", "Amélie Lefèvre", "John Smith")
    made = Contact.objects.bulk_create(
        (Contact(name=f"{names[n % 5]} {n}", search_key=fold(f"{names[n % 5]} {n}")) for n in range(CONTACTS - have)),
        batch_size=2000,
    )
    ContactPhone.objects.bulk_create(
        (ContactPhone(contact=c, number=f"+4860{n:07d}") for n, c in enumerate(made)), batch_size=2000
    )
    ContactEmail.objects.bulk_create(
        (ContactEmail(contact=c, address=f"c{n}@example.com") for n, c in enumerate(made)), batch_size=2000
    )
    first = Item.objects.order_by("pk").values_list("pk", flat=True)[0]
    count = max(0, EVENTS - Event.objects.count())
    series = (
        f"SELECT n FROM generate_series(1, {count}) AS n"
        if connection.vendor == "postgresql"
        else f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_event (kind, item_id, cause_kind, cause_ref, cause_label, depth, payload, words, created_at)"
            f" SELECT 'comment.added', {first} + n % {SIZE}, 'person', '', '', 0, '{{\"text\": \"hello\"}}',"
            f" 'hello wood' || n % {SIZE // 4}, CURRENT_TIMESTAMP FROM ({series}) AS numbers"
        )
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def eventful() -> Any:
    """A card on which much has happened: notes, mails, opens, changes."""
    from crm.ground import clock
    from crm.models import Event, Item

    item = Item.objects.alive().order_by("pk")[60]
    kinds = ("comment.added", "email.sent", "email.opened", "field.changed", "sms.sent")
    payload = {
        "text": "Zażółć gęślą jaźń " * 5,
        "subject": "Oferta",
        "to": "jan@example.com",
        "changes": {"amount": [1, 2]},
    }
    Event.objects.bulk_create(
        Event(item=item, kind=kinds[n % 5], payload=payload, created_at=clock.now()) for n in range(1000)
    )
    return item


def pages(client: Client, pipeline: Any) -> None:
    from crm.models import ApiToken, Contact, Event, Item, User
    from crm.pipelines import boards

    item = Item.objects.alive().order_by("pk")[50]
    contact = Contact.objects.order_by("-pk")[5]
    version = boards.version_of(pipeline.pk)
    anna = User.objects.get(email="anna@example.com")
    _token, text = ApiToken.make(anna, "bench", ["read", "write"])
    headers = {"Authorization": f"Bearer {text}"}
    line("contacts / events", f"{Contact.objects.count()} / {Event.objects.count()}")
    asked: list[tuple[str, str, dict[str, str], str]] = [
        ("board", f"/board/{pipeline.pk}/", {}, "<= 100"),
        ("board, searched", f"/board/{pipeline.pk}/?q=oak", {}, "<= 100"),
        ("list", f"/board/{pipeline.pk}/list/", {}, "<= 100"),
        ("list, sorted by amount, page 3", f"/board/{pipeline.pk}/list/?sort=amount&page=3", {}, "<= 100"),
        ("card", f"/items/{item.pk}/", {}, "<= 100"),
        ("card with 1 000 events", f"/items/{eventful().pk}/", {}, "<= 150, 15 queries"),
        ("analytics", f"/analytics/{pipeline.pk}/", {}, "<= 1000"),
        ("contacts", "/contacts/", {}, "<= 100"),
        ("contact", f"/contacts/{contact.pk}/", {}, "<= 100"),
        ("search, accents folded", "/search/?q=nguyen+thi+hang+19999", {}, "<= 100"),
        ("search, one letter less common", "/search/?q=kowalska", {}, "<= 100"),
        ("search, phone", "/search/?q=600123456", {}, "<= 100"),
        ("search, word of every note", "/search/?q=hello", {}, "<= 150"),
        ("search, word of a few notes", "/search/?q=wood17", {}, "<= 150"),
        ("search, a card's number", f"/search/?q=%23{item.pk}", {}, "<= 150"),
        ("bell", "/bell/", {}, "<= 100"),
        ("my day", "/day/", {}, "<= 100"),
        ("poll, nothing changed", f"/board/{pipeline.pk}/live/?v={version}", {}, "<= 3"),
        ("API list of 100 items", "/api/v1/items?limit=100", headers, "<= 80"),
        ("administration: items", "/admin/crm/item/", {}, ""),
        ("administration: contacts, searched", "/admin/crm/contact/?q=kowalska", {}, ""),
        ("administration: events", "/admin/crm/event/", {}, ""),
        ("administration: runs", "/admin/automation/run/", {}, ""),
    ]
    for what, url, own, target in asked:

        def get(url: str = url, own: dict[str, str] = own) -> Any:
            answer = client.get(url, headers=own, **HTTP)  # type: ignore[arg-type]
            assert answer.status_code in (200, 204), (url, answer.status_code)
            return answer

        p50, p95 = milliseconds(get, 9)
        line(f"{what}, p50 / p95 ms · queries", f"{p50:.1f} / {p95:.1f} · {queries(get)}", target)


def moves(pipeline: Any) -> None:
    """Moves by the API, 16 clients, two web workers and the workers of the stack at work beside them."""
    from crm.models import ApiToken, Item, User

    port, count, clients = free_port(), 800, 16
    stages = list(pipeline.stages.order_by("order"))
    source, target = stages[1], stages[2]
    for kept in (source, target):  # the same work as the peer's: a move with its history, no rules
        kept.rules.update(is_enabled=False)
    pipeline.touch_machine()
    ids = list(Item.objects.alive().filter(stage=source).values_list("pk", flat=True)[:count])
    anna = User.objects.get(email="anna@example.com")
    _token, text = ApiToken.make(anna, "moves", ["read", "write"])
    environment = os.environ | {"WEB_WORKERS": "2", "API_REQUESTS_A_MINUTE": "1000000"}
    process = subprocess.Popen([sys.executable, "manage.py", "up", "--bind", f"127.0.0.1:{port}"], env=environment)
    try:
        wait(f"http://127.0.0.1:{port}")

        def client(own: list[int]) -> None:
            for pk in own:
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/api/v1/items/{pk}/move",
                    json.dumps({"stage": target.pk}).encode(),
                    {"Authorization": f"Bearer {text}", "Content-Type": "application/json"},
                )
                urllib.request.urlopen(request, timeout=60).read()

        seconds = together([partial(client, ids[n::clients]) for n in range(clients)])
        assert Item.objects.filter(pk__in=ids, stage=target).count() == len(ids)
        line("moves by API a second, 16 clients, two web workers", f"{len(ids) / seconds:.0f}", ">= 100")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def imported(pipeline: Any) -> None:
    """An import through the worker, check included."""
    from crm.importing import work as working
    from crm.importing.columns import columns_of, guess
    from crm.models import Import, ImportRow, User
    from crm.work.queue import drain_all

    headers = ["ID", "Deal name", "Stage", "Amount", "Contact", "E-mail", "Mobile", "Company"]
    made = Import.objects.create(
        user=User.objects.get(email="anna@example.com"), target="items", pipeline=pipeline, name="x.csv",
        headers=headers, total=IMPORTED, mapping=guess(headers, columns_of("items", pipeline)),
    )  # fmt: skip
    stage = pipeline.stages.order_by("order")[1].name
    ImportRow.objects.bulk_create(
        (
            ImportRow(
                parent=made,
                number=n,
                cells=[
                    f"x{n}",
                    f"Deal {n}",
                    stage,
                    f"{n},50",
                    f"Person {n}",
                    f"i{n}@example.com",
                    "",
                    f"Firm {n % 500}",
                ],
            )
            for n in range(1, IMPORTED + 1)
        ),
        batch_size=2000,
    )
    for status, what in (("checking", "checked"), ("running", "imported")):
        start = time.perf_counter()
        working.start(made, status)
        while made.is_working:
            drain_all()
            made.refresh_from_db()
        seconds = time.perf_counter() - start
        line(f"import, {IMPORTED} rows {what}, s", f"{seconds:.0f}", "<= 300" if what == "imported" else "")
    counts = made.counts()
    assert counts["created"] == IMPORTED, counts


def exported(client: Client, pipeline: Any) -> None:
    """Exports as they are streamed."""
    for kind in ("csv", "xlsx"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        answer = client.get(f"/board/{pipeline.pk}/export.{kind}", **HTTP)  # type: ignore[arg-type]
        size = sum(len(part) for part in answer.streaming_content)
        seconds, grown = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        line(
            f"export as {kind}, s · MB of file · MB more of memory",
            f"{seconds:.0f} · {size / 1e6:.0f} · {grown / 1024:.0f}",
            "<= 60, <= 150 MB",
        )


def measure_rooms(client: Client, pipeline: Any) -> None:
    steps: list[Callable[[], None]] = [
        fill,
        lambda: pages(client, pipeline),
        lambda: imported(pipeline),
        lambda: exported(client, pipeline),
        lambda: moves(pipeline),
    ]
    for step in steps:
        step()
