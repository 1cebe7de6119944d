"""Paying online against a server in Stripe's place: what is told is asked for again, and booked once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm.frame import health
from crm.ground import vault
from crm.models import Event, Item, Notification
from documents import making
from documents.models import Checkout, Payment, PaymentAccount, PaymentLink
from tests.stripe_like import SECRET, stripe_like


@pytest.fixture
def stripe(settings):
    with stripe_like() as made:
        settings.STRIPE_BASE_URL = made.url
        PaymentAccount.objects.create(
            name="Cards",
            provider="stripe",
            secret=vault.lock({"secret_key": "sk_test_12345678", "signing_secret": SECRET}),
        )
        yield made


@pytest.fixture
def invoice(world, papers, drain):
    made, document = papers.flow.make_invoice(papers.deal, papers.templates["invoice"], by=world.bob)
    drain()
    document.mark_sent()
    return Item.objects.get(pk=made.pk), document


def told(client, call, headers=None):
    body, signed = call
    account = PaymentAccount.objects.get()
    return client.post(
        f"/payments/provider/{account.pk}/", body, content_type="application/json", headers=headers or signed
    )


@pytest.mark.django_db
def test_the_customer_pays_from_the_invoices_page_and_the_deal_moves(
    world, papers, invoice, stripe, client, drain, now
):
    item, document = invoice
    world.trigger("pay", "invoice_paid", {"partly": "", "method": ""})
    path = "/d/" + document.link().split("/d/")[1]
    page = client.get(path)
    assert "Pay online" in page.content.decode()
    assert "form-action 'self' https: http:" in page["Content-Security-Policy"]
    answer = client.post(f"{path}pay/")
    assert (answer.status_code, answer["Location"]) == (302, f"{stripe.url}/pay/1")
    assert client.post(f"{path}pay/")["Location"] == f"{stripe.url}/pay/1"  # the same page, not a second one
    asked = stripe.sessions["cs_test_1"]["asked"]
    assert asked["line_items[0][price_data][unit_amount]"] == "133908"
    assert asked["line_items[0][price_data][currency]"] == "pln"
    assert document.number in asked["line_items[0][price_data][product_data][name]"]
    call = stripe.pay("cs_test_1")
    for _ in range(3):
        assert told(client, call).status_code == 200
        drain()
    payment = Payment.objects.get()
    assert (payment.invoice, payment.amount, payment.currency, payment.method) == (
        item,
        Decimal("1339.08"),
        "PLN",
        "card",
    )
    item.refresh_from_db()
    assert (item.stage, Item.objects.get(pk=papers.deal.pk).stage) == (papers.flow.paid, world.stages["pay"])
    assert "Pay online" not in client.get(path).content.decode()
    assert client.post(f"{path}pay/").status_code == 409


@pytest.mark.django_db
def test_what_is_forged_old_or_another_accounts_changes_nothing(world, invoice, stripe, client, drain):
    _item, document = invoice
    client.post("/d/" + document.link().split("/d/")[1] + "pay/")
    body, headers = stripe.pay("cs_test_1")
    assert told(client, (body.replace(b"completed", b"completed "), headers)).status_code == 403
    assert told(client, (body, {})).status_code == 403
    assert (
        told(client, stripe.call("checkout.session.completed", stripe.sessions["cs_test_1"], age=900)).status_code
        == 403
    )
    assert told(client, stripe.call("customer.created", {"id": "cus_1"})).status_code == 200
    for odd in (b"[]", b"5", b"null", b'"x"', b"[" * 20_000, b"not json", b"", b'{"object":"v2.core.event","data":{}}'):
        assert told(client, stripe.signed(odd)).status_code == 200, odd[:20]
    odd_id = {"id": "a\ud800b", "payment_status": "paid"}
    assert told(client, stripe.call("checkout.session.completed", odd_id)).status_code == 200
    stripe.sessions["cs_test_1"]["payment_status"] = "unpaid"  # it claims to be paid; asked, it is not
    assert told(client, (body, headers)).status_code == 200
    foreign = stripe.sessions["cs_test_1"] | {"id": "cs_test_9", "payment_status": "paid", "payment_intent": "pi_9"}
    stripe.sessions["cs_test_9"] = foreign
    assert told(client, stripe.call("checkout.session.completed", foreign)).status_code == 200
    drain()
    assert not Payment.objects.exists()
    PaymentAccount.objects.update(secret=vault.lock({"secret_key": "sk_test_12345678"}))
    assert told(client, (body, headers)).status_code == 503
    assert any("signing secret" in line.fault for line in health.lines())


@pytest.mark.django_db
@pytest.mark.parametrize("odd", [{"amount_total": 100}, {"currency": "eur"}])
def test_money_other_than_asked_for_is_not_booked_and_somebody_looks(odd, world, invoice, stripe, client, drain):
    item, document = invoice
    client.post("/d/" + document.link().split("/d/")[1] + "pay/")
    told(client, stripe.pay("cs_test_1", **odd))
    told(client, stripe.pay("cs_test_1", **odd))
    drain()
    assert not Payment.objects.exists()
    assert Checkout.objects.get().status == "odd"
    assert Notification.objects.filter(user=world.bob, item=item, kind="payment").count() == 1


@pytest.mark.django_db
def test_what_was_never_booked_is_not_paid_back_either(world, papers, invoice, stripe, client, drain):
    item, document = invoice
    client.post("/d/" + document.link().split("/d/")[1] + "pay/")
    told(client, stripe.pay("cs_test_1", amount_total=100))
    drain()
    told(client, stripe.refund("cs_test_1", 100))
    drain()
    assert not Payment.objects.exists()
    assert Notification.objects.filter(user=world.bob, item=item, kind="payment").count() == 2


@pytest.mark.django_db
def test_only_an_invoice_can_be_paid_online(world, papers, stripe, client, drain):

    paper = making.make(papers.templates["invoice"], papers.deal, by=world.bob)
    drain()
    path = "/d/" + paper.link().split("/d/")[1]
    assert "Pay online" not in client.get(path).content.decode()
    assert client.post(f"{path}pay/").status_code == 409


@pytest.mark.django_db
def test_a_refund_is_booked_once_and_the_invoice_is_open_again(world, papers, invoice, stripe, client, drain):
    item, document = invoice
    client.post("/d/" + document.link().split("/d/")[1] + "pay/")
    told(client, stripe.pay("cs_test_1"))
    drain()
    call = stripe.refund("cs_test_1", 10000)
    told(client, call)
    drain()
    told(client, call)
    drain()
    assert [payment.amount for payment in Payment.objects.order_by("pk")] == [Decimal("1339.08"), Decimal(-100)]
    item.refresh_from_db()
    assert item.stage == papers.flow.partly_paid
    assert Event.objects.filter(kind="invoice.refunded", item=item).count() == 1


@pytest.mark.django_db
def test_a_rule_makes_a_link_for_a_share_of_the_invoice(world, papers, invoice, stripe, client, drain):
    item, _document = invoice
    rule = world.rule("talk", "create_payment_link", {"percent": "30"})
    world.move(papers.deal, "talk")
    drain()
    outputs = world.run_of(rule).outputs
    assert (outputs["amount"], outputs["invoice"]) == ("401.72", item.pk)
    path = "/pay/" + outputs["link"].split("/pay/")[1]
    assert "401.72" in client.get(path).content.decode().replace("\xa0", " ").replace(",", ".")
    assert client.post(path)["Location"] == f"{stripe.url}/pay/1"
    assert stripe.sessions["cs_test_1"]["amount_total"] == 40172
    told(client, stripe.pay("cs_test_1"))
    drain()
    item.refresh_from_db()
    assert item.stage == papers.flow.partly_paid
    assert "<button" not in client.get(path).content.decode()  # its share is paid; nobody pays it twice
    assert client.post(path).status_code == 200
    assert len(stripe.sessions) == 1
    assert client.get(path[:-2] + "x/").status_code == 404
    PaymentLink.objects.update(revoked_at="2026-01-01T00:00:00Z")
    assert client.get(path).status_code == 404


@pytest.mark.django_db
def test_a_rule_says_why_there_is_no_link(world, papers, drain):
    rule = world.rule("talk", "create_payment_link", {"percent": "100"})
    world.move(papers.deal, "talk")
    drain()
    assert "not set up" in world.run_of(rule).error


@pytest.mark.django_db
def test_a_provider_that_does_not_answer_costs_nobody_anything(world, invoice, stripe, client, drain):
    _item, document = invoice
    stripe.world.answer = (500, b"{}", {}, 0)
    page = client.post("/d/" + document.link().split("/d/")[1] + "pay/")
    assert page.status_code == 502
    assert "does not work at the moment" in page.content.decode()
    stripe.world.answer = stripe.answer
    assert client.post("/d/" + document.link().split("/d/")[1] + "pay/").status_code == 302
    assert Checkout.objects.count() == 2


@pytest.mark.django_db
def test_the_way_from_lines_to_a_paid_invoice_goes_by_the_api_too(world, papers, client, drain):
    from crm.models import ApiToken

    world.role(world.bob, pipeline=papers.flow.pipeline)
    _row, text = ApiToken.make(world.bob, "shop", ["read", "write"])
    headers = {"Authorization": f"Bearer {text}"}

    def call(method, path, data=None):
        answer = getattr(client, method)(f"/api/v1{path}", data, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    lines = {"lines": [{"name": "Stół", "quantity": "2", "price": "100.00"}, {"name": "Krzesło", "price": "50"}]}
    deal = world.deal(currency="PLN")
    assert call("put", f"/items/{deal.pk}/lines", lines)[1]["amount"] == "250.00"
    wrong = {"lines": [{"name": "x", "price": "1", "tax": "nothing"}]}
    assert call("put", f"/items/{deal.pk}/lines", wrong)[1]["error"]["fields"] == {
        "lines.0.tax": ["There is no such tax rate."]
    }
    template = next(row for row in call("get", "/document-templates")[1] if row["kind"] == "invoice")
    status, made = call("post", "/invoices", {"item": deal.pk, "template": template["id"]})
    assert (status, made["amount"], made["document"]["status"]) == (201, "250.00", "queued")
    drain()
    papers_now = call("get", f"/documents?item={made['invoice']}")[1]["items"]
    assert [row["status"] for row in papers_now] == ["ready"]
    paid = {"invoice": made["invoice"], "amount": "100.00", "currency": "PLN"}
    assert call("post", "/payments", paid)[1]["open"] == "150.00"
    assert call("post", "/payments", paid | {"currency": "EUR"})[0] == 422
    assert call("post", "/payments", paid | {"invoice": deal.pk})[1]["error"]["fields"]["invoice"]
    _row, foreign = ApiToken.make(world.charlie, "x", ["read", "write"])
    headers["Authorization"] = f"Bearer {foreign}"
    assert call("get", "/payments")[1]["items"] == []
    assert call("get", f"/documents/{made['document']['id']}")[0] == 404
