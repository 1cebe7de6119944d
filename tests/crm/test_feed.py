"""The feed: to everybody or to some, with files, read by those only; what is new is marked."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from automation.models import Run
from crm.models import Post
from crm.notices.models.feed import PostFile

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def staff(world):
    world.role(world.charlie, name="Elsewhere")
    return world


def page(client, person):
    client.force_login(person)
    return client.get("/feed/").content.decode()


def test_a_post_to_some_is_read_by_those_and_its_author_only(staff, client):
    client.force_login(staff.alice)
    client.post("/feed/", {"text": "The new prices", "title": "Secret prices", "people": [str(staff.bob.pk)]})
    assert "Secret prices" in page(client, staff.alice)
    assert "Secret prices" in page(client, staff.bob)
    assert "Secret prices" not in page(client, staff.charlie)
    post = Post.objects.get()
    assert client.post("/feed/", {"text": "I listen in", "parent": str(post.pk)}).status_code == 404
    assert staff.bob.notifications.count() == 1
    assert staff.charlie.notifications.count() == 0


def test_a_post_to_a_department_rings_its_people_and_no_other_who_is_named(staff, client):
    client.force_login(staff.alice)
    data = {"text": "@Charlie Stranger and all: late today", "departments": [str(staff.sales.pk)]}
    client.post("/feed/", data)
    assert staff.bob.notifications.count() == 1
    assert staff.charlie.notifications.count() == 0, "whoever may not read it hears nothing of it"


def test_files_of_posts_and_answers_are_saved_by_their_readers_only(staff, client):
    client.force_login(staff.alice)
    file = SimpleUploadedFile("prices.pdf", PDF)
    client.post("/feed/", {"text": "See", "people": [str(staff.bob.pk)], "files": file})
    post = Post.objects.get()
    client.force_login(staff.bob)
    client.post("/feed/", {"text": "And mine", "parent": str(post.pk), "files": SimpleUploadedFile("b.pdf", PDF)})
    assert "prices.pdf" in client.get("/feed/").content.decode()
    for row in PostFile.objects.all():
        client.force_login(staff.bob)
        answer = client.get(f"/feed/files/{row.pk}/")
        assert b"".join(answer.streaming_content) == PDF
        assert answer["Content-Disposition"].startswith("attachment")
        client.force_login(staff.charlie)
        assert client.get(f"/feed/files/{row.pk}/").status_code == 404
    client.force_login(staff.alice)
    names = [row.file.path for row in PostFile.objects.all()]
    client.post(f"/feed/{post.pk}/delete/")
    assert not PostFile.objects.exists()
    assert len(names) == 2


def test_what_came_since_the_last_visit_is_marked_as_new_once(staff, client):
    page(client, staff.bob)
    Post.write(staff.alice, "Fresh")
    Post.write(staff.bob, "My own")
    assert page(client, staff.bob).count("badge-new") == 1
    assert page(client, staff.bob).count("badge-new") == 0


def test_a_rule_posts_as_the_chosen_sender_to_those_chosen(staff, drain, client):
    settings = {"title": "Won: {{ item.title }}", "text": "Congratulations!", "sender": str(staff.alice.pk)}
    staff.rule("won", "post_to_feed", settings | {"departments": [str(staff.sales.pk)]})
    deal = staff.deal()
    staff.move(deal, "won")
    drain()
    post = Post.objects.get()
    assert (post.title, post.author, post.everybody) == ("Won: Oak table", staff.alice, False)
    assert Run.objects.get().outputs == {"post": post.pk}
    assert "Won: Oak table" not in page(client, staff.charlie)


def test_a_sender_who_left_is_a_readable_reason(staff, drain):
    staff.rule("won", "post_to_feed", {"text": "x", "sender": str(staff.charlie.pk)})
    staff.charlie.is_active = False
    staff.charlie.save()
    staff.move(staff.deal(), "won")
    drain()
    run = Run.objects.get()
    assert run.status == "failed"
    assert run.error


def test_a_notice_shows_its_chosen_sender(staff, drain, client):
    settings = {"text": "Look", "to_users": [str(staff.bob.pk)], "sender": str(staff.charlie.pk)}
    staff.rule("talk", "notify", settings)
    staff.move(staff.deal(), "talk")
    drain()
    assert staff.bob.notifications.get(kind="rule").sender == staff.charlie
    client.force_login(staff.bob)
    assert "Charlie Stranger" in client.get("/bell/").content.decode()


def test_a_rule_writes_a_line_into_the_history(staff, drain, client):
    staff.rule("talk", "add_event", {"text": "Contract of {{ contact.name }} prepared"})
    deal = staff.deal()
    staff.move(deal, "talk")
    drain()
    client.force_login(staff.bob)
    assert f"Contract of {staff.contact.name} prepared" in client.get(f"/items/{deal.pk}/").content.decode()
