"""The furniture shop's story in English and Polish; and what does not wake the supervisor."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import drag
from tests.flows.story import column, from_form_to_won, opening_time, send_order

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_story_from_the_form_to_won(shop_in, person, language):
    from_form_to_won(shop_in, person, language)


def test_a_moved_card_does_not_wake_the_supervisor(stack_in, person):
    stack = stack_in("en")
    opening_time(stack)
    name = "Quick Customer"
    anna = person(stack.url, "anna")
    send_order(person, stack, "en", name, "07400 654321", "quick@example.com")
    card = f".kcard:has-text('{name}')"
    expect(anna.locator(f"{column('en', 0)} {card}")).to_be_visible(timeout=15_000)
    drag(anna, card, f"{column('en', 1)} .klist")
    expect(anna.locator(f"{column('en', 1)} {card}")).to_be_visible()
    stack.manage("clock", "+2h")
    anna.wait_for_timeout(3500)
    anna.goto(stack.url + "/bell/")
    expect(anna.locator(".notice", has_text=name)).to_have_count(0)
