"""Files on notes, the feed, what people are told and how, the morning's mail, leads that become deals."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.events.notice import notify
from crm.ground import clock
from crm.models import Attachment, Item, ItemType, Message, Notification, Pipeline, Post, Stage, Task, User
from crm.notices import digest
from crm.pipelines.rights import Scope
from crm.work.queue import kind_of

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF"


@pytest.fixture
def bob(world, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    client.force_login(world.bob)
    return client


def packed() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("x", "y")
    return file.getvalue()


def note(client, item, *files):
    return client.post(f"/items/{item.pk}/write/note/", {"text": "See the files", "files": list(files)})


# ---------------------------------------------------------------------- files


def test_files_of_a_note_are_kept_and_come_back_as_downloads(world, bob, tmp_path):
    item = world.deal()
    name = "Umowa – Żółć.pdf"
    assert note(bob, item, SimpleUploadedFile(name, PDF), SimpleUploadedFile("photo.png", PNG)).status_code == 302
    page = bob.get(f"/items/{item.pk}/").content.decode()
    assert name in page
    row = Attachment.objects.get(kind="application/pdf")
    answer = bob.get(f"/files/{row.pk}/")
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    stored = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert len(stored) == 2
    assert not any("Umowa" in path or "." in path for path in stored), "random names on the disk"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html><script>alert(1)</script></html>"),
        ("picture.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"),
        ("note.txt", b"  <!DOCTYPE html><script>alert(1)</script>"),
        ("fake.png", b"<html></html>"),
        ("fake.pdf", b"MZ\x90\0 a program"),
        ("tool.exe", b"MZ\x90\0"),
        ("run.sh", b"#!/bin/sh\nrm -rf /"),
        ("data.csv", b"a\0b"),
        ("empty.pdf", b""),
        ("none", PDF),
    ],
)
def test_what_is_not_what_its_name_says_is_refused_and_the_note_is_kept(world, bob, name, content):
    item = world.deal()
    answer = note(bob, item, SimpleUploadedFile(name, content))
    assert answer.status_code == 422
    assert "See the files" in answer.content.decode()
    assert not Attachment.objects.exists()
    assert world.comments(item) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Zażółć".encode()),
        ("a.csv", b"a;b\n1;2\n"),
        ("a.docx", packed()),
        ("a.JPG", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(50)),
    ],
)
def test_usual_files_are_taken_in(world, bob, name, content):
    assert note(bob, world.deal(), SimpleUploadedFile(name, content)).status_code == 302
    assert Attachment.objects.exists()


def test_a_file_is_not_there_for_who_does_not_see_its_card(world, bob, client):
    note(bob, world.deal(), SimpleUploadedFile("a.pdf", PDF))
    client.force_login(world.charlie)
    assert client.get(f"/files/{Attachment.objects.get().pk}/").status_code == 404


def test_the_bin_takes_the_files_along(world, bob, tmp_path):
    item = world.deal()
    note(bob, item, SimpleUploadedFile("a.pdf", PDF))
    item.delete_softly(by=world.bob)
    with clock.at(clock.now() + timedelta(days=31)):
        kind_of("empty_bin").perform(None)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# ---------------------------------------------------------------------- feed


def test_posts_and_answers_stand_in_the_feed_and_names_ring(world, bob):
    bob.post("/feed/", {"text": "New price list, @Alice Head <script>alert(1)</script>"})
    post = Post.objects.get()
    bob.post("/feed/", {"text": "and it is good", "parent": post.pk})
    page = bob.get("/feed/").content.decode()
    assert "&lt;script&gt;" in page
    assert "and it is good" in page
    assert Notification.objects.get(user=world.alice).text.startswith("Bob Seller in the feed")


def test_an_answer_rings_for_who_wrote_the_post(world, client):
    post = Post.objects.create(author=world.alice, text="Who has the key?")
    client.force_login(world.bob)
    client.post("/feed/", {"text": "I have", "parent": post.pk})
    assert Notification.objects.filter(user=world.alice).count() == 1


def test_only_ones_own_posts_are_deleted(world, bob, client):
    post = Post.objects.create(author=world.alice, text="Mine")
    assert bob.post(f"/feed/{post.pk}/delete/").status_code == 404
    client.force_login(world.alice)
    client.post(f"/feed/{post.pk}/delete/")
    assert not Post.objects.exists()


# ---------------------------------------------------------------------- what people are told


def test_each_kind_of_notice_comes_as_it_was_chosen(world, bob):
    bob.post("/account/notices/", {"bell": ["mention"], "mail": ["mention", "trouble"]})
    person = User.objects.get(pk=world.bob.pk)
    item = world.deal()
    for kind in ("mention", "task", "refused"):
        notify([person], f"about {kind}", item=item, kind=kind)
    assert [n.kind for n in Notification.objects.filter(user=person, read_at=None)] == ["mention"]
    mails = Message.objects.filter(to=person.email).order_by("pk")
    assert [mail.text.splitlines()[0] for mail in mails] == ["about mention", "about refused"]
    assert f"/items/{item.pk}/" in mails[0].text


def test_who_chose_nothing_hears_the_bell_and_gets_no_mail(world):
    notify([world.bob], "hello", kind="task")
    assert Notification.objects.filter(user=world.bob).count() == 1
    assert not Message.objects.exists()


def test_the_mornings_mail_comes_once_a_day_at_eight_of_the_persons_zone(world):
    User.objects.filter(pk=world.bob.pk).update(digest=True, zone="Asia/Ho_Chi_Minh")
    early = datetime(2026, 11, 18, 0, 30, tzinfo=UTC)  # 7:30 in Saigon
    with clock.at(early):
        Task.add(item=world.deal(), title="Late call", assignee=world.bob, deadline=early - timedelta(hours=3))
        Task.add(item=world.deal(), title="Visit today", assignee=world.bob, deadline=early + timedelta(hours=5))
        Task.add(item=world.deal(), title="Next week", assignee=world.bob, deadline=early + timedelta(days=7))
        digest.send_all(None)
        assert not Message.objects.exists()
    for hours in (1, 2, 5):
        with clock.at(early + timedelta(hours=hours)):
            digest.send_all(None)
    text = Message.objects.get(to="bob@example.com").text
    assert "Late\n– 2026-11-18 04:30 · Late call" in text
    assert "Visit today" in text
    assert "· Next week" not in text


def test_a_day_without_anything_sends_no_mail(world):
    User.objects.filter(pk=world.bob.pk).update(digest=True)
    with clock.at(datetime(2026, 11, 18, 9, 0, tzinfo=UTC)):
        digest.send_all(None)
    assert not Message.objects.exists()


# ---------------------------------------------------------------------- leads


@pytest.fixture
def lead(world):
    kind = ItemType.objects.create(key="lead", name="Lead", plural="Leads")
    pipeline = Pipeline.objects.create(item_type=kind, name="Leads", currency="PLN")
    stages = [("Fresh", "open"), ("Good", "won"), ("Bad", "lost")]
    for order, (name, stage) in enumerate(stages):
        Stage.objects.create(pipeline=pipeline, name=name, kind=stage, order=order)
    return Item.create(pipeline, "Wants a table", owner=world.bob, contact=world.contact, amount=700, source="fair")


def test_a_lead_becomes_a_deal_with_its_customer_and_fields(world, bob, lead):
    assert "/convert/" in bob.get(f"/items/{lead.pk}/").content.decode()
    answer = bob.post(f"/items/{lead.pk}/convert/", {"into": f"new:{world.pipeline.pk}", "title": "Oak table"})
    deal = Item.objects.get(pipeline=world.pipeline)
    assert answer.url == f"/items/{deal.pk}/"
    assert (deal.title, deal.contact, deal.amount, deal.source, deal.owner) == (
        "Oak table",
        world.contact,
        700,
        "fair",
        world.bob,
    )
    assert deal.parent_id == lead.pk
    assert Item.objects.get(pk=lead.pk).stage.name == "Good"
    assert "Converted" in bob.get(f"/items/{deal.pk}/").content.decode()


def test_a_lead_joins_a_deal_that_is_there_already(world, bob, lead):
    deal = world.deal("Old deal")
    assert "Old deal" in bob.get(f"/items/{lead.pk}/convert/").content.decode()
    bob.post(f"/items/{lead.pk}/convert/", {"into": f"deal:{deal.pk}"})
    assert Item.objects.filter(pipeline=world.pipeline).count() == 1
    assert Item.objects.get(pk=lead.pk).stage.name == "Good"


def test_a_closed_lead_is_not_converted_twice(world, bob, lead):
    for _time in range(2):
        answer = bob.post(f"/items/{lead.pk}/convert/", {"into": f"new:{world.pipeline.pk}", "title": "T"})
    assert answer.status_code == 422
    assert Item.objects.filter(pipeline=world.pipeline).count() == 1


def test_without_the_right_to_add_a_deal_the_lead_stays(world, bob, lead):
    from crm.models import RoleRight

    right = RoleRight.objects.get()
    right.may_add = Scope.NONE
    right.save()
    assert bob.post(f"/items/{lead.pk}/convert/", {"into": f"new:{world.pipeline.pk}"}).status_code == 422
    assert Item.objects.get(pk=lead.pk).stage.name == "Fresh"


def test_a_deal_is_no_lead(world, bob):
    assert bob.get(f"/items/{world.deal().pk}/convert/").status_code == 404


def test_two_clicks_at_the_same_moment_make_one_deal(world, lead):
    from crm.items import converting
    from crm.models import Refused

    before = Item.objects.get(pk=lead.pk)  # what the second request had read
    converting.convert(lead, by=world.bob, pipeline=world.pipeline)
    with pytest.raises(Refused):
        converting.convert(before, by=world.bob, pipeline=world.pipeline)
    assert Item.objects.filter(pipeline=world.pipeline).count() == 1


def test_one_trouble_is_one_mail_a_day_even_with_the_bell_off(world, bob):
    bob.post("/account/notices/", {"mail": ["trouble"]})
    person = User.objects.get(pk=world.bob.pk)
    for _time in range(3):
        notify([person], "refused", kind="refused", group="refused:1")
    assert Message.objects.filter(to=person.email).count() == 1
    with clock.at(clock.now() + timedelta(days=2)):
        notify([person], "refused", kind="refused", group="refused:1")
    assert Message.objects.filter(to=person.email).count() == 2


def test_a_notice_by_mail_names_no_card_that_its_reader_does_not_see(world):
    User.objects.filter(pk=world.charlie.pk).update(notices={"task": {"bell": True, "mail": True}})
    charlie = User.objects.get(pk=world.charlie.pk)
    notify([charlie], "a task", item=world.deal("Secret table"), kind="task")
    assert "Secret" not in Message.objects.get().subject + Message.objects.get().text


def test_the_mornings_mail_names_no_card_that_its_reader_does_not_see(world):
    with clock.at(datetime(2026, 11, 18, 9, 0, tzinfo=UTC)):
        Task.add(item=world.deal("Secret table"), title="x", assignee=world.charlie, deadline=clock.now())
        Notification.objects.all().delete()
        assert "Secret" not in digest.text_for(User.objects.get(pk=world.charlie.pk))
