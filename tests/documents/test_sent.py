"""A paper is sent when a message that carries it has left, and never because it was drawn."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from crm.ground import clock
from crm.messages import open_ends
from crm.messages.outgoing import Outgoing
from crm.messages.sending import channel_for, mail_colleague, queue_message
from crm.models import Channel, Contact, Event, Item, Job, Message, Notification
from crm.pipelines.rights import Scope
from documents import making, sent
from documents.models import CarriedPaper, Document
from tests.crm.test_api import Caller
from tests.documents.test_invoices import invoice_of

pytestmark = pytest.mark.django_db
LINK = "Your invoice: {{ rules.invoice.link }}"


def by_rules(world, papers, action, settings, contact):
    """The furniture story's rules: an invoice, then a message that names its link."""
    papers.deal.change({"contact": contact})
    world.rule("papers", "create_invoice", {"template": papers.templates["invoice"].pk, "wait": "on"}, key="invoice")
    rule = world.rule("papers", action, settings, after_previous="done")
    world.move(papers.deal, "papers")
    return rule


def mail(world, item, text, **more):
    return queue_message(
        Outgoing(
            channel=channel_for("email"),
            to="hoa@example.com",
            subject="Hi",
            text=text,
            item=item,
            author=world.bob,
            **more,
        )
    )


def state(document):
    """(paper, whether it was sent, the invoice's stage)."""
    document = Document.objects.select_related("item__stage").get(pk=document.pk)
    return document.status, document.sent_at is not None, document.item.stage.name


def with_mail(name="Hoa"):
    contact = Contact.objects.create(name=name)
    contact.add_email("hoa@example.com")
    return contact


def test_an_invoice_whose_mail_has_no_address_is_not_sent(world, papers, now, drain):
    rule = by_rules(world, papers, "send_email", {"subject": "s", "body": LINK}, Contact.objects.create(name="No Mail"))
    drain()
    assert world.run_of(rule).error == "The customer has no e-mail address."
    assert state(Document.objects.get()) == ("ready", False, "Draft")


@pytest.mark.parametrize("written", [{"body": LINK}, {"body": "See the file.", "paper": "on"}])
def test_it_is_sent_once_the_mail_that_carries_it_has_left(world, papers, now, drain, written):
    by_rules(world, papers, "send_email", {"subject": "s", **written}, with_mail())
    drain()
    document = Document.objects.get()
    assert Message.objects.get().status == "sent"
    assert state(document) == ("sent", True, "Sent")
    told = Event.objects.filter(kind="document.sent").values_list("item", flat=True)
    assert set(told) == {papers.deal.pk, document.item_id}


@pytest.mark.parametrize(("answer", "status"), [("refused", "failed"), ("busy", "planned"), ("lost", "unknown")])
def test_a_message_that_has_not_left_sends_no_paper(world, papers, now, drain, answer, status):
    Channel.objects.filter(medium="sms").update(transport="carrier", settings={"answer": answer})
    by_rules(world, papers, "send_sms", {"text": LINK}, world.contact)
    drain()
    message = Message.objects.get()
    assert (message.status, state(Document.objects.get())) == (status, ("ready", False, "Draft"))
    assert CarriedPaper.objects.filter(message=message).count() == 1


def test_what_nobody_knew_of_is_sent_once_somebody_says_that_it_arrived(world, papers, now, drain):
    Channel.objects.filter(medium="sms").update(transport="carrier", settings={"answer": "lost"})
    by_rules(world, papers, "send_sms", {"text": LINK}, world.contact)
    drain()
    open_ends.settle(Message.objects.get(), True, world.bob)
    drain()
    assert state(Document.objects.get()) == ("sent", True, "Sent")


def test_a_mail_by_hand_counts_by_its_file_and_by_the_address_in_its_text(world, papers, now, drain, client):
    client.force_login(world.bob)
    papers.deal.change({"contact": with_mail()})
    _invoice, document = invoice_of(world, papers, drain)
    other = making.make(papers.templates["offer"], papers.deal, by=world.bob)
    drain()
    page = f"/items/{papers.deal.pk}/write/email/"
    data = {"to": "hoa@example.com", "subject": "s", "text": "See the file.", "papers": [f"document:{document.pk}"]}
    assert client.post(page, data).status_code == 302
    drain()
    assert (state(document)[0], Document.objects.get(pk=other.pk).status) == ("sent", "ready")
    mail(world, papers.deal, f"Look:\n{other.link()}file.pdf\n")
    drain()
    assert Document.objects.get(pk=other.pk).status == "sent"


def test_a_paper_of_another_card_is_known_and_a_closed_address_opens_nothing(world, papers, now, drain):
    _invoice, document = invoice_of(world, papers, drain)
    link = document.link()
    mail(world, world.deal("Another"), link)
    mail(world, world.deal("Another"), "https://elsewhere.example/d/" + "x" * 43 + "/")
    drain()
    assert state(document)[1] is True
    assert CarriedPaper.objects.count() == 1
    _invoice, document = invoice_of(world, papers, drain)
    link = document.link()
    document.links.update(revoked_at=clock.now())
    mail(world, papers.deal, link)
    drain()
    assert state(document) == ("ready", False, "Draft")


def test_a_mail_to_a_colleague_and_one_of_who_does_not_see_the_card_send_nothing(world, papers, now, drain):
    _invoice, document = invoice_of(world, papers, drain)
    mail_colleague(world.bob, "Please check", f"before we send it: {document.link()}")
    world.role(world.bob, pipeline=papers.flow.pipeline, view=Scope.ALL, edit=Scope.ALL)
    queue_message(
        Outgoing(
            channel=channel_for("email"), to="x@example.com", subject="s", text=document.link(), author=world.charlie
        )
    )
    drain()
    assert state(document) == ("ready", False, "Draft")


def test_what_was_not_drawn_yet_is_sent_once_it_is_and_what_failed_never(world, papers, now, drain):
    _invoice, document = invoice_of(world, papers)
    Job.objects.filter(pk=document.job_id).update(due_at=now + timedelta(hours=1))
    mail(world, papers.deal, document.link())
    drain()
    assert state(document) == ("queued", False, "Draft")
    Job.objects.filter(pk=document.job_id).update(due_at=now)
    drain()
    assert state(document) == ("sent", True, "Sent")
    _invoice, broken = invoice_of(world, papers)
    Document.objects.filter(pk=broken.pk).update(status="failed")
    Job.objects.filter(pk=broken.job_id).update(status="failed", finished_at=now)
    mail(world, papers.deal, broken.link())
    drain()
    assert state(broken) == ("failed", False, "Draft")


def test_a_paper_that_was_declared_void_meanwhile_is_not_sent(world, papers, drain):
    _invoice, document = invoice_of(world, papers, drain)
    stale = Document.objects.get(pk=document.pk)
    Document.objects.filter(pk=document.pk).update(status="void")
    assert sent.count_as_sent(stale, by=world.bob) is False
    assert not Event.objects.filter(kind="document.sent").exists()


def test_more_unsent_invoices_than_one_round_takes_are_all_told_of(world, papers, now, drain):
    for _number in range(3):
        invoice_of(world, papers, drain)
    with clock.at(now + timedelta(hours=30)):
        for _round in range(3):
            sent.tell_unsent(None)
    assert Event.objects.filter(kind="invoice.unsent").count() == 3
    drafts = Item.objects.filter(pipeline=papers.flow.pipeline)
    assert not sent._untold(drafts, "invoice.unsent").exists()


def test_the_page_of_a_paper_names_no_message_that_its_reader_may_not_see(world, papers, now, drain, client):
    _invoice, document = invoice_of(world, papers, drain)
    mail(world, papers.deal, document.link())
    drain()
    world.role(world.bob, pipeline=world.pipeline, view=Scope.ALL)
    client.force_login(world.charlie)
    assert "hoa@example.com" not in client.get(f"/documents/{document.pk}/").content.decode()
    client.force_login(world.alice)
    assert "hoa@example.com" in client.get(f"/documents/{document.pk}/").content.decode()


def test_a_customer_who_opened_it_has_got_it(world, papers, now, drain, client):
    _invoice, document = invoice_of(world, papers, drain)
    client.post("/d/" + document.link().split("/d/")[1] + "seen/", headers={"User-Agent": "Mozilla/5.0 Firefox/130.0"})
    drain()
    assert state(document) == ("viewed", True, "Sent")


def test_a_colleague_who_hands_it_over_marks_it_as_sent_on_the_page_and_by_the_api(world, papers, drain, client):
    client.force_login(world.bob)
    _invoice, document = invoice_of(world, papers, drain)
    assert "Mark as sent" in client.get(f"/documents/{document.pk}/").content.decode()
    assert client.post(f"/documents/{document.pk}/sent/").status_code == 302
    assert state(document) == ("sent", True, "Sent")
    assert "Mark as sent" not in client.get(f"/documents/{document.pk}/").content.decode()
    world.role(world.bob, pipeline=papers.flow.pipeline, view=Scope.ALL, edit=Scope.ALL, add=Scope.ALL)
    _invoice, document = invoice_of(world, papers, drain)
    assert Caller(client, world.charlie).post(f"/documents/{document.pk}/sent").status_code == 404
    assert Caller(client, world.bob).post(f"/documents/{document.pk}/sent").data["sent_at"]
    assert state(document)[2] == "Sent"


def test_a_void_paper_is_sent_by_nothing(world, papers, drain, client):
    client.force_login(world.bob)
    _invoice, document = invoice_of(world, papers, drain)
    client.post(f"/documents/{document.pk}/void/")
    mail(world, papers.deal, document.link())
    client.post(f"/documents/{document.pk}/sent/")
    drain()
    assert state(document) == ("void", False, "Void")


def test_the_page_of_a_paper_names_the_messages_that_carry_it_and_why_one_failed(world, papers, now, drain, client):
    Channel.objects.filter(medium="sms").update(transport="carrier", settings={"answer": "refused"})
    by_rules(world, papers, "send_sms", {"text": LINK}, world.contact)
    drain()
    client.force_login(world.bob)
    page = client.get(f"/documents/{Document.objects.get().pk}/").content.decode()
    assert "The number does not exist." in page


def test_an_invoice_not_sent_within_a_day_is_told_to_its_owner_once(world, papers, now, drain):
    invoice, _document = invoice_of(world, papers, drain)
    rows = Notification.objects.filter(user=world.bob, text__contains="notice.unsent")
    for hours, told in ((23, 0), (25, 1), (26, 1)):
        with clock.at(now + timedelta(hours=hours)):
            sent.tell_unsent(None)
        assert rows.count() == told
    assert invoice.title in rows.get().text


def test_a_sent_one_a_void_one_and_old_news_are_told_to_nobody(world, papers, now, drain, client):
    client.force_login(world.bob)
    for verb in ("sent", "void"):
        _invoice, document = invoice_of(world, papers, drain)
        client.post(f"/documents/{document.pk}/{verb}/")
    with clock.at(now - timedelta(days=40)):
        invoice_of(world, papers)
    drain()
    with clock.at(now + timedelta(hours=30)):
        sent.tell_unsent(None)
    assert not Event.objects.filter(kind="invoice.unsent").exists()


def test_past_its_date_it_is_shown_as_due_and_never_sent(world, papers, now, drain, client):
    client.force_login(world.bob)
    invoice, document = invoice_of(world, papers, drain)
    Item.objects.filter(pk=invoice.pk).update(due_date=date(2026, 11, 10))
    sent.tell_unsent(None)
    assert Notification.objects.get(kind="document", text__contains="unsent_due").user == world.bob
    for path in (f"/board/{invoice.pipeline_id}/", f"/items/{invoice.pk}/"):
        assert "Due, never sent" in client.get(path, follow=True).content.decode()
    client.post(f"/documents/{document.pk}/sent/")
    assert "Due, never sent" not in client.get(f"/items/{invoice.pk}/").content.decode()
