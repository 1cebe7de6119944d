"""A whole stack of its own (`manage.py up`), and a real browser."""

from __future__ import annotations

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


def environment_for(folder: Path, url: str, name: str) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    environment |= {
        "DEALWRIGHT_VAR": str(folder),
        "DEALWRIGHT_MODE": "demo",
        "PUBLIC_URL": url,
        "PYTHONWARNINGS": "ignore",
    }
    server = os.environ.get("TEST_POSTGRES_SERVER")
    if server:
        environment["DATABASE_URL"] = f"{server}/{name}"
    return environment


def create_database(name: str) -> None:
    server = os.environ.get("TEST_POSTGRES_SERVER")
    if server:
        create(server, name)


def start_stack(folder: Path, language: str, deals: int = 60, outside: Outside | None = None) -> Stack:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    name = f"flow_{language}_{port}"
    create_database(name)
    environment = environment_for(folder, url, name) | (outside.environment if outside else {})
    for words in (
        ["migrate", "-v0"],
        ["demo", "--language", language, "--deals", str(deals)],
        ["collectstatic", "--noinput", "-v0"],
        *([["shell", "-v0", "-c", outside.set_up()]] if outside else []),
    ):
        subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True
        )
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
def stack_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stack]]:
    started: dict[str, Stack] = {}

    def start(language: str) -> Stack:
        if language not in started:
            started[language] = start_stack(tmp_path_factory.mktemp(f"stack-{language}"), language)
        return started[language]

    yield start
    for stack in started.values():
        stop_stack(stack)


@pytest.fixture(scope="module")
def shop_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Stack]]:
    """A stack whose mails, SMS and payments go to real servers of this test."""
    with ExitStack() as ended:

        def start(language: str) -> Stack:
            folder = tmp_path_factory.mktemp(f"shop-{language}")
            stack = start_stack(folder, language, outside=ended.enter_context(outside_world()))
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
