"""Undo, several cards at once, drop zones, filters: the board whole, under real hands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import drag, shot
from tests.flows.test_board import column, first_card
from tests.flows.test_story import opening_time, send_order

pytestmark = pytest.mark.browser


def test_undo_brings_back_the_notice_that_the_drag_had_cancelled(stack_in, person):
    stack = stack_in("en")
    opening_time(stack)
    name = "Hasty Mover"
    anna = person(stack.url, "anna")
    send_order(person, stack, "en", name, "07400 888777", "hasty@example.com")
    card = f".kcard:has-text('{name}')"
    expect(anna.locator(f"{column(0)} {card}")).to_be_visible(timeout=15_000)
    drag(anna, card, f"{column(1)} .klist")
    toast = anna.locator(".crm-toast", has_text="Moved to Talking")
    expect(toast).to_be_visible()
    shot(anna, "board-undo")
    toast.get_by_role("button", name="Undo").click()
    expect(anna.locator(f"{column(0)} {card}")).to_be_visible()
    stack.manage("clock", "+31m")
    anna.wait_for_timeout(3500)
    anna.goto(stack.url + "/bell/")
    expect(anna.locator(".notice", has_text=name)).to_have_count(1, timeout=15_000)


def test_selected_cards_move_together_by_dialog_and_by_drag(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    first_card(page, 0)
    ids = ["#" + str(page.locator(f"{column(0)} .kcard").nth(n).get_attribute("id")) for n in range(2)]
    for card in ids:
        page.locator(card).focus()
        page.keyboard.press("x")
    expect(page.locator("#kpicked")).to_contain_text("2 selected")
    page.click("#kpicked-move")
    page.select_option("#move-stage", label="Talking")
    page.locator("#move-dialog button[value=ok]").click()
    for card in ids:
        expect(page.locator(f"{column(1)} {card}")).to_be_visible()
    expect(page.locator(".crm-toast", has_text="2 cards moved to Talking")).to_be_visible()
    for card in ids:
        page.locator(card).click(modifiers=["Control"], position={"x": 120, "y": 60})
    drag(page, ids[0], f"{column(2)} .klist")
    for card in ids:
        expect(page.locator(f"{column(2)} {card}")).to_be_visible()


def test_the_zones_ask_for_the_lost_reason_and_before_a_deletion(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    card = first_card(page, 0)
    drag(page, card, '.kzone[data-zone="delete"]')
    expect(page.locator("#sure-dialog")).to_be_visible()
    page.locator("#sure-dialog button[value=cancel]").click()
    expect(page.locator(f"{column(0)} {card}")).to_be_visible()
    drag(page, card, '.kzone[data-zone="lost"]')
    page.select_option("#ask-dialog [name=lost_reason]", label="Too expensive")
    page.locator("#ask-dialog button[type=submit]").click()
    # The card stands in its column before the server has answered; the dialog goes when it has, and is in the way of the mouse until then.
    expect(page.locator("#ask-dialog")).to_be_hidden()
    expect(page.locator(f"{column(7)} {card}")).to_be_attached()
    other = first_card(page, 0)
    drag(page, other, '.kzone[data-zone="delete"]')
    page.locator("#sure-dialog button[value=ok]").click()
    expect(page.locator(other)).to_have_count(0, timeout=15_000)


def test_a_filter_is_kept_as_a_view_and_found_again(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "celina")
    page.click("#filter-open")
    page.select_option("#filter_owner", "me")
    page.locator("#filter-dialog button", has_text="Show").click()
    expect(page).to_have_url(re.compile("owner=me"))
    expect(page.locator(".chip")).to_contain_text("mine")
    page.click("#filter-open")
    page.fill("#filter-dialog [name=name]", "Moje – własne")
    page.locator("#filter-dialog button", has_text="Keep").click()
    page.goto(stack.url + "/board/")
    page.click("#filter-open")
    shot(page, "board-filter")
    page.locator(".views a", has_text="Moje – własne").click()
    expect(page.locator(".chip")).to_contain_text("mine")
    page.goto(page.url.replace("/?", "/list/?"))
    expect(page.locator(".item-table tbody tr").first).to_be_visible()
    shot(page, "list")
