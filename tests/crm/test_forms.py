"""Public forms: without JavaScript, without cookies, and nothing is ever lost."""

import re
import time

import pytest
from django.core import signing

from automation.models import Run
from crm.messages import receiving
from crm.models import (
    Channel,
    Consent,
    Contact,
    FormField,
    Item,
    Job,
    Notification,
    OwnCompany,
    Submission,
    Task,
    WebForm,
)
from crm.webforms.submissions import replay


@pytest.fixture
def form(world):
    made = WebForm.objects.create(
        name="Order",
        slug="order",
        pipeline=world.pipeline,
        heading="Order",
        thanks="Thank you, {{ contact.salutation }}!",
        language="en",
    )
    rows = [
        ("name", "name", True, "contact.name"),
        ("phone", "phone", True, "contact.phone"),
        ("email", "email", False, "contact.email"),
        ("budget", "money", False, "item.amount"),
        ("what", "long_text", False, ""),
        ("consent", "consent", True, ""),
    ]
    for order, (key, kind, required, target) in enumerate(rows):
        FormField.objects.create(
            form=made, key=key, kind=kind, label=key.capitalize(), required=required, saves_to=target, order=order
        )
    return made


GOOD = {"name": "Jan Żuk", "phone": "601 234 567", "email": "Jan@Example.com", "budget": "4500", "consent": "on"}


def token_of(client, slug="order", age=5.0):
    """A token as the page gives it, a few seconds old: the clock of tokens is real time, so it is signed anew."""
    page = client.get(f"/f/{slug}/").content.decode()
    text = re.search(r'name="token" value="([^"]+)"', page)[1]
    return aged(signing.loads(text, salt="webform"), age)


def aged(value, seconds):
    class Past(signing.TimestampSigner):
        def timestamp(self):
            return signing.b62_encode(int(time.time() - seconds))

    payload = signing.dumps(value, salt="webform").split(":")[0]
    return Past(salt="webform").sign(payload)


def send(client, age=5.0, token=None, slug="order", **data):
    return client.post(f"/f/{slug}/", {"token": token or token_of(client, slug, age), **data})


def test_a_form_makes_a_deal_and_texts_the_customer(world, form, client, drain):
    world.rule("new", "send_sms", {"text": "Hi {{ contact.salutation }}"})
    answer = send(client, **GOOD)
    assert answer.status_code == 200
    assert "Thank you, Jan!" in answer.content.decode()
    assert not answer.cookies
    drain()
    item = Item.objects.get()
    assert (item.stage.name, item.amount, item.contact.name) == ("New", 4500, "Jan Żuk")
    assert item.contact.phone() == "+48601234567"
    assert item.contact.email() == "jan@example.com"
    assert item.messages.get().text == "Hi Jan"
    assert Consent.objects.get().text == "Consent"


def test_no_javascript_and_no_cookie_are_needed(world, form, client):
    page = client.get("/f/order/")
    assert "<script" not in page.content.decode()
    assert not page.cookies
    assert "frame-ancestors *" in page["Content-Security-Policy"]
    assert "X-Frame-Options" not in page


def test_only_allowed_sites_may_frame_it(world, form, client):
    form.allowed_sites = "https://shop.example\nhttps://other.example"
    form.save()
    policy = client.get("/f/order/")["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://shop.example https://other.example" in policy


def test_the_same_form_posted_twice_is_one_deal_and_the_same_page(world, form, client, drain):
    token = token_of(client)
    first, second = send(client, token=token, **GOOD), send(client, token=token, **GOOD)
    assert first.content == second.content
    drain()
    assert Submission.objects.count() == Item.objects.count() == 1


def test_too_fast_is_asked_once_more_and_what_was_typed_stays(world, form, client):
    answer = send(client, age=0, **GOOD)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "very fast" in page
    assert 'value="Jan Żuk"' in page
    assert not Submission.objects.exists()


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c"])
def test_a_forged_token_is_refused_and_what_was_typed_stays(world, form, client, token):
    answer = client.post("/f/order/", {"token": token, **GOOD})
    assert answer.status_code == 422
    assert 'value="Jan Żuk"' in answer.content.decode()
    assert not Submission.objects.exists()


def test_a_token_of_another_form_is_refused(world, form, client):
    other = WebForm.objects.create(name="O", slug="other", pipeline=world.pipeline, heading="h", thanks="t")
    token = token_of(client, "other")
    assert send(client, token=token, **GOOD).status_code == 422
    assert other.submissions.count() == 0


def test_an_old_token_is_renewed_and_what_was_typed_stays(world, form, client):
    answer = send(client, age=25 * 3600, **GOOD)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="Jan Żuk"' in page
    fresh = re.search(r'name="token" value="([^"]+)"', page)[1]
    assert send(client, token=aged(signing.loads(fresh, salt="webform"), 5), **GOOD).status_code == 200


def test_ten_megabytes_of_text_are_refused_in_words(world, form, client):
    answer = send(client, **{**GOOD, "what": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "more than the form can take" in answer.content.decode()


def test_a_script_as_a_name_stays_text_everywhere(world, form, client, drain):
    world.rule("new", "send_email", {"subject": "Hi {{ contact.name }}", "body": "Dear {{ contact.name }}"})
    name = "<script>alert(1)</script>"
    send(client, **{**GOOD, "name": name})
    drain()
    item = Item.objects.get()
    client.force_login(world.bob)
    for url in (
        f"/items/{item.pk}/",
        f"/board/{world.pipeline.pk}/",
        "/outbox/",
        f"/outbox/{item.messages.get().pk}/body/",
    ):
        page = client.get(url).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_errors_stand_at_their_fields_in_words(world, form, client):
    page = send(client, **{**GOOD, "phone": "12", "name": "", "consent": ""}).content.decode()
    for words in ("“12” is not", "Please fill in this field.", "Please agree"):
        assert words in page


def test_a_program_that_fills_the_hidden_field_leaves_nothing(world, form, client):
    answer = send(client, website="https://spam.example", **GOOD)
    assert answer.status_code == 200
    assert not Submission.objects.exists()


def test_too_many_from_one_address_are_asked_to_wait(world, form, client):
    for _ in range(10):
        assert send(client, **GOOD).status_code == 200
    answer = send(client, **GOOD)
    assert answer.status_code == 429
    assert 'value="Jan Żuk"' in answer.content.decode()


def test_a_known_contact_is_found_and_only_empty_fields_are_filled(world, form, client, drain):
    known = Contact.objects.create(name="Jan Kowalski")
    known.add_email("jan@example.com")
    send(client, **GOOD)
    drain()
    assert Item.objects.get().contact == known
    known.refresh_from_db()
    assert known.name == "Jan Kowalski"
    assert known.phone(item=Item.objects.get()) == "+48601234567"
    assert known.phone() == "", "older cards are not written from to a number that anybody may have typed"


def test_attaching_to_the_open_item_makes_no_second_one(world, form, client, drain):
    form.deals = WebForm.Deals.ATTACH
    form.save()
    for _ in range(2):
        send(client, **GOOD)
        drain()
    assert Item.objects.count() == 1
    assert Submission.objects.filter(item=Item.objects.get()).count() == 2


def test_a_submission_that_cannot_be_processed_is_kept_with_its_reason_and_replayed(world, form, client, drain):
    form.stage = world.stages["talk"]
    form.save()
    world.stages["talk"].retired = True
    world.stages["talk"].save()
    assert send(client, **GOOD).status_code == 200
    drain()
    kept = Submission.objects.get()
    assert (kept.status, "does not exist any more" in kept.error) == ("failed", True)
    assert Notification.objects.filter(user=world.alice, kind="submission").exists()
    world.stages["talk"].retired = False
    world.stages["talk"].save()
    replay(kept)
    drain()
    assert Submission.objects.get().status == "done"
    assert Item.objects.count() == 1


def test_processing_twice_makes_one_item(world, form, client, drain):
    send(client, **GOOD)
    drain()
    Job.plan("process_submission", "once more", payload={"submission": Submission.objects.get().pk})
    drain()
    assert Item.objects.count() == 1


def test_a_callback_form_makes_a_call_task_inside_working_hours(world, now, client, drain):
    form = WebForm.objects.create(
        name="Call", slug="call", kind="callback", pipeline=world.pipeline, heading="h", thanks="t", owner=world.bob
    )
    FormField.objects.create(
        form=form, key="phone", kind="phone", label="Phone", required=True, saves_to="contact.phone"
    )
    send(client, slug="call", phone="+48601234567")
    drain()
    task = Task.objects.get()
    assert (task.assignee, task.deadline.hour, task.deadline.minute) == (world.bob, 9, 30)


def test_a_closed_form_says_so(world, form, client):
    form.is_active = False
    form.save()
    assert client.get("/f/order/").status_code == 410
    assert client.get("/f/nothing/").status_code == 404


def test_a_customer_without_a_phone_gets_no_sms_and_the_rule_says_why(world, now, drain):
    rule = world.rule("new", "send_sms", {"text": "hi"})
    item = world.deal(contact=Contact.objects.create(name="No Phone"))
    drain()
    assert world.run_of(rule).error == "The customer has no phone number."
    nobody = world.deal(contact=None)
    drain()
    assert world.run_of(rule, nobody).error == "No customer is linked to the item."
    assert item.messages.count() == 0
    assert Run.objects.filter(status="failed").count() == 2


def test_a_number_from_a_public_form_gets_sms_in_listed_countries_until_it_is_known(world, form, client, drain):
    rule = world.rule("new", "send_sms", {"text": "Hi"})
    own = OwnCompany.first()
    for listed, phone, sent in (
        ("", "+48601234567", False),
        ("pl, DE", "+48601234568", True),
        ("PL", "+84901234567", False),
    ):
        OwnCompany.objects.filter(pk=own.pk).update(sms_countries=listed)
        send(client, **GOOD | {"phone": phone, "email": "", "name": f"Jan {phone}"})
        drain()
        card = Item.objects.order_by("-pk")[0]
        assert card.messages.exists() is sent, phone
        if not sent:
            assert world.run_of(rule, card).error.code == "phone.from_form"
    stranger = card.contact
    client.force_login(world.bob)
    assert "came in by a public form" in client.get(f"/contacts/{stranger.pk}/").content.decode()
    client.post(f"/contacts/{stranger.pk}/address/", {"address": "+84901234567"})
    assert not stranger.phones.get().is_from_form
    again = Contact.objects.get(phones__number="+48601234567")
    receiving.received_sms(Channel.objects.get(medium="sms"), "SM1", "+48601234567", "Hello, it is me")
    assert not again.phones.get().is_from_form


def test_what_was_chosen_comes_before_what_a_kind_says_of_itself(world, form, client, drain):
    FormField.objects.create(form=form, key="friend", kind="email", label="Who sent you", order=0)
    form.fields.filter(key="email").update(order=9)
    send(client, friend="friend@example.com", **GOOD)
    drain()
    assert Item.objects.get().contact.email() == "jan@example.com"
