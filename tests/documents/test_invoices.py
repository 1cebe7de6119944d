"""Invoices and payments: items of their own, moved by money, heard by their deal."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from crm.ground import clock
from crm.items.listing import replace_lines
from crm.items.models.gate import MoveOptions
from crm.models import Event, Item, LineItem, Refused
from documents import making, overdue
from documents.models import Document, Payment
from documents.models.balances import Balance
from documents.models.invoicing import today
from tests.crm.test_api import Caller


def invoice_of(world, papers, drain=None):
    invoice, document = papers.flow.make_invoice(papers.deal, papers.templates["invoice"], by=world.bob)
    if drain is not None:
        drain()
    return invoice, document


def book(invoice, amount, world, **more):
    return Payment.book(
        invoice, Decimal(amount), currency=more.pop("currency", "PLN"), paid_on=today(), by=world.bob, **more
    )


@pytest.mark.django_db
def test_an_invoice_is_an_item_with_the_lines_of_its_deal(world, papers, drain):
    invoice, document = invoice_of(world, papers, drain)
    invoice.refresh_from_db()
    assert (invoice.parent, invoice.stage, invoice.amount) == (papers.deal, papers.flow.draft, Decimal("1339.08"))
    assert [line.name for line in invoice.lines.all()] == ["Stół dębowy", "Bàn gỗ sồi"]
    assert invoice.title.startswith(document.number)
    assert invoice.due_date == today() + timedelta(days=14)
    document.refresh_from_db()
    assert (document.item, document.status) == (invoice, "ready")
    kinds = set(Event.objects.filter(item=papers.deal).values_list("kind", flat=True))
    assert {"invoice.created", "document.created"} <= kinds


@pytest.mark.django_db
def test_the_last_day_of_an_invoice_counts_from_the_day_where_the_company_is(world, papers):
    with clock.at(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)):  # in Warsaw it is New Year already
        invoice, document = invoice_of(world, papers)
    assert invoice.due_date == date(2027, 1, 15)
    assert "2027" in document.number


@pytest.mark.django_db
def test_an_invoice_over_nothing_is_refused_and_takes_no_number(world, papers):
    empty = world.deal(amount=None)
    with pytest.raises(Refused, match="nothing to pay"):
        papers.flow.make_invoice(empty, papers.templates["invoice"], by=world.bob)
    with pytest.raises(Refused, match="no template of invoices"):
        papers.flow.make_invoice(papers.deal, papers.templates["offer"], by=world.bob)
    assert not Document.objects.exists()
    assert Item.objects.filter(pipeline=papers.flow.pipeline).count() == 0


@pytest.mark.django_db
def test_payments_move_the_invoice_and_are_told_on_the_deal(world, papers):
    invoice, _document = invoice_of(world, papers)
    book(invoice, "339.08", world)
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.partly_paid
    book(invoice, "1000", world)
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.paid
    told = Event.objects.filter(item=papers.deal, kind="invoice.paid").order_by("pk")
    assert [event.data("full") for event in told] == [False, True]
    book(invoice, "-1000", world)
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.partly_paid
    assert Balance.of(invoice).paid == Decimal("339.08")
    assert Event.objects.filter(item=papers.deal, kind="invoice.refunded").count() == 1


@pytest.mark.django_db
def test_money_in_another_currency_or_of_nothing_is_no_payment(world, papers):
    invoice, _document = invoice_of(world, papers)
    with pytest.raises(Refused, match="EUR"):
        book(invoice, "10", world, currency="EUR")
    with pytest.raises(Refused, match="nothing"):
        book(invoice, "0", world)
    assert not Payment.objects.exists()


@pytest.mark.django_db
def test_a_payment_that_a_provider_reports_twice_is_one(world, papers):
    invoice, _document = invoice_of(world, papers)
    assert book(invoice, "10", world, provider_key="stripe:1") is not None
    assert book(invoice, "10", world, provider_key="stripe:1") is None
    assert Balance.of(invoice).paid == Decimal(10)


@pytest.mark.django_db
def test_the_rule_makes_the_invoice_and_the_next_one_names_its_link(world, papers, drain):
    world.rule("papers", "create_invoice", {"template": papers.templates["invoice"].pk, "wait": "on"}, key="invoice")
    world.rule(
        "papers", "add_comment", {"text": "{{ rules.invoice.number }} {{ rules.invoice.link }}"}, after_previous="done"
    )
    world.move(papers.deal, "papers")
    drain()
    document = Document.objects.get()
    assert (document.status, document.origin[:5]) == ("ready", "rule:")
    assert world.comments(papers.deal) == [f"{document.number} {document.link()}"]
    assert document.item.stage == papers.flow.draft
    assert [run.status for run in world.runs(papers.deal)] == ["done", "done"]


@pytest.mark.django_db
def test_a_rule_whose_template_cannot_be_filled_says_which_field(world, papers, drain):
    template = papers.templates["offer"]
    template.body = "<p>\n{{ company.name | needed: 'the company' }}"
    template.save()
    world.rule("papers", "create_document", {"template": template.pk, "wait": "on"})
    world.move(papers.deal, "papers")
    drain()
    (run,) = world.runs(papers.deal)
    assert run.status == "failed"
    assert "the company" in run.error
    assert "Line 2" in run.error


@pytest.mark.django_db
def test_a_paper_that_cannot_be_drawn_fails_the_rule_that_waits(world, papers, drain):
    template = papers.templates["offer"]
    template.body = "<img src='http://127.0.0.1/'>"
    template.save()
    world.rule("papers", "create_document", {"template": template.pk, "wait": "on"})
    world.move(papers.deal, "papers")
    drain()
    (run,) = world.runs(papers.deal)
    assert (run.status, "127.0.0.1" in run.error) == ("failed", True)


@pytest.mark.django_db
def test_full_payment_moves_the_deal_and_a_part_only_if_asked(world, papers, drain):
    world.trigger("pay", "invoice_paid", {})
    invoice, _document = invoice_of(world, papers)
    book(invoice, "1", world)
    drain()
    papers.deal.refresh_from_db()
    assert papers.deal.stage == world.stages["new"]
    book(invoice, "1338.08", world)
    drain()
    papers.deal.refresh_from_db()
    assert papers.deal.stage == world.stages["pay"]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "event"), [("document_opened", "seen"), ("document_signed", "accept"), ("document_declined", "decline")])  # fmt: skip
def test_what_the_customer_does_with_a_paper_moves_the_deal(world, papers, drain, client, kind, event):
    world.trigger("pay", kind, {"template": str(papers.templates["offer"].pk)})
    document = making.make(papers.templates["offer"], papers.deal, by=world.bob)
    other = making.make(papers.templates["contract"], papers.deal, by=world.bob)
    drain()
    for paper in (other, document):
        assert Item.objects.get(pk=papers.deal.pk).stage == world.stages["new"]
        token = paper.link().rstrip("/").rpartition("/")[2]
        if event == "seen":
            client.post(f"/d/{token}/seen/", headers={"User-Agent": "Mozilla/5.0 (iPhone) Safari/604.1"})
        else:
            client.post(f"/d/{token}/answer/", {"answer": event, "name": "Nguyễn Thị Hằng", "agree": "on"})
        drain()
    assert Item.objects.get(pk=papers.deal.pk).stage == world.stages["pay"]


@pytest.mark.django_db
def test_an_invoice_becomes_overdue_and_triggers_hear_after_their_days(world, papers, drain):
    world.trigger("pay", "invoice_overdue", {"days": "3"})
    invoice, _document = invoice_of(world, papers)
    invoice.refresh_from_db()
    invoice.move_to(papers.flow.sent, MoveOptions(by=world.bob))
    start = clock.now()
    for day, stage in ((14, "new"), (15, "new"), (17, "pay")):
        with clock.at(start + timedelta(days=day)):
            for _ in range(2):
                overdue.perform(None)
            drain()
        assert Item.objects.get(pk=papers.deal.pk).stage == world.stages[stage], day
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.overdue
    assert Event.objects.filter(item=papers.deal, kind="invoice.overdue").count() == 2


@pytest.mark.django_db
def test_who_changes_the_lines_of_an_invoice_hears_that_its_paper_says_something_else(world, papers, client):
    invoice, document = invoice_of(world, papers)
    client.force_login(world.bob)
    sent = {"rows": 1, "l0-name": "Lamp", "l0-price": "10"}
    page = client.post(f"/items/{invoice.pk}/lines/", sent, follow=True).content.decode()
    assert f"{document.number} was made of the lines as they were" in page
    page = client.post(f"/items/{papers.deal.pk}/lines/", sent, follow=True).content.decode()
    assert "was made of the lines" not in page


@pytest.mark.django_db
def test_more_than_is_asked_for_is_booked_only_on_purpose(world, papers, client):
    invoice, _document = invoice_of(world, papers)
    client.force_login(world.bob)
    url = f"/items/{invoice.pk}/payments/"
    sent = {"mark": "7c2a3f6e-6a53-4a53-9b7c-0f6f3f1f2a12", "amount": "2000", "paid_on": "2026-11-20", "method": "cash"}
    page = client.post(url, sent).content.decode()
    assert ("660.92" in page, "book it anyway" in page, Payment.objects.exists()) == (True, True, False)
    assert client.post(url, sent | {"amount": "0"}).status_code == 422
    assert client.post(url, sent | {"back": "on", "amount": "1"}).status_code == 422  # nothing was paid yet
    assert client.post(url, sent | {"anyway": "on"}).status_code == 302
    assert "Paid too much" in client.get(f"/items/{invoice.pk}/").content.decode()


@pytest.mark.django_db
def test_no_payment_is_booked_on_a_card_that_is_no_invoice(world, papers, client):
    client.force_login(world.bob)
    url = f"/items/{papers.deal.pk}/payments/"
    sent = {"mark": "7c2a3f6e-6a53-4a53-9b7c-0f6f3f1f2a11", "amount": "5", "paid_on": "2026-11-20", "method": "cash"}
    assert (client.get(url).status_code, client.post(url, sent).status_code) == (404, 404)
    with pytest.raises(Refused, match="no invoice"):
        Payment.book(papers.deal, Decimal(5), currency=papers.deal.currency, paid_on=date(2026, 11, 20), by=world.bob)
    assert not Payment.objects.exists()


@pytest.mark.django_db
def test_payments_are_booked_on_the_card(world, papers, client):
    invoice, _document = invoice_of(world, papers)
    client.force_login(world.bob)
    url = f"/items/{invoice.pk}/payments/"
    assert "Book a payment" in client.get(f"/items/{invoice.pk}/").content.decode()
    good = {
        "mark": "7c2a3f6e-6a53-4a53-9b7c-0f6f3f1f2a11",
        "amount": "1339.08",
        "paid_on": "2026-11-20",
        "method": "cash",
        "reference": "Kasa 7",
    }
    # Its form comes when somebody opens it, filled with what is still open; a wrong one stands on the card as it was sent.
    assert 'value="1339.08"' in client.get(url, headers={"HX-Request": "true"}).content.decode()
    answer = client.post(url, good | {"amount": "lots"})
    page = answer.content.decode()
    assert (answer.status_code, 'value="lots"' in page, 'value="Kasa 7"' in page) == (422, True, True)
    assert "field-error" in page
    assert not Payment.objects.exists()
    for _ in range(2):  # a double click is one payment
        client.post(url, good)
    assert Payment.objects.get().reference == "Kasa 7"
    page = client.get(f"/items/{papers.deal.pk}/").content.decode()
    assert "Kasa 7" in page
    client.force_login(world.charlie)
    world.role(world.bob, pipeline=papers.flow.pipeline)
    papers.flow.pipeline.touch_machine()
    assert client.post(url, good).status_code == 404
    assert Payment.objects.count() == 1


@pytest.mark.django_db
def test_the_invoice_follows_its_paper_to_sent_and_to_void(world, papers, drain, client):
    invoice, document = invoice_of(world, papers, drain)
    client.force_login(world.bob)
    client.post(f"/documents/{document.pk}/sent/")
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.sent
    client.post(f"/documents/{document.pk}/renew/")
    client.post(f"/documents/{document.pk}/renew/")  # twice: the second finds it replaced
    fresh = Document.objects.get(replaces=document)
    invoice.refresh_from_db()
    assert (invoice.stage, invoice.title[: len(fresh.number)]) == (papers.flow.sent, fresh.number)
    client.post(f"/documents/{fresh.pk}/void/")
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.void
    book(invoice, "-5", world)
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.void


@pytest.mark.django_db
def test_a_move_that_is_taken_back_voids_the_invoice_it_made(world, papers, drain):
    from crm.items.models.undo import undo

    world.rule("papers", "create_invoice", {"template": papers.templates["invoice"].pk, "wait": "on"}, key="invoice")
    moved = world.move(papers.deal, "papers", undoable=True)
    drain()
    document = Document.objects.get()
    assert document.status == "ready"
    undo(moved.visit, by=world.bob)
    document.refresh_from_db()
    assert document.status == "void"
    assert Item.objects.get(pk=document.item_id).stage == papers.flow.void


@pytest.mark.django_db
def test_a_stage_that_means_something_to_invoices_hands_it_on(world, papers):
    from crm.items.retiring import uses_of

    (use,) = [use for use in uses_of(papers.flow.partly_paid) if use.count]
    use.hand_over(papers.flow.sent)
    papers.flow.refresh_from_db()
    assert papers.flow.partly_paid == papers.flow.sent


@pytest.mark.django_db
def test_cards_with_numbered_papers_are_not_purged_and_others_are(world, papers, drain):
    from crm.board import recycle_bin

    invoice, _document = invoice_of(world, papers, drain)
    plain = world.deal("Plain")
    for item in (invoice, plain):
        item.delete_softly(by=world.bob)
    with clock.at(clock.now() + timedelta(days=40)):
        recycle_bin.empty(None)
    assert Item.objects.filter(pk=invoice.pk).exists()
    assert not Item.objects.filter(pk=plain.pk).exists()


@pytest.mark.django_db
def test_days_that_passed_while_we_stood_still_are_told_and_a_part_keeps_it_overdue(world, papers, drain):
    world.trigger("pay", "invoice_overdue", {"days": "3"})
    invoice, _document = invoice_of(world, papers)
    invoice.refresh_from_db()
    invoice.move_to(papers.flow.sent, MoveOptions(by=world.bob))
    with clock.at(clock.now() + timedelta(days=20)):
        overdue.perform(None)
        book(invoice, "5", world)
        overdue.perform(None)
        drain()
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.overdue
    assert invoice.visits.filter(stage=papers.flow.overdue).count() == 1
    told = Event.objects.filter(item=papers.deal, kind="invoice.overdue")
    assert sorted(event.data("days") for event in told) == [1, 3]


@pytest.mark.django_db
def test_who_sees_the_invoice_need_not_see_its_deal(world, papers, client):
    invoice, _document = invoice_of(world, papers)
    client.force_login(world.charlie)  # invoices are open to everybody here, deals are not
    page = client.get(f"/items/{invoice.pk}/")
    assert page.status_code == 200
    assert f"/items/{papers.deal.pk}/" not in page.content.decode()


@pytest.mark.django_db
def test_the_same_payment_twice_without_a_key_has_to_be_confirmed_where_it_is_too_much(world, papers, client):
    invoice, _document = invoice_of(world, papers)  # of 1339.08
    api = Caller(client, world.bob)
    sent = {"invoice": invoice.pk, "amount": "1000", "currency": invoice.currency}
    assert api.post("/payments", sent).status_code == 201
    repeated = api.post("/payments", sent)
    assert (repeated.status_code, repeated.data["error"]["code"]) == (409, "repeated")
    assert Balance.of(invoice).paid == 1000
    assert api.post("/payments", sent | {"confirm": True}).status_code == 201
    assert api.post("/payments", sent, **{"Idempotency-Key": "third"}).status_code == 201


@pytest.mark.django_db
def test_a_template_that_does_not_name_discounts_as_amounts_tells_them_all_the_same(world, papers):
    lines = [LineItem(name="Table", price=Decimal(100), discount_amount=Decimal(50))]
    deal = replace_lines(world.deal(currency="EUR"), lines, by=world.bob)
    template = papers.templates["offer"]
    assert "−€50" in making.make(template, deal, by=world.bob).html
    template.body = template.body.replace(
        '{% if line.discount_amount != "" %}<small>−{{ line.discount_amount | money }}</small>{% endif %}', ""
    )
    template.save()
    assert "discount_amount" not in template.body
    assert "Table (−€50)" in making.make(template, deal, by=world.bob).html
