"""Coming in: limits, the second step, sessions, a new password; no way round any of them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.test import Client

from crm.models import ApiToken, Message, SystemSwitches, User


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def log_in(client: Client, password: str = "pw-bob", email: str = "bob@example.com"):
    return client.post("/login/", {"login": email, "password": password})


def with_app(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def test_a_person_comes_in_with_e_mail_and_password_in_any_case(world, client):
    assert log_in(client, email="BOB@example.com").url == "/"
    assert client.get(f"/board/{world.pipeline.pk}/").status_code == 200


def test_a_wrong_password_is_said_in_words_and_the_address_is_kept(world, client):
    page = log_in(client, "nope").content.decode()
    assert "do not belong together" in page
    assert "bob@example.com" in page


def test_the_sixth_try_is_refused_even_with_the_right_password(world, client):
    for _try in range(5):
        log_in(client, "nope")
    page = log_in(client).content.decode()
    assert "Too many attempts" in page
    assert "_auth_user_id" not in client.session


def test_who_is_refused_at_one_account_still_comes_into_another(world, client):
    for _try in range(6):
        log_in(client, "nope")
    assert log_in(client, "pw-alice", "alice@example.com").status_code == 302


def test_the_administration_has_no_login_of_its_own(world, client):
    for method in (client.get, client.post):
        answer = method("/admin/login/", {"username": "alice@example.com", "password": "pw-alice"})
        assert answer.status_code == 302
        assert answer.url.startswith("/login/")
    assert "_auth_user_id" not in client.session


def test_with_an_app_the_password_alone_opens_nothing(world, client):
    secret = with_app(world.bob)
    assert log_in(client).url == "/account/two-step/login/"
    assert client.get(f"/board/{world.pipeline.pk}/").status_code == 302
    assert "not right" in client.post("/account/two-step/login/", {"code": "000000"}).content.decode()
    assert client.post("/account/two-step/login/", {"code": code_of(secret)}).url == "/"
    assert client.get(f"/board/{world.pipeline.pk}/").status_code == 200


def test_the_sixth_code_is_refused_too(world, client):
    secret = with_app(world.bob)
    log_in(client)
    for _try in range(5):
        client.post("/account/two-step/login/", {"code": "000000"})
    answer = client.post("/account/two-step/login/", {"code": code_of(secret)})
    assert "_auth_user_id" not in client.session
    assert answer.status_code in (200, 429)


def test_the_secret_of_an_app_is_not_readable_in_the_database(world):
    secret = with_app(world.bob)
    assert secret not in str(Authenticator.objects.get(user=world.bob).data)


def test_an_app_is_set_up_and_its_recovery_codes_let_in_once(world, client, django_capture_on_commit_callbacks):
    log_in(client)
    page = client.get("/account/app/add/")
    assert page.status_code == 302, "a change of the login asks for the password again"
    client.post(page.url, {"password": "pw-bob"})
    page = client.get("/account/app/add/").content.decode()
    secret = re.search(r"<code[^>]*>([A-Z0-9]+)</code>", page).group(1)
    assert client.post("/account/app/add/", {"code": "123"}).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/account/app/add/", {"code": code_of(secret)}).status_code == 302
    codes = re.search(r"<pre[^>]*>(.*?)</pre>", client.get("/account/codes/").content.decode(), re.S).group(1).split()
    assert len(codes) >= 8
    for expected in (True, False):
        other = Client()
        log_in(other)
        other.post("/account/two-step/login/", {"code": codes[0]})
        assert ("_auth_user_id" in other.session) is expected
    told = Message.objects.filter(to="bob@example.com").values_list("text", flat=True)
    assert any("authenticator app" in text for text in told)


def test_when_the_switch_asks_for_it_nothing_opens_before_the_second_step_is_set_up(world, client):
    switches = SystemSwitches.objects.get()
    switches.second_factor = "everybody"
    switches.save()
    log_in(client)
    for url in (f"/board/{world.pipeline.pk}/", "/day/", "/search/"):
        assert client.get(url).url == "/account/two-step/", url
    assert client.get("/account/two-step/").status_code == 200
    with_app(world.bob)
    assert client.get("/day/").status_code == 200


def test_asked_of_administrators_alone_the_switch_leaves_others_alone(world, client):
    switches = SystemSwitches.objects.get()
    switches.second_factor = "administrators"
    switches.save()
    client.force_login(world.bob)
    assert client.get("/day/").status_code == 200
    client.force_login(world.alice)
    assert client.get("/admin/").url == "/account/two-step/"


def test_sessions_are_listed_and_one_of_them_is_ended(world, client):
    phone = Client(headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Safari/604.1"})
    for browser in (client, phone):
        log_in(browser)
    page = client.get("/account/sessions/").content.decode()
    assert "Safari · iPhone" in page
    ended = UserSession.objects.exclude(session_key=client.session.session_key).get()
    client.post("/account/sessions/", {"end": ended.pk})
    assert phone.get("/day/").status_code == 302
    assert client.get("/day/").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(world, client):
    log_in(client)
    other = Client()
    log_in(other, "pw-alice", "alice@example.com")
    theirs = UserSession.objects.get(user=world.alice)
    client.post("/account/sessions/", {"end": theirs.pk})
    assert other.get("/day/").status_code == 200


def test_a_new_password_ends_every_other_session(world, client):
    other = Client()
    for browser in (client, other):
        log_in(browser)
    answer = client.post(
        "/account/password/", {"oldpassword": "pw-bob", "password1": "salt-and-oak-7", "password2": "salt-and-oak-7"}
    )
    assert answer.status_code == 302
    assert client.get("/day/").status_code == 200
    assert other.get("/day/").status_code == 302


@pytest.mark.parametrize(("email", "mails"), [("bob@example.com", 1), ("who@example.com", 0)])
def test_a_link_for_a_new_password_goes_to_known_addresses_and_the_page_does_not_tell(world, client, email, mails):
    answer = client.post("/account/password/reset/", {"email": email}, follow=True)
    assert "If the address is known" in answer.content.decode()
    sent = Message.objects.filter(to=email)
    assert sent.count() == mails
    if mails:
        link = re.search(r"https?://[^/]+(/\S+)", sent[0].text).group(1)
        form = client.get(link, follow=True)
        assert form.request["PATH_INFO"] != link, "the key does not stay in the address"
        client.post(form.request["PATH_INFO"], {"password1": "salt-and-oak-7", "password2": "salt-and-oak-7"})
        assert log_in(client, "salt-and-oak-7").status_code == 302
        assert "not valid any more" in Client().get(link, follow=True).content.decode()


def test_there_is_no_sign_up(client, db):
    for url in ("/signup/", "/accounts/signup/", "/account/signup/"):
        assert client.get(url).status_code == 404


def test_the_profile_keeps_what_was_typed_when_something_is_wrong(world, client):
    client.force_login(world.bob)
    data = {"name": "Bob the Second", "language": "pl", "zone": "Europe/Warsaw", "phone": ""}
    wrong = data | {"absent_from": "2026-12-24T08:00", "absent_until": "2026-12-23T08:00"}
    answer = client.post("/account/", wrong)
    assert answer.status_code == 422
    assert "Bob the Second" in answer.content.decode()
    client.post("/account/", data)
    assert User.objects.get(pk=world.bob.pk).language == "pl"


@pytest.mark.parametrize(
    "hosts", [("localhost", "localhost:1", "LOCALHOST", "localhost:2", "127.0.0.1", "localhost:3")]
)
def test_the_limit_does_not_look_at_how_the_host_is_spelled(world, client, hosts):
    for host in hosts:
        client.post("/login/", {"login": "bob@example.com", "password": "nope"}, headers={"Host": host})
    page = client.post("/login/", {"login": "bob@example.com", "password": "pw-bob"}, headers={"Host": "localhost:9"})
    assert "_auth_user_id" not in client.session, page.status_code


def test_after_a_lost_key_no_code_lets_in(world, client, settings):
    with_app(world.bob)
    settings.SECRET_KEY = "another-key-altogether-" + "x" * 40
    log_in(client)
    answer = client.post("/account/two-step/login/", {"code": code_of("")})
    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session


def test_who_may_not_open_the_administration_is_told_so_once(world, client):
    log_in(client)
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(world.alice)
    assert client.get("/admin/login/").url == "/admin/"


def test_an_account_made_with_capitals_is_found_by_its_login(world, client):
    User.objects.create_user("x@example.com", "pw-long-enough", name="X")
    person = User.objects.get(email="x@example.com")
    person.email = "Xenia@Example.com"
    person.save()
    assert log_in(client, "pw-long-enough", "xenia@example.com").status_code == 302


def test_a_change_by_a_token_is_its_persons_in_the_audit_log(world, client):
    from auditlog.models import LogEntry

    from crm.models import ApiToken

    _row, text = ApiToken.make(world.bob, "t", ["webhooks"])
    body = {"name": "x", "url": "https://example.com/"}
    client.post("/api/v1/webhooks", body, content_type="application/json", headers={"Authorization": f"Bearer {text}"})
    assert LogEntry.objects.get(content_type__model="webhook").actor == world.bob


def test_a_form_sent_without_its_cookie_is_told_so_and_leads_back(world):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.bob)
    page = "http://testserver/contacts/new/"
    answer = client.post("/contacts/new/", {"name": "Żółw"}, headers={"Referer": page})
    assert answer.status_code == 403
    assert 'href="/contacts/new/"' in answer.content.decode()
    assert "csrftoken" in client.cookies  # the next try has one
    part = Client(enforce_csrf_checks=True)
    part.force_login(world.bob)
    answer = part.post("/contacts/new/", {"name": "Żółw"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["X-Csrf-Failure"]) == (403, "1")


@pytest.mark.parametrize(
    ("referer", "leads"),
    [("http://testserver/items/3/", "/items/3/"), ("https://evil.example/items/3/", "/"), ("", "/"),
     ("http://testserver/board/1/?q=a", "/board/1/?q=a"), ("//evil.example/x", "/")],
)  # fmt: skip
def test_who_sent_a_form_without_a_session_comes_back_to_its_page_and_to_no_other(world, client, referer, leads):
    answer = client.post("/items/3/write/note/", {"text": "x"}, headers={"Referer": referer})
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.url).query)["next"] == [leads]


def guess(client, password="wrong", account="bob@example.com", address="198.51.100.7"):
    return client.post("/login/", {"login": account, "password": password}, REMOTE_ADDR=address)


def test_a_stranger_who_guesses_locks_out_himself_and_not_the_person(world):
    for _try in range(6):
        guess(Client())
    assert "Too many attempts" in guess(Client(), "pw-bob").content.decode()
    assert guess(Client(), "pw-bob", address="203.0.113.9").status_code == 302


def test_whoever_has_a_whole_network_of_addresses_counts_as_one(world):
    for number in range(6):
        guess(Client(), address=f"2001:db8:1:2::{number:x}")
    assert "Too many attempts" in guess(Client(), "pw-bob", address="2001:db8:1:2:ffff::1").content.decode()
    assert guess(Client(), "pw-bob", address="2001:db8:1:3::1").status_code == 302


def test_a_hundred_wrong_tries_a_day_close_an_account_to_all_but_known_devices(world):
    known = Client()
    assert guess(known, "pw-bob").status_code == 302
    known.post("/logout/")
    for number in range(100):
        guess(Client(), address=f"203.0.{number // 4}.{number}")
    assert "Too many attempts" in guess(Client(), "pw-bob", address="192.0.2.1").content.decode()
    assert guess(known, "pw-bob", address="192.0.2.2").status_code == 302
    other = Client()
    other.cookies["dealwright_device"] = known.cookies["dealwright_device"].value
    assert "Too many" not in guess(other, "wrong", "alice@example.com", address="192.0.2.3").content.decode()


def test_tokens_end_with_a_changed_password_if_asked(world, client):
    client.force_login(world.bob)
    ApiToken.make(world.bob, "ERP", ["read"])
    others, _text = ApiToken.make(world.alice, "Hers", ["read"])
    page = client.get("/account/password/").content.decode()
    assert "ERP" in page
    assert "never used" in page
    assert "Hers" not in page
    new = {"oldpassword": "pw-bob", "password1": "Zażółć-gęślą-7", "password2": "Zażółć-gęślą-7"}
    assert client.post("/account/password/", new).status_code == 302
    assert ApiToken.objects.filter(user=world.bob, revoked_at=None).exists()
    again = {"oldpassword": "Zażółć-gęślą-7", "password1": "Jaźń-źdźbło-88", "password2": "Jaźń-źdźbło-88"}
    assert client.post("/account/password/", again | {"end_tokens": "on"}).status_code == 302
    assert not ApiToken.objects.filter(user=world.bob, revoked_at=None).exists()
    others.refresh_from_db()
    assert others.revoked_at is None


def test_a_known_device_is_known_until_its_password_changes_and_a_new_one_opens_the_account(world, drain):
    known = Client()
    guess(known, "pw-bob")
    known.post("/logout/")
    for number in range(100):
        guess(Client(), address=f"203.0.{number // 4}.{number}")
    world.bob.refresh_from_db()
    world.bob.set_password("pw-new")
    world.bob.save()
    assert "Too many attempts" in guess(known, "pw-new", address="192.0.2.2").content.decode()
    person = Client()
    person.post("/account/password/reset/", {"email": "bob@example.com"})
    drain()
    link = re.search(
        r"http://\S+?(/account/password/reset/key/\S+)",
        Message.objects.get(to="bob@example.com", subject__contains="new").text,
    )[1]
    page = person.get(link, follow=True)
    person.post(page.request["PATH_INFO"], {"password1": "Zażółć-gęślą-7", "password2": "Zażółć-gęślą-7"})
    assert guess(Client(), "Zażółć-gęślą-7", address="192.0.2.9").status_code == 302
