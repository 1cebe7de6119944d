"""Figures: what they count, for whom, and that each leads to the cards it counted."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from crm.analytics import figures as analytics
from crm.ground import clock
from crm.items.filters import ItemFilter
from crm.models import Item, LostReason, Pipeline, Stage, StageVisit
from crm.pipelines.machine import machine_of


@pytest.fixture
def history(world, now):
    """Six deals of the last days: two won (fair, web), two lost, one talking, one new; stays of known lengths."""
    reason = LostReason.objects.get()
    paths = [
        (("talk", "papers", "pay", "won"), "fair"), (("talk", "won"), "web"), (("talk", "lost"), ""), (("lost",), ""),
        (("talk",), ""), ((), ""),
    ]  # fmt: skip
    deals = []
    for place, (path, source) in enumerate(paths):
        with clock.at(now + timedelta(hours=place)):
            deal = world.deal(f"Deal {place}", amount=Decimal(100 * (place + 1)), currency="PLN", source=source)
        for step, stage in enumerate(path, 1):
            with clock.at(now + timedelta(hours=place, days=step)):
                world.move(deal, stage, reason=reason if stage == "lost" and place == 2 else None, note="x")
        deals.append(deal)
    with clock.at(now + timedelta(days=6)):
        yield deals


def tables_for(world, user, days=30, **shown):
    figures = analytics.Figures(machine_of(world.pipeline.pk), user, analytics.Span.of(days), ItemFilter(**shown))
    return {table.key: table for table in analytics.tables(figures)}


def cells(table, column=1):
    return {row[0]: row[column][0] if isinstance(row[column], tuple) else row[column] for row in table.rows}


@pytest.mark.django_db
def test_cards_stand_and_come_as_far_as_they_did(world, history):
    tables = tables_for(world, world.bob)
    assert cells(tables["now"]) == {"New": 1, "Talk": 1, "Papers": 0, "Pay": 0, "Won": 2, "Lost": 2}
    # A lost card counts as far as it had come; who jumped over a stage has come at least to it.
    assert cells(tables["funnel"]) == {"New": 6, "Talk": 4, "Papers": 2, "Pay": 2, "Won": 2}
    assert cells(tables["funnel"], 2)["Talk"] == 66.7


@pytest.mark.django_db
def test_outcomes_reasons_sources_and_owners_add_up(world, history):
    tables = tables_for(world, world.bob)
    assert [row[1][0] for row in tables["closed"].rows] == [2, 2]
    assert [row[2] for row in tables["closed"].rows] == [Decimal("300.00"), Decimal("700.00")]
    assert sorted(cells(tables["lost"]).items()) == [("Too expensive", 1), ("no reason named", 1)]
    assert cells(tables["sources"]) == {"fair": 1, "web": 1}
    assert cells(tables["owners"]) == {"Bob Seller": 2}


@pytest.mark.django_db
def test_the_median_and_the_slowest_tenth_are_those_of_the_stays(world, history):
    tables = tables_for(world, world.bob)
    days = {row[0]: (row[1], round(row[2] / 86400, 2), round(row[3] / 86400, 2)) for row in tables["times"].rows}
    assert days["New"] == (5, 1.0, 1.0)
    StageVisit.objects.filter(item=history[0], stage=world.stages["new"]).update(
        entered_at=history[0].created_at - timedelta(days=9)
    )
    tables = tables_for(world, world.bob)
    days = {row[0]: (row[1], round(row[2] / 86400, 2), round(row[3] / 86400, 2)) for row in tables["times"].rows}
    assert days["New"] == (5, 1.0, 6.4)  # between 1 and 10 days, at six tenths of the way: as PostgreSQL has it


@pytest.mark.django_db
def test_every_figure_leads_to_as_many_cards(world, history, client):
    client.force_login(world.bob)
    page = client.get(f"/analytics/{world.pipeline.pk}/?days=30").content.decode()
    links = re.findall(r'<a\s+href="(/board/\d+/list/\?[^"]+)"\s*>([^<]+)</a>', page)
    assert len(links) > 8
    for address, figure in links:
        answer = client.get(address.replace("&amp;", "&"))
        assert answer.status_code == 200, address
        shown = answer.content.decode().count('class="it-title"')
        assert shown == int(figure), (address, figure)


@pytest.mark.django_db
def test_who_sees_no_card_sees_no_figure(world, history, client):
    client.force_login(world.charlie)
    assert client.get(f"/analytics/{world.pipeline.pk}/").status_code == 404
    assert client.get(f"/analytics/{world.pipeline.pk}/now.csv").status_code == 404
    assert client.get("/analytics/").status_code == 404
    world.role(world.charlie, pipeline=world.pipeline, view=1)
    Item.objects.filter(pk=history[5].pk).update(owner=world.charlie)
    world.pipeline.touch_machine()
    assert sum(cells(tables_for(world, world.charlie)["now"]).values()) == 1


@pytest.mark.django_db
def test_a_table_leaves_as_csv_and_wrong_filters_are_named(world, history, client):
    client.force_login(world.bob)
    url = f"/analytics/{world.pipeline.pk}/"
    rows = list(csv.reader(io.StringIO(client.get(f"{url}now.csv").getvalue().decode("utf-8-sig"))))
    assert rows[1][:2] == ["New", "1"]
    assert client.get(f"{url}nothing.csv").status_code == 404
    for wrong in ("days=7", "owner=x", "created_from=yesterday", "kind=gone", "reason=x", "colour=red"):
        assert client.get(f"{url}?{wrong}").status_code == 400, wrong


@pytest.mark.django_db
def test_an_empty_pipeline_has_an_empty_page(world, client):
    client.force_login(world.bob)
    assert client.get("/analytics/").status_code == 302
    assert "Nothing in these days." in client.get(f"/analytics/{world.pipeline.pk}/").content.decode()


@pytest.mark.django_db
def test_the_way_through_another_pipeline_is_not_this_ones(world, history, now):
    other = Pipeline.objects.create(name="Other", item_type=world.pipeline.item_type)
    stages = [
        Stage.objects.create(pipeline=other, name=name, kind=kind)
        for name, kind in (("A", "open"), ("B", "open"), ("Z", "won"), ("L", "lost"))
    ]
    deal = history[0]
    deal.refresh_from_db()
    deal.transfer(stages[0], by=world.alice)
    figures = analytics.Figures(machine_of(other.pk), world.alice, analytics.Span.of(30), ItemFilter())
    # Stages of equal order stand as they were made: one in the first has not come to the second.
    assert cells(analytics.funnel(figures)) == {"A": 1, "B": 0, "Z": 0}


@pytest.mark.django_db
def test_a_card_that_was_only_lost_counts_where_its_figure_leads(world, client):
    world.deal("Spam", stage="lost")
    world.deal("Other")
    client.force_login(world.alice)
    table = tables_for(world, world.alice)["funnel"]
    count, link = table.rows[0][1]
    page = client.get(f"/board/{world.pipeline.pk}/list/?{link}").content.decode()
    assert (count, page.count('class="it-title"')) == (2, 2)


@pytest.mark.django_db
def test_amounts_without_a_rate_are_told_and_not_silently_left_out(world, client):
    world.deal("A", amount=Decimal(5), currency="CHF")
    client.force_login(world.alice)
    assert (
        "1 card has an amount in a currency without an exchange rate"
        in client.get(f"/analytics/{world.pipeline.pk}/").content.decode()
    )
