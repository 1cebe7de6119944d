"""What an attacker found: characters that no database keeps, years without end, links in names, cards out of reach."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from crm.events.notice import notify
from crm.ground import characters, shown
from crm.ground.forms.moments import DayField, MomentField
from crm.ground.safe_http import Unsafe, check
from crm.messages import merge_text
from crm.messages.mail.composing import html_of
from crm.messages.outgoing import Outgoing
from crm.messages.sending import channel_for, queue_message
from crm.models import (
    Channel,
    Contact,
    CustomField,
    InboundHook,
    Item,
    Message,
    Notification,
    Pipeline,
    Stage,
    Submission,
    Task,
)
from crm.pipelines.rights import Scope
from tests.crm.test_api import Caller
from tests.crm.test_forms import GOOD, form, send  # noqa: F401

pytestmark = pytest.mark.django_db


# ---------------------------------------------------------------------- what no database keeps


@given(st.text(max_size=40))
def test_what_is_kept_of_a_text_can_be_kept(text):
    kept = characters.kept(text)
    assert "\0" not in kept
    kept.encode()
    assert characters.kept(kept) == kept


def test_a_lead_is_kept_whatever_stands_in_any_of_its_values(world, form, client, drain):  # noqa: F811
    odd = {name: f"{value}\0" for name, value in GOOD.items() if name not in ("consent", "budget")}
    touch = dict.fromkeys(("utm_source", "utm_campaign", "page", "referrer"), "a\0b")
    answer = send(client, **GOOD | odd | touch)
    assert answer.status_code == 200, answer.content
    drain()
    assert Item.objects.get().contact.name == "Jan Żuk"
    assert "\0" not in json.dumps(Submission.objects.get().touch)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream"])
@pytest.mark.parametrize("body", ['{"pipeline":1,"title":"a\\u0000b"}', '{"title":"a\\ud800"}', '{"amount":1e400}'])
def test_a_program_is_told_what_cannot_be_kept_whatever_its_body_says_it_is(world, client, kind, body):
    caller = Caller(client, world.bob)
    answer = client.generic(
        "POST", "/api/v1/items", body, content_type=kind, headers={"Authorization": f"Bearer {caller.text}"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


def test_a_literal_backslash_is_no_nul(world, client):
    made = Caller(client, world.bob).post("/items", {"pipeline": world.pipeline.pk, "title": "C:\\u0000"})
    assert (made.status_code, made.data["title"]) == (201, "C:\\u0000")


@pytest.mark.parametrize("body", ['{"id":1e400}', "[1e999]", "null", '"\\ud800"', '{"a":"\\u0000"}', "[" * 100_000])
def test_an_incoming_webhook_takes_only_what_can_be_kept(client, body):
    hook = InboundHook.objects.create(name="Shop")
    answer = client.post(f"/hooks/{hook.token}/", body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("cookie", ['"\\000abc"', "é" * 20, "x" * 500])
def test_a_cookie_that_is_no_key_is_nobodys(world, client, cookie):
    client.cookies["dealwright_session"] = cookie
    assert client.get(f"/board/{world.pipeline.pk}/live/?v=1").status_code in (302, 401, 403)


def test_a_colleagues_odd_address_is_no_address(world, client):
    client.force_login(world.bob)
    assert client.post(f"/contacts/{world.contact.pk}/address/", {"address": "a\0b"}).status_code == 404


# ---------------------------------------------------------------------- years

FAR = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize("moment", FAR)
def test_no_task_is_due_in_a_year_that_no_page_could_show(world, client, moment):
    item = world.deal()
    answer = Caller(client, world.bob).post("/tasks", {"item": item.pk, "title": "t", "deadline": moment})
    assert answer.status_code == 422
    assert "deadline" in answer.data["error"]["fields"]
    with pytest.raises(ValidationError):
        Task.objects.create(item=item, title="t", deadline=datetime(9999, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("moment", FAR)
def test_no_field_of_ones_own_holds_such_a_year_by_any_door(world, client, moment):
    CustomField.objects.create(key="visit", label="Visit", target="item", type="datetime")
    item = world.deal()
    assert Caller(client, world.bob)("PATCH", f"/items/{item.pk}", {"custom": {"visit": moment}}).status_code == 422
    client.force_login(world.bob)
    answer = client.post(f"/items/{item.pk}/field/custom.visit/", {"value": moment[:16], "custom.visit": moment[:16]})
    assert answer.status_code in (400, 422)
    assert "visit" not in Item.objects.get(pk=item.pk).custom


@given(st.dates() | st.datetimes())
def test_every_day_that_a_form_takes_can_be_shown_in_every_zone(day):
    field = MomentField() if isinstance(day, datetime) else DayField()
    with timezone.override("Pacific/Kiritimati"), translation.override("en"):
        try:
            kept = field.clean(day.isoformat())
        except ValidationError:
            return
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "UTC"):
            with timezone.override(zone):
                assert shown.day(kept)


def test_a_moment_from_before_there_were_limits_is_shown_all_the_same():
    with timezone.override("Asia/Tokyo"):
        assert shown.exactly(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
        assert shown.day(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))


def test_due_dates_lie_within_the_same_years(world, client):
    sent = {"pipeline": world.pipeline.pk, "title": "x", "due_date": "9999-12-31"}
    assert Caller(client, world.bob).post("/items", sent).status_code == 422
    with pytest.raises(ValidationError):
        world.deal(due_date=date(1, 1, 1))


# ---------------------------------------------------------------------- names and links

NAMES = ("www.evil.example", "Parcel https://evil.example/pay @you", "WWW.Evil.example/x")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "Dear {{ contact.name }},", "Name:{{ contact.name }}", "{{ contact.name | upcase }}",
        "{{ contact.name | truncate: 30 }}", "{{ item.title }}", "{{ company.name }}", "{{ item.custom.wish }}",
    ],
)  # fmt: skip
def test_what_strangers_are_called_is_no_link_however_it_is_printed(world, drain, name, text):
    from crm.models import Company

    CustomField.objects.create(key="wish", label="Wish", target="item", type="text")
    world.contact.name = name
    world.contact.save()
    item = world.deal(name, company=Company.objects.create(name=name), custom={"wish": name})
    world.rule("talk", "send_email", {"subject": "s", "body": f"{text} https://ours.example/x"})
    world.move(item, "talk")
    drain()
    message = Message.objects.get()
    assert re.findall(r'href="([^"]+)"', message.html or html_of(message.text)) == ["https://ours.example/x"]


def test_who_is_called_by_his_own_address_is_addressed_by_it(world):
    world.contact.name = world.contact.email()
    world.contact.save()
    filled = merge_text.render("{{ contact.name }}", merge_text.Values(world.deal()), for_mail=True)
    assert filled == world.contact.email()


def test_a_notice_by_mail_makes_no_link_of_a_strangers_words(world):
    world.bob.notices = {"task": {"mail": True}}
    world.bob.save()
    item = world.deal("Visit http://evil.example/a")
    notify([world.bob], "New task: Call Visit http://evil.example/a", item=item, kind="task")
    message = Message.objects.get(to=world.bob.email)
    (link,) = re.findall(r'href="([^"]+)"', message.html or html_of(message.text))
    assert link.endswith(f"/items/{item.pk}/")


# ---------------------------------------------------------------------- out of reach


def test_the_bell_says_nothing_of_a_card_that_its_reader_does_not_see_any_more(world, client):
    role = world.role(world.charlie, view=Scope.ALL)
    notify([world.charlie], "On ZZSECRET: hello", item=world.deal("ZZSECRET"))
    client.force_login(world.charlie)
    assert "ZZSECRET" in client.get("/bell/").content.decode()
    role.delete()
    other = world.role(
        world.charlie, pipeline=Pipeline.objects.create(item_type=world.pipeline.item_type, name="Other")
    )
    assert other
    page = client.get("/bell/").content.decode()
    assert "ZZSECRET" not in page
    assert "About a card that you do not see." in page
    assert Notification.objects.get().text == "On ZZSECRET: hello"


def test_a_card_does_not_start_lost_without_a_word(world, client):
    lost = world.stages["lost"]
    answer = Caller(client, world.bob).post("/items", {"pipeline": world.pipeline.pk, "title": "x", "stage": lost.pk})
    assert answer.status_code == 422
    client.force_login(world.bob)
    answer = client.post(f"/board/{world.pipeline.pk}/new/", {"title": "x", "stage": lost.pk})
    assert answer.status_code == 422
    assert not Item.objects.exists()


# ---------------------------------------------------------------------- values of programs


@pytest.mark.parametrize("value", ["yes", "nope", 2, 1, [1], {}, "true", "on"])
def test_a_yes_or_no_of_ones_own_is_true_or_false(world, client, value):
    CustomField.objects.create(key="yes", label="Yes", target="item", type="boolean")
    caller, item = Caller(client, world.bob), world.deal()
    assert caller("PATCH", f"/items/{item.pk}", {"custom": {"yes": value}}).status_code == 422
    assert caller("PATCH", f"/items/{item.pk}", {"custom": {"yes": True}}).data["custom"]["yes"] is True


@pytest.mark.parametrize("blank", ["   ", "\u200b", "\u2060\u00a0"])
@pytest.mark.parametrize("path", ["/items", "/tasks", "/contacts", "/webhooks"])
def test_a_name_that_nobody_can_see_is_none(world, client, blank, path):
    sent = {
        "/items": {"pipeline": world.pipeline.pk, "title": blank},
        "/tasks": {"item": world.deal().pk, "title": blank},
        "/contacts": {"name": blank},
        "/webhooks": {"name": blank, "url": "https://example.com/", "kinds": ["item.created"]},
    }[path]
    answer = Caller(client, world.bob).post(path, sent)
    assert answer.status_code == 422
    assert {"name", "title"} & set(answer.data["error"]["fields"])


def test_true_is_no_pipeline(world, client):
    assert Caller(client, world.bob).post("/items", {"pipeline": True, "title": "x"}).status_code == 422


@pytest.mark.parametrize(
    "url", ["https://localhost/", "https://127.0.0.1./", "https://db.internal/", "https://a.local/"]
)
def test_names_of_inside_hosts_are_refused_when_they_are_saved(url):
    with pytest.raises(Unsafe):
        check(url)


# ---------------------------------------------------------------------- the administration


def test_an_address_of_the_administration_fills_in_only_what_a_column_can_name(world, client):
    client.force_login(world.alice)
    for page in ("apitoken", "company", "contact", "webform", "webhook", "task", "pipeline"):
        for odd in ("²", "x", "9" * 30, "-1"):
            query = "&".join(f"{name}={odd}" for name in ("user", "owner", "company", "pipeline", "stage", "assignee"))
            answer = client.get(f"/admin/crm/{page}/add/?{query}")
            assert answer.status_code in (200, 403, 404), (page, odd)


def test_a_stage_with_a_colour_that_nobody_knows_is_drawn_all_the_same(world, client):
    Stage.objects.filter(pk=world.stages["new"].pk).update(colour="#94a3b8")
    world.pipeline.touch_machine()
    client.force_login(world.alice)
    assert client.get(f"/admin/crm/pipeline/{world.pipeline.pk}/change/").status_code == 200


def test_a_drawn_name_of_a_million_points_is_asked_for_again(world):
    from documents.views.customer import _drawing

    def picture(width, height):
        out = io.BytesIO()
        Image.new("1", (width, height)).save(out, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()

    assert _drawing(picture(600, 200)).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="drawing"):
        _drawing(picture(4001, 10))
    with pytest.raises(ValueError, match="drawing"):
        _drawing("data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode())


def test_pasted_names_are_no_links_either(world):
    contact = Contact.objects.create(name="Parcel https://evil.example/pay @you")
    message = queue_message(
        Outgoing(channel=channel_for("email", Channel.objects.get(pk=world.email.pk)), to="a@example.com",
        text="Name:PARCEL https://evil.example/pay @you", contact=contact, item=world.deal()))  # fmt: skip
    assert "href" not in message.html
