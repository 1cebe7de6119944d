"""Contacts, companies, merging, search, the recycle bin, the composer, fields edited in place."""

import json
from datetime import timedelta

import pytest

from crm.board.recycle_bin import empty
from crm.customers import merging
from crm.models import (
    Company,
    Consent,
    Contact,
    Conversation,
    Event,
    Item,
    Message,
    Notification,
    Task,
)


@pytest.fixture
def bob(world, client):
    client.force_login(world.bob)
    return client


@pytest.fixture
def charlie(world, client):
    client.force_login(world.charlie)
    return client


# ---------------------------------------------------------------------- contacts and companies


def test_a_contact_is_found_without_accents_by_phone_and_by_mail(world, bob):
    for text in ("nguyen thi hang", "912345678", "hang@exa"):
        assert "Nguyễn Thị Hằng" in bob.get("/contacts/", {"q": text}).content.decode(), text
    assert "Nguyễn" not in bob.get("/contacts/?q=kowalski").content.decode()


def test_a_contact_is_added_and_changed_with_its_phones_mails_and_company(world, bob):
    data = {
        "name": "Żaneta Łączyńska",
        "phones": "601 234 567\n+44 7400 123456",
        "emails": "Z@Example.com",
        "company_name": "Meble Łódź",
        "tags": "VIP, oak",
        "language": "pl",
    }
    answer = bob.post("/contacts/new/", data)
    contact = Contact.objects.get(name="Żaneta Łączyńska")
    assert answer.url == f"/contacts/{contact.pk}/"
    assert [row.number for row in contact.phones.all()] == ["+48601234567", "+447400123456"]
    assert contact.email() == "z@example.com"
    assert contact.company == Company.objects.get(name="Meble Łódź")
    assert sorted(tag.name for tag in contact.tags.all()) == ["VIP", "oak"]
    bob.post(f"/contacts/{contact.pk}/edit/", data | {"phones": "+44 7400 123456", "company_name": "meble lodz"})
    contact.refresh_from_db()
    assert contact.phone() == "+447400123456"
    assert Company.objects.count() == 1  # found by its folded name


def test_bad_phones_are_refused_and_nothing_typed_is_lost(world, bob):
    page = bob.post(f"/contacts/{world.contact.pk}/edit/", {"name": "Hằng", "phones": "12", "emails": "no mail"})
    assert page.status_code == 422
    text = page.content.decode()
    assert "“12” is not a valid phone number." in text
    assert "“no mail” is not an e-mail address." in text
    assert 'value="Hằng"' in text
    world.contact.refresh_from_db()
    assert world.contact.name == "Nguyễn Thị Hằng"


def test_two_contacts_become_one_with_everything_that_hung_on_either(world, bob, drain):
    other = Contact.objects.create(name="Hang Nguyen", language="en", no_sms=True, custom={"size": "XL"})
    other.add_phone("+84912345678")
    other.add_email("work@example.com")
    deal = world.deal("Hers", contact=other)
    deal.contacts.add(other)
    Consent.objects.create(contact=other, text="yes", text_hash="x")
    mine = Conversation.objects.create(contact=world.contact, channel=world.email)
    theirs = Conversation.objects.create(contact=other, channel=world.email)
    message = Message.objects.create(channel=world.email, contact=other, conversation=theirs, to="work@example.com")
    assert merging.duplicates_of(world.contact, world.bob) == [other]
    page = bob.get(f"/contacts/{world.contact.pk}/merge/?other={other.pk}").content.decode()
    assert "Hang Nguyen" in page
    bob.post(f"/contacts/{world.contact.pk}/merge/", {"other": other.pk, "name": "keep", "no_sms": "other"})
    kept = Contact.objects.get()
    assert (kept.name, kept.language, kept.no_sms, kept.custom) == ("Nguyễn Thị Hằng", "vi", True, {"size": "XL"})
    assert sorted(row.address for row in kept.emails.all()) == ["hang@example.com", "work@example.com"]
    assert kept.phones.count() == 1
    deal = Item.objects.get(pk=deal.pk)
    assert (deal.contact, list(deal.contacts.all())) == (kept, [kept])
    assert Consent.objects.get().contact == kept
    message.refresh_from_db()
    assert (message.contact, message.conversation) == (kept, mine)
    assert Event.objects.get(kind="contact.merged").contact == kept


def test_a_record_is_not_merged_with_itself_or_with_one_that_is_gone(world):
    with pytest.raises(merging.CannotMerge):
        merging.merge(world.contact, world.contact, {}, by=world.bob)
    gone = Contact.objects.create(name="Gone")
    twin = Contact.objects.get(pk=gone.pk)
    gone.delete()
    with pytest.raises(merging.CannotMerge, match="meanwhile"):
        merging.merge(world.contact, twin, {}, by=world.bob)


def test_companies_merge_by_the_same_door(world, bob):
    keep, drop = Company.objects.create(name="Dom"), Company.objects.create(name="Dom", tax_number="PL1")
    contact = Contact.objects.create(name="X", company=drop)
    bob.post(f"/companies/{keep.pk}/merge/", {"other": drop.pk, "tax_number": "other"})
    contact.refresh_from_db()
    assert contact.company == keep
    assert Company.objects.get().tax_number == "PL1"


def test_quick_create_takes_the_customer_that_was_chosen(world, bob):
    page = bob.get("/contacts/suggest/?customer=nguyen").content.decode()
    assert f'data-contact="{world.contact.pk}"' in page
    data = {"title": "Chair", "customer": "Nguyễn Thị Hằng", "customer_id": world.contact.pk}
    bob.post(f"/board/{world.pipeline.pk}/new/", data)
    assert Item.objects.get().contact == world.contact
    bob.post(f"/board/{world.pipeline.pk}/new/", data | {"title": "Desk", "customer": "Somebody new"})
    assert Item.objects.get(title="Desk").contact.name == "Somebody new"


# ---------------------------------------------------------------------- search


def test_search_finds_cards_contacts_and_companies(world, bob):
    world.deal("Stół dla Hằng")
    Company.objects.create(name="Hangar Sp. z o.o.")
    page = bob.get("/search/?q=hang").content.decode()
    for text in ("Stół dla Hằng", "Nguyễn Thị Hằng", "Hangar"):
        assert text in page
    assert "Nothing was found" in bob.get("/search/?q=zzzz").content.decode()


def test_charlie_sees_no_customer_and_finds_nothing(world, charlie):
    world.deal("Stół")
    company = Company.objects.create(name="Dom")
    assert "Nguyễn" not in charlie.get("/contacts/").content.decode()
    assert "Stół" not in charlie.get("/search/?q=stol").content.decode()
    assert "data-contact" not in charlie.get("/contacts/suggest/?customer=nguyen").content.decode()
    for url in (
        f"/contacts/{world.contact.pk}/",
        f"/companies/{company.pk}/",
        f"/contacts/{world.contact.pk}/merge/",
        "/contacts/new/",
    ):
        assert charlie.get(url).status_code == 404, url


# ---------------------------------------------------------------------- recycle bin


def test_a_deleted_card_waits_in_the_bin_and_comes_back_without_rules(world, bob, drain):
    rule = world.rule("new", timing={"when": "delay", "amount": 1, "unit": "hours"})
    item = world.deal("Szafa")
    item.delete_softly(by=world.bob)
    assert "Szafa" in bob.get("/bin/").content.decode()
    bob.post(f"/bin/{item.pk}/restore/")
    item = Item.objects.alive().get()
    assert item.visit is not None
    assert item.visit.left_at is None
    assert [run.status for run in world.runs(item)] == ["cancelled"]
    assert world.run_of(rule).visit_id != item.visit_id
    assert Event.objects.filter(item=item, kind="item.restored").count() == 1
    assert bob.post(f"/bin/{item.pk}/restore/").status_code == 404


def test_the_bin_empties_itself_after_thirty_days(world, now, drain):
    world.rule("new")
    item, kept = world.deal(), world.deal()
    drain()
    for row in (item, kept):
        row.delete_softly(by=world.bob)
    Item.objects.filter(pk=item.pk).update(deleted_at=now - timedelta(days=31))
    empty(None)
    assert [row.pk for row in Item.objects.all()] == [kept.pk]


def test_charlie_sees_no_foreign_bin(world, charlie):
    item = world.deal("Szafa")
    item.delete_softly(by=world.bob)
    assert "Szafa" not in charlie.get("/bin/").content.decode()
    assert charlie.post(f"/bin/{item.pk}/restore/").status_code == 404


# ---------------------------------------------------------------------- the card


def test_a_note_rings_the_bell_of_the_colleague_it_names(world, bob):
    item = world.deal()
    bob.post(f"/items/{item.pk}/write/note/", {"text": "@alice head please look. @Charlie Stranger too."})
    notice = Notification.objects.get(kind="mention")
    assert (notice.user, notice.item) == (world.alice, item)
    assert "please look" in notice.text  # Charlie may not see the card, so he hears nothing


def test_the_composer_sends_mail_and_sms_and_plans_calls(world, bob, drain):
    item = world.deal()
    bob.post(f"/items/{item.pk}/write/email/", {"to": "hang@example.com", "subject": "Chào", "text": "Xin chào <b>"})
    bob.post(f"/items/{item.pk}/write/sms/", {"to": "+84912345678", "text": "Xin chào"})
    data = {"kind": "call", "title": "Ring back", "deadline": "2030-01-02T10:00"}
    bob.post(f"/items/{item.pk}/write/task/", data)
    drain()
    mail = Message.objects.get(channel=world.email)
    assert (mail.status, mail.author, mail.subject) == ("sent", world.bob, "Chào")
    assert "&lt;b&gt;" in mail.html
    assert Message.objects.get(channel=world.sms).status == "sent"
    task = Task.objects.get()
    assert (task.kind, task.assignee, task.title) == ("call", world.bob, "Ring back")


def test_a_refused_message_keeps_what_was_typed(world, bob):
    item = world.deal()
    world.sms.is_active = False
    world.sms.save()
    page = bob.post(f"/items/{item.pk}/write/sms/", {"to": "+84912345678", "text": "Xin chào"})
    assert page.status_code == 422
    assert "Xin chào" in page.content.decode()
    assert "No channel for SMS is set up." in page.content.decode()
    foreign = bob.post(f"/items/{item.pk}/write/sms/", {"to": "+48601000000", "text": "hi"})
    assert foreign.status_code == 422
    assert not Message.objects.exists()


def test_one_field_is_edited_where_it_stands(world, bob):
    item = world.deal(amount=10)
    url = f"/items/{item.pk}/field/amount/"
    assert 'name="value"' in bob.get(url).content.decode()
    page = bob.post(url, {"value": "a lot", "was": json.dumps("10.00")})
    assert page.status_code == 422
    assert "a lot" in page.content.decode()
    assert bob.post(url, {"value": "99", "was": json.dumps("10.00")}).status_code == 200
    assert Item.objects.get().amount == 99


def test_edits_of_different_fields_merge_and_of_the_same_field_show_both(world, bob):
    item = world.deal(amount=10, source="shop")
    amount, source = f"/items/{item.pk}/field/amount/", f"/items/{item.pk}/field/source/"
    Item.objects.get().change({"amount": 20}, by=world.alice)
    assert bob.post(source, {"value": "fair", "was": json.dumps("shop")}).status_code == 200
    page = bob.post(amount, {"value": "30", "was": json.dumps("10.00")})
    assert page.status_code == 409
    assert "Alice Head changed this to “20.00” meanwhile." in page.content.decode()
    assert Item.objects.get().amount == 20
    assert bob.post(amount, {"value": "30", "was": json.dumps("20.00"), "mine": "1"}).status_code == 200
    assert (Item.objects.get().amount, Item.objects.get().source) == (30, "fair")


@pytest.mark.parametrize("name", ["stage", "version", "deleted_at", "custom.nothing", "id"])
def test_only_known_fields_are_edited(world, bob, name):
    item = world.deal()
    assert bob.get(f"/items/{item.pk}/field/{name}/").status_code == 404


def test_the_timeline_is_filtered_paged_and_pinned(world, bob):
    item = world.deal()
    for number in range(55):
        bob.post(f"/items/{item.pk}/write/note/", {"text": f"note {number:02}"})
    page = bob.get(f"/items/{item.pk}/timeline/?show=notes").content.decode()
    assert "note 54" in page
    assert "note 04" not in page
    before = page.split("before=")[1].split('"')[0]
    older = bob.get(f"/items/{item.pk}/timeline/?show=notes&before={before}").content.decode()
    assert "note 04" in older
    assert "note 05" not in older
    assert "note" not in bob.get(f"/items/{item.pk}/timeline/?show=changes").content.decode().replace(
        "Write a note", ""
    )
    event = Event.objects.filter(item=item, kind="comment.added").order_by("pk")[0]
    bob.post(f"/events/{event.pk}/pin/")
    assert f'id="p-{event.pk}"' in bob.get(f"/items/{item.pk}/").content.decode()
    assert bob.get(f"/items/{item.pk}/timeline/?show=secrets").status_code == 404


def test_a_message_nobody_knows_about_is_settled_on_the_card(world, bob, drain):
    item = world.deal()
    bob.post(f"/items/{item.pk}/write/sms/", {"to": "+84912345678", "text": "hi"})
    message = Message.objects.get()
    Message.objects.update(status="unknown")
    assert "Nobody knows whether it arrived." in bob.get(f"/items/{item.pk}/").content.decode()
    bob.post(f"/messages/{message.pk}/settle/", {"arrived": "1"})
    message.refresh_from_db()
    assert message.status == "sent"


def test_charlie_can_do_nothing_on_a_foreign_card(world, charlie):
    item = world.deal()
    event = Event.objects.filter(item=item)[0]
    for url in (
        f"/items/{item.pk}/write/note/",
        f"/items/{item.pk}/field/amount/",
        f"/events/{event.pk}/pin/",
        f"/items/{item.pk}/transfer/",
    ):
        assert charlie.post(url, {"text": "x", "value": "1"}).status_code == 404, url
    assert charlie.get(f"/items/{item.pk}/timeline/").status_code == 404


def test_a_contacts_history_leaves_out_cards_that_the_person_does_not_see(world, bob):
    from crm.models import Pipeline, Stage

    hidden = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Hidden", order=5)
    world.role(world.charlie, pipeline=hidden)
    Stage.objects.create(pipeline=hidden, name="Secret stage")
    Item.create(hidden, "Secret card", contact=world.contact)
    world.deal("Open card")
    page = bob.get(f"/contacts/{world.contact.pk}/").content.decode()
    assert "Open card" in page
    assert "Secret" not in page


@pytest.mark.parametrize("text", ["²", "--5", "1e3", "x" * 40])
def test_odd_numbers_and_letters_are_no_server_error(world, bob, text):
    item = world.deal()
    assert bob.post("/moves/undo/", {"visit": text}).status_code == 404
    assert bob.get(f"/items/{item.pk}/timeline/", {"before": text}).status_code == 200
    for url in ("/contacts/", "/search/", f"/board/{world.pipeline.pk}/", f"/board/{world.pipeline.pk}/list/"):
        assert bob.get(url, {"q": text}).status_code == 200


def test_a_restored_card_whose_stage_is_gone_stands_in_the_first_one(world, bob):
    item = world.deal(stage="talk")
    item.delete_softly(by=world.bob)
    world.stages["talk"].retired = True
    world.stages["talk"].save()
    Item.objects.get(pk=item.pk).restore(by=world.bob)
    item = Item.objects.get(pk=item.pk)
    assert (item.stage, item.visit.stage) == (world.stages["new"], world.stages["new"])


def test_who_said_no_to_messages_has_said_no_after_a_merge(world):
    other = Contact.objects.create(name="Hang", no_sms=True)
    merging.merge(world.contact, other, {}, by=world.bob)
    assert Contact.objects.get().no_sms
