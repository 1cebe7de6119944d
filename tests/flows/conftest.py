"""A whole stack of its own (`manage.py up`), and a real browser."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.flows.outside import Outside, outside_world
from tests.servers import create, free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = ROOT / "var" / "shots"


@dataclass
class Stack:
    """The product as a customer installs it: supervisor, web server, workers; on a database of its own."""

    url: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    outside: Any = None

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, check=True, capture_output=True
        )
        return done.stdout.decode()


class Api:
    """The stack's API with a token of anna, who administers; answers are parsed, refusals raise."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.token = stack, stack.manage("token", "anna@example.com").split()[-1]

    def __call__(self, method: str, address: str, body: Any = None) -> Any:
        url = address if address.startswith("http") else f"{self.stack.url}/api/v1{address}"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def stages(self) -> list[int]:
        """Of the shop's pipeline, in their order."""
        pipeline = next(one for one in self("GET", "/pipelines") if one["is_default"])
        return [stage["id"] for stage in pipeline["stages"]]

    def deal(self, stage: int, name: str, email: str = "", **more: Any) -> int:
        """A card with a new customer."""
        emails = [email] if email else []
        contact = self("POST", "/contacts", {"name": name, "emails": emails})["id"]
        pipeline = next(one["id"] for one in self("GET", "/pipelines") if one["is_default"])
        body = {"title": name, "pipeline": pipeline, "stage": stage, "contact": contact}
        found: int = self("POST", "/items", body | more)["id"]
        return found


def until(found: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What no page shows: asked until it is there."""
    end = time.monotonic() + seconds
    while not (here := found()):
        assert time.monotonic() < end, "it has not come in time"
        time.sleep(0.2)
    return here


def environment_for(folder: Path, url: str, name: str) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    environment |= {
        "DEALWRIGHT_VAR": str(folder),
        "DEALWRIGHT_MODE": "demo",
        "PUBLIC_URL": url,
        "PYTHONWARNINGS": "ignore",
        "INSIDE_MAIL_HOSTS": "127.0.0.1",
    }
    server = os.environ.get("TEST_POSTGRES_SERVER")
    if server:
        environment["DATABASE_URL"] = f"{server}/{name}"
    return environment


def run(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True)


class Mould:
    """The demo company in a language, made once for all test processes; each stack starts with a copy of it.

    Half a minute of migrations, demo and hashed static files for every stack would be a third of all tests' time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = os.environ.get("TEST_POSTGRES_SERVER", "")

    def pour(self, name: str, target: Path, database: str) -> None:
        """A copy of the mould (`bare` or a language), files and database."""
        with open(self.folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = self.folder / name
            if not made.exists():
                self._make(name)
            shutil.copytree(made, target, dirs_exist_ok=True)
            if self.server:
                create(self.server, database, f"mould_{name}")

    def _make(self, name: str) -> None:
        fresh = self.folder / f"{name}.fresh"
        shutil.rmtree(fresh, ignore_errors=True)  # of a test process that was ended meanwhile
        environment = environment_for(fresh, "http://127.0.0.1:9", f"mould_{name}")
        if name == "bare":
            fresh.mkdir()
            if self.server:
                create(self.server, f"mould_{name}")
            run(environment, "migrate", "-v0")
            run(environment, "collectstatic", "--noinput", "-v0")
        else:
            self.pour("bare", fresh, f"mould_{name}")
            run(environment, "demo", "--language", name, "--deals", "60")
        fresh.rename(self.folder / name)


@pytest.fixture(scope="session")
def mould(tmp_path_factory: pytest.TempPathFactory) -> Mould:
    folder = tmp_path_factory.getbasetemp()
    # Beside the folders of the test processes, where there are several: they share it.
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "moulds"
    folder.mkdir(exist_ok=True)
    return Mould(folder)


def start_stack(mould: Mould, folder: Path, language: str, outside: Outside | None = None, **more: str) -> Stack:
    """`more`: variables of its environment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    name = f"flow_{language}_{port}"
    mould.pour(language, folder, name)
    environment = environment_for(folder, url, name) | (outside.environment if outside else {}) | more
    if outside:
        run(environment, "shell", "-v0", "-c", outside.set_up())
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--bind", f"127.0.0.1:{port}"], cwd=ROOT, env=environment
    )
    for _ in range(150):
        try:
            urllib.request.urlopen(url + "/healthz", timeout=2)
            break
        except OSError:
            time.sleep(0.1)
    if outside is not None:
        outside.pays_at(url)
    return Stack(url, environment, process, outside)


def stop_stack(stack: Stack) -> None:
    stack.process.send_signal(signal.SIGTERM)
    stack.process.wait(40)


@pytest.fixture(scope="module")
def stack_in(mould: Mould, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stack]]:
    started: dict[str, Stack] = {}

    def start(language: str) -> Stack:
        if language not in started:
            started[language] = start_stack(mould, tmp_path_factory.mktemp(f"stack-{language}"), language)
        return started[language]

    yield start
    for stack in started.values():
        stop_stack(stack)


@pytest.fixture(scope="module")
def shop_in(mould: Mould, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stack]]:
    """A stack whose mails, SMS and payments go to real servers of this test."""
    with ExitStack() as ended:

        def start(language: str) -> Stack:
            folder = tmp_path_factory.mktemp(f"shop-{language}")
            stack = start_stack(mould, folder, language, outside=ended.enter_context(outside_world()))
            ended.callback(stop_stack, stack)
            return stack

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a file. It keeps an event loop in this thread, and Django gives whoever runs beside a loop another
    connection to the database: it has to be gone before the next file of this process asks one."""
    if not shutil.which(CHROMIUM):
        pytest.fail("These tests need Debian's chromium; `make test` installs it.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a browser context; console errors and third-party requests fail the test."""
    contexts: list[Any] = []
    faults: list[str] = []

    def open_page(url: str = "", login: str = "", width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on(
            "console",
            lambda message: (
                faults.append(f"{page.url}: {message.text} {message.location}") if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: faults.append(str(error)))

        def watch(request: Any) -> None:
            if not request.url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:")):
                faults.append(f"third party: {request.url}")

        page.on("request", watch)
        if login:
            page.goto(f"{url}/login/")
            page.fill("#id_login", f"{login}@example.com")
            page.fill("#id_password", "dealwright-demo")
            page.click("main button[type=submit]")
            page.wait_for_url("**/board/**")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # A refused move answers 4xx on purpose, and the browser logs each of those; ERR_FAILED is a request that the test itself cut off.
    serious = [fault for fault in faults if "status of 4" not in fault and "ERR_FAILED" not in fault]
    assert serious == [], serious


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def drag(page: Page, card: str, target: str) -> None:
    """A real mouse: press, move in steps, release."""
    page.bring_to_front()
    page.locator(card).scroll_into_view_if_needed()
    start = page.locator(card).bounding_box()
    assert start is not None
    page.mouse.move(start["x"] + 60, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(start["x"] + 75, start["y"] + 42, steps=4)
    end = page.locator(target).bounding_box()
    assert end is not None
    page.mouse.move(end["x"] + 90, end["y"] + 30, steps=14)
    page.wait_for_timeout(200)
    page.mouse.up()
