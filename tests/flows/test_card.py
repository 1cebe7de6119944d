"""The card in the board's side panel, under real hands."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.flows.conftest import shot
from tests.flows.test_board import first_card

pytestmark = pytest.mark.browser


def test_the_panel_changes_the_address_and_escape_and_back_close_it(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    card = first_card(page, 1)
    page.locator(f"{card} .kc-title").click()
    expect(page.locator("#card-panel")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/items/\d+/$"))
    page.fill("#note_text", "Zażółć gęślą jaźń")
    page.locator("#write-note button").click()
    expect(page.locator("#card-panel .tl")).to_contain_text("Zażółć gęślą jaźń")
    shot(page, "card-panel")
    page.keyboard.press("Escape")
    expect(page.locator("#card-panel")).not_to_be_visible()
    expect(page).to_have_url(re.compile(r"/board/\d+/$"))
    expect(page.locator(card)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#card-panel")).to_be_visible()
    page.go_back()
    expect(page.locator("#card-panel")).not_to_be_visible()


def test_no_link_of_a_card_leaves_an_empty_page(stack_in, person):
    """The card draws itself anew by its boosted forms; whatever link an upper layer or third party adds leads to a whole page."""
    stack = stack_in("en")
    page = person(stack.url, "anna")
    page.goto(stack.url + page.locator(f"{first_card(page, 1)} .kc-title").get_attribute("href"))
    page.evaluate(
        "document.querySelector('#item-page h1').insertAdjacentHTML('afterend', '<a id=foreign href=/day/>elsewhere</a>');"
        "window.htmx.process(document.querySelector('#foreign'))"
    )
    page.locator("#foreign").click()
    expect(page).to_have_url(re.compile(r"/day/$"))
    expect(page.locator("#main h1")).to_be_visible()
    page.go_back()
    expect(page.locator("#item-page")).to_be_visible()
    page.get_by_role("link", name="Rules and triggers").click()
    expect(page.locator("#main h1")).to_have_text("Rules and triggers")


def test_what_opens_on_demand_is_filled_saved_and_not_swept_away_by_a_refresh(stack_in, person):
    stack = stack_in("en")
    page, celina = person(stack.url, "anna"), person(stack.url, "celina")
    url = stack.url + str(page.locator(f"{first_card(page, 0)} .kc-title").get_attribute("href"))
    page.goto(url)
    page.locator("summary", has_text="List what is sold").or_(
        page.locator("summary", has_text="Change the lines")
    ).click()
    rows = page.locator(".line-rows .line-row")
    rows.nth(0).locator("[name$=-name]").fill("Stół dębowy „Żuraw”")
    rows.nth(0).locator("[name$=-price]").fill("2100")
    page.locator("h1").click()  # away from the fields
    celina.goto(url)
    celina.fill("#note_text", "Said meanwhile")
    celina.locator("#write-note button").click()
    expect(celina.locator(".tl").last).to_contain_text("Said meanwhile")
    page.wait_for_timeout(7000)  # two rounds of polling
    expect(rows.nth(0).locator("[name$=-price]")).to_have_value("2100")
    page.get_by_role("button", name="Another line").click()
    page.get_by_role("button", name="Save the lines").click()
    expect(page.locator("table.lines")).to_contain_text("Stół dębowy „Żuraw”")
    expect(page.locator(".tl").last).to_contain_text("Said meanwhile")
    page.locator("summary", has_text="Make a paper").press("Enter")
    page.locator(".make-form select").select_option(index=0)
    shot(page, "card-on-demand")
    page.locator(".make-form button").click()
    expect(page).to_have_url(re.compile(r"/documents/\d+/$"))


def test_what_is_half_written_outlives_a_move_and_a_close(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    card = first_card(page, 0)
    page.locator(f"{card} .kc-title").click()
    page.fill("#note_text", "Half a thought")
    page.get_by_role("tab", name="E-mail").click()
    page.wait_for_selector("trix-editor")
    page.fill("#write-email [name=subject]", "Half a mail")
    page.locator("#card-panel .stagebar button", has_text="Talking").dblclick()
    expect(page.locator("#card-panel .stagebar .cur")).to_have_text("Talking")
    expect(page.locator("#write-email [name=subject]")).to_have_value("Half a mail")
    expect(page.locator("#card-panel trix-editor")).to_be_visible()
    page.get_by_role("tab", name="Note").click()
    expect(page.locator("#note_text")).to_have_value("Half a thought")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.keyboard.press("Escape")
    expect(page.locator("#card-panel")).to_be_visible()
    assert "not saved yet" in asked[0]


def test_a_double_click_adds_one_deal(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "celina")
    page.locator("[data-new]").first.click()
    page.fill("#new-dialog [name=title]", "Only once")
    page.locator("#new-dialog button[type=submit]").dblclick()
    expect(page.locator("#new-dialog")).to_be_hidden()
    expect(page.locator(".kcard", has_text="Only once")).to_have_count(1)
    page.reload()
    expect(page.locator(".kcard", has_text="Only once")).to_have_count(1)


def test_a_field_is_edited_in_place_and_a_conflict_shows_both_values(stack_in, person):
    stack = stack_in("en")
    anna, celina = person(stack.url, "anna"), person(stack.url, "celina")
    card = first_card(anna, 0)
    url = stack.url + str(anna.locator(f"{card} .kc-title").get_attribute("href"))
    anna.goto(url)
    celina.goto(url)
    for page in (anna, celina):
        page.get_by_role("button", name="Edit source").click()
    anna.locator(".one-field input[name=value]").fill("Fair in Łódź")
    anna.keyboard.press("Enter")
    expect(anna.locator(".about").first).to_contain_text("Fair in Łódź")
    celina.locator(".one-field input[name=value]").fill("Phone")
    celina.keyboard.press("Enter")
    expect(celina.locator(".field-conflict")).to_contain_text("Anna Whitfield changed this to “Fair in Łódź”")
    shot(celina, "field-conflict")
    celina.get_by_role("button", name="Keep mine").click()
    expect(celina.locator(".about").first).to_contain_text("Phone")
    celina.get_by_role("button", name="Edit source").click()
    expect(celina.locator(".one-field input[name=value]")).to_be_focused()
    celina.keyboard.press("Escape")
    expect(celina.locator(".one-field")).to_have_count(0)
    celina.get_by_role("tab", name="Task, call, meeting").click()
    celina.keyboard.press("ArrowLeft")
    expect(celina.get_by_role("tab", name="Call", exact=True)).to_be_focused()


def test_a_mail_is_written_in_the_editor_from_a_template_and_leaves_as_a_letter(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    card = first_card(page, 1)
    page.locator(f"{card} .kc-title").click()
    panel = page.locator("#card-panel")
    panel.locator("#tab-email").click()
    editor = panel.locator("trix-editor")
    expect(editor).to_be_visible()  # before the template: whatever comes first, its text has a place to go to
    with page.expect_response(lambda answer: "template=" in answer.url) as filled:
        panel.locator("#email_template").select_option(index=1)
    assert filled.value.ok, filled.value.text()
    expect(editor).to_contain_text("Dear ")
    expect(panel.locator("#email_subject")).not_to_have_value("")
    editor.press("Control+End")
    editor.type("Zażółć gęślą jaźń, ")
    panel.locator("trix-toolbar [data-trix-attribute=bold]").click()
    editor.type("cảm ơn!")
    panel.locator("#email_letterhead").check()
    shot(page, "composer-mail")
    panel.locator("#write-email button[type=submit]").click()
    expect(panel.locator(".msg").first).to_be_visible()
    page.goto(stack.url + "/outbox/?medium=email")
    page.locator(".msg").first.click()
    letter = page.frame_locator(".mail-body")
    expect(letter.locator(".letter")).to_contain_text("Zażółć gęślą jaźń, cảm ơn!")
    expect(letter.locator("strong")).to_have_text("cảm ơn!")
    shot(page, "outbox-letter")


def test_colleagues_are_offered_after_an_at_sign_by_keys_and_by_mouse(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    page.locator(f"{first_card(page, 0)} .kc-title").click()
    note, offered = page.locator("#note_text"), page.locator(".mention-list [role=option]")
    note.press_sequentially("mail bob@example.com, please look (@ce")
    expect(offered).to_have_count(1)
    shot(page, "mentions")
    name = offered.inner_text()
    page.keyboard.press("Escape")
    expect(offered).to_have_count(0)
    expect(page.locator("#card-panel")).to_be_visible()
    note.press_sequentially("l")
    page.keyboard.press("Enter")
    expect(note).to_have_value(f"mail bob@example.com, please look (@{name} ")
    note.press_sequentially("and @")
    expect(offered.nth(1)).to_be_visible()
    page.keyboard.press("ArrowDown")
    other = page.locator(".mention-list [aria-selected=true]").inner_text()
    page.locator(".mention-list [aria-selected=true]").click()
    expect(note).to_have_value(f"mail bob@example.com, please look (@{name} and @{other} ")
    page.locator("#write-note button").click()
    expect(page.locator("#card-panel .tl")).to_contain_text(f"@{name} and @{other}")


def log_in_again(page, login="anna"):
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    page.fill("#id_login", f"{login}@example.com")
    page.fill("#id_password", "dealwright-demo")
    page.click("main button[type=submit]")


def lose(page, *names):
    """Cookies that time, a colleague or a cleaning program takes away."""
    for name in names or ("dealwright_session",):
        page.context.clear_cookies(name=name)


def test_a_note_outlives_a_lost_session_and_the_login_leads_back_to_its_card(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    url = page.locator(f"{first_card(page, 2)} .kc-title").get_attribute("href")
    for gone in (("dealwright_session",), ("csrftoken",), ("dealwright_session", "csrftoken")):
        # In the side panel of the board, where a card is written on most.
        page.goto(stack.url + "/board/1/")
        page.locator(f"{first_card(page, 2)} .kc-title").click()
        page.locator("#card-panel #note_text").fill(f"Zażółć gęślą {gone[0]}")
        lose(page, *gone)
        page.locator("#card-panel #write-note button[type=submit]").click()
        if "dealwright_session" in gone:
            log_in_again(page)
        expect(page).to_have_url(stack.url + str(url))
        expect(page.locator("#note_text")).to_have_value(f"Zażółć gęślą {gone[0]}")
        expect(page.locator(".typed-back")).to_contain_text("was not sent")
        page.locator("#write-note button[type=submit]").click()
        expect(page.locator(".tl").last).to_contain_text(f"Zażółć gęślą {gone[0]}")
    page.reload()
    expect(page.locator(".typed-back")).to_have_count(0)
    expect(page.locator("#note_text")).to_have_value("")


def test_a_mail_half_written_and_a_field_that_is_gone_are_not_lost_either(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    url = stack.url + str(page.locator(f"{first_card(page, 2)} .kc-title").get_attribute("href"))
    page.goto(url)
    page.locator("#tab-email").click()
    page.locator("#write-email [name=subject]").fill("Đo tại nhà")
    page.locator("trix-editor").click()
    page.keyboard.type("Dear Hoa, half a letter")
    page.get_by_role("button", name="Edit source").click()
    page.locator(".one-field input[name=value]").fill("Fair in Łódź")
    lose(page)
    page.keyboard.press("Enter")
    log_in_again(page)
    # The field's own form is there when it is asked for only: what was in it stands beside, to be copied.
    expect(page.locator(".typed-back textarea")).to_have_value("Fair in Łódź")
    expect(page.locator("#write-email [name=subject]")).to_have_value("Đo tại nhà")
    expect(page.locator("trix-editor")).to_contain_text("half a letter")


def test_plain_forms_and_those_of_the_set_up_keep_what_was_typed_for_their_writer_alone(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna")
    for path, field in (("/contacts/new/", "#id_name"), ("/admin/crm/tag/add/", "#id_name")):
        for gone in ("dealwright_session", "csrftoken"):
            page.goto(stack.url + path)
            page.fill(field, "Żółw i Synowie")
            lose(page, gone)
            page.locator("main form, #tag_form").locator("[type=submit]").first.click()
            if gone == "csrftoken":
                page.get_by_role("link", name="Back to the page").click()
            else:
                log_in_again(page)
            expect(page).to_have_url(stack.url + path)
            expect(page.locator(field)).to_have_value("Żółw i Synowie")
    page.goto(stack.url + "/contacts/new/")
    page.fill("#id_name", "Anna's secret")
    lose(page)
    page.locator("main form [type=submit]").first.click()
    log_in_again(page, "celina")
    expect(page).to_have_url(stack.url + "/contacts/new/")
    expect(page.locator("#id_name")).to_have_value("")
    expect(page.locator(".typed-back")).to_have_count(0)
