"""Papers: made, drawn, shown to the customer, answered; bad templates and bombs."""

import hashlib
import os
import re
import signal
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest

from crm.ground import clock
from crm.messages import merge_text
from crm.models import Event, Item, Notification
from documents import making, rendering
from documents.drawing import CannotDraw, renderer
from documents.models import Document, DocumentLink, DocumentTemplate
from documents.template_fields import check_template
from documents.values import amount_in_words

PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile Safari/537.36"


def text_of(pdf):
    opened = pypdfium2.PdfDocument(pdf)
    found = "\n".join(page.get_textpage().get_text_range() for page in opened)
    opened.close()
    return found


def made(world, papers, kind="offer", **more):
    return making.make(papers.templates[kind], papers.deal, by=world.bob, **more)


def ready(world, papers, drain, kind="offer"):
    document = made(world, papers, kind)
    drain()
    document.refresh_from_db()
    assert document.status == "ready", document.error
    return document


def token_of(document):
    return document.link().rstrip("/").rpartition("/")[2]


@pytest.mark.django_db
def test_a_paper_is_drawn_by_the_worker_and_told_on_the_card(world, papers, drain):
    document = made(world, papers)
    assert (document.status, document.is_drawn) == ("queued", False)
    drain()
    document.refresh_from_db()
    with document.file.open() as file:
        content = file.read()
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    words = text_of(content)
    for part in ("Stół dębowy", "Bàn gỗ sồi", "Nguyễn Thị Hằng", document.number, "one thousand"):
        assert part in words
    event = Event.objects.get(item=papers.deal, kind="document.created")
    assert event.data("number") == document.number
    assert drain() == 0


@pytest.mark.django_db
def test_a_paper_that_was_made_changes_no_more(world, papers, drain):
    document = ready(world, papers, drain)
    template = papers.templates["offer"]
    template.body = "<p>{{ document.number }} new</p>"
    template.save()
    assert (template.version, document.version.number, "new" in document.html) == (2, 1, False)
    fresh = made(world, papers, replaces=document)
    document.refresh_from_db()
    assert (document.status, fresh.version.number) == ("void", 2)
    assert list(document.replaced_by.all()) == [fresh]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "pl", "fr", "vi"])
@pytest.mark.parametrize("kind", ["offer", "invoice", "contract", "acceptance", "delivery"])
def test_every_starter_template_passes_its_own_check_and_is_drawn(world, papers, language, kind):
    from documents import starter

    template = starter.install(language)[kind]
    template.full_clean()
    drawn = rendering.preview(template, papers.deal)
    assert drawn.pages == 1
    assert "Stół" in text_of(drawn.pdf)
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("amount", "currency", "language", "words"),
    [
        ("2461.23", "PLN", "pl", "dwa tysiące czterysta sześćdziesiąt jeden złotych polskich 23/100"),
        ("1", "EUR", "en", "one euro 00/100"),
        ("71.5", "EUR", "fr", "soixante et onze euros 50/100"),
        ("1500000", "VND", "vi", "một triệu năm trăm nghìn đồng Việt Nam"),
        ("-3", "GBP", "en", "− three British pounds 00/100"),
    ],
)
def test_amounts_in_words(amount, currency, language, words):
    from decimal import Decimal

    assert amount_in_words(Decimal(amount), currency, language) == words


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("{{ contact.nickname }}", "contact.nickname"),
        ("\n\n{{ item.amount | shout }}", "Line 3"),
        ("{% for line in lines %}{{ line.name }}", "Line"),
        ("{% include 'secrets' %}", "Line"),
        ("{{ own_company.calendar.pk }}", "own_company.calendar"),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_its_line(world, source, part):
    with pytest.raises(merge_text.MergeError, match=part):
        check_template(source)


@pytest.mark.django_db
def test_an_endless_loop_ends(world, papers):
    template = papers.templates["offer"]
    template.body = "{% for a in (1..9999) %}{% for b in (1..9999) %}x{% endfor %}{% endfor %}"
    template.save()
    with pytest.raises(merge_text.MergeError):
        made(world, papers)


BOMBS = {
    "a file of the server": ("<img src='file:///etc/passwd'>", "file:///etc/passwd"),
    "an address of our network": ("<img src='http://127.0.0.1:1/x'>", "http://127.0.0.1:1/x"),
    "a style sheet from elsewhere": ("<link rel=stylesheet href='https://example.com/a.css'>", "example.com"),
    "an import in a style": ("<style>@import 'ftp://10.0.0.1/a.css';</style>", "ftp://10.0.0.1"),
    "a font from elsewhere": (
        "<style>@font-face{font-family:a;src:url(http://127.0.0.1:1/f)}p{font-family:a}</style><p>x", "http://127.0.0.1:1",
    ),
    "an attached file": ("<link rel=attachment href='file:///etc/hosts'>x", "file:///etc/hosts"),
    "a picture that is none of ours": ("<img src='asset:../secret'>", "asset:../secret"),
    "deep nesting": ("<div>" * 4000, "nested"),
    "too many pages": ("<p style='break-after:page'>x</p>" * 260, "pages"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_as_a_sentence_and_the_renderer_lives(name):
    source, part = BOMBS[name]
    with pytest.raises(CannotDraw) as fault:
        renderer.draw(source, [])
    assert part in str(fault.value)
    assert renderer.draw("<p>alive</p>", []).pages == 1


def test_a_child_that_is_killed_while_it_waits_costs_no_paper():
    assert renderer.draw("<p>one</p>", []).pages == 1
    time.sleep(0.5)  # the next child is forked after the answer
    helper = renderer._process.pid
    (waiting,) = Path(f"/proc/{helper}/task/{helper}/children").read_text().split()
    os.kill(int(waiting), signal.SIGKILL)
    time.sleep(0.2)
    assert renderer.draw("<p>two</p>", []).pages == 1
    assert renderer._process.pid == helper


def test_nothing_is_fetched_from_the_network():
    """A listener on loopback hears nobody, whatever the page asks for."""
    heard: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(3)

        def listen() -> None:
            try:
                heard.append(server.accept())
            except OSError:
                pass

        listener = threading.Thread(target=listen)
        listener.start()
        port = server.getsockname()[1]
        with pytest.raises(CannotDraw):
            renderer.draw(f"<object data='http://127.0.0.1:{port}/'></object><img src='//127.0.0.1:{port}/x'>", [])
        listener.join()
    assert not heard


@pytest.mark.django_db
def test_a_paper_that_cannot_be_drawn_keeps_its_number_and_is_drawn_again(world, papers, drain):
    template = papers.templates["offer"]
    template.body = "{{ document.number }}<img src='file:///etc/passwd'>"
    template.save()
    document = made(world, papers)
    drain()
    document.refresh_from_db()
    assert document.status == "failed"
    assert "file:///etc/passwd" in document.error
    assert "file:///etc/passwd" in Notification.objects.get(user=world.bob).text
    Document.objects.filter(pk=document.pk).update(html="<p>mended</p>")
    rendering.draw_again(document)
    drain()
    number = document.number
    document.refresh_from_db()
    assert (document.status, document.number, document.error) == ("ready", number, "")


# ---------------------------------------------------------------------- the customer's page


@pytest.mark.django_db
def test_the_customer_reads_downloads_and_is_counted_once(world, papers, drain, client):
    document = ready(world, papers, drain)
    token = token_of(document)
    page = client.get(f"/d/{token}/")
    assert (page.status_code, page["Cache-Control"], page["Referrer-Policy"]) == (200, "no-store", "no-referrer")
    assert "noindex" in page["X-Robots-Tag"]
    assert not page.cookies
    assert client.get(f"/d/{token}/file.pdf").getvalue().startswith(b"%PDF")
    assert client.get(f"/d/{token}/page/1.webp").content[8:12] == b"WEBP"
    assert client.get(f"/d/{token}/page/2.webp").status_code == 404
    for _ in range(3):
        assert client.post(f"/d/{token}/seen/", headers={"User-Agent": PHONE}).status_code == 204
    document.refresh_from_db()
    assert (document.views, document.status) == (3, "viewed")
    assert Event.objects.filter(kind="document.opened").count() == 1


ROBOTS = [
    "", "curl/8.4", "python-requests/2.32", "Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1", "WhatsApp/2.23",
    "TelegramBot (like TwitterBot)", "Mozilla/5.0 (compatible; bingbot/2.0)", "Mozilla/5.0 (Mimecast scanner)",
    "Mozilla/5.0 HeadlessChrome/120", "BarracudaSentinel (EE)", "SkypeUriPreview Preview/0.5",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("agent", ROBOTS)
def test_robots_are_not_counted(world, papers, drain, client, agent):
    token = token_of(ready(world, papers, drain))
    client.get(f"/d/{token}/", headers={"User-Agent": agent})
    client.head(f"/d/{token}/", headers={"User-Agent": agent})
    client.get(f"/d/{token}/answer/", headers={"User-Agent": agent})
    client.post(f"/d/{token}/seen/", headers={"User-Agent": agent})
    client.post(f"/d/{token}/seen/", headers={"User-Agent": PHONE, "Sec-Purpose": "prefetch"})
    assert not Event.objects.filter(kind="document.opened").exists()
    assert Document.objects.get().views == 0


@pytest.mark.django_db
def test_a_colleague_who_looks_at_the_page_is_not_the_customer(world, papers, drain, client):
    token = token_of(ready(world, papers, drain))
    client.force_login(world.bob)
    client.post(f"/d/{token}/seen/", headers={"User-Agent": PHONE})
    assert Document.objects.get().views == 0


@pytest.mark.django_db
def test_no_other_address_opens_a_paper(world, papers, drain, client):
    document = ready(world, papers, drain)
    token = token_of(document)
    other = made(world, papers)
    expired = DocumentLink.make(other, expires_at=document.created_at)
    assert DocumentLink.objects.filter(hash__contains=token).count() == 0  # the token itself is nowhere to be read
    for wrong in (token[:-1], token + "a", token.swapcase(), "x", expired, str(document.pk)):
        for place in ("", "file.pdf", "page/1.webp"):
            assert client.get(f"/d/{wrong}/{place}").status_code == 404, (wrong, place)
        assert client.post(f"/d/{wrong}/answer/", {"answer": "accept", "name": "Eve"}).status_code == 404
    document.links.update(revoked_at=document.created_at)
    assert client.get(f"/d/{token}/").status_code == 404
    assert token_of(document) != token


@pytest.mark.django_db
def test_the_customer_accepts_with_a_name_once(world, papers, drain, client):
    document = ready(world, papers, drain)
    url = f"/d/{token_of(document)}/"
    refused = client.post(f"{url}answer/", {"answer": "accept", "name": "Hằng", "note": "Đẹp quá"})
    assert refused.status_code == 422
    assert "Đẹp quá" in refused.content.decode()
    assert client.get(f"{url}answer/?answer=accept&name=Eve&agree=on").status_code == 405
    png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    answer = client.post(
        f"{url}answer/", {"answer": "accept", "name": "Nguyễn Thị Hằng", "agree": "on", "signature": png}
    )
    assert answer.status_code == 302
    document.refresh_from_db()
    assert (document.status, document.answered_by, bool(document.signature)) == ("accepted", "Nguyễn Thị Hằng", True)
    event = Event.objects.get(kind="document.signed")
    assert (event.data("sha256"), event.data("by")) == (document.sha256, "Nguyễn Thị Hằng")
    again = client.post(f"{url}answer/", {"answer": "decline"})
    assert again.status_code == 409
    assert "Nguyễn Thị Hằng" in Notification.objects.filter(user=world.bob).latest("pk").text
    assert Document.objects.get().status == "accepted"


@pytest.mark.django_db
@pytest.mark.parametrize("drawing", ["data:text/html;base64,PHNjcmlwdD4=", "data:image/png;base64,AAAA", "x" * 300_000])
def test_what_is_no_drawn_name_is_refused(world, papers, drain, client, drawing):
    url = f"/d/{token_of(ready(world, papers, drain))}/answer/"
    answer = client.post(url, {"answer": "accept", "name": "Eve Adams", "agree": "on", "signature": drawing})
    assert answer.status_code in (413, 422)
    assert Document.objects.get().status == "ready"


@pytest.mark.django_db
def test_an_invoice_is_not_accepted_but_paid(world, papers, drain, client):
    document = ready(world, papers, drain, "invoice")
    url = f"/d/{token_of(document)}/"
    assert (
        "answer" not in re.sub(r"<script.*?</script>", "", client.get(url).content.decode()).lower().split("<main>")[1]
    )
    assert client.post(f"{url}answer/", {"answer": "accept", "name": "Eve Adams", "agree": "on"}).status_code == 409


# ---------------------------------------------------------------------- colleagues


@pytest.mark.django_db
def test_a_paper_is_made_on_the_card_and_listed(world, papers, drain, client):
    client.force_login(world.bob)
    answer = client.post(f"/items/{papers.deal.pk}/documents/", {"template": papers.templates["contract"].pk})
    document = Document.objects.get()
    assert answer.url == f"/documents/{document.pk}/"
    drain()
    assert document.number in client.get("/documents/?q=" + document.number).content.decode()
    assert document.number in client.get(f"/items/{papers.deal.pk}/").content.decode()
    assert document.number in client.get(f"/search/?q={document.number}").content.decode()
    page = client.get(f"/documents/{document.pk}/")
    assert "/d/" in page.content.decode()
    assert client.get(f"/documents/{document.pk}/file.pdf").getvalue().startswith(b"%PDF")
    assert client.get(f"/documents/{document.pk}/page/1.webp").status_code == 200
    for verb in ("sent", "renew", "link", "void"):
        assert client.post(f"/documents/{document.pk}/{verb}/").status_code == 302, verb
    assert client.post(f"/documents/{document.pk}/burn/").status_code == 404
    assert Document.objects.count() == 2


@pytest.mark.django_db
def test_charlie_sees_no_paper_of_others(world, papers, drain, client):
    document = ready(world, papers, drain)
    client.force_login(world.charlie)
    for url in ("", "file.pdf", "page/1.webp"):
        assert client.get(f"/documents/{document.pk}/{url}").status_code == 404
    assert client.post(f"/documents/{document.pk}/void/").status_code == 404
    assert client.post(f"/items/{papers.deal.pk}/documents/", {"template": 1}).status_code == 404
    assert document.number not in client.get("/documents/").content.decode()


@pytest.mark.django_db
def test_the_editor_shows_what_is_typed_and_saves_a_version(world, papers, client):
    template = papers.templates["offer"]
    url = f"/documents/templates/{template.pk}/"
    client.force_login(world.bob)
    assert client.get(f"{url}edit/").status_code == 403
    client.force_login(world.alice)
    assert template.name in client.get(f"{url}edit/").content.decode()
    typed = {"body": "<h1>{{ contact.name }}</h1>", "style": "", "page": "A5", "item": papers.deal.pk}
    shown = client.post(f"{url}preview/", typed).json()
    assert (shown["count"], shown["pages"][0][:22]) == (1, "data:image/webp;base64")
    wrong = client.post(f"{url}preview/", typed | {"body": "{{ contact.nome }}"})
    assert (wrong.status_code, "contact.nome" in wrong.json()["fault"]) == (422, True)
    assert client.post(f"{url}preview/", typed | {"item": ""}).status_code == 422
    refused = client.post(f"{url}edit/", typed | {"body": "{{ contact.nome }}"})
    assert (refused.status_code, "{{ contact.nome }}" in refused.content.decode()) == (422, True)
    assert client.post(f"{url}edit/", typed).status_code == 302
    template.refresh_from_db()
    assert (template.version, template.page) == (2, "A5")
    assert DocumentTemplate.objects.get(pk=template.pk).current().body == typed["body"]
    assert Item.objects.get(pk=papers.deal.pk).documents.count() == 0


@pytest.mark.django_db
def test_a_colleague_cannot_answer_for_the_customer(world, papers, drain, client):
    url = f"/d/{token_of(ready(world, papers, drain))}/answer/"
    client.force_login(world.bob)
    assert client.post(url, {"answer": "accept", "name": "Bob Seller", "agree": "on"}).status_code == 403
    assert Document.objects.get().status == "ready"


@pytest.mark.django_db
def test_a_double_click_makes_one_paper(world, papers, client):
    client.force_login(world.bob)
    for _ in range(2):
        client.post(f"/items/{papers.deal.pk}/documents/", {"template": papers.templates["invoice"].pk})
    assert Document.objects.count() == 1


@pytest.mark.django_db
def test_papers_are_drawn_while_automation_is_paused(world, papers, drain):
    from crm.models import SystemSwitches

    SystemSwitches.objects.update(automation_paused=True)
    assert ready(world, papers, drain).pages == 1


def test_a_giant_page_makes_a_small_picture_and_threads_share_it():
    from documents.pictures import picture_of

    giant = renderer.draw("<p>x", ["@page { size: 5000mm 5000mm }"]).pdf
    pictures: list[bytes] = []
    threads = [threading.Thread(target=lambda: pictures.append(picture_of(giant, 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(picture) < 500_000 for picture in pictures] == [True] * 4


@pytest.mark.django_db
@pytest.mark.parametrize("source", ["{{ item.title | money }}", "{{ item.title | date }}", "{{ item.title | number }}"])
def test_a_filter_on_the_wrong_kind_of_value_is_a_sentence(world, papers, source):
    template = papers.templates["offer"]
    template.body = source
    template.save()
    with pytest.raises(merge_text.MergeError, match="Oak table"):
        made(world, papers)


@pytest.mark.django_db
def test_an_address_may_end_by_itself(world, papers, client, drain, now):
    made = making.make(papers.templates["offer"], papers.deal, by=world.bob)
    drain()
    client.force_login(world.bob)
    client.post(f"/documents/{made.pk}/link/", {"days": "7"})
    page = client.get(f"/documents/{made.pk}/").content.decode()
    path = "/d/" + made.link().split("/d/")[1]
    assert path in page
    client.logout()
    assert client.get(path).status_code == 200
    with clock.at(now + timedelta(days=8)):
        assert client.get(path).status_code == 404
        assert client.get(f"{path}file.pdf").status_code == 404
