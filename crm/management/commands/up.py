"""The whole product: web server, background workers, ticker and watchdog under one supervisor."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection

from crm import queue

log = logging.getLogger("dealwright.up")
STOP_SECONDS = 25  # django-q finishes what runs; a handler of its may also deadlock, so not for ever


class OneSupervisor:
    """One supervisor per host and database: a lock file that dies with its holder."""

    def __init__(self) -> None:
        name = str(settings.DATABASES["default"].get("NAME")) + str(settings.DATABASES["default"].get("HOST", ""))
        self.path = settings.VAR_DIR / f"up-{hashlib.sha256(name.encode()).hexdigest()[:12]}.lock"
        self.file: IO[str] | None = None

    def take(self) -> None:
        """Raises CommandError if another one runs."""
        self.file = open(self.path, "w")  # noqa: SIM115  held for the life of the process
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError("Dealwright already runs on this machine with this database.") from None
        self.file.write(str(os.getpid()))
        self.file.flush()


def _own_group() -> None:
    """Each child leads its own group, and dies if the supervisor is killed."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Child:
    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.command = name, command
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, preexec_fn=_own_group, stdin=subprocess.DEVNULL)

    def keep_alive(self) -> None:
        if self.process.poll() is not None:
            log.warning("%s ended (%s): starting it again", self.name, self.process.returncode)
            self.restart()

    def restart(self) -> None:
        self.kill()
        self.process = self._spawn()

    def kill(self) -> None:
        """The whole group at once; nothing of it stays."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Command(BaseCommand):
    help = "Run everything on this machine; Ctrl-C stops it and leaves no process."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--bind", default=os.environ.get("BIND", "127.0.0.1:8000"))
        parser.add_argument("--no-web", action="store_true", help="a worker host: workers, ticker and watchdog only")
        parser.add_argument("--no-workers", action="store_true", help="a web host: the web server only")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = OneSupervisor()
        supervisor.take()
        stopping: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Only a flag: a lock taken in a handler can wait for itself.
            signal.signal(number, lambda n, _frame: stopping.append(n))
        children = self._children(options)
        started = time.monotonic()
        try:
            self._watch(children, stopping, with_ticker=not options["no_workers"])
        finally:
            self._stop(children)
            log.info("stopped after %d s", time.monotonic() - started)

    def _children(self, options: dict[str, Any]) -> dict[str, Child]:
        children = {}
        if not options["no_web"]:
            web = [
                *(sys.executable, "-m", "gunicorn", "crm.wsgi:application", "--worker-class", "gthread"),
                *("--workers", str(settings.WEB_WORKERS), "--threads", str(settings.WEB_THREADS)),
                *("--bind", options["bind"], "--log-level", "warning", "--graceful-timeout", "10"),
                *("--worker-tmp-dir", "/dev/shm" if os.path.isdir("/dev/shm") else str(settings.VAR_DIR)),
            ]
            children["web"] = Child("web", web)
        if not options["no_workers"]:
            children["jobs"] = Child("jobs", [sys.executable, str(settings.BASE_DIR / "manage.py"), "jobs"])
        return children

    def _watch(self, children: dict[str, Child], stopping: list[int], with_ticker: bool) -> None:
        """Each second: the dead are started again, the ticker ticks, the watchdog looks."""
        watchdog = queue.Watchdog(settings.HANG_SECONDS)
        while not stopping:
            time.sleep(1)
            for child in children.values():
                child.keep_alive()
            if not with_ticker:
                continue
            try:
                due = queue.tick()
                if watchdog.hangs(due):
                    log.warning("due work stood still for %d s: restarting the workers", settings.HANG_SECONDS)
                    children["jobs"].kill()
                    queue.forget_bells()
                    children["jobs"].restart()
                    watchdog.calm()
            except Exception:
                log.exception("tick")
                connection.close()
            close_old_connections()

    def _stop(self, children: dict[str, Child]) -> None:
        for child in children.values():
            child.process.terminate()
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end and any(child.process.poll() is None for child in children.values()):
            time.sleep(0.05)
        for child in children.values():
            child.kill()
