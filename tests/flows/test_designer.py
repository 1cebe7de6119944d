"""The designer in a real browser: by mouse, by keyboard, on a phone; looked at in Polish."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import Api, shot

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shop(shop_in):
    stack = shop_in("pl")
    return stack, Api(stack)


def opened(person, stack, **more):
    page = person(stack.url, "anna", **more)
    page.goto(f"{stack.url}/automation/1/")
    expect(page.locator(".dcol").first).to_be_visible()
    return page


def test_a_rule_is_added_by_keyboard_filled_in_published_and_taken_back(shop, person):
    stack, _api = shop
    page = opened(person, stack)
    shot(page, "designer")
    page.locator('[data-add="rule"]').nth(1).focus()
    page.keyboard.press("Enter")
    page.keyboard.type("komentarz")
    expect(page.locator("#add-found .is-chosen")).to_contain_text("komentarz")
    shot(page, "designer-add")
    page.keyboard.press("Enter")
    panel = page.locator("#part-panel")
    panel.locator("[name=part-name]").fill("Zażółć gęślą jaźń")
    panel.locator("[name=own-text]").fill("Dzień dobry {{ contact.name }}")
    expect(page.locator("#part-state")).to_have_text("szkic zapisany")
    shot(page, "designer-panel")
    page.keyboard.press("Escape")
    card = page.locator(".dcard", has_text="Zażółć gęślą jaźń")
    expect(card).to_be_focused()
    # Picked up, two places up, dropped; then taken back.
    before = card.evaluate("card => [...card.parentNode.children].indexOf(card)")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(page.locator("#live")).to_contain_text("Zażółć gęślą jaźń")
    assert card.evaluate("card => [...card.parentNode.children].indexOf(card)") == before - 1
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "before => { const card = [...document.querySelectorAll('.dcard')].find(c => c.textContent.includes('gęślą'));"
        " return [...card.parentNode.children].indexOf(card) === before }",
        arg=before,
    )
    page.locator("[data-publish]").click()
    expect(page.locator("#publish-dialog")).to_be_visible()
    shot(page, "designer-publish")
    page.locator("#publish-dialog [type=submit]").click()
    expect(page.locator(".designer-is-live")).to_be_visible()
    assert not page.locator("[data-discard]").count()


def test_it_is_dragged_by_mouse_between_stages_and_a_colleague_reads_only(shop, person):
    stack, _api = shop
    page = opened(person, stack)
    card = page.locator(".dcard[data-kind=rule]").first
    name = card.get_attribute("aria-label")
    target = page.locator('.dlist[data-kind="rule"]').nth(1)
    grip, there = card.locator(".dcard-grip").bounding_box(), target.bounding_box()
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(there["x"] + 60, there["y"] + 30, steps=12)
    page.mouse.up()
    expect(target.locator(".dcard", has_text=name)).to_have_count(1)
    expect(page.locator(".designer-draft")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("[data-discard]").click()
    expect(page.locator(".designer-is-live")).to_be_visible()
    celina = person(stack.url, "celina")
    celina.goto(f"{stack.url}/automation/1/")
    expect(celina.locator("#designer-state")).to_contain_text("nie zmieniać")
    assert not celina.locator(".dcard-grip").count()
    shot(celina, "designer-reads-only")


def test_on_a_phone_one_stage_fills_the_screen(shop, person):
    stack, _api = shop
    page = opened(person, stack, color_scheme="dark", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "designer-phone")
    page.locator(".dcard-name").first.click()
    expect(page.locator("#part-panel")).to_be_visible()
    shot(page, "designer-panel-phone")
    assert page.evaluate("document.querySelector('#part-panel').scrollWidth <= innerWidth")
