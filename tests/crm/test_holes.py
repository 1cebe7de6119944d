"""Smaller holes: odd addresses, foreign hosts in links, names that are links, values of programs."""

from __future__ import annotations

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver
from PIL import Image

from crm.ground import safe_http
from crm.messages.mail.reading import clean
from crm.messages.outgoing import Outgoing
from crm.messages.sending import channel_for, queue_message
from crm.models import Channel, Company, Contact, Message, OwnCompany
from tests.crm.test_api import Caller

ODD = ("%00", "a%00b", "%FF%00")


def routes(patterns, prefix=""):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def paths():
    """Every address of ours, its places filled in with what their converters take."""
    for route in dict.fromkeys(routes(get_resolver().url_patterns)):
        path = re.sub(r"<int:\w+>", "1", route)
        path = re.sub(r"<directory:\w+>", "contacts", path)
        path = re.sub(r"<(str:|slug:)?\w+>", "x", path)
        path = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", path)
        if not re.search(r"[<^$(\\]", path):
            yield "/" + path


def test_no_address_answers_500_to_odd_letters_and_odd_digits(world, client):
    client.force_login(world.alice)
    walked = 0
    for path in paths():
        for query in ("q=%00", "open=²&page=²&id=²&v=²&kind=²&cursor=²&utm=caf%E9%ED%A0%80"):
            answer = client.get(path, QUERY_STRING=query)
            assert answer.status_code < 500, (path, query)
            if query == "q=%00":
                assert answer.status_code == 400, (path, query)
        walked += 1
    assert walked > 120


@pytest.mark.parametrize("odd", ODD)
def test_what_no_database_could_look_for_is_400_in_the_path_and_in_the_query(world, client, odd):
    client.force_login(world.bob)
    assert client.get(f"/contacts/?q={odd}").status_code == 400
    assert client.generic("GET", f"/f/{odd}/").status_code == 400
    assert client.get("/items/" + "9" * 30 + "/").status_code == 400
    assert Caller(client, world.bob).get(f"/contacts?q={odd}").status_code == 400


def test_a_message_without_an_open_end_cannot_be_settled(world, client):
    client.force_login(world.bob)
    message = Message.objects.create(
        channel=channel_for("email"), item=world.deal(), direction="in", to="a@example.com", text="x"
    )
    assert client.post(f"/messages/{message.pk}/settle/", {"arrived": "1"}).status_code == 404
    assert client.get("/outbox/?open=²").status_code == 400


def test_a_link_to_a_new_password_leads_to_our_own_address_whatever_the_host_said(world, client, drain, settings):
    settings.ALLOWED_HOSTS, settings.PUBLIC_URL = ["*"], "https://crm.example.com"
    client.post("/account/password/reset/", {"email": "bob@example.com"}, headers={"Host": "evil.example"})
    drain()
    text = Message.objects.get(to="bob@example.com").text
    assert "https://crm.example.com/account/password/reset/key/" in text
    assert "evil" not in text


@pytest.mark.parametrize(
    "url",
    ["https://[::ffff:0:127.0.0.1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[::1]/"],
)
def test_an_address_that_means_an_inside_one_is_not_called(url):
    with pytest.raises(safe_http.Unsafe):
        safe_http.check(url)


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ('<a href="data:text/html,<script>1</script>">x</a>', False),
        ('<a href=" DA\tTA:text/html,x">x</a>', False),
        ('<a href="cid:1">x</a>', False),
        ('<img src="data:image/png;base64,AA==">', True),
        ('<a href="https://example.com/data:x">x</a>', True),
    ],
)
def test_a_mail_opens_no_page_that_lies_within_it(html, kept):
    assert bool(re.search(r"(data|cid):", clean(html), re.I)) is kept


def test_an_address_in_a_name_is_no_link_in_our_mail(world, drain):
    company = Company.objects.create(name="Booking.example GmbH")
    contact = Contact.objects.create(name="www.evil.example", company=company)
    text = "Dear www.evil.example,\nBooking.example GmbH wrote to https://ours.example/x"
    message = queue_message(
        Outgoing(
            channel=channel_for("email"), to="a@example.com", subject="s", text=text, contact=contact, item=world.deal()
        )
    )
    assert re.findall(r'href="([^"]+)"', message.html) == ["https://ours.example/x"]
    assert message.text.replace("\u2060", "") == text
    nameless = Contact.objects.create(name="bob@example.com")
    text = "https://crm.example/u?to=bob@example.com and https://Booking.example GmbH/x"
    other = queue_message(Outgoing(channel=channel_for("email"), to="bob@example.com", text=text, contact=nameless))
    assert other.text == text
    plain = Contact.objects.create(name="J.R. Smith")
    kept = queue_message(
        Outgoing(channel=channel_for("email"), to="b@example.com", text="Dear J.R. Smith", contact=plain)
    )
    assert kept.text == "Dear J.R. Smith"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/contacts", {"name": "x", "no_email": "yes"}, "no_email"),
        ("/contacts", {"name": "x", "no_sms": 1}, "no_sms"),
        ("/items", {"title": "   "}, "title"),
        ("/items", {"title": "x", "currency": "XAU"}, "currency"),
        ("/items", {"title": "x", "currency": "DEM"}, "currency"),
    ],
)
def test_the_api_takes_no_value_that_only_looks_like_one(world, client, path, body, field):
    body = body | ({"pipeline": world.pipeline.pk} if path == "/items" else {})
    answer = Caller(client, world.bob).post(path, body)
    assert answer.status_code == 422
    assert field in answer.data["error"]["fields"]


def picture(size=(40, 40)):
    out = io.BytesIO()
    Image.effect_noise(size, 60).save(out, "PNG")
    return out.getvalue()


def test_half_a_logo_is_refused_when_it_is_uploaded(world, client):
    client.force_login(world.alice)
    own = OwnCompany.first() or OwnCompany.objects.create(name="Ours")
    page = f"/admin/crm/owncompany/{own.pk}/change/"
    form = client.get(page).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields if name not in ("logo", "stamp", "signature")}
    data = {name: value for name, value in data.items() if value is not False}
    whole = picture((200, 200))
    broken = SimpleUploadedFile("logo.png", whole[: len(whole) // 2], "image/png")
    assert "cannot be read" in client.post(page, data | {"logo": broken}).content.decode()
    assert client.post(page, data | {"logo": SimpleUploadedFile("logo.png", whole, "image/png")}).status_code == 302


def test_a_rule_whose_publisher_may_not_change_the_card_says_so(world, now, drain):
    from crm.pipelines.rights import Scope

    rule = world.rule("talk")
    rule.publisher = world.charlie
    rule.save()
    world.role(world.bob, pipeline=world.pipeline, view=Scope.ALL, edit=Scope.ALL, move=Scope.ALL)
    world.move(world.deal(), "talk")
    drain()
    run = world.run_of(rule)
    assert run.error == "The rule acts with the rights of Charlie Stranger, who may not change this card."


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "::1", "::ffff:0:127.0.0.1", "169.254.169.254"])
def test_a_mail_server_of_the_inside_is_reached_only_if_it_is_listed(world, settings, client, drain, host):
    settings.INSIDE_MAIL_HOSTS = []
    channel = Channel.objects.get(medium="email")
    channel.transport, channel.settings = "smtp", {"host": host, "port": 25, "security": "none"}
    channel.save()
    message = queue_message(Outgoing(channel=channel, to="a@example.com", text="x", item=world.deal()))
    drain()
    message.refresh_from_db()
    assert (message.status, message.job.error.code) == ("planned", "host.private")  # it may be listed within the day
    client.force_login(world.alice)
    data = {
        "name": "In",
        "channel": channel.pk,
        "host": host,
        "port": 993,
        "security": "tls",
        "user": "u",
        "folder": "INBOX",
    }
    page = client.post("/admin/crm/mailbox/add/", data | {"password": "x", "is_active": "on"})
    assert "INSIDE_MAIL_HOSTS" in page.content.decode()
    settings.INSIDE_MAIL_HOSTS = [f" {host.upper()}. "]
    safe_http.check_host(host, 25)
    settings.INSIDE_MAIL_HOSTS = []
    safe_http.check_host(host, 25, [host])


def test_an_address_of_nat64_is_judged_by_what_it_means():
    safe_http.check_host("64:ff9b::808:808", 587)
    with pytest.raises(safe_http.Unsafe):
        safe_http.check_host("64:ff9b::7f00:1", 587)
