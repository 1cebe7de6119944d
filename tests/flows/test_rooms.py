"""In a real browser: a table comes in, a passkey lets in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.flows.conftest import shot

pytestmark = pytest.mark.browser


def test_a_table_is_checked_imported_and_taken_back(stack_in, person, tmp_path):
    stack = stack_in("en")
    anna = person(stack.url, "anna")
    rows = [f"{n};Dębowy stół {n};Talking;1 {n:03d},50;Nguyễn Thị Hằng {n};p{n}@example.com" for n in range(1, 41)]
    rows.append("41;Bad;Nowhere;x;y;z")
    text = "\n".join(["ID;Deal name;Stage;Amount;Contact;E-mail", *rows])
    file = tmp_path / "deals.csv"
    file.write_bytes(text.encode("utf-16"))
    anna.goto(f"{stack.url}/import/")
    anna.set_input_files("#id_file", file)
    anna.select_option("#id_what", label="Deals: Furniture shop")
    anna.get_by_role("button", name="Upload").click()
    expect(anna.locator("main")).to_contain_text("Dębowy stół 1")
    anna.get_by_role("button", name="Check all rows").click()
    expect(anna.get_by_role("button", name="Import 40 rows")).to_be_visible(timeout=60_000)
    expect(anna.locator("main")).to_contain_text("“Nowhere” is not a stage of this pipeline.")
    shot(anna, "import")
    anna.get_by_role("button", name="Import 40 rows").click()
    expect(anna.get_by_role("button", name="Take it all back")).to_be_visible(timeout=60_000)
    expect(anna.locator("header.app-nav")).to_have_count(1)  # no second page inside the progress
    anna.goto(f"{stack.url}/search/?q=nguyen+thi+hang+7")
    expect(anna.locator("main")).to_contain_text("Nguyễn Thị Hằng 7")
    anna.go_back()
    anna.get_by_role("button", name="Take it all back").click()
    expect(anna.locator("main")).to_contain_text("taken back", timeout=60_000)


def authenticator(page: Page) -> None:
    """A key that the browser itself plays, with a fingerprint that is always right."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_added_and_lets_in_without_a_password(stack_in, person):
    stack = stack_in("en")
    url = stack.url.replace("127.0.0.1", "localhost")  # a key belongs to a name
    page = person(url, "celina")
    authenticator(page)
    page.goto(f"{url}/account/keys/add/")
    page.fill("#id_password", "dealwright-demo")
    page.get_by_role("button", name="Confirm").click()
    page.fill("#id_name", "My laptop")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("main")).to_contain_text("Recovery codes")  # what comes after the first key
    page.goto(f"{url}/account/keys/")
    expect(page.locator("main")).to_contain_text("My laptop")
    page.goto(f"{url}/")
    page.locator(".avatar.avatar-sm").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url("**/board/**")
    expect(page.locator(".kcard").first).to_be_visible()
