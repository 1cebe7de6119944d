"""What publishing costs: 600 rules on 20 stages added, all of them changed, one changed; and the document as text."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from typing import Any

from django.test import Client

from automation import condition_count
from automation.document import RULE, STAGE, Place, RulePart
from automation.publishing import drafts, text
from automation.publishing.models import Publication
from automation.publishing.rows import read
from crm.models import Item, ItemType, Pipeline, Stage, User

RULES, STAGES = 600, 20


def measure_publishing(line: Callable[..., None]) -> None:
    """On a pipeline of its own. `line`: prints one figure (bench/measure.py)."""
    anna = User.objects.get(email="anna@example.com")
    pipeline = Pipeline.objects.create(item_type=ItemType.objects.first(), name="Rules", order=99)
    stages = [Stage.objects.create(pipeline=pipeline, name=f"S{n}", order=n) for n in range(STAGES)]
    for what, change, target in (
        (f"publish {RULES} new rules", lambda document: _add(document, stages), "2 s"),
        (f"publish {RULES} changed rules", lambda document: _change(document, RULES), "2 s"),
        ("publish 1 changed rule of them", lambda document: _change(document, 1), ""),
    ):
        line(what, f"{_published(pipeline, anna, change):.2f} s", target)
    _pages(pipeline, anna, line)
    document = read(pipeline).document
    start = time.perf_counter()
    written = text.dump(pipeline, document)
    line("  as text", f"{time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    text.load(pipeline, written)
    line(f"  from text, {len(written) // 1024} KiB", f"{time.perf_counter() - start:.2f} s")


def _pages(pipeline: Any, anna: User, line: Callable[..., None]) -> None:
    """The designer's own: the second of two requests each, as it is once a process is warm."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(anna)
    base = f"/automation/{pipeline.pk}/"
    rule = next(iter(read(pipeline).rules))
    for what, address, target in (
        (f"designer, {STAGES} stages and {RULES} rules", base, "400 ms"),
        ("  its checks and figures", f"{base}state/", ""),
        ("  panel of a rule", f"{base}parts/{rule}/", "150 ms"),
    ):
        client.get(address)
        start = time.perf_counter()
        answer = client.get(address)
        took = time.perf_counter() - start
        size = len(gzip.compress(answer.content)) / 1024
        line(what, f"{took * 1000:.0f} ms, {size:.0f} KiB", target)
    big = Pipeline.objects.get(is_default=True)
    for what, leaf in (
        ("live count said in SQL", {"field": "item.amount", "op": "more_than", "value": "5000"}),
        ("live count of a text", {"field": "item.title", "op": "contains", "value": "oak"}),
    ):
        items = Item.objects.alive().filter(pipeline=big)
        condition_count.count(items, {"all": [leaf]}, anna)
        start = time.perf_counter()
        found = condition_count.count(items, {"all": [leaf]}, anna)
        line(f"  {what}, {found.total} cards", f"{(time.perf_counter() - start) * 1000:.0f} ms", "300 ms")


def _published(pipeline: Any, by: Any, change: Callable[[Any], None]) -> float:
    document = read(pipeline).document
    change(document)
    start = time.perf_counter()
    drafts.publish_document(pipeline, document, by, Publication.Origin.DESIGNER, decisions={})
    return time.perf_counter() - start


def _add(document: Any, stages: list[Any]) -> None:
    for number in range(RULES):
        place = Place(STAGE, str(stages[number % STAGES].pk))
        settings = {"text": "Hello {{ contact.salutation }}, it is about {{ item.title }}."}
        condition = {"all": [{"field": "item.amount", "op": "more_than", "value": "1000"}]}
        own = {
            "settings": settings,
            "condition": condition,
            "timing": {"when": "delay", "amount": 5, "unit": "minutes"},
        }
        part = RulePart(id=f"r{number}", key=f"k{number}", name=f"Rule {number}", action="send_sms", **own)
        document.list_of(RULE, place).append(part)


def _change(document: Any, count: int) -> None:
    for _kind, _spot, part in list(document.placed())[:count]:
        part.settings = {"text": part.settings["text"] + f" {count}"}
