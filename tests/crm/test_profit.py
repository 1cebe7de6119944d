"""Cost prices and profit: reckoned to the cent, and seen by those alone whose role sees them."""

import csv
import io
import json
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from crm.analytics import figures as analytics
from crm.items.filters import ItemFilter
from crm.items.listing import replace_lines, state_of
from crm.items.models.gate import MoveOptions
from crm.items.models.lines import Totals
from crm.items.models.profit import margin_of, of_lines, profit_of
from crm.items.models.undo import undo
from crm.models import BoardVersion, CurrencyRate, Event, Item, LineItem, OwnCompany, Product, Profit, Refused, Role
from crm.pipelines.machine import machine_of
from tests.crm.test_api import Caller

# In no page, file or answer for anybody else; no number of ours looks like it.
SECRET = "4321"


@pytest.fixture
def shown(world):
    """Alice administers, Charlie's role sees profit, Bob's does not; the pipeline shows profit on its cards."""
    Role.objects.create(name="Controllers", sees_profit=True).people.add(world.charlie)
    world.pipeline.card_fields = ["source", "profit"]
    world.pipeline.save()
    world.pipeline.touch_machine()
    return world


def line(price="10000", cost=SECRET, **more):
    return LineItem(name=more.pop("name", "Table"), price=Decimal(price), cost=cost and Decimal(cost), **more)


def earned(item):
    row = Profit.objects.filter(item=item).first()
    return row and (row.net, row.amount, row.margin)


@pytest.mark.django_db
def test_profit_is_the_net_less_the_costs_of_all_lines(world):
    deal = replace_lines(
        world.deal(currency="EUR"),
        [
            line("123", "40", quantity=Decimal(2), tax_name="23 %", tax_percent=Decimal(23), tax_included=True),
            line("100", "0", discount=Decimal(10)),
        ],
        by=world.bob,
        costs_said=True,
    )
    assert earned(deal) == (Decimal("290.00"), Decimal("210.00"), Decimal("72.4"))


@pytest.mark.django_db
def test_profit_is_not_known_where_one_cost_is_not(world):
    deal = replace_lines(world.deal(), [line(), line(cost=None, name="Leg")], by=world.bob)
    assert earned(deal) is None
    deal = replace_lines(deal, [line()], by=world.bob)
    assert earned(deal) is not None
    replace_lines(deal, [], by=world.bob)
    assert earned(deal) is None


number = st.decimals(min_value=0, max_value=10**6, places=2)


@given(
    st.lists(
        st.tuples(number, number, st.integers(1, 50), st.sampled_from([None, "5", "23"]), st.booleans()), min_size=1
    )
)
def test_net_costs_and_profit_add_up_whatever_the_lines(rows):
    lines = [
        line(str(price), str(cost), quantity=Decimal(many), tax_percent=tax and Decimal(tax), tax_included=included)
        for price, cost, many, tax, included in rows
    ]
    net, profit = of_lines(lines, "EUR")
    assert net == Totals.of(lines, "EUR").net
    assert net - profit == sum(row.costs("EUR") for row in lines)
    # A line's own net may differ from its share by half a cent a rate.
    assert abs(sum(row.net("EUR") for row in lines) - net) <= Decimal("0.01") * len(lines)
    assert margin_of(profit, net) is None or margin_of(profit, net) <= 100


@pytest.mark.django_db
def test_who_sees_no_costs_keeps_them(shown):
    table = Product.objects.create(name="Oak", price=10, cost=Decimal("7.5"), currency="EUR")
    deal = replace_lines(shown.deal(currency="EUR"), [line(), line(name="Leg")], by=shown.alice, costs_said=True)
    # Another price, a new name in the same place, a third line of the catalogue: nobody said a word of costs.
    new = [line("9000", None), line(cost=None, name="Long leg"), line("10", None, name="Oak", product=table)]
    replace_lines(deal, new[:2], by=shown.bob)
    assert [row.cost for row in deal.lines.all()] == [Decimal(SECRET), Decimal(SECRET)]
    replace_lines(deal, new, by=shown.bob)
    assert [row.cost for row in deal.lines.all()] == [Decimal(SECRET), Decimal(SECRET), Decimal("7.5")]
    # Who sees them and leaves one empty means it.
    replace_lines(deal, [line("9000", None)], by=shown.alice, costs_said=True)
    assert [row.cost for row in deal.lines.all()] == [None]


@pytest.mark.django_db
def test_a_products_cost_in_another_currency_is_no_cost_here(world):
    table = Product.objects.create(name="Oak", price=10, cost=7, currency="PLN")
    deal = replace_lines(world.deal(currency="EUR"), [line("10", None, product=table)], by=world.bob)
    assert deal.lines.get().cost is None


@pytest.mark.django_db
def test_an_item_in_another_currency_earns_the_same_in_it(world):
    OwnCompany.objects.update(currency="EUR")
    CurrencyRate.objects.create(currency="PLN", rate=Decimal("0.25"))
    deal = replace_lines(world.deal(currency="EUR"), [line("100", "60")], by=world.bob)
    deal.change({"currency": "PLN"}, by=world.bob)
    assert profit_of(Item.objects.get(pk=deal.pk)).base_amount == Decimal("10.00")
    deal.refresh_from_db()
    moved = deal.move_to(world.stages["talk"], MoveOptions(by=world.bob, fields={"currency": "EUR"}, undoable=True))
    assert Profit.objects.get(item=deal).base_amount == Decimal("40.00")
    undo(moved.visit, by=world.bob)
    assert Profit.objects.get(item=deal).base_amount == Decimal("10.00")


@pytest.mark.django_db
def test_costs_beyond_an_amount_are_refused_in_words(world):
    with pytest.raises(Refused, match="costs of all lines"):
        replace_lines(
            world.deal(), [line("1", "99999999999", quantity=Decimal(9_999_999_999))], by=world.bob, costs_said=True
        )


@pytest.mark.django_db
def test_the_mark_of_the_lines_cannot_be_tried_out(shown, settings):
    """It stands in a form of people who see no costs, and is made of them."""
    deal = replace_lines(shown.deal(currency="EUR"), [line()], by=shown.bob)
    before = state_of(deal)
    settings.SECRET_KEY = "another key altogether"
    assert state_of(Item.objects.get(pk=deal.pk)) != before


PAGES = ["/items/{item}/", "/items/{item}/lines/", "/board/{board}/", "/board/{board}/totals/", "/board/{board}/list/"]
PAGES += ["/board/{board}/export.csv", "/analytics/{board}/", "/products/suggest/", "/search/?q=oak"]


@pytest.mark.django_db
def test_no_page_tells_profit_to_who_does_not_see_it(shown, client):
    shown.role(shown.bob, shown.charlie, pipeline=shown.pipeline)
    OwnCompany.objects.update(currency="EUR")
    Product.objects.create(name="Oak", price=10000, cost=Decimal(SECRET), currency="EUR")
    deal = replace_lines(shown.deal(currency="EUR"), [line("10000", SECRET)], by=shown.bob)
    won = replace_lines(shown.deal("Oak chair", currency="EUR"), [line("10000", SECRET)], by=shown.bob)
    shown.move(won, "won")
    told = dict.fromkeys(PAGES, False)
    for person in (shown.bob, shown.charlie):
        client.force_login(person)
        for page in PAGES:
            answer = client.get(page.format(item=deal.pk, board=shown.pipeline.pk))
            assert answer.status_code == 200, page
            text = re.sub(r"[\s,.\xa0\u202f]", "", (answer.getvalue()).decode())
            tells = SECRET in text or "5679" in text  # the profit of both
            if person == shown.bob:
                assert not tells, page
            told[page] |= tells
    untold = [page for page, tells in told.items() if not tells]
    assert untold == ["/search/?q=oak"]


@pytest.mark.django_db
def test_nobody_reads_profit_off_a_filter(shown, client):
    shown.role(shown.bob, shown.charlie, pipeline=shown.pipeline)
    deal = replace_lines(shown.deal(currency="EUR"), [line("100", "60")], by=shown.bob)
    replace_lines(shown.deal("Chair", currency="EUR"), [line("100", "90")], by=shown.bob)
    address = f"/board/{shown.pipeline.pk}/list/"
    client.force_login(shown.charlie)
    page = " ".join(client.get(f"{address}?profit_from=20&sort=profit").content.decode().split())
    assert deal.title in page
    assert "Chair" not in page
    assert "40 %" in page
    assert "profit_from" in client.get(f"/board/{shown.pipeline.pk}/filter/").content.decode()
    client.force_login(shown.bob)
    for query in ("profit_from=20", "profit_to=20", "sort=profit", "sort=-profit"):
        assert client.get(f"{address}?{query}").status_code == 400
    assert "profit_from" not in client.get(f"/board/{shown.pipeline.pk}/filter/").content.decode()


@pytest.mark.django_db
def test_the_api_tells_and_takes_costs_by_the_same_right(shown, client):
    shown.role(shown.bob, shown.charlie, pipeline=shown.pipeline)
    deal = replace_lines(shown.deal(currency="EUR"), [line("100", "60")], by=shown.bob)
    seen, blind = Caller(client, shown.charlie), Caller(client, shown.bob)
    body = seen.get(f"/items/{deal.pk}/lines").json()
    assert (body["lines"][0]["cost"], body["profit"], body["margin"]) == ("60.0000", "40.00", "40.0")
    body = blind.get(f"/items/{deal.pk}/lines").json()
    assert (body["lines"][0]["cost"], body["profit"], body["margin"]) == (None, None, None)
    lines = {"lines": [{"name": "Table", "price": "200", "cost": "1"}]}
    answer = blind("PUT", f"/items/{deal.pk}/lines", lines)
    assert answer.status_code == 422
    assert "lines.0.cost" in json.dumps(answer.json())
    del lines["lines"][0]["cost"]
    assert blind("PUT", f"/items/{deal.pk}/lines", lines).status_code == 200
    assert seen.get(f"/items/{deal.pk}/lines").json()["profit"] == "140.00"


@pytest.mark.django_db
def test_no_event_and_no_webhook_body_names_it(shown):
    deal = replace_lines(shown.deal(currency="EUR"), [line()], by=shown.bob)
    assert not any(SECRET in json.dumps(event.payload) for event in Event.objects.filter(item=deal))


@pytest.mark.django_db
def test_figures_of_profit_are_for_those_who_see_it(shown):
    shown.role(shown.bob, shown.charlie, pipeline=shown.pipeline)
    OwnCompany.objects.update(currency="EUR")
    won = replace_lines(shown.deal(currency="EUR"), [line("100", "60")], by=shown.bob)
    shown.move(won, "won")

    def tables(user):
        figures = analytics.Figures(machine_of(shown.pipeline.pk), user, analytics.Span.of(30), ItemFilter())
        return {table.key: table for table in analytics.tables(figures)}

    assert "profit" not in tables(shown.bob)
    ((owner, count, net, profit, margin),) = tables(shown.charlie)["profit"].rows
    assert (owner, count, net, profit, margin) == (shown.bob.name, 1, Decimal("100.00"), Decimal("40.00"), 40.0)


@pytest.mark.django_db
def test_an_export_has_columns_of_profit(shown, client):
    shown.role(shown.bob, shown.charlie, pipeline=shown.pipeline)
    replace_lines(shown.deal(currency="EUR"), [line("100", "60")], by=shown.bob)
    shown.deal("Chair", currency="EUR")
    client.force_login(shown.charlie)
    rows = list(
        csv.DictReader(io.StringIO(client.get(f"/board/{shown.pipeline.pk}/export.csv").getvalue().decode("utf-8-sig")))
    )
    assert [(row["net"], row["costs"], row["profit"], row["margin, %"]) for row in rows] == [
        ("", "", "", ""),
        ("100.00", "60.00", "40.00", "40.0"),
    ]


@pytest.mark.django_db
def test_the_form_asks_who_sees_costs_and_nobody_else(shown, client):
    shown.role(shown.bob, shown.charlie, pipeline=shown.pipeline)
    deal = shown.deal(currency="EUR")
    sent = {"rows": "1", "l0-name": "Table", "l0-price": "100", "l0-cost": "60", "l0-quantity": "1"}
    client.force_login(shown.bob)
    assert client.post(f"/items/{deal.pk}/lines/", sent).status_code == 302
    assert earned(deal) is None  # what he may not say is not heard
    client.force_login(shown.charlie)
    sent["was"] = re.search(r'name="was" value="(\w+)"', client.get(f"/items/{deal.pk}/lines/").content.decode())[1]
    assert client.post(f"/items/{deal.pk}/lines/", sent).status_code == 302
    assert earned(deal) == (Decimal("100.00"), Decimal("40.00"), Decimal("40.0"))
    sent["l0-cost"] = "-1"
    assert client.post(f"/items/{deal.pk}/lines/", sent).status_code == 422


@pytest.mark.django_db
def test_the_board_asks_for_profit_once_and_only_where_it_is_shown(shown, client):
    for number in range(5):
        replace_lines(shown.deal(f"Deal {number}", currency="EUR"), [line("100", "60")], by=shown.bob)
    client.force_login(shown.alice)
    client.get(f"/board/{shown.pipeline.pk}/")
    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"/board/{shown.pipeline.pk}/").content.decode()
    assert page.count("· 40") == 5
    assert sum("crm_profit" in one["sql"] for one in asked.captured_queries) == 1
    shown.pipeline.card_fields = []
    shown.pipeline.save()
    shown.pipeline.touch_machine()
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/board/{shown.pipeline.pk}/")
    assert not any("crm_profit" in one["sql"] for one in asked.captured_queries)


@pytest.mark.django_db
def test_who_sees_no_costs_changes_none_whatever_he_does_to_the_lines(world):
    """By pools: each old line is replaced once; what is new and free has no cost of another's."""
    product = Product.objects.create(name="Oak", price=Decimal(100), cost=Decimal(7), currency="EUR")

    def costs(before, after):
        deal = replace_lines(world.deal(currency="EUR"), [LineItem(**one) for one in before], costs_said=True)
        fresh = replace_lines(deal, [LineItem(**one) for one in after])
        return [line.cost for line in fresh.lines.order_by("order")]

    def free(name, cost=None):
        return {"name": name, "price": Decimal(100), "cost": cost}

    def oak(name, cost=None):
        return free(name, cost) | {"product": product}

    twins = [oak("Oak", Decimal(50)), oak("Oak", Decimal(80))]
    assert costs(twins, [oak("Oak"), oak("Oak")]) == [50, 80]
    assert costs([free("Work", Decimal(80))], [free("Stone floor") | {"price": Decimal(900)}]) == [None]
    assert costs([oak("Oak")], [oak("Oak")]) == [None]  # deliberately without one
    assert costs([oak("Oak", Decimal(50))], [oak("Oak, oiled")]) == [50]
    assert costs([oak("Oak", Decimal(50))], [free("Work"), oak("Oak")]) == [None, 50]
    assert costs([free("Work", Decimal(5))], [free("Work"), oak("Oak")]) == [5, 7]


@pytest.mark.django_db
def test_boards_hear_of_another_cost_although_the_amount_is_the_same(world):
    deal = replace_lines(world.deal(currency="EUR"), [line(price="100", cost="90")], costs_said=True)
    before = BoardVersion.objects.get(pipeline=deal.pipeline).version
    replace_lines(deal, [line(price="100", cost="90")], costs_said=True)
    same = BoardVersion.objects.get(pipeline=deal.pipeline).version
    replace_lines(deal, [line(price="100", cost="80")], costs_said=True)
    assert before == same
    assert BoardVersion.objects.get(pipeline=deal.pipeline).version > same


@pytest.mark.django_db
def test_no_refusal_tells_a_cost_to_who_does_not_see_it(world):
    product = Product.objects.create(name="Oak", price=Decimal(0), cost=Decimal(690), currency="EUR")
    many = [LineItem(name="x", product=product, price=Decimal(0), quantity=Decimal("9999999999")) for _ in range(20)]
    deal = replace_lines(world.deal(currency="EUR"), many)
    assert earned(deal) is None
    with pytest.raises(Refused, match="costs"):
        replace_lines(deal, many, costs_said=True)
