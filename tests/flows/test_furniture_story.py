"""The furniture story's automation built in the designer, by mouse: how many clicks and filled fields it takes, counted."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import Api, shot

pytestmark = pytest.mark.browser
MOST, MOST_LOADS = 30, 2


class Hand:
    """One person at the mouse. One = a click, a choice or a key command; a field is one, whatever its length."""

    def __init__(self, page: Page) -> None:
        self.page, self.gestures, self.loads = page, 0, 0
        page.on("load", self._loaded)

    def _loaded(self, _page: Page) -> None:
        self.loads += 1

    def click(self, where) -> None:
        where.click()
        self.gestures += 1

    def fill(self, name: str, text: str) -> None:
        self.page.locator(f"#part-panel [name={name}]").fill(text)
        self.gestures += 1

    def choose(self, name: str, what: str) -> None:
        self.page.locator(f"#part-panel [name={name}]").select_option(label=what)
        self.gestures += 1

    def add(self, stage: str, kind: str, label: str) -> None:
        column = self.page.get_by_role("region", name=stage, exact=True)
        self.click(column.locator(f"[data-add={kind}]"))
        self.take(label)

    def take(self, label: str) -> None:
        self.click(self.page.locator(".catalogue-entry", has=self.page.get_by_text(label, exact=True)))
        expect(self.page.locator("#part-title")).to_have_text(label)

    def another(self, label: str) -> None:
        self.click(self.page.get_by_role("button", name="Another rule after it"))
        self.take(label)

    def done(self) -> None:
        self.click(self.page.get_by_role("button", name="Done", exact=True))
        expect(self.page.locator("#part-panel")).not_to_be_visible()


@pytest.fixture(scope="module")
def shop(shop_in):
    """The pipeline, its form and the templates are there; nothing works by itself yet."""
    stack = shop_in("en")
    ask = Api(stack)
    empty = {"format": 1, "stages": {}, "sets": {}, "variables": []}
    draft = ask("PUT", "/pipelines/1/automation/draft", {"document": empty, "revision": 0})
    ask("POST", "/pipelines/1/automation/publish", {"revision": draft["revision"]})
    return stack, ask


def test_the_furniture_story_takes_thirty_clicks_and_fields_and_two_page_loads(shop, person):
    stack, ask = shop
    page = person(stack.url, "anna")
    page.goto(f"{stack.url}/board/1/")
    hand = Hand(page)
    hand.click(page.get_by_role("link", name="Automation", exact=True).first)
    expect(page.locator(".dcol").first).to_be_visible()

    hand.add("New", "rule", "Send SMS")
    hand.fill("own-text", "Dear {{ contact.salutation }}, thank you! We call within 30 minutes.")
    hand.another("Notify supervisor")
    hand.choose("when-when", "after a delay")
    hand.fill("when-amount", "30")
    hand.choose("when-unit", "working minutes")
    hand.done()

    hand.add("Prepare documents", "rule", "Create invoice")
    hand.another("Send e-mail")
    hand.fill("own-subject", "Your invoice {{ rules.create_invoice.number }}")
    hand.fill("own-body", "Here it is: {{ rules.create_invoice.link }}")
    hand.done()

    hand.add("Prepayment", "trigger", "Invoice paid")
    hand.done()
    hand.add("Prepayment", "rule", "Create task")
    hand.fill("own-title", "Pack: {{ item.title }}")
    hand.choose("own-assignee", "Daniel Moss")
    hand.done()
    shot(page, "furniture-story")
    hand.click(page.locator("[data-publish]"))
    hand.click(page.locator("#publish-dialog [type=submit]"))
    expect(page.locator(".designer-is-live")).to_be_visible()

    figures = {"clicks and fields": hand.gestures, "page loads": hand.loads}
    print(json.dumps(figures))
    assert hand.gestures <= MOST, figures
    assert hand.loads <= MOST_LOADS, figures
    live = ask("GET", "/pipelines/1/automation")["document"]
    actions = [rule["action"] for stage in live["stages"].values() for rule in stage.get("rules", [])]
    assert actions == ["send_sms", "notify_supervisor", "create_invoice", "send_email", "create_task"]
    mail = next(
        rule for stage in live["stages"].values() for rule in stage.get("rules", []) if rule["action"] == "send_email"
    )
    assert mail["after_previous"] == "done"  # it waits for the invoice whose link it has
