"""The board under real hands: two people at once, dialogs, keyboard, touch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from crm.demo.texts import STAGES
from tests.flows.conftest import drag, shot

pytestmark = pytest.mark.browser


def column(place: int) -> str:
    return f'.kcol[data-name="{STAGES["en"][place]}"]'


def first_card(page: Page, place: int) -> str:
    expect(page.locator(f"{column(place)} .kcard").first).to_be_visible()
    return "#" + str(page.locator(f"{column(place)} .kcard").first.get_attribute("id"))


def test_two_people_drag_one_card_and_the_other_sees_who_and_where(stack_in, person):
    stack = stack_in("en")
    anna, celina = person(stack.url, "anna"), person(stack.url, "celina")
    card = first_card(celina, 0)
    celina.route("**/live/**", lambda route: route.abort())  # Celina's page does not hear of it in time
    drag(anna, card, f"{column(1)} .klist")
    expect(anna.locator(f"{column(1)} {card}")).to_be_visible()
    anna.wait_for_timeout(500)
    drag(celina, card, f"{column(2)} .klist")
    toast = celina.locator(".crm-toast")
    expect(toast).to_contain_text("Talking")
    expect(toast).to_contain_text("Anna Whitfield")
    expect(celina.locator(f"{column(1)} {card}")).to_be_visible()
    shot(celina, "board-stale")


def test_the_answer_of_one_move_does_not_take_the_next_card_out_of_the_hand(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "celina")
    one, two = ("#" + str(page.locator(f"{column(0)} .kcard").nth(n).get_attribute("id")) for n in (0, 1))
    held: list[Route] = []
    page.route("**/move/**", lambda route: held.append(route), times=1)
    drag(page, one, f"{column(1)} .klist")
    hand, end = page.locator(two).bounding_box(), page.locator(f"{column(2)} .klist").bounding_box()
    assert hand
    assert end
    page.mouse.move(hand["x"] + 60, hand["y"] + 30)
    page.mouse.down()
    page.mouse.move(end["x"] + 90, end["y"] + 30, steps=14)
    expect(page.locator("body")).to_have_class(re.compile("dragging"))
    with page.expect_response("**/move/**"):
        held[0].continue_()
    page.wait_for_timeout(400)
    expect(page.locator(f"#board {two}")).to_have_count(1)
    expect(page.locator(f"{column(2)} {two}")).to_be_attached()
    page.mouse.up()
    page.wait_for_timeout(1000)
    page.reload()
    expect(page.locator(f"{column(1)} {one}")).to_be_visible()
    expect(page.locator(f"{column(2)} {two}")).to_be_visible()


def test_missing_fields_and_the_lost_reason_are_asked_for(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "celina")
    page.locator("[data-new]").first.click()
    page.fill("#new-dialog [name=title]", "No amount yet")
    page.locator("#new-dialog button[type=submit]").click()
    card = ".kcard:has-text('No amount yet')"
    expect(page.locator(f"{column(0)} {card}")).to_be_visible(timeout=15_000)
    drag(page, card, f"{column(3)} .klist")
    expect(page.locator("#ask-dialog")).to_contain_text("needs a little more")
    shot(page, "board-needs")
    page.locator("#ask-dialog [data-cancel]").click()
    expect(page.locator(f"{column(0)} {card}")).to_be_visible()
    drag(page, card, f"{column(3)} .klist")
    page.fill("#ask-dialog [name=amount]", "a lot")
    page.locator("#ask-dialog button[type=submit]").click()
    expect(page.locator("#ask-dialog .field-error")).to_be_visible()
    expect(page.locator("#ask-dialog [name=amount]")).to_have_value("a lot")
    page.fill("#ask-dialog [name=amount]", "1200")
    page.locator("#ask-dialog button[type=submit]").click()
    expect(page.locator("#ask-dialog")).not_to_be_visible()
    expect(page.locator(f"{column(3)} {card}")).to_contain_text("1,200")
    page.locator(f"{card} [data-move]").click()
    page.select_option("#move-stage", label="Lost")
    page.locator("#move-dialog button[value=ok]").click()
    page.select_option("#ask-dialog [name=lost_reason]", label="Too expensive")
    page.locator("#ask-dialog button[type=submit]").click()
    expect(page.locator(f"{column(7)} {card}")).to_be_attached()


def test_a_card_is_moved_by_the_keyboard_alone(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    card = first_card(page, 1)
    page.locator(card).focus()
    for key in (" ", "ArrowRight", " "):
        page.keyboard.press(key)
    expect(page.locator(f"{column(2)} {card}")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("moved to Prepare documents")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(page.locator(f"{column(2)} {card}")).to_be_visible()


def test_a_card_is_dragged_by_touch(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna", 1024, 844, has_touch=True)  # a tablet: two columns side by side
    card = first_card(page, 0)
    start, end = page.locator(card).bounding_box(), page.locator(f"{column(1)} .klist").bounding_box()
    assert start is not None
    assert end is not None
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, *points: tuple[float, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    x, y = start["x"] + 80, start["y"] + 40
    goal_x, goal_y = end["x"] + 100, end["y"] + 60
    finger("touchStart", (x, y))
    page.wait_for_timeout(350)  # a long press picks up; a swipe would scroll
    for step in range(1, 21):
        finger("touchMove", (x + step * (goal_x - x) / 20, y + step * (goal_y - y) / 20))
        page.wait_for_timeout(25)
    page.wait_for_timeout(300)
    finger("touchEnd")
    expect(page.locator(f"{column(1)} {card}")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("moved to Talking")


def test_the_form_works_without_scripts(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, java_script_enabled=False)
    page.goto(stack.url + "/f/order/")
    page.fill("#id_name", "Nobody Script")
    page.locator("button[type=submit]").click()
    expect(page.locator(".summary")).to_contain_text("Please fill in this field.")
    expect(page.locator("#id_name")).to_have_value("Nobody Script")
    page.fill("#id_phone", "07400 222333")
    page.check("#id_consent")
    page.wait_for_timeout(2100)
    page.locator("button[type=submit]").click()
    expect(page.locator(".thanks")).to_contain_text("Thank you, Nobody!")
