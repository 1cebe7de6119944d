"""Measurements of the whole running stack: latency of a rule, form posts, memory."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial

from crm.items.models.gate import MoveOptions
from tests.servers import free_port


def measure_stack(line: Callable[[str, str, str], None]) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "PUBLIC_URL": url,
        "FORM_LIMIT_PER_ADDRESS": "1000000",
        "FORM_LIMIT_PER_FORM": "1000000",
        "WEB_WORKERS": "2",
    }
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "manage.py", "up", "--bind", f"127.0.0.1:{port}"], env=environment)
    try:
        wait(url)
        line("whole stack answers after, s", f"{time.perf_counter() - started:.1f}", "(4)")
        time.sleep(4)
        line("whole stack idle, PSS MB", f"{memory(process.pid):.0f}", "<= 300 (two web workers)")
        latency(line)
        posts(url, line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def wait(url: str) -> None:
    """Until the stack answers."""
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1)
            return
        except OSError:
            time.sleep(0.05)


def together(clients: list[Callable[[], None]]) -> float:
    """All of them at once, a thread each; the seconds until the last is done."""
    threads = [threading.Thread(target=client) for client in clients]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def memory(pid: int) -> float:
    """Proportional set size of the process and all below it, MB."""
    import psutil

    root = psutil.Process(pid)
    return sum(p.memory_full_info().pss for p in [root, *root.children(recursive=True)]) / 1e6


def latency(line: Callable[[str, str, str], None]) -> None:
    """From the drag's commit to the committed effect of an immediate rule, on an idle stack."""
    from automation.models import Run
    from crm.models import Item, Pipeline, User

    anna = User.objects.get(email="anna@example.com")
    stages = list(Pipeline.objects.get(is_default=True).stages.order_by("order"))
    Run.objects.all().delete()
    times = []
    for item in Item.objects.alive().filter(stage=stages[0]).order_by("pk")[:40]:
        start = time.perf_counter()
        visit = item.move_to(stages[1], MoveOptions(by=anna)).visit
        while not Run.objects.filter(visit=visit, status="done").exists():
            time.sleep(0.004)
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.15)
    times.sort()
    line(
        "drag to effect, idle, p50 / p95 ms",
        f"{statistics.median(times):.0f} / {times[int(len(times) * 0.95)]:.0f}",
        "p95 <= 250",
    )


def posts(url: str, line: Callable[[str, str, str], None]) -> None:
    """Form posts by 8 clients, each with a token of its own, fetched before and old enough."""
    count, clients = 800, 8
    tokens = []
    for _ in range(count):
        page = urllib.request.urlopen(f"{url}/f/order/", timeout=10).read().decode()
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found is not None
        tokens.append(found[1])
    time.sleep(2.5)
    times: list[float] = []

    def client(own: list[str], offset: int) -> None:
        for number, token in enumerate(own):
            data = {
                "token": token,
                "name": f"Client {offset}-{number}",
                "phone": f"+4860{offset}{number:06d}",
                "email": f"c{offset}.{number}@example.com",
                "consent": "on",
            }
            start = time.perf_counter()
            answer = urllib.request.urlopen(f"{url}/f/order/", urllib.parse.urlencode(data).encode(), timeout=30)
            answer.read()
            times.append((time.perf_counter() - start) * 1000)

    seconds = together([partial(client, tokens[n::clients], n) for n in range(clients)])
    from crm.models import Submission

    kept = Submission.objects.count()
    assert kept >= len(times) == count, (kept, len(times))
    times.sort()
    line("form posts per second, 8 clients", f"{count / seconds:.0f}", ">= 100")
    line("form post p95 ms", f"{times[int(len(times) * 0.95)]:.0f}", "(250)")
