"""kill -9 at random while forms come in and cards move: nothing lost, nothing doubled. `make crash-test` (KILLS=60)."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from tests.servers import create, free_port, postgres, redis

ROOT = Path(__file__).resolve().parents[1]
KILLS = int(os.environ.get("KILLS", "60"))


class Site:
    """The stack under test, started again whenever its supervisor was killed."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment, self.port = environment, port
        self.url = f"http://127.0.0.1:{port}"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "up", "--bind", f"127.0.0.1:{self.port}"]
        log = open(Path(self.environment["DEALWRIGHT_VAR"]) / "up.log", "ab")  # noqa: SIM115
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def kill(self, dice: random.Random) -> str:
        """One random process of ours dies; returns what it was."""
        import psutil

        what = dice.choice(["web", "web worker", "cluster", "worker", "worker", "worker", "supervisor"])
        root = psutil.Process(self.process.pid)
        try:
            children = {("web" if "gunicorn" in " ".join(c.cmdline()) else "jobs"): c for c in root.children()}
            if what == "supervisor":
                root.kill()
                self.process.wait()
                time.sleep(0.3)
                self.process = self.start()
            elif what in ("web", "web worker"):
                victim = children["web"]
                (dice.choice(victim.children() or [victim]) if what == "web worker" else victim).kill()
            else:
                victim = children["jobs"]
                below = victim.children(recursive=True)
                (dice.choice(below) if what == "worker" and below else victim).kill()
        except (psutil.NoSuchProcess, KeyError):
            return "nothing (it was just being started)"
        return what


class Traffic:
    """Customers who send forms and people who drag cards; each remembers what was acknowledged."""

    def __init__(self, site: Site, session: str, pipeline: int, stages: list[int]) -> None:
        self.site, self.session, self.pipeline, self.stages = site, session, pipeline, stages
        self.forms: list[str] = []
        self.moves: list[str] = []
        self.answers: Counter[int] = Counter()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._customer, args=(n,)) for n in range(2)]
        self.threads += [threading.Thread(target=self._dragger, args=(n,)) for n in range(2)]

    def run(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)

    def _open(self, path: str, data: dict[str, Any] | None = None) -> tuple[int, str]:
        """One request, again and again until somebody answers."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        headers = {"Cookie": f"dealwright_session={self.session}; csrftoken={'x' * 32}", "X-CSRFToken": "x" * 32}
        request = urllib.request.Request(self.site.url + path, body, headers)
        for _ in range(600):
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    assert "/login/" not in answer.url, "the session is not taken"
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    return error.code, error.read().decode()
            except (OSError, http.client.HTTPException):
                pass  # the server died, perhaps in the middle of its answer
            time.sleep(0.1)
        raise RuntimeError(f"nobody answers {path}")

    def _customer(self, number: int) -> None:
        count = 0
        while not self.over.is_set():
            count += 1
            _status, page = self._open("/f/order/")
            found = re.search(r'name="token" value="([^"]+)"', page)
            assert found is not None, page
            time.sleep(2.05)
            data = {
                "token": found[1],
                "name": f"Customer {number}-{count}",
                "phone": f"+4860{number}{count:06d}",
                "email": f"c{number}.{count}@example.com",
                "consent": "on",
            }
            status, page = self._open("/f/order/", data)
            assert status == 200, page
            self.forms.append(f"c{number}.{count}@example.com")

    def _dragger(self, number: int) -> None:
        from django.db import connection

        from crm.models import Item

        dice = random.Random(number)
        while not self.over.is_set():
            ids = list(
                Item.objects.alive()
                .filter(pipeline=self.pipeline, stage__kind="open")
                .order_by("-pk")
                .values_list("pk", flat=True)[:60]
            )
            item = Item.objects.get(pk=dice.choice(ids))
            target = dice.choice([stage for stage in self.stages if stage != item.stage_id])
            key = uuid.uuid4().hex
            data = {"id": item.pk, "to": target, "version": item.version, "v": 0, "key": key}
            status, _page = self._open(f"/board/{self.pipeline}/move/", data)
            self.answers[status] += 1
            if status == 200:
                self.moves.append(key)
            time.sleep(0.05)
        connection.close()


def prepare(folder: str, database: str | None, bell: str | None) -> Site:
    port = free_port()
    own = {
        "DEALWRIGHT_VAR": folder,
        "DJANGO_SETTINGS_MODULE": "tests.crash_settings",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LEASE_SECONDS": "4",
        "HANG_SECONDS": "6",
        "WORKERS": "3",
        "FORM_LIMIT_PER_ADDRESS": "1000000",
        "FORM_LIMIT_PER_FORM": "1000000",
        "CARRIER_LOG": f"{folder}/carrier.log",
    }
    if database:
        own["DATABASE_URL"] = database
    if bell:
        own["REDIS_URL"] = bell
    os.environ.update(own)
    for words in (["migrate", "-v0"], ["demo", "--deals", "40"], ["collectstatic", "--noinput", "-v0"]):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Site(dict(os.environ), port)


def rules(stages: list[Any]) -> None:
    """On two stages: a chain of inside rules, an SMS through the pigeon, a task whose end moves the card on."""
    from automation.models import Rule, Trigger
    from crm.models import Channel, OwnCompany, User

    anna = User.objects.get(email="anna@example.com")
    OwnCompany.objects.update(sms_countries="GB PL")  # its forms come with Polish numbers
    Channel.objects.filter(medium="sms").update(
        transport="carrier", contact_daily_limit=1_000_000, hourly_limit=1_000_000
    )
    for stage in stages[1:3]:
        for number in range(3):
            Rule.objects.create(
                stage=stage,
                key=f"crash{number}",
                name=f"Crash {number}",
                action="add_comment",
                settings={"text": "{{ item.title }}"},
                publisher=anna,
                order=90 + number,
                after_previous=Rule.After.ENDED if number else "",
            )
        Rule.objects.create(
            stage=stage,
            key="pigeon",
            name="Pigeon",
            action="send_sms",
            settings={"text": "coo"},
            publisher=anna,
            order=99,
        )
    Rule.objects.update(hourly_limit=1_000_000)
    settings = {"fields_watched": ["source"]}
    Trigger.objects.create(stage=stages[2], name="T", type="field_changed", settings=settings, publisher=anna)


def check(traffic: Traffic, folder: str) -> list[str]:
    from automation.models import Run
    from crm.models import Job, Message, StageVisit, Submission
    from tests.invariants import broken

    faults = broken()
    kept = Counter(Submission.objects.filter(status="done").values_list("answers__email", flat=True))
    lost = [email for email in traffic.forms if kept[email] != 1]
    if lost:
        faults.append(f"{len(lost)} acknowledged submissions are lost, doubled or unprocessed: {lost[:3]}")
        for row in Submission.objects.filter(answers__email__in=lost):
            job = (
                Job.objects.filter(key=f"submission:{row.pk}").values("status", "error", "crashes", "attempts").first()
            )
            faults.append(f"  submission {row.pk} is {row.status}: {row.error}; its job: {job}")
    items = Submission.objects.filter(status="done").values_list("item_id", flat=True)
    if len(set(items)) != len(list(items)):
        faults.append("one item of two submissions")
    keys = set(StageVisit.objects.filter(key__in=traffic.moves).values_list("key", flat=True))
    if len(keys) != len(traffic.moves):
        faults.append(f"{len(traffic.moves) - len(keys)} acknowledged moves are lost")
    planned = Run.objects.filter(rule__key__startswith="crash").values_list("visit_id", flat=True)
    if any(count != 3 for count in Counter(planned).values()):
        faults.append("a visit without its three runs")
    if unmatched := Job.objects.filter(kind="match").exclude(status="done").count():
        faults.append(f"{unmatched} events were not matched")
    log = Path(folder) / "carrier.log"
    flown = Counter(log.read_text().split()) if log.exists() else Counter()
    if twice := [pk for pk, count in flown.items() if count > 1]:
        faults.append(f"messages sent twice: {twice}")
    pigeons = dict(Message.objects.filter(channel__medium="sms").values_list("pk", "status"))
    if ghosts := [pk for pk, status in pigeons.items() if status == "sent" and not flown[str(pk)]]:
        faults.append(f"messages said to be sent that never left: {ghosts}")
    if silent := [pk for pk in flown if pigeons.get(int(pk)) not in ("sent", "unknown")]:
        faults.append(f"messages that left and are not known to have: {silent}")
    return faults


def torture(name: str, database: str | None, bell: str | None) -> bool:
    with tempfile.TemporaryDirectory(prefix="dealwright-crash-") as folder:
        site = prepare(folder, database, bell)
        import django

        django.setup()
        from django.conf import settings
        from django.contrib.sessions.backends.db import SessionStore

        from automation.models import Run
        from crm import slots
        from crm.models import Item, Job, Message, Pipeline, Submission, User

        pipeline = Pipeline.objects.get(is_default=True)
        stages = list(pipeline.stages.order_by("order"))
        rules(stages)
        anna = User.objects.get(email="anna@example.com")
        store = SessionStore()
        store["_auth_user_id"], store["_auth_user_hash"] = str(anna.pk), anna.get_session_auth_hash()
        store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
        store.create()
        dice = random.Random(int(os.environ.get("SEED", "1")))
        traffic = Traffic(site, store.session_key, pipeline.pk, [stage.pk for stage in stages[:3]])
        traffic.run()
        killed: Counter[str] = Counter()
        start = time.monotonic()
        while sum(killed.values()) - killed["nothing (it was just being started)"] < KILLS:
            time.sleep(dice.uniform(0.4, 2.0))
            killed[site.kill(dice)] += 1
        time.sleep(3)
        traffic.stop()
        # What is due is worked off; leases of the dead end after four seconds.
        end = time.monotonic() + 180
        while time.monotonic() < end:
            held = (
                Run.objects.filter(lease_until__isnull=False).exists()
                or Job.objects.filter(lease_until__isnull=False).exists()
            )
            if not held and not any(worker.due() for worker in slots.workers):
                break
            time.sleep(0.5)
        site.stop()
        faults = check(traffic, folder)
        left = [
            line
            for line in subprocess.run(
                ["pgrep", "-f", f"127.0.0.1:{site.port}"], capture_output=True, text=True
            ).stdout.split()
        ]
        if left:
            faults.append(f"processes left behind: {left}")
        runs = Counter(Run.objects.values_list("status", flat=True))
        sms = Counter(Message.objects.filter(channel__medium="sms").values_list("status", flat=True))
        print(f"{name}: {sum(killed.values())} kills in {time.monotonic() - start:.0f} s: {dict(killed)}")
        print(
            f"  {len(traffic.forms)} forms and {len(traffic.moves)} moves acknowledged; move answers {dict(traffic.answers)}"
        )
        print(
            f"  submissions {Submission.objects.count()}, items {Item.objects.count()}, runs {dict(runs)}, SMS {dict(sms)}"
        )
        reasons = Counter(Run.objects.filter(status="failed").values_list("error", flat=True))
        print(f"  why runs failed: {dict(reasons)}")
        print("  " + ("all invariants hold" if not faults else "\n  ".join(["BROKEN", *faults[:20]])), flush=True)
        return not faults


def main() -> int:
    """Each database in a process of its own: Django's settings are read once."""
    which = sys.argv[1:] or ["sqlite", "postgresql"]
    if len(which) > 1:
        return max(subprocess.call([sys.executable, "-m", "tests.crash", name], cwd=ROOT) for name in which)
    if which == ["sqlite"]:
        return 0 if torture("SQLite", None, None) else 1
    with postgres(fsync=True) as server, redis() as bell:
        return 0 if torture("PostgreSQL, Redis", create(server, "crash"), bell) else 1


if __name__ == "__main__":
    sys.exit(main())
