"""The example of docs/, installed as anybody would: by its own commands, over HTTP, into a stack that knows nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import ROOT, Api, shot, start_stack, stop_stack, until
from tests.servers import free_port

pytestmark = pytest.mark.browser
EXAMPLE = ROOT / "docs" / "example_app.py"


@pytest.fixture(scope="module")
def parcels(mould, tmp_path_factory):
    """A stack that may call one port of loopback, and the app that listens there, installed. Gives the stack and a caller."""
    port = free_port()
    own = f"http://127.0.0.1:{port}"
    stack = start_stack(mould, tmp_path_factory.mktemp("app"), "en", SAFE_HTTP_HOSTS=f"127.0.0.1:{port}")
    ask = Api(stack)
    command = [sys.executable, EXAMPLE, "install", stack.url, ask.token, own]
    made = json.loads(subprocess.run(command, check=True, capture_output=True, env={}).stdout)
    serving = subprocess.Popen([sys.executable, EXAMPLE, "serve", str(port)], env={**os.environ, **made})

    yield stack, ask, own
    serving.terminate()
    serving.wait(10)
    stop_stack(stack)


def test_an_app_is_found_placed_called_and_removed(parcels, person):
    stack, ask, own = parcels
    pipeline = next(one for one in ask("GET", "/pipelines") if one["is_default"])
    stage, after = pipeline["stages"][1], pipeline["stages"][2]
    anna = person(stack.url, "anna")
    # Found by another word for it, placed like a rule of ours.
    anna.goto(f"{stack.url}/board/{pipeline['id']}/rules/?stage={stage['id']}")
    anna.get_by_role("searchbox").fill("courier")
    entry = anna.get_by_role("button", name="Order a parcel")
    expect(entry).to_contain_text("Parcels")
    expect(anna.locator(".catalogue-entry")).to_have_count(1)
    shot(anna, "app-catalogue")
    entry.click()
    panel = anna.get_by_role("dialog", name="Order a parcel")
    panel.get_by_label("address", exact=False).first.fill("{{ contact.name }}, Long Street 1")
    panel.get_by_label("weight, kg").fill("40")
    expect(panel.locator("#part-state")).to_have_text("draft saved")
    shot(anna, "app-rule")
    panel.get_by_role("button", name="Close").click()
    anna.get_by_role("button", name="Publish", exact=True).click()
    anna.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    expect(anna.locator(".designer-is-live")).to_be_visible()
    # Forty kilograms: the app says "later", and answers by the signed address.
    contact = ask("POST", "/contacts", {"name": "Zofia Gęś"})
    deal = ask(
        "POST",
        "/items",
        {
            "title": "Heavy table",
            "amount": "900",
            "pipeline": pipeline["id"],
            "stage": stage["id"],
            "contact": contact["id"],
        },
    )

    def run() -> Any:
        rows = ask("GET", f"/runs?item={deal['id']}")["items"]
        return next((row for row in rows if row["status"] in ("done", "failed")), None)

    ended = until(run)
    assert ended["status"] == "done", ended
    assert ended["outputs"]["price"] == "44.00"
    anna.goto(f"{stack.url}/items/{deal['id']}/")
    expect(anna.locator("main")).to_contain_text("for Zofia Gęś")
    shot(anna, "app-card")
    # The parcel has come: the card moves.
    ask("POST", "/triggers", {"stage": after["id"], "type": "app_parcels_delivered", "settings": {"day": "monday"}})
    ask("POST", f"{own}/delivered", {"item": str(deal["id"]), "day": "Sunday"})
    ask("POST", f"{own}/delivered", {"item": str(deal["id"]), "day": "Monday"})
    until(lambda: ask("GET", f"/items/{deal['id']}")["stage"] == after["id"])
    # Removed by an administrator: its rule says so.
    anna.goto(f"{stack.url}/admin/automation/app/")
    expect(anna.locator("main")).to_contain_text("Contact: phone")
    shot(anna, "app-list")
    anna.locator("input.action-select").first.check()
    anna.select_option("select[name=action]", label="Remove")
    anna.locator("button[name=index]").first.click()
    time.sleep(2.5)  # what every process needs to hear of it
    deal = ask("POST", "/items", {"title": "Chair", "pipeline": pipeline["id"], "stage": stage["id"]})
    assert until(run)["reason"] == "The app “Parcels” was removed."
