"""What customers do with mails: opens and clicks of people count once, those of colleagues and programs never."""

import re
from datetime import timedelta

import pytest

from crm.ground import clock
from crm.messages.outgoing import Outgoing
from crm.messages.sending import queue_message
from crm.models import Channel, Event, Item, Message, MessageLink, Notification, Refusal

PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"}
GOOGLE = {"User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"}
BODY = "Chào,\nhttps://example.com/a?x=1&y=2\nhttps://example.com/b"


@pytest.fixture
def mail(world, mailbox, drain, now):
    """A mail that a rule sent a minute ago, as it arrived: (item, message, HTML)."""
    world.rule("talk", "send_email", {"subject": "Oferta", "body": BODY})
    item = world.deal()
    world.move(item, "talk")
    drain()
    (arrived,) = mailbox.mails
    html = next(part for part in arrived.walk() if part.get_content_type() == "text/html")
    with clock.at(now + timedelta(minutes=1)):
        yield item, Message.objects.get(), html.get_payload(decode=True).decode()


def addresses(html):
    found = re.findall(r'(?:href|src)="http://[^/"]+([^"]+)"', html)
    return [a for a in found if not a.endswith("o.gif")], next(a for a in found if a.endswith("o.gif"))


@pytest.mark.django_db
def test_what_leaves_is_tracked_and_what_is_kept_is_not(world, mail, client):
    _item, message, html = mail
    links, pixel = addresses(html)
    assert (len(links), "example.com/a" in html.replace(">https://example.com/a", "")) == (2, False)
    assert "/m/" not in Message.objects.get().html
    assert [link.url for link in message.links.order_by("place")] == [
        "https://example.com/a?x=1&y=2",
        "https://example.com/b",
    ]
    answer = client.get(links[0], headers=PHONE)
    assert (answer.status_code, answer["Location"]) == (302, "https://example.com/a?x=1&y=2")
    picture = client.get(pixel, headers=PHONE)
    assert (picture["Content-Type"], picture["Cache-Control"]) == ("image/gif", "no-store, private")
    assert not picture.cookies


@pytest.mark.django_db
def test_an_open_is_told_once_and_moves_the_card(world, mail, client, drain):
    item, message, html = mail
    world.trigger("pay", "email_opened", {"proxies": ""})
    _links, pixel = addresses(html)
    client.get(pixel, headers=GOOGLE)
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]  # a proxy is not asked for here
    for _ in range(2):
        client.get(pixel, headers=PHONE)
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]
    opened = Event.objects.filter(kind="email.opened").order_by("pk")
    assert [event.data("proxy") for event in opened] == [True, False]
    message.refresh_from_db()
    assert message.opens == 3
    assert (opened[1].depth, opened[1].item) == (0, item)


@pytest.mark.django_db
def test_a_proxy_counts_where_the_trigger_says_so(world, mail, client, drain):
    item, _message, html = mail
    world.trigger("pay", "email_opened", {"proxies": "on"})
    client.get(addresses(html)[1], headers=GOOGLE)
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]


@pytest.mark.django_db
def test_colleagues_programs_and_heads_are_no_opens(world, mail, client):
    _item, _message, html = mail
    links, pixel = addresses(html)
    for address in (pixel, *links):
        client.head(address, headers=PHONE)
        for agent in ("", "curl/8", "Mozilla/5.0 (compatible; bingbot/2.0)", "Mimecast", "Slackbot-LinkExpanding 1.0"):
            client.get(address, headers={"User-Agent": agent})
        client.get(address, headers=PHONE | {"Sec-Purpose": "prefetch"})
    client.force_login(world.bob)
    for address in (pixel, *links):
        client.get(address, headers=PHONE)
    assert not Event.objects.filter(kind__in=("email.opened", "email.clicked")).exists()
    assert not MessageLink.objects.exclude(clicks=0).exists()


@pytest.mark.django_db
def test_what_comes_within_five_seconds_of_sending_was_a_scanner(world, mail, client, now):
    _item, message, html = mail
    links, pixel = addresses(html)
    with clock.at(message.sent_at + timedelta(seconds=4)):
        client.get(pixel, headers=PHONE)
        client.get(links[0], headers=PHONE)
    assert not Event.objects.filter(kind="email.opened").exists()
    assert MessageLink.objects.get(place=1).clicks == 0


@pytest.mark.django_db
def test_a_followed_link_moves_the_card_and_only_that_one(world, mail, client, drain):
    item, _message, html = mail
    world.trigger("pay", "email_link_clicked", {"link": "https://example.com/b/"})
    links, _pixel = addresses(html)
    client.get(links[0], headers=PHONE)
    with clock.at(clock.now() + timedelta(seconds=20)):
        drain()
        assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]
        client.get(links[1], headers=PHONE)
    with clock.at(clock.now() + timedelta(seconds=40)):
        drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]
    assert [event.data("url") for event in Event.objects.filter(kind="email.clicked").order_by("pk")] == [
        "https://example.com/a?x=1&y=2",
        "https://example.com/b",
    ]


@pytest.mark.django_db
def test_all_links_at_once_are_a_scanner_and_a_later_click_a_person(world, mail, client, drain):
    _item, _message, html = mail
    links, _pixel = addresses(html)
    for link in links:
        client.get(link, headers=PHONE)
    with clock.at(clock.now() + timedelta(seconds=20)):
        drain()
        assert not Event.objects.filter(kind="email.clicked").exists()
        client.get(links[0], headers=PHONE)
    with clock.at(clock.now() + timedelta(seconds=40)):
        drain()
    assert Event.objects.filter(kind="email.clicked").count() == 1


@pytest.mark.django_db
def test_nobody_is_sent_where_no_mail_leads(world, mail, client):
    _item, message, _html = mail
    assert client.get(f"/m/{message.public_id}/9/", headers=PHONE).status_code == 404
    assert client.get("/m/00000000-0000-4000-8000-000000000000/1/?to=https://evil.example").status_code == 404
    assert client.get("/m/00000000-0000-4000-8000-000000000000/o.gif").status_code == 200


@pytest.mark.django_db
def test_a_channel_may_leave_mails_alone(world, mailbox, drain):
    world.email.track = False
    world.email.save()
    world.rule("talk", "send_email", {"subject": "x", "body": BODY})
    world.move(world.deal(), "talk")
    drain()
    html = next(part for part in mailbox.mails[0].walk() if part.get_content_type() == "text/html")
    assert "/m/" not in html.get_payload(decode=True).decode()
    assert not MessageLink.objects.exists()


@pytest.mark.django_db
def test_a_mail_of_a_colleague_counts_and_one_of_a_rule_does_not(world, client, drain):
    world.trigger("pay", "email_sent", {})
    world.rule("talk", "send_email", {"subject": "x", "body": "y"})
    item = world.deal()
    world.move(item, "talk")
    drain()
    assert Item.objects.get(pk=item.pk).stage == world.stages["talk"]
    client.force_login(world.bob)
    client.post(f"/items/{item.pk}/write/email/", {"to": "hang@example.com", "subject": "Hi", "text": "Hello"})
    drain()
    assert Message.objects.filter(origin="", status="sent").count() == 1
    assert Item.objects.get(pk=item.pk).stage == world.stages["pay"]


@pytest.mark.django_db
def test_one_click_ends_the_mails_and_a_look_does_not(world, mailbox, drain, client):
    world.rule("talk", "send_email", {"subject": "x", "body": BODY})
    item = world.deal()
    world.move(item, "talk")
    drain()
    arrived = mailbox.mails[0]
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = re.search(r"<http://[^/]+(/m/[^>]+)>", "".join(arrived["List-Unsubscribe"].split()))[1]
    assert client.get(path).status_code == 200
    assert not Refusal.objects.exists()
    for _ in range(2):
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert [row.reason for row in Refusal.objects.of(world.contact)] == ["unsubscribed"]
    assert Event.objects.filter(kind="email.unsubscribed", item=item).count() == 1
    assert Notification.objects.filter(user=world.bob).count() == 1
    assert client.post("/m/00000000-0000-4000-8000-000000000000/unsubscribe/").status_code == 404


@pytest.mark.django_db
def test_a_mail_written_by_a_colleague_is_no_list(world, mailbox, drain, client):
    item = world.deal()
    client.force_login(world.bob)
    client.post(f"/items/{item.pk}/write/email/", {"to": "hang@example.com", "subject": "Hi", "text": "Hello"})
    drain()
    assert "List-Unsubscribe" not in mailbox.mails[0]


def test_a_mail_that_only_lies_in_the_outbox_can_be_opened_and_followed_by_a_colleague_on_purpose(world, client, drain):
    Channel.objects.filter(medium="email").update(transport="outbox")
    world.trigger("papers", "email_opened", {})
    card = world.deal(stage="talk")
    message = queue_message(
        Outgoing(channel=Channel.objects.get(medium="email"), to="a@example.com", text="See https://a.example/1 and https://a.example/2",
        contact=card.contact, item=card, author=world.bob))  # fmt: skip
    drain()
    client.force_login(world.bob)
    page = client.get(f"/outbox/{message.pk}/").content.decode()
    assert "As the customer:" in page
    assert client.post(f"/outbox/{message.pk}/as-customer/", {"what": "open"}).status_code == 302
    assert client.post(f"/outbox/{message.pk}/as-customer/", {"what": "2"}).status_code == 302
    for odd in ("3", "²", "", "-1"):
        assert client.post(f"/outbox/{message.pk}/as-customer/", {"what": odd}).status_code == 404
    drain()
    card.refresh_from_db()
    assert card.stage == world.stages["papers"]
    assert Event.objects.get(kind="email.clicked").data("url") == "https://a.example/2"
    Channel.objects.filter(medium="email").update(transport="smtp")
    assert client.post(f"/outbox/{message.pk}/as-customer/", {"what": "open"}).status_code == 404
    client.force_login(world.charlie)
    assert client.post(f"/outbox/{message.pk}/as-customer/", {"what": "open"}).status_code == 404
