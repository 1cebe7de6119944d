"""The whole product: web server, background workers, ticker and watchdog under one supervisor."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing.context import ForkProcess
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection, connections
from django.urls import get_resolver
from gunicorn.app.base import BaseApplication
from setproctitle import setproctitle

from crm.work import queue
from crm.work.processes import die_with_parent

log = logging.getLogger("dealwright.up")
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FORK = multiprocessing.get_context("fork")
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


def _alone(name: str, target: Callable[[], Any]) -> None:
    """In the child: it leads its own group, dies if the supervisor is killed, and then does its work."""
    os.setsid()
    die_with_parent()
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    setproctitle(f"dealwright: {name}")
    target()


class Child:
    """A part of the product in a process forked from ours, so that the code they share is in memory once."""

    def __init__(self, name: str, target: Callable[[], Any]) -> None:
        self.name, self.target = name, target
        self.process = self._spawn()

    def _spawn(self) -> ForkProcess:
        connections.close_all()  # a connection in two processes would be ended by either
        process = FORK.Process(target=_alone, args=(self.name, self.target), name=self.name)
        process.start()
        return process

    def keep_alive(self) -> None:
        if not self.process.is_alive():
            log.warning("%s ended (%s): starting it again", self.name, self.process.exitcode)
            self.restart()

    def restart(self) -> None:
        self.kill()
        self.process = self._spawn()

    def kill(self) -> None:
        """The whole group at once; nothing of it stays."""
        try:
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.join()


class Web(BaseApplication):
    """gunicorn within this process; its workers are forked from here."""

    def __init__(self, bind: str) -> None:
        self.options = {
            "bind": bind,
            "worker_class": "gthread",
            "workers": settings.WEB_WORKERS,
            "threads": settings.WEB_THREADS,
            "loglevel": "warning",
            "graceful_timeout": 10,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else str(settings.VAR_DIR),
            "preload_app": True,
            "proc_name": "dealwright",
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # In the child alone: the parent would load all pages for nothing.
        from crm.wsgi import application

        return application


def _load_all() -> None:
    """Everything that pages and workers need, before the first fork: what is loaded later each process has alone."""
    import_module("crm.wsgi")
    import_module("django_q.cluster")
    assert get_resolver().url_patterns
    gc.collect()
    gc.freeze()  # a collection would touch the pages of every object, and so copy them


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
        for number in STOPPING:
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
        _load_all()
        children = {}
        if not options["no_web"]:
            children["web"] = Child("web", lambda: Web(options["bind"]).run())
        if not options["no_workers"]:
            children["jobs"] = Child("jobs", partial(call_command, "jobs"))
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
            self._look(watchdog, children["jobs"])
            close_old_connections()

    def _look(self, watchdog: queue.Watchdog, jobs: Child) -> None:
        """The ticker, then the watchdog: a worker that holds SQLite's lock stops the one, and must not stop the other."""
        try:
            due = queue.tick()
        except Exception:
            log.exception("tick")
            connection.close()
            # Kept from writing by a worker of this host that stands still, or by somebody else, such as a backup?
            due = queue.holds_leases()
        try:
            if watchdog.hangs(due):
                log.warning("due work stood still for %d s: restarting the workers", settings.HANG_SECONDS)
                jobs.kill()
                queue.was_killed()
                queue.forget_bells()
                jobs.restart()
                watchdog.calm()
        except Exception:
            log.exception("watchdog")
            connection.close()

    def _stop(self, children: dict[str, Child]) -> None:
        for child in children.values():
            child.process.terminate()
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end and any(child.process.is_alive() for child in children.values()):
            time.sleep(0.05)
        for child in children.values():
            child.kill()
