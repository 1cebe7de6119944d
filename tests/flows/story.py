"""The furniture shop's story in a real browser, from the form to *Won*, in four languages, on a whole stack.

Mails leave by SMTP and come in by IMAP, SMS leave by Twilio's interface, the customer pays on Stripe's page; all of
them are servers of the test on loopback.
"""

from __future__ import annotations

from playwright.sync_api import expect

from crm.demo.texts import STAGES
from tests.flows.conftest import drag, shot

NAMES = {
    "en": "Eleanor Featherstonehaugh",
    "pl": "Żaneta Łączyńska-Źdźbło",
    "fr": "Éloïse d’Argençon",
    "vi": "Nguyễn Thị Phượng",
}
PHONES = {"en": "07400 123456", "pl": "601 234 567", "fr": "06 12 34 56 78", "vi": "0912 345 678"}
NUMBERS = {"en": "+447400123456", "pl": "+48601234567", "fr": "+33612345678", "vi": "+84912345678"}
BUDGET = {"vi": "95000000"}
AUTOMATION = {"en": "Automation (as ", "pl": "Automatyzacja (jako ", "fr": "Automatisation", "vi": "Tự động"}
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


def called(language: str, name: str) -> str:
    """How the customer is addressed: a Vietnamese given name stands last."""
    return name.split()[-1 if language == "vi" else 0]


def column(language: str, place: int) -> str:
    return f'.kcol[data-name="{STAGES[language][place]}"]'


def send_order(person, stack, language, name, phone="", email="customer@example.com"):
    """The shop's page on another origin, the form inside its frame; returns the page."""
    shop = person(stack.url)
    shop.goto(stack.url.replace("127.0.0.1", "localhost") + "/demo/shop/")
    frame = shop.frame_locator("#order iframe")
    frame.locator("#id_name").fill(name)
    frame.locator("#id_phone").fill(phone or PHONES[language])
    frame.locator("#id_email").fill(email)
    frame.locator("#id_what").fill("Stół dębowy")
    frame.locator("#id_budget").fill(BUDGET.get(language, "4500"))
    # By keyboard: while the frame still grows to its form, a click may land beside the box.
    frame.locator("#id_consent").press("Space")
    expect(frame.locator("#id_consent")).to_be_checked()
    shop.wait_for_timeout(2100)  # faster than a person can is refused
    frame.locator("button[type=submit]").click()
    expect(frame.locator(".thanks")).to_contain_text(called(language, name))
    assert shop.context.cookies() == []
    return shop


def opening_time(stack) -> None:
    """Working minutes pass only in working time: move the clock to a Wednesday morning of the shop."""
    code = (
        "from crm.ground import clock; from datetime import timedelta; from crm.models import OwnCompany;"
        "w = OwnCompany.first().calendar.working_time(); n = clock.now(); m = n.replace(hour=0);"
        "t = next(o for d in range(1, 9) for o in [w.next_opening(m + timedelta(days=d))] if o.weekday() == 2);"
        "clock.shift(t + timedelta(minutes=20) - n)"
    )
    stack.manage("shell", "-v0", "-c", code)


def until(page, true, seconds=30):
    """Wait for what no page shows."""
    for _ in range(seconds * 4):
        if true():
            return
        page.wait_for_timeout(250)
    raise AssertionError("it did not happen")


def read_mail(person, mail):
    """The mail as the customer's program shows it: its pictures are loaded, its links can be followed."""
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html")
    reader = person(width=390, height=844, user_agent=IPHONE)
    reader.set_content(html.get_payload(decode=True).decode())
    return reader


def from_form_to_won(shop_in, person, language):
    stack = shop_in(language)
    opening_time(stack)
    name = NAMES[language]
    anna = person(stack.url, "anna")
    celina = person(stack.url, "celina")
    card = f".kcard:has-text('{name}')"
    expect(anna.locator(f"{column(language, 0)} .ktotal")).not_to_be_empty()

    send_order(person, stack, language, name)
    # On the board within three seconds, without a reload, for both.
    expect(anna.locator(f"{column(language, 0)} {card}")).to_be_visible(timeout=15_000)
    expect(celina.locator(f"{column(language, 0)} {card}")).to_be_visible(timeout=15_000)
    shot(anna, f"board-{language}")

    outbox = person(stack.url, "anna")
    outbox.goto(stack.url + "/outbox/?medium=sms")
    outbox.locator(".msg").first.click()
    expect(outbox.locator(".bubble")).to_contain_text(called(language, name))
    shot(outbox, f"outbox-sms-{language}")
    until(outbox, lambda: stack.outside.texts_to(NUMBERS[language]))
    (text,) = stack.outside.texts_to(NUMBERS[language])
    assert called(language, name) in text

    # Nobody touches it for 30 working minutes: the supervisor hears of it.
    bell = person(stack.url, "anna")
    stack.manage("clock", "+29m")
    bell.wait_for_timeout(2500)
    bell.goto(stack.url + "/bell/")
    expect(bell.locator(".notice", has_text=name)).to_have_count(0)
    stack.manage("clock", "+2m")
    bell.wait_for_timeout(3500)
    bell.reload()
    expect(bell.locator(".notice", has_text=name)).to_have_count(1)

    # The card is dragged; the rules of the new stage run in their order; the mail is in the outbox.
    drag(anna, card, f"{column(language, 2)} .klist")
    expect(anna.locator(f"{column(language, 2)} {card}")).to_be_visible()
    expect(celina.locator(f"{column(language, 2)} {card}")).to_be_visible(timeout=15_000)
    anna.locator(f"{card} .kc-title").click()
    rules = anna.locator(".visit").first.locator(".run")
    expect(rules).to_have_count(2)
    expect(anna.locator(".visit").first.locator(".run.is-ok")).to_have_count(2, timeout=30_000)
    shot(anna, f"item-{language}")
    outbox.goto(stack.url + "/outbox/?medium=email")
    outbox.locator(".msg").first.click()
    expect(outbox.frame_locator(".mail-body").locator("body")).to_contain_text(called(language, name))
    shot(outbox, f"outbox-mail-{language}")

    # The customer reads the mail on a phone, follows its link and sees the invoice: the card waits for payment.
    until(outbox, lambda: stack.outside.inbox.mails)
    outbox.wait_for_timeout(5500)  # sooner than that it would be a scanner
    mail = stack.outside.mail_to("customer@example.com")
    customer = read_mail(person, mail)
    customer.wait_for_timeout(800)
    customer.locator("a").first.click()
    expect(customer.locator(".sheet img").first).to_be_visible()
    assert customer.context.cookies() == []
    shot(customer, f"invoice-{language}")
    expect(celina.locator(f"{column(language, 3)} {card}")).to_be_visible(timeout=15_000)

    # They ask something by mail: it stands on the card.
    stack.outside.answer(mail, "customer@example.com", "Zażółć? Cảm ơn!")
    stack.manage("clock", "+1m")
    anna.reload()
    expect(anna.locator(".tl")).to_contain_text("Zażółć? Cảm ơn!", timeout=30_000)
    expect(anna.locator(".tl li:has(svg use[href$='#eye'])").first).to_be_visible()

    # They pay on the provider's page: the deal moves, the warehouse has its task.
    customer.locator(".pay button").click()
    customer.locator("button").click()
    expect(customer.locator(".sheet img").first).to_be_visible()
    expect(celina.locator(f"{column(language, 4)} {card}")).to_be_visible(timeout=30_000)
    anna.reload()
    anna.locator(".papers a").first.click()
    expect(anna.locator(".paid-line")).to_be_visible()
    shot(anna, f"paid-{language}")

    # The task is done: delivery. The last step is a person's.
    celina.locator(f"{card} .kc-title").click()
    task = celina.locator(".task button[value=done]").first
    expect(task).to_be_visible(timeout=15_000)
    anna.goto(celina.url)
    anna.locator(".task button[value=done]").first.click()
    board = person(stack.url, "celina")
    expect(board.locator(f"{column(language, 5)} {card}")).to_be_visible(timeout=15_000)
    drag(board, card, f"{column(language, 6)} .klist")
    expect(board.locator(f"{column(language, 6)} {card}")).to_be_visible(timeout=15_000)
    anna.reload()
    expect(anna.locator(".tl")).to_contain_text(AUTOMATION[language])
    shot(anna, f"won-{language}")
