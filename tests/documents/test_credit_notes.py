"""Credit notes: numbers of their own, what they take back, and what the invoice comes to afterwards."""

from __future__ import annotations

import importlib
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pypdfium2
import pytest
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.base import actions, bind
from automation.models import scope_of
from crm.ground import clock
from crm.items.listing import replace_lines
from crm.items.models.gate import MoveOptions
from crm.models import Event, Item, LineItem, Refused
from crm.pipelines.rights import Scope
from documents import making, overdue, statements
from documents.models import CreditNote, Document, DocumentTemplate, InvoiceFlow, Payment
from documents.models.balances import Balance
from documents.models.checkouts import still_open
from documents.models.credit_notes import Line, listed, rest_of
from documents.models.invoicing import today
from tests.crm.test_api import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(world, papers, drain):
    """1000 × 1 at 23 % and 50.50 × 2 at 8 %: 1339.08 PLN, and sent."""
    made, document = papers.flow.make_invoice(papers.deal, papers.templates["invoice"], by=world.bob)
    drain()
    made.move_to(papers.flow.sent, MoveOptions(override=True))
    document.mark_sent()
    return Item.objects.get(pk=made.pk)


def credit(world, papers, invoice, *lines, reason="Returned", by=None):
    asked = [Line(number, Decimal(quantity), *map(Decimal, price)) for number, quantity, *price in lines] or None
    return CreditNote.make(invoice, papers.templates["credit_note"], reason, asked, by=by or world.bob)


def pay(world, invoice, amount):
    return Payment.book(invoice, Decimal(amount), currency="PLN", paid_on=today(), by=world.bob)


def text_of(document):
    with document.file.open("rb") as file:
        opened = pypdfium2.PdfDocument(file.read())
    return "\n".join(page.get_textpage().get_text_range() for page in opened)


def test_a_credit_note_has_its_own_number_and_names_the_invoice_and_the_reason(world, papers, invoice, drain):
    first, second = credit(world, papers, invoice, (2, "1")), credit(world, papers, invoice, (2, "1"))
    drain()
    assert [row.document.number.rpartition("/")[2] for row in (first, second)] == ["1", "2"]
    assert first.document.number.startswith("CN/")
    document = Document.objects.get(pk=first.document_id)
    assert (document.status, document.kind, first.amount) == ("ready", "credit_note", Decimal("54.54"))
    words = text_of(document)
    for part in (first.corrects.number, "Returned", "Bàn gỗ sồi", "54.54", "fifty-four"):
        assert part in words
    assert "Stół dębowy" not in words
    for item in (invoice, papers.deal):
        event = Event.objects.filter(item=item, kind="invoice.credited").order_by("pk").first()
        assert (event.data("amount"), event.data("reason")) == ("54.54", "Returned")


def test_what_is_open_shrinks_at_every_door(world, papers, invoice):
    credit(world, papers, invoice, (1, "1", "500"))
    open_ = Decimal("724.08")
    assert (Balance.of(invoice).open, still_open(invoice)) == (open_, open_)
    assert [row.amount for row in statements._open_invoices(world.bob)] == [open_]
    overdue.tell(invoice, 1)
    assert Event.objects.filter(kind="invoice.overdue", item=invoice).get().data("open") == str(open_)
    fresh = making.make(papers.templates["invoice"], invoice, by=world.bob, replaces=CreditNote.objects.get().corrects)
    assert fresh.data["totals"]["open"] == str(open_)
    pay(world, invoice, open_)
    assert Item.objects.get(pk=invoice.pk).stage == papers.flow.paid


def test_all_of_an_unpaid_invoice_credited_makes_it_void_and_of_a_paid_one_waits_for_the_money(world, papers, invoice):
    pay(world, invoice, "100")
    credit(world, papers, invoice)
    invoice.refresh_from_db()
    assert (invoice.stage, Balance.of(invoice).open) == (papers.flow.paid, Decimal(-100))
    pay(world, invoice, "-100")
    invoice.refresh_from_db()
    assert invoice.stage == papers.flow.void


def test_a_credit_note_declared_void_counts_no_more(world, papers, invoice, client, drain):
    note = credit(world, papers, invoice)
    assert Item.objects.get(pk=invoice.pk).stage == papers.flow.void
    drain()
    client.force_login(world.bob)
    client.post(f"/documents/{note.document_id}/void/")
    invoice = Item.objects.get(pk=invoice.pk)
    assert (invoice.stage, Balance.of(invoice).open) == (papers.flow.sent, Decimal("1339.08"))
    assert credit(world, papers, invoice).amount == Decimal("1339.08")


def test_an_invoice_that_was_never_sent_is_a_draft_again_when_its_credit_note_is_void(world, papers, drain):
    made, _document = papers.flow.make_invoice(papers.deal, papers.templates["invoice"], by=world.bob)
    note = credit(world, papers, made)
    assert Item.objects.get(pk=made.pk).stage == papers.flow.void
    note.document.change_status("void")
    InvoiceFlow.paper_changed(note.document, world.bob)
    assert Item.objects.get(pk=made.pk).stage == papers.flow.draft


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([(1, "2")], "more cannot be credited"), ([(1, "-1")], "more cannot be credited"), ([(3, "1")], "no line 3"),
        ([(1, "1", "1000.01")], "more cannot be credited"), ([(1, "1", "-5")], "more cannot be credited"),
        ([(1, "1", "0")], "cannot be credited"),
    ],
)  # fmt: skip
def test_more_than_the_invoice_has_is_refused_and_takes_no_number(world, papers, invoice, lines, words):
    with pytest.raises(Refused, match=words):
        credit(world, papers, invoice, *lines)
    with pytest.raises(Refused, match="says why"):
        credit(world, papers, invoice, reason="  ")
    assert not Document.objects.filter(kind="credit_note").exists()
    assert papers.templates["credit_note"].numerator.preview(invoice.created_at).endswith("/1")


def test_all_of_it_is_credited_once(world, papers, invoice):
    credit(world, papers, invoice, (1, "1"))
    credit(world, papers, invoice, (2, "0.5"))
    rest = credit(world, papers, invoice)  # all that is left
    assert (rest.quantities, Balance.of(invoice).owed) == ({"2": "1.5"}, 0)
    with pytest.raises(Refused, match="cannot be credited"):
        credit(world, papers, invoice)


# One card's lines are replaced each time.
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.decimals("0.01", "9999", places=2), st.integers(1, 5), st.sampled_from(["0", "5", "8", "23"]),
            st.sampled_from(["", "percent", "amount"]),
        ),
        min_size=1, max_size=3,
    ),
    st.booleans(), st.sampled_from(["PLN", "VND"]), st.randoms(use_true_random=False),
)  # fmt: skip
def test_any_invoice_is_credited_to_the_cent_in_whatever_parts(world, papers, rows, included, currency, random):
    lines = [
        LineItem(
            name=f"Line {n}", price=price if currency == "PLN" else Decimal(int(price) + 1), quantity=Decimal(quantity),
            tax_name=f"{tax} %", tax_percent=Decimal(tax), tax_included=included,
            discount=Decimal("12.5") if kind == "percent" else Decimal(0),
            discount_amount=Decimal("0.01") if kind == "amount" and currency == "PLN" else Decimal(0),
        )
        for n, (price, quantity, tax, kind) in enumerate(rows)
    ]  # fmt: skip
    deal = replace_lines(world.deal(currency=currency), lines, by=world.bob)
    if not deal.amount:
        return  # nothing to be invoiced
    invoice, _document = papers.flow.make_invoice(deal, papers.templates["invoice"], by=world.bob)
    invoice = Item.objects.get(pk=invoice.pk)
    for _part in range(12):
        rest = rest_of(invoice, listed(invoice))
        if len(rest) <= 1 and sum(one.quantity for one in rest) <= 1:
            break
        one = random.choice(rest)
        try:
            CreditNote.make(
                invoice, papers.templates["credit_note"], "part", [Line(one.number, Decimal(1))], by=world.bob
            )
        except Refused:
            break  # a line that comes to nothing is not credited alone
    if Balance.of(invoice).owed:  # else the pieces came to all of it, each rounded up
        CreditNote.make(invoice, papers.templates["credit_note"], "the rest", by=world.bob)
        assert rest_of(invoice, listed(invoice)) == []
    assert Balance.of(invoice).owed == 0
    assert Item.objects.get(pk=invoice.pk).stage == papers.flow.void


def test_the_invoice_is_named_with_the_day_that_stands_on_it(world, papers):
    with clock.at(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)):  # in Warsaw it is New Year already
        made, document = papers.flow.make_invoice(papers.deal, papers.templates["invoice"], by=world.bob)
    note = credit(world, papers, made)
    assert note.document.data["credited"]["date"] == document.data["document"]["date"] == "2027-01-01"


def test_no_line_is_credited_twice(world, papers, invoice, client):
    credit(world, papers, invoice, (2, "2"))
    with pytest.raises(Refused, match="only 0 of it are left"):
        credit(world, papers, invoice, (2, "1"))
    with pytest.raises(Refused, match="named twice"):
        credit(world, papers, invoice, (1, "0.5"), (1, "0.5"))


def test_a_card_that_says_something_else_than_its_paper_is_not_credited(world, papers, invoice):
    replace_lines(invoice, [LineItem(name="More", price=Decimal(5000))], by=world.bob)
    with pytest.raises(Refused, match="make its next version first"):
        credit(world, papers, Item.objects.get(pk=invoice.pk))


def test_what_is_no_invoice_or_has_no_valid_paper_has_nothing_to_correct(world, papers, invoice):
    with pytest.raises(Refused, match="no invoice"):
        credit(world, papers, papers.deal)
    invoice.documents.update(status="void")
    with pytest.raises(Refused, match="no valid invoice"):
        credit(world, papers, invoice)


def test_no_credit_note_is_made_by_the_usual_way_of_papers(world, papers, invoice, client):
    template = papers.templates["credit_note"]
    with pytest.raises(Refused, match="from its lines"):
        making.make(template, papers.deal, by=world.bob)
    client.force_login(world.bob)
    page = client.get(f"/items/{papers.deal.pk}/documents/", headers={"HX-Request": "true"}).content.decode()
    assert "Credit note" not in page
    answer = Caller(client, world.bob).post("/documents", {"item": papers.deal.pk, "template": template.pk})
    assert answer.status_code == 422
    form = world.rule("talk", "create_document", {"template": str(template.pk), "stamped": "", "wait": ""})
    bound = bind(actions.get("create_document").Settings, form.settings, scope_of(form))
    assert not bound.is_valid()


def test_a_colleague_makes_one_on_the_invoices_card(world, papers, invoice, client, drain):
    client.force_login(world.bob)
    page = client.get(f"/items/{invoice.pk}/").content.decode()
    assert "Make a credit note" in page
    part = client.get(f"/items/{invoice.pk}/credit/", headers={"HX-Request": "true"}).content.decode()
    assert "Stół dębowy" in part
    template = papers.templates["credit_note"].pk
    sent = {
        "mark": str(uuid.uuid4()),
        "template": template,
        "reason": "",
        "quantity_1": "",
        "price_1": "1000",
        "quantity_2": "3",
        "price_2": "50,50",
    }
    world.bob.language = "pl"
    world.bob.save()
    answer = client.post(f"/items/{invoice.pk}/credit/", sent)
    assert answer.status_code == 422
    assert answer.content.decode().count("field-error") == 2
    for _twice in range(2):  # a double click
        answer = client.post(f"/items/{invoice.pk}/credit/", sent | {"reason": "Zwrot", "quantity_2": "0,5"})
        assert answer.status_code == 302
    note = CreditNote.objects.get()
    assert (note.amount, note.reason) == (Decimal("27.27"), "Zwrot")
    drain()
    page = client.get(answer["Location"]).content.decode()
    assert note.corrects.number in page
    assert "/renew/" not in page
    page = client.get(f"/items/{invoice.pk}/").content.decode()
    assert "27,27" in page
    assert client.post(f"/documents/{note.document_id}/renew/").status_code == 302
    assert CreditNote.objects.count() == 1


def test_charlie_credits_nothing_and_sees_no_credit_note(world, papers, invoice, client):
    note = credit(world, papers, invoice)
    world.role(world.bob, pipeline=papers.flow.pipeline, view=Scope.ALL, edit=Scope.ALL)
    client.force_login(world.charlie)
    assert client.get(f"/items/{invoice.pk}/credit/").status_code == 404
    caller = Caller(client, world.charlie)
    assert caller.get("/credit-notes").data["items"] == []
    body = {"invoice": invoice.pk, "template": papers.templates["credit_note"].pk, "reason": "x"}
    assert caller.post("/credit-notes", body).status_code == 422
    assert Caller(client, world.bob).get("/credit-notes").data["items"][0]["id"] == note.pk


def test_a_program_credits_a_part_and_the_rest(world, papers, invoice, client):
    caller = Caller(client, world.bob)
    body = {"invoice": invoice.pk, "template": papers.templates["credit_note"].pk, "reason": "Returned"}
    made = caller.post("/credit-notes", body | {"lines": [{"number": 2, "quantity": "2"}]})
    assert (made.status_code, made.data["amount"], made.data["open"]) == (201, "109.08", "1230.00")
    assert made.data["document"]["kind"] == "credit_note"
    for odd in ({"lines": [{"number": 9, "quantity": "1"}]}, {"reason": " "}, {"template": 0}, {"lines": []}):
        assert caller.post("/credit-notes", body | odd).status_code == 422, odd
    rest = caller.post("/credit-notes", body | {"lines": [{"number": 1, "quantity": "1"}]})
    assert (rest.status_code, rest.data["open"]) == (201, "0.00")


def test_the_upgrade_gives_who_makes_invoices_a_template_of_credit_notes(papers):
    DocumentTemplate.objects.filter(kind="credit_note").delete()
    papers.templates["invoice"].style = "h1 { color: green }"
    papers.templates["invoice"].save()
    upgrade = importlib.import_module("documents.migrations.0010_templates_of_credit_notes")
    for _twice in range(2):
        upgrade.add(apps, None)
    made = DocumentTemplate.objects.get(kind="credit_note")
    assert (made.language, made.style, made.current().body) == ("en", "h1 { color: green }", made.body)
