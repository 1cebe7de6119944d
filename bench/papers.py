"""Measurements of papers and tracked mails: drawing beside bare WeasyPrint, pages for customers, numbers under load."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connections
from django.test import Client

from documents import making

PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"}
HTTP = {"HTTP_HOST": "127.0.0.1"}
# The same HTML and styles by WeasyPrint alone, in a process of its own, warm; one paper for each line that it reads.
BARE = """
import json, sys, time
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
asked = json.loads(sys.stdin.readline())
fonts = FontConfiguration()
for _ in sys.stdin:
    start = time.perf_counter()
    styles = [CSS(string=text, font_config=fonts) for text in asked["styles"]]
    HTML(string=asked["html"]).write_pdf(stylesheets=styles, font_config=fonts, pdf_tags=True)
    print((time.perf_counter() - start) * 1000, flush=True)
"""

Line = Callable[[str, str, str], None]


def with_lines(item: Any, count: int) -> None:
    from crm.items.listing import replace_lines
    from crm.models import LineItem, Product

    product = Product.objects.select_related("tax").order_by("pk")[0]
    tax = product.tax
    lines = [
        LineItem(product=product, name=f"{product.name} {n}", quantity=1 + n % 3, price=Decimal(100 + n),
                 unit=product.unit, tax_name=tax.name, tax_percent=tax.percent)
        for n in range(count)
    ]  # fmt: skip
    replace_lines(item, lines)


def drawing(line: Line, milliseconds: Callable[[Callable[[], Any], int], tuple[float, float]], item: Any) -> None:
    from documents import rendering
    from documents.drawing import font_config
    from documents.models import DocumentTemplate
    from documents.values import fill, values_for

    template = DocumentTemplate.objects.get(kind="invoice")
    with_lines(item, 10)
    p50, p95 = milliseconds(lambda: rendering.preview(template, item), 12)
    line("invoice of one page, drawn warm, p50 / p95 ms", f"{p50:.0f} / {p95:.0f}", "<= 400")
    from crm.ground import clock

    now = clock.now()
    html = fill(template, item, values_for(item, template, number="1", day=now))
    styles = [rendering.BASE_STYLE % template.page, template.style]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "FONTCONFIG_FILE": str(font_config())}
    html = html.replace('<img class="qr" src="asset:payment_qr" alt="QR">', "")
    ours, bare = beside_bare(html, styles, environment)
    line("… rate beside bare WeasyPrint, same HTML, in turns", f"{100 * bare / ours:.0f} %", ">= 80 %")
    line("… documents a second and core", f"{1000 / ours:.1f}", ">= 2")
    with_lines(item, 400)
    p50, _p95 = milliseconds(lambda: rendering.preview(template, item), 3)
    line("invoice of 400 lines, drawn, s", f"{p50 / 1000:.1f}", "<= 4")
    with_lines(item, 10)


def beside_bare(html: str, styles: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Median ms of ours and of bare WeasyPrint, in turns: the machine's speed changes from second to second."""
    import json
    import statistics

    from documents.drawing import renderer

    asked = json.dumps({"html": html, "styles": styles})
    ours, bare = [], []
    command = [sys.executable, "-c", BARE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(asked + "\n")
        for _ in range(25):
            process.stdin.write("\n")
            process.stdin.flush()
            bare.append(float(process.stdout.readline()))
            start = time.perf_counter()
            renderer.draw(html, styles, "x")
            ours.append((time.perf_counter() - start) * 1000)
        process.stdin.close()
    return statistics.median(ours[4:]), statistics.median(bare[4:])


def customers(line: Line, milliseconds: Callable[[Callable[[], Any], int], tuple[float, float]], item: Any) -> None:
    from crm.ground import clock
    from crm.messages import tracking
    from crm.models import Channel, Message, User
    from crm.work.queue import drain_all
    from documents.models import DocumentTemplate

    anna = User.objects.get(email="anna@example.com")
    document = making.make(DocumentTemplate.objects.get(kind="offer"), item, by=anna)
    drain_all()
    path = document.link().split("//", 1)[1].partition("/")[2]
    client = Client()
    page = client.get(f"/{path}", headers=PHONE, **HTTP)  # type: ignore[arg-type]
    p50, p95 = milliseconds(lambda: client.get(f"/{path}", headers=PHONE, **HTTP), 40)  # type: ignore[arg-type]
    line("document page, server p50 / p95 ms", f"{p50:.0f} / {p95:.0f}", "<= 50")
    picture = client.get(f"/{path}page/1.webp", **HTTP)  # type: ignore[arg-type]
    size = len(gzip.compress(page.content)) + len(picture.content)
    line("document page with its first sheet, KB", f"{size / 1024:.0f}", "<= 60 with styles")
    message = Message.objects.create(
        channel=Channel.default_for("email"), contact=item.contact, item=item, to="a@example.com", text="x",
        html='<a href="https://example.com/">x</a>', status="sent", sent_at=clock.now() - timedelta(minutes=5),
    )  # fmt: skip
    tracking.outgoing_html(message)
    pixel, link = f"/m/{message.public_id}/o.gif", f"/m/{message.public_id}/1/"
    for what, url in (("open picture", pixel), ("link redirect", link)):
        p50, p95 = milliseconds(lambda url=url: client.get(url, headers=PHONE, **HTTP), 100)  # type: ignore[misc]
        line(f"{what}, server p50 / p95 ms · a second", f"{p50:.1f} / {p95:.1f} · {1000 / p50:.0f}", "<= 20, >= 200/s")


def numbers(line: Line, database: str) -> None:
    """Eight threads take numbers, each in the transaction of a paper; one in five of those is rolled back."""
    from django.db import transaction

    from crm.ground import clock
    from documents.models import Numerator

    each = 500 if database == "postgresql" else 60
    rows = Numerator.objects.create(name="bench", pattern="{YYYY}/{NUMBER}")
    taken: list[str] = []

    def take() -> None:
        for number in range(each):
            try:
                with transaction.atomic():
                    found = rows.take(clock.now())
                    if number % 5 == 4:
                        raise ZeroDivisionError
                    taken.append(found)
            except ZeroDivisionError:
                pass
        connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(8)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    found = sorted(int(number.rpartition("/")[2]) for number in taken)
    gaps = len(set(range(1, len(found) + 1)) - set(found))
    line(
        f"numbers, 8 threads x {each}: gaps · doubles · a second",
        f"{gaps} · {len(found) - len(set(found))} · {len(taken) / seconds:.0f}",
        "0 · 0",
    )


def measure_papers(line: Line, milliseconds: Any, database: str) -> None:
    from crm.models import Item

    item = Item.objects.alive().filter(pipeline__is_default=True, contact__isnull=False).order_by("pk")[0]
    drawing(line, milliseconds, item)
    customers(line, milliseconds, item)
    numbers(line, database)
