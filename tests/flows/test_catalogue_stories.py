"""What the catalogue is for, as people live it, in Polish: on the desk and on a phone, mails and SMS on real servers."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from tests.flows.conftest import Api, shot, until
from tests.flows.story import opening_time

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shop(shop_in):
    stack = shop_in("pl")
    opening_time(stack)
    return stack, Api(stack)


def both(person, stack, path, name, login="anna"):
    """The page on the desk, and as a phone shows it in the dark; returns the first."""
    for size, scheme, kind in (({}, "light", ""), (PHONE, "dark", "-phone")):
        page = person(stack.url, login, color_scheme=scheme, **size)
        page.goto(stack.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shot(page, name + kind)
        if not size:
            desk = page
    return desk


def id_of(stack, login):
    code = f"from crm.models import User; print(User.objects.get(email='{login}@example.com').pk)"
    return int(stack.manage("shell", "-v0", "-c", code))


def text_of(mail):
    return (
        next(part for part in mail.walk() if part.get_content_type() == "text/plain").get_payload(decode=True).decode()
    )


def test_a_neglected_deal_reaches_the_supervisor(shop, person):
    stack, api = shop
    talking = api.stages()[1]
    bartek = id_of(stack, "bartek")
    deal = api.deal(talking, "Zaniedbana Żaneta", owner=bartek)
    until(lambda: api("GET", f"/runs?item={deal}")["items"])
    stack.manage("clock", "+5d")
    anna = person(stack.url, "anna")

    def told():
        anna.goto(f"{stack.url}/day/")
        return anna.locator("main", has_text="Zaniedbana Żaneta").count()

    until(told, 60)
    both(person, stack, "/day/", "late-day")
    # Somebody cares: it is gone from the day.
    seller = person(stack.url, "bartek")
    seller.goto(f"{stack.url}/items/{deal}/")
    seller.locator("textarea[name=text]").first.fill("Dzwoniłem, odezwie się jutro.")
    seller.get_by_role("button", name="Dodaj notatkę").click()
    expect(seller.locator(".tl")).to_contain_text("odezwie się jutro")
    until(lambda: not told())


def test_a_meeting_is_accepted_by_mail(shop, person):
    stack, api = shop
    deal = api.deal(api.stages()[1], "Gość Grzegorz", "gosc@example.com")
    body = {"item": deal, "title": "Wizyta w salonie", "kind": "meeting", "minutes": 60, "place": "ul. Stolarska 14"}
    task = api("POST", "/tasks", body | {"deadline": "2027-03-03T10:00:00+01:00", "invite": True})["id"]
    mail = until(lambda: next((one for one in stack.outside.inbox.mails if one["To"] == "gosc@example.com"), None))
    part = next(one for one in mail.walk() if one.get_content_type() == "text/calendar")
    event = next(iter(Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")))
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "gosc@example.com", "shop@example.com", "Accepted: Wizyta"
    made["Message-ID"] = "<accepted@theirs.example>"
    made.set_content("Accepted")
    reply = (
        "BEGIN:VCALENDAR\r\nPRODID:-//Theirs//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\n"
        f"UID:{event['UID']}\r\nSEQUENCE:{event['SEQUENCE']}\r\nDTSTAMP:20261118T090000Z\r\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:gosc@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    made.add_alternative(reply.encode(), maintype="text", subtype="calendar", params={"method": "REPLY"})
    stack.outside.imap.put(made)
    stack.manage("clock", "+1m")
    anna = person(stack.url, "anna")

    def accepted():
        anna.goto(f"{stack.url}/tasks/{task}/")
        return anna.locator(".task-invite", has_text="zaakceptowany").count()

    until(accepted, 60)
    both(person, stack, f"/tasks/{task}/", "meeting")
    both(person, stack, f"/items/{deal}/", "meeting-card")


def test_an_approval_is_given_by_the_link_in_a_mail(shop, person):
    stack, api = shop
    stage = api.stages()[1]
    bartek = id_of(stack, "bartek")
    settings = {"to_users": [str(bartek)], "text": "Rabat 20 % dla {{ contact.name }}", "mode": "all", "amount": "2"}
    settings |= {"unit": "days", "declined": "fail", "late": "fail"}
    rule = api("POST", "/rules", {"stage": stage, "action": "request_approval", "settings": settings})
    deal = api.deal(stage, "Rabatowa Róża")
    mail = until(lambda: next((m for m in stack.outside.inbox.mails if m["To"] == "bartek@example.com"), None))
    link = re.search(r"https?://\S+/approve/\S+/", text_of(mail))[0]
    # A scanner opens it: nothing is decided.
    person(stack.url).request.get(link)
    run = next(one for one in api("GET", f"/runs?item={deal}")["items"] if one["rule"] == rule["id"])
    assert run["status"] == "waiting"
    reader = person(stack.url, **PHONE)
    reader.goto(link)
    expect(reader.locator("main")).to_contain_text("Rabat 20 % dla Rabatowa Róża")
    shot(reader, "approval-phone")
    reader.locator("#comment").fill("Zgoda, stały klient.")
    reader.locator("button[value=yes]").click()
    expect(reader.get_by_role("status")).to_contain_text("Zgoda, stały klient.")
    until(lambda: api("GET", f"/runs/{run['id']}")["status"] == "done")
    both(person, stack, f"/items/{deal}/", "approval-card")
    api("PATCH", f"/rules/{rule['id']}", {"is_enabled": False})


def test_a_customer_is_erased_at_their_request(shop, person):
    stack, api = shop
    deal = api.deal(api.stages()[0], "Zapomniany Zenon", "zenon@example.com")
    contact = api("GET", f"/items/{deal}")["contact"]
    anna = both(person, stack, f"/contacts/{contact}/erase/", "erase")
    anna.fill("#id_why", "List z 3 maja")
    anna.check("#id_sure")
    anna.locator("main form button[type=submit]").click()
    expect(anna.locator("main")).not_to_contain_text("Zenon")
    shot(anna, "erased")
    anna.goto(f"{stack.url}/search/?q=zenon")
    expect(anna.locator("main")).not_to_contain_text("Zapomniany")


def test_the_list_of_exceptions_stops_a_spammer(shop, person):
    stack, api = shop
    anna = person(stack.url, "anna")
    anna.goto(f"{stack.url}/admin/crm/senderexception/add/")
    anna.select_option("#id_kind", "domain")
    anna.fill("#id_value", "spam.example")
    anna.fill("#id_reason", "Oferty SEO")
    anna.locator("input[name=_save]").first.click()
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "seo@spam.example", "shop@example.com", "Pierwsze miejsce w Google"
    made["Message-ID"] = "<seo@spam.example>"
    made.set_content("Tylko dziś!")
    stack.outside.imap.put(made)
    stack.manage("clock", "+1m")

    def counted():
        anna.goto(f"{stack.url}/admin/crm/senderexception/")
        return anna.locator("td.field-count", has_text="1").count()

    until(counted, 60)
    both(person, stack, "/admin/crm/senderexception/", "exceptions")
    assert api("GET", "/contacts?q=spam.example")["items"] == []


def test_who_asks_after_closing_time_is_told_that_we_call_tomorrow(shop, person):
    stack, api = shop
    stage = api.stages()[1]
    closed = {"all": [{"field": "now.time", "op": "time_between", "value": ["17:00", "09:00"]}]}
    api("POST", "/triggers", {"stage": stage, "type": "callback_requested", "settings": {}, "condition": closed})
    text = {"text": "Dziękujemy! Zadzwonimy jutro rano."}
    rule = api("POST", "/rules", {"stage": stage, "action": "send_sms", "settings": text})
    stack.manage("clock", "+9h")  # it was just after nine
    page = person(stack.url.replace("127.0.0.1", "localhost"), **PHONE)
    page.goto(stack.url.replace("127.0.0.1", "localhost") + "/demo/shop/")
    frame = page.frame_locator("#call iframe")
    frame.locator("#id_phone").fill("601 777 888")
    page.wait_for_timeout(2500)
    frame.locator("button[type=submit]").click()
    expect(frame.locator(".thanks")).to_be_visible()
    shot(page, "callback-phone")
    until(lambda: "Dziękujemy! Zadzwonimy jutro rano." in stack.outside.texts_to("+48601777888"), 60)
    api("PATCH", f"/rules/{rule['id']}", {"is_enabled": False})


def test_profit_stands_on_the_board_for_those_who_see_it(shop, person):
    stack, _api = shop
    anna = both(person, stack, "/board/1/", "profit-board")
    expect(anna.locator(".kc-extra", has_text="zysk").first).to_be_visible()
    expect(anna.locator(".kprofit").first).to_be_visible()
    seller = person(stack.url, "bartek")
    expect(seller.locator(".kcard").first).to_be_visible()
    expect(seller.locator(".kc-extra")).to_have_count(0)
    expect(seller.locator(".kprofit")).to_have_count(0)
