"""Publishing while sixteen clients drag cards and two workers run *change stage*: what reaches people, and whether all ends well.

`python -m tests.servers python -m bench.dragging`, on a throw-away PostgreSQL; SECONDS=30 of load on loopback, then it stops.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

SECONDS, CLIENTS, CARDS = int(os.environ.get("SECONDS", "30")), 16, 4


class Ask:
    """The API with a token of an administrator; answers with the status and what was said."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method), timeout=60
            ) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")


def published(ask: Ask, pipeline: int, stages: list[int], words: str) -> int:
    """A draft with the rules in these words, then live; returns the status of the worse of both."""
    moving = {"id": "on", "action": "change_stage", "name": "On", "key": "on", "settings": {"stage": str(stages[4])}}
    told = {"id": "told", "action": "add_comment", "name": "Told", "key": "told", "settings": {"text": words}}
    document = {"stages": {str(stages[2]): {"rules": [moving]}, str(stages[4]): {"rules": [told]}}}
    status, draft = ask("PUT", f"/pipelines/{pipeline}/automation/draft", {"document": document, "revision": 0})
    if status >= 400:
        return status
    status, _said = ask("POST", f"/pipelines/{pipeline}/automation/publish", {"revision": draft["revision"]})
    return status


def drag(ask: Ask, cards: list[int], stages: list[int], until: float, found: Counter[int]) -> None:
    turn = 0
    while time.monotonic() < until:
        for card in cards:
            turn += 1
            status, _said = ask("POST", f"/items/{card}/move", {"stage": stages[2 if turn % 2 else 1]})
            found[status] += 1


def publish(ask: Ask, pipeline: int, stages: list[int], until: float, found: Counter[int]) -> None:
    number = 0
    while time.monotonic() < until:
        number += 1
        found[published(ask, pipeline, stages, f"version {number}")] += 1


def load(ask: Ask) -> dict[str, Any]:
    pipeline = next(one for one in ask("GET", "/pipelines")[1] if one["is_default"])
    stages = [stage["id"] for stage in pipeline["stages"]]
    assert published(ask, pipeline["id"], stages, "version 0") < 300
    cards = [
        ask("POST", "/items", {"title": f"Card {n}", "pipeline": pipeline["id"], "stage": stages[1], "amount": "900"})[
            1
        ]["id"]
        for n in range(CLIENTS * CARDS)
    ]
    drags: Counter[int] = Counter()
    publications: Counter[int] = Counter()
    until = time.monotonic() + SECONDS
    clients = [
        threading.Thread(target=drag, args=(ask, cards[n * CARDS : (n + 1) * CARDS], stages, until, drags))
        for n in range(CLIENTS)
    ]
    clients.append(threading.Thread(target=publish, args=(ask, pipeline["id"], stages, until, publications)))
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return {"drags": dict(drags), "publications": dict(publications)}


def ended() -> dict[str, Any]:
    """What the database says afterwards: runs by status and reason, deadlocks that were repeated."""
    import django

    django.setup()
    from django.db import connection
    from django.db.models import Count

    from automation.models import Run

    runs = Run.objects.filter(rule__uid__in=("on", "told"))
    for _second in range(120):
        if not runs.filter(status__in=("planned", "running", "waiting")).exists():
            break
        time.sleep(1)
    with connection.cursor() as cursor:
        cursor.execute("select deadlocks from pg_stat_database where datname = current_database()")
        deadlocks = cursor.fetchone()[0]
    reasons = Counter(
        f"{status}: {str(error)[:60]}" for status, error in runs.filter(status="failed").values_list("status", "error")
    )
    by_status = dict(runs.values_list("status").annotate(count=Count("pk")).order_by())
    return {"runs": by_status, "failed": dict(reasons), "deadlocks repeated": deadlocks}


def _wait(url: str) -> None:
    """Until the stack answers."""
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2)
            return
        except OSError:
            time.sleep(0.2)


def main() -> None:
    from tests.servers import free_port

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="dealwright-dragging-") as folder:
        os.environ |= {
            "DEALWRIGHT_VAR": folder, "PUBLIC_URL": f"http://127.0.0.1:{port}", "WEB_WORKERS": "2", "DEMO_LANGUAGE": "en",
            "DJANGO_SETTINGS_MODULE": "crm.settings", "API_REQUESTS_A_MINUTE": "1000000",
        }  # fmt: skip
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "prepare", "--bind", f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)
        process = subprocess.Popen([*manage, "up", "--bind", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
        try:
            _wait(f"http://127.0.0.1:{port}")
            made = subprocess.run(
                [*manage, "token", "anna@example.com"], check=True, capture_output=True, text=True
            ).stdout
            found = load(Ask(f"http://127.0.0.1:{port}", made.split()[-1]))
            print(json.dumps(found | ended(), indent=1))
        finally:
            process.terminate()
            process.wait(60)


main()
