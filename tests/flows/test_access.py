"""Every kind of page, light and dark, is free of serious faults of access (axe)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STAFF = [
    "/board/1/", "/board/1/list/", "/board/1/filter/", "/items/3/", "/items/3/rights/?user=2", "/items/3/lines/", "/items/3/documents/",
    "/outbox/", "/outbox/?open=1", "/bell/", "/contacts/", "/contacts/1/", "/contacts/1/merge/?other=2", "/contacts/new/",
    "/companies/", "/search/?q=nguyen", "/bin/", "/import/", "/account/", "/account/notices/", "/account/two-step/",
    "/account/sessions/", "/account/password/", "/feed/", "/setup/stages/2/remove/", "/day/", "/calendar/", "/analytics/1/",
    "/documents/", "/documents/1/", "/documents/templates/1/edit/", "/payments/statements/",
]  # fmt: skip
ADMIN = [
    "/admin/", "/admin/crm/pipeline/1/change/", "/admin/automation/rule/", "/admin/automation/rule/1/change/",
    "/admin/automation/run/", "/admin/crm/channel/add/", "/admin/crm/mailtemplate/add/", "/admin/crm/customfield/add/", "/admin/documents/qrcode/",
]  # fmt: skip
MISSING = ["/board/999/", "/d/nothing/", "/q/nothing/"]
# What a customer meets, made as rules make it.
MADE = """
import time
from crm.models import Item, Message, User
from documents import making
from documents.models import DocumentTemplate, InvoiceFlow, PaymentLink, QrCode
anna, item = User.objects.get(email="anna@example.com"), Item.objects.get(pk=3)
item.change({"amount": 100}, by=anna)
templates = {row.kind: row for row in DocumentTemplate.objects.filter(language="en")}
invoice, _paper = InvoiceFlow.first().make_invoice(item, templates["invoice"], by=anna)
print(PaymentLink.make(invoice))
words = {"heading": "Zażółć gęślą jaźń", "text": "Đo tại nhà", "button": "Book", "target": "https://example.com/"}
print(QrCode.objects.create(item=item, name="Door", **words).link())
offer = making.make(templates["offer"], item, by=anna)
for _ in range(120):
    offer.refresh_from_db()
    if offer.is_drawn:
        break
    time.sleep(0.5)
print(offer.link())
sent = Message.objects.filter(contact__isnull=False, channel__medium="email", direction="out").first()
Message.objects.filter(pk=sent.pk).update(origin="rule:1")  # such a mail alone carries the link
print(f"/m/{sent.public_id}/unsubscribe/")
"""


def visit(page: Page, url: str, path: str) -> None:
    """A page that answers with an error would pass every rule of access: see that the right one came."""
    answer = page.goto(url + path)
    assert answer is not None, path
    assert answer.status == (404 if path in MISSING else 200), path


def serious(page: Page, where: str) -> list[tuple[str, str, str]]:
    return [
        (where, row["id"], row["nodes"][0]["html"][:160])
        for row in Axe().run(page).response["violations"]
        if row["impact"] in ("serious", "critical")
    ]


def in_both(page: Page, where: str) -> list[tuple[str, str, str]]:
    """Light, then dark: the page is the same, only its colours change."""
    page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
    faults = serious(page, where)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.documentElement.dataset.bsTheme &&= 'dark'")
    faults += serious(page, f"{where} dark")
    page.emulate_media(color_scheme="light")
    return faults


def test_pages_of_colleagues_and_administrators(stack_in, person):
    stack = stack_in("en")
    page = person(stack.url, "anna", color_scheme="light", bypass_csp=True)
    faults = []
    for path in (*STAFF, *ADMIN, MISSING[0]):
        visit(page, stack.url, path)
        page.wait_for_timeout(300)
        faults += in_both(page, path)
    page.goto(stack.url + "/items/3/")
    page.locator("#tab-email").click()
    page.wait_for_selector("trix-editor")
    for summary in page.locator(".on-demand summary").all():
        summary.click()
    expect(page.locator(".make-form")).to_be_visible()
    faults += in_both(page, "card with everything open")
    assert not faults, "\n".join(map(str, faults))


def test_pages_of_customers_and_strangers(stack_in, person):
    stack = stack_in("en")
    made = [line.removeprefix(stack.url) for line in stack.manage("shell", "-c", MADE).splitlines() if "/" in line]
    stranger = person(color_scheme="light", bypass_csp=True)
    faults = []
    for path in (*made, "/f/order/", "/login/", "/account/password/reset/", *MISSING[1:]):
        visit(stranger, stack.url, path)
        expect(stranger.locator("h1, h2").first).to_be_visible()
        faults += in_both(stranger, path)
    assert len(made) == 4
    assert not faults, "\n".join(map(str, faults))


MANY = """
from crm.models import ItemType, Pipeline, Stage
kind = ItemType.objects.first()
long = "Möbelhaus Żółć i Synowie, sprzedaż detaliczna", "Nội thất văn phòng và khách sạn miền Nam"
for number in range(12 - Pipeline.objects.count()):
    name = f"{long[number % 2]} {number}"
    pipeline = Pipeline.objects.create(item_type=kind, name=name, currency="EUR", order=number + 10)
    for place, stage in enumerate(("open", "won", "lost")):
        Stage.objects.create(pipeline=pipeline, name=stage.title(), kind=stage, order=place)
"""
WIDTHS = (320, 768, 1024, 1280, 1440)
# What stands in the bar and is not folded away must be on the screen, whole; and the page itself is no wider than it.
OFF = """async () => (await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))), [
    ...[...document.querySelectorAll("header.app-nav :is(a, button)")].filter((one) => {
        const box = one.getBoundingClientRect();
        return one.checkVisibility() && box.width && (box.left < -0.5 || box.right > innerWidth + 0.5);
    }).map((one) => one.textContent.trim() || one.getAttribute("aria-label")),
    ...(document.scrollingElement.scrollWidth > innerWidth ? ["the page: " + document.scrollingElement.scrollWidth] : []),
])"""


def test_nothing_is_off_the_screen_with_twelve_pipelines_and_long_names(stack_in, person):
    stack = stack_in("en")
    stack.manage("shell", "-c", MANY)
    stack.manage("shell", "-c", "from crm.models import User; User.objects.update(language='vi')")
    page = person(stack.url, "anna")
    off = []
    for path in STAFF:
        visit(page, stack.url, path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            off += [(path, width, what) for what in page.evaluate(OFF)]
    # The switcher and "More" open within the screen, and find.
    for width in (320, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        visit(page, stack.url, "/board/1/")
        if width < 768:
            page.locator(".navbar-toggler").click()
        page.locator("#pipelines > button").click()
        page.locator("#pipelines input").fill("zolc")
        found = page.locator("#pipelines a.dropdown-item:visible")
        expect(found.first).to_contain_text("Żółć")
        off += [("/board/1/ open", width, what) for what in page.evaluate(OFF)]
    page.keyboard.press("Enter")
    expect(page.locator(".page-bar h1")).to_contain_text("Żółć")
    page.locator("#nav-more > button").click()
    expect(page.locator("#nav-more a").last).to_be_in_viewport()
    stack.manage("shell", "-c", "from crm.models import User; User.objects.update(language='en')")
    assert off == [], "\n".join(map(str, off))
