"""Rules that make, copy, move, link and change cards and customers; each with a readable reason where it cannot."""

from decimal import Decimal

import pytest

from automation.base import actions, bind
from automation.models import Rule, Run, TriggerFiring, scope_of
from crm.items.listing import replace_lines
from crm.items.models.gate import MoveOptions
from crm.items.models.lines import Product, TaxRate
from crm.models import Company, Contact, Event, Item, ItemType, LineItem, Pipeline, Stage, Tag, Task
from crm.pipelines.rights import Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture
def other(world):
    """A second pipeline of deals."""
    pipeline = Pipeline.objects.create(item_type=world.pipeline.item_type, name="Service", currency="PLN")
    stages = [
        Stage.objects.create(pipeline=pipeline, name=name, kind=kind, order=order)
        for order, (name, kind) in enumerate(
            [("Asked", "open"), ("Booked", "open"), ("Served", "won"), ("Gone", "lost")]
        )
    ]
    return pipeline, stages


def ran(world, drain, action, settings, deal=None, **more):
    Rule.objects.filter(stage=world.stages["talk"]).update(retired=True)
    world.pipeline.touch_machine()
    rule = world.rule("talk", action, settings, **more)
    deal = deal or world.deal()
    world.move(deal, "talk")
    drain()
    return Run.objects.get(rule=rule), Item.objects.get(pk=deal.pk)


def faults(world, action, **raw):
    return dict(bind(actions.get(action).Settings, raw, scope_of(world.stages["talk"])).errors)


# ---------------------------------------------------------------------- cards


def test_a_card_is_made_in_another_pipeline_and_its_rules_start(world, other, drain):
    stage = other[1][1]
    world.stages["booked"] = stage
    world.rule("booked", settings={"text": "welcome"})
    settings = {"stage": str(stage.pk), "title": "Service of {{ item.title }}", "with_customer": "on", "linked": "on"}
    run, deal = ran(world, drain, "create_item", settings | {"amount": "item.amount"}, world.deal(amount=120))
    made = Item.objects.get(pk=run.outputs["item"])
    assert (made.title, made.stage, made.contact, made.parent) == ("Service of Oak table", stage, deal.contact, deal)
    assert (made.amount, made.owner) == (Decimal(120), deal.owner)
    assert world.comments(made) == ["welcome"]


def test_a_copy_has_the_customer_the_fields_and_the_lines(world, other, drain):
    deal = replace_lines(world.deal(), [LineItem(name="Leg", price=Decimal(25), quantity=4)], by=world.bob)
    deal.tags.add(Tag.objects.create(name="vip"))
    run, _deal = ran(world, drain, "copy_item", {"stage": str(other[1][0].pk), "lines": "on"}, deal)
    copy = Item.objects.get(pk=run.outputs["item"])
    assert (copy.title, copy.amount, copy.lines.count(), copy.parent_id) == ("Oak table", Decimal(100), 1, deal.pk)
    assert deal.lines.count() == 1
    assert [tag.name for tag in copy.tags.all()] == ["vip"]


def test_rules_that_copy_each_other_in_a_circle_are_stopped(world, drain):
    world.rule("talk", "copy_item", {"stage": str(world.stages["talk"].pk)})
    world.move(world.deal(), "talk")
    drain()
    assert Item.objects.count() <= 13
    assert Run.objects.filter(status="failed").exists()


def test_a_card_moves_to_another_pipeline_and_not_within_its_own(world, other, drain):
    assert "stage" in faults(world, "change_pipeline", stage=str(world.stages["pay"].pk))
    run, deal = ran(world, drain, "change_pipeline", {"stage": str(other[1][1].pk)})
    assert (run.status, deal.pipeline, deal.stage) == ("done", other[0], other[1][1])


def test_a_publisher_without_the_right_makes_nothing_there(world, other, drain):
    world.role(world.charlie)
    world.role(world.charlie, pipeline=other[0], add=Scope.NONE)
    settings = {"stage": str(other[1][0].pk), "title": "x"}
    run, _deal = ran(world, drain, "create_item", settings, publisher=world.charlie)
    assert run.status == "failed"
    assert not Item.objects.filter(pipeline=other[0]).exists()


def test_a_stage_taken_out_while_the_run_waits_is_named(world, other, drain):
    rule = world.rule("talk", "create_item", {"stage": str(other[1][0].pk), "title": "x"})
    neighbour = world.rule("talk")
    Stage.objects.filter(pk=other[1][0].pk).update(retired=True)
    world.move(world.deal(), "talk")
    drain()
    run = Run.objects.get(rule=rule)
    assert (run.status, "no longer exists" in run.error) == ("failed", True)
    assert Run.objects.get(rule=neighbour).status == "done"


def test_a_lead_becomes_a_deal_and_is_won(world, drain):
    kind = ItemType.objects.create(key="lead", name="Lead", plural="Leads")
    pipeline = Pipeline.objects.create(item_type=kind, name="Leads", currency="PLN")
    new, won = (
        Stage.objects.create(pipeline=pipeline, name=name, kind=state, order=order)
        for order, (name, state) in enumerate([("New", "open"), ("Won", "won")])
    )
    world.stages["lead"] = new
    world.rule("lead", "convert_item", {"into": "deal", "pipeline": str(world.pipeline.pk)})
    lead = Item.create(pipeline, "A question", by=world.alice, contact=world.contact)
    drain()
    run = Run.objects.get()
    assert run.status == "done", run.error
    assert Item.objects.get(pk=run.outputs["item"]).parent == lead
    assert Item.objects.get(pk=lead.pk).stage == won


def test_a_contact_is_looked_up_before_it_is_made(world, drain):
    settings = {"into": "contact", "name": "Nguyễn Thị Hằng", "email": "hang@example.com"}
    run, deal = ran(world, drain, "convert_item", settings, world.deal(contact=None))
    assert (run.status, deal.contact) == ("done", world.contact)
    fresh = {"into": "contact", "name": "Jan Nowy", "email": "jan@new.example", "phone": "601 234 567"}
    run, deal = ran(world, drain, "convert_item", fresh, world.deal(contact=None))
    assert (deal.contact.name, deal.contact.email()) == ("Jan Nowy", "jan@new.example")
    assert Contact.objects.count() == 2
    assert ran(world, drain, "convert_item", fresh)[0].status == "skipped"
    assert ran(world, drain, "convert_item", fresh | {"phone": "12"}, world.deal(contact=None))[0].status == "failed"


# ---------------------------------------------------------------------- customers


def test_a_contact_is_changed_by_the_pages_own_reader(world, drain):
    settings = {
        "field_1": "emails",
        "value_1": "New@Example.com",
        "append_1": "on",
        "field_2": "address_as",
        "value_2": "Ms H",
    }
    run, deal = ran(world, drain, "change_contact", settings)
    assert run.status == "done", run.error
    assert [row.address for row in deal.contact.emails.all()] == ["hang@example.com", "new@example.com"]
    assert deal.contact.address_as == "Ms H"


@pytest.mark.parametrize("value", ["no address", "a@b"])
def test_a_value_that_the_page_refuses_fails_in_its_words(world, drain, value):
    run, deal = ran(world, drain, "change_contact", {"field_1": "emails", "value_1": value})
    assert run.status == "failed"
    assert run.error
    assert deal.contact.emails.count() == 1


def test_none_linked_is_skipped_and_a_company_is_changed(world, drain):
    settings = {"field_1": "address", "value_1": "Oak street 1"}
    assert ran(world, drain, "change_company", settings)[0].status == "skipped"
    company = Company.objects.create(name="Oak Ltd")
    run, deal = ran(world, drain, "change_company", settings, world.deal(company=company))
    assert (run.status, deal.company.address) == ("done", "Oak street 1"), run.error


# ---------------------------------------------------------------------- people, tags, tasks, lines


def test_observers_are_replaced_by_others(world, drain):
    deal = world.deal()
    deal.observers.add(world.bob)
    ran(world, drain, "change_observers", {"how": "replace", "users": [str(world.charlie.pk)]}, deal)
    assert set(deal.observers.all()) == {world.charlie}
    assert Event.objects.filter(item=deal, kind="field.changed").exists()
    assert "users" in faults(world, "change_observers", how="add")


def test_tags_are_added_whatever_their_case_and_taken_away(world, drain):
    Tag.objects.create(name="VIP")
    deal = world.deal()
    deal.tags.add(Tag.objects.create(name="cold"))
    run, deal = ran(world, drain, "manage_tags", {"add": "vip, {{ owner.name }}", "remove": "Cold"}, deal)
    assert run.outputs == {"tags": "Bob Seller, VIP"}
    assert "add" in faults(world, "manage_tags")


def test_tasks_of_rules_are_completed_and_those_of_people_stay(world, drain):
    deal = world.deal()
    for origin in ("rule:1", ""):
        Task.add(item=deal, title=origin or "mine", assignee=world.bob, creator=world.bob, origin=origin)
    run, deal = ran(world, drain, "complete_tasks", {}, deal)
    assert run.outputs == {"count": 1}
    assert [task.title for task in deal.tasks.open()] == ["mine"]


def test_a_line_is_added_from_the_catalogue_and_taken_off_again(world, drain):
    rate = TaxRate.objects.create(name="23 %", percent=23)
    product = Product.objects.create(name="Oak leg", price=Decimal(100), currency="PLN", tax=rate)
    run, deal = ran(world, drain, "add_line_item", {"product": str(product.pk), "quantity": "2", "discount": "10"})
    assert run.status == "done", run.error
    assert (deal.amount, run.outputs) == (Decimal("221.40"), {"total": "221.40"})
    rule = world.rule("pay", "remove_line_items", {"product": str(product.pk)})
    world.move(deal, "pay")
    drain()
    assert Run.objects.get(rule=rule).outputs == {"count": 1}
    assert deal.lines.count() == 0


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"name": "Oil", "price": "item.title", "quantity": "1"}, "no number"),
        ({"name": "Oil", "price": "5", "quantity": "1", "discount": "150"}, "100"),
        ({"product": "eur", "quantity": "1"}, "priced in EUR"),
    ],
)
def test_a_line_that_cannot_be_is_refused_in_words(world, drain, settings, why):
    if settings.get("product"):
        settings = settings | {"product": str(Product.objects.create(name="Lamp", price=5, currency="EUR").pk)}
    run, deal = ran(world, drain, "add_line_item", settings)
    assert run.status == "failed"
    assert why in run.error
    assert deal.lines.count() == 0
    assert "price" in faults(world, "add_line_item", name="Oil", quantity="1")


# ---------------------------------------------------------------------- linked cards


@pytest.mark.parametrize("direction", ["made from it", "it was made from"])
def test_a_linked_card_that_enters_a_stage_moves_this_one(world, other, drain, direction):
    _pipeline, stages = other
    deal = world.deal()
    linked = Item.create(other[0], "Fitting", by=world.alice, parent=deal if direction == "made from it" else None)
    if direction != "made from it":
        deal.parent = linked
        deal.save()
    stranger = world.deal()
    world.trigger("pay", "linked_item_stage", {"linked_stage": str(stages[2].pk)})
    linked.move_to(stages[1], by_alice(world))
    drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["new"]
    Item.objects.get(pk=linked.pk).move_to(stages[2], by_alice(world))
    drain()
    assert Item.objects.get(pk=deal.pk).stage == world.stages["pay"]
    assert Item.objects.get(pk=stranger.pk).stage == world.stages["new"]
    assert TriggerFiring.objects.get().result == "moved"


def by_alice(world):
    return MoveOptions(by=world.alice)
