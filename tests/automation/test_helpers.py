"""Helpers: variables, counting, waiting, finding people and cards; a readable reason for each failure."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.actions.calculate import _counted
from automation.base import actions, bind
from automation.models import GeneratedCode, Run, scope_of
from automation.variables import Variable, VariableValue
from crm.events.record import record
from crm.ground import clock
from crm.models import Cause, Company, Item, Role
from crm.pipelines.rights import Scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


def faults(world, action, **raw):
    form = bind(actions.get(action).Settings, raw, scope_of(world.stages["talk"]))
    return dict(form.errors)


def ran(world, drain, action, wanted, deal=None, **more):
    """The run of one rule on a fresh card."""
    rule = world.rule("talk", action, wanted, **more)
    world.move(deal or world.deal(), "talk")
    drain()
    return Run.objects.get(rule=rule)


def variable(**more):
    made = Variable(**({"key": "rate", "label": "Rate", "type": "number"} | more))
    made.clean()
    made.save()
    return made


# ---------------------------------------------------------------------- variables


@pytest.mark.parametrize(
    ("type_", "text", "kept"),
    [("number", "1 500,50", "1500.50"), ("text", " oak ", "oak"), ("date", "2027-03-01", "2027-03-01")],
)
def test_a_rule_keeps_a_typed_value_and_later_rules_and_conditions_read_it(world, drain, type_, text, kept, client):
    made = variable(type=type_)
    world.rule("talk", "set_variable", {"variable": str(made.pk), "value": text}, key="keep")
    told = world.rule("talk", settings={"text": "It is {{ vars.rate }}"}, after_previous="ended")
    only = {"field": "vars.rate", "op": "is_filled"}
    judged = world.rule("talk", settings={"text": "filled"}, after_previous="ended", condition=only)
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    assert VariableValue.objects.get().value == kept
    assert {run.rule: run.status for run in Run.objects.all()}[told] == "done"
    assert Run.objects.get(rule=judged).status == "done", Run.objects.get(rule=judged).error
    client.force_login(world.bob)
    page = client.get(f"/items/{deal.pk}/?tab=automation").content.decode()
    assert "Rate" in page


def test_a_field_is_taken_as_it_is_and_not_as_a_customer_reads_it(world, drain):
    made = variable()
    world.contact.language = "pl"
    world.contact.save()
    run = ran(
        world,
        drain,
        "set_variable",
        {"variable": str(made.pk), "value": "{{ item.amount }}"},
        world.deal(amount=1234.5),
    )
    assert (run.status, run.outputs["value"]) == ("done", "1234.50")


@pytest.mark.parametrize("scope", ["visit", "item", "company"])
def test_a_value_lasts_as_long_as_what_it_belongs_to(world, drain, scope):
    made = variable(scope=scope, type="text")
    world.rule("talk", "set_variable", {"variable": str(made.pk), "value": "kept"})
    world.rule("pay", settings={"text": "[{{ vars.rate }}]"})
    deal, other = world.deal(), world.deal()
    world.move(deal, "talk")
    drain()
    for one in (deal, other):
        world.move(one, "pay")
    drain()
    assert world.comments(deal) == ["[]" if scope == "visit" else "[kept]"]
    assert world.comments(other) == ["[kept]" if scope == "company" else "[]"]


def test_a_text_where_a_number_belongs_is_refused_at_save_and_read_in_words_when_run(world, drain):
    made = variable()
    assert "value" in faults(world, "set_variable", variable=str(made.pk), value="much")
    run = ran(world, drain, "set_variable", {"variable": str(made.pk), "value": "{{ item.title }}"})
    assert run.status == "failed"
    assert "Oak table" in run.error
    assert "Rate" in run.error


def test_constants_are_read_and_cannot_be_set(world, drain):
    made = variable(scope="company", is_constant=True, value="19")
    assert made.value == "19"
    assert "variable" in faults(world, "set_variable", variable=str(made.pk), value="7")
    run = ran(world, drain, "calculate", {"left": "vars.rate", "sign": "multiply", "right": "2", "places": "0"})
    assert run.outputs == {"result": "38"}


def test_an_unknown_variable_is_refused_in_texts_and_operands(world):
    assert "text" in faults(world, "add_comment", text="{{ vars.nothing }}")
    assert "left" in faults(world, "calculate", left="vars.nothing", sign="add", right="1", places="0")


def test_administrators_define_variables(world, client):
    client.force_login(world.alice)
    page = "/admin/automation/variable/add/"
    good = {"label": "VAT", "key": "vat", "type": "number", "scope": "company", "is_constant": "on"}
    assert client.post(page, good | {"value": "much"}).status_code == 200
    assert client.post(page, good | {"value": "23"}).status_code == 302
    assert Variable.objects.get().value == "23"
    assert client.post(page, good | {"key": "x", "scope": "item"}).status_code == 200


# ---------------------------------------------------------------------- calculate


@pytest.mark.parametrize(
    ("left", "sign", "right", "places", "result"),
    [
        ("1 000,50", "add", "0.5", "2", "1001.00"),
        ("10", "divide", "3", "4", "3.3333"),
        ("item.amount", "multiply", "0.1", "2", "123.45"),
        ("{{ item.amount }}", "subtract", "item.amount", "0", "0"),
        ("2.345", "add", "0", "2", "2.35"),
    ],
)
def test_it_counts_in_decimals_and_rounds_half_up(world, drain, left, sign, right, places, result):
    wanted = {"left": left, "sign": sign, "right": right, "places": places}
    run = ran(world, drain, "calculate", wanted, world.deal(amount=Decimal("1234.50")))
    assert (run.status, run.outputs) == ("done", {"result": result}), run.error


@given(
    left=st.decimals(-(10**8), 10**8, places=4),
    right=st.decimals(-(10**4), 10**4, places=4),
    sign=st.sampled_from(["add", "subtract", "multiply"]),
)
@settings(suppress_health_check=list(HealthCheck))
def test_what_is_counted_is_what_exact_fractions_give(left, right, sign):
    from fractions import Fraction

    exact = {"add": Fraction(left) + Fraction(right), "subtract": Fraction(left) - Fraction(right)}
    exact["multiply"] = Fraction(left) * Fraction(right)
    assert abs(Fraction(_counted(left, sign, right, 6)) - exact[sign]) <= Fraction(1, 2 * 10**6)


def test_division_by_zero_is_refused_at_save_and_read_in_words_when_run(world, drain):
    assert "right" in faults(world, "calculate", left="1", sign="divide", right="0", places="2")
    neighbour = world.rule("talk")
    run = ran(
        world,
        drain,
        "calculate",
        {"left": "1", "sign": "divide", "right": "item.amount", "places": "2"},
        world.deal(amount=0),
    )
    assert (run.status, "zero" in run.error) == ("failed", True)
    assert Run.objects.get(rule=neighbour).status == "done"


@pytest.mark.parametrize("operand", ["item.title", "item.due_date", "item.amount"])
def test_what_is_no_number_is_named(world, drain, operand):
    run = ran(world, drain, "calculate", {"left": operand, "sign": "add", "right": "1", "places": "2"})
    assert run.status == "failed"
    assert operand in run.error


def test_a_result_beyond_fifteen_digits_is_refused(world, drain):
    wanted = {"left": "999999999999", "sign": "multiply", "right": "999999999999", "places": "0"}
    assert ran(world, drain, "calculate", wanted).status == "failed"


# ---------------------------------------------------------------------- waiting and branching


def test_a_pause_holds_the_rules_after_it(world, drain):
    world.rule("talk", "wait", {"amount": "2", "unit": "hours"})
    world.rule("talk", settings={"text": "later"}, after_previous="ended")
    deal = world.deal()
    world.move(deal, "talk")
    drain()
    with clock.at(clock.now() + timedelta(minutes=119)):
        drain()
        assert world.comments(deal) == []
    with clock.at(clock.now() + timedelta(hours=2)):
        drain()
    assert world.comments(deal) == ["later"]


@pytest.mark.parametrize(
    ("late", "status", "said"), [("go_on", "done", 1), ("skip", "skipped", 1), ("fail", "failed", 0)]
)
def test_it_waits_for_an_event_or_until_the_time_is_up(world, drain, late, status, said):
    world.rule("talk", "wait_for", {"event": "email.received", "amount": "1", "unit": "days", "late": late}, key="w")
    world.rule("talk", settings={"text": "went on"}, after_previous="ended")
    answered, silent = world.deal(), world.deal()
    for deal in (answered, silent):
        world.move(deal, "talk")
    drain()
    record("email.received", item=answered, cause=Cause("mail"))
    drain()
    assert Run.objects.get(item=answered, rule__key="w").outputs == {"happened": True}
    with clock.at(clock.now() + timedelta(days=1)):
        drain()
    assert Run.objects.get(item=silent, rule__key="w").status == status
    assert len(world.comments(silent)) == said


def test_it_waits_until_a_field_is_filled_and_no_other_change_wakes_it_for_good(world, drain):
    wanted = {"event": "field.changed", "field": "due_date", "amount": "3", "unit": "days", "late": "fail"}
    run = ran(world, drain, "wait_for", wanted)
    item = Item.objects.get(pk=run.item_id)
    item.change({"title": "Elm"}, by=world.bob)
    drain()
    run.refresh_from_db()
    assert run.status == "waiting"
    item.change({"due_date": clock.now().date()}, by=world.bob)
    drain()
    run.refresh_from_db()
    assert run.status == "done"


def test_a_branch_stops_the_whole_chain_after_it_and_nothing_else(world, drain):
    rich = {"field": "item.amount", "op": "more_than", "value": "100"}
    world.rule("talk", "branch", {}, condition=rich)
    chained = [world.rule("talk", settings={"text": f"chained {n}"}, after_previous="any") for n in range(3)]
    world.rule("talk", settings={"text": "apart"})
    poor, wealthy = world.deal(amount=5), world.deal(amount=500)
    for deal in (poor, wealthy):
        world.move(deal, "talk")
    drain()
    assert world.comments(poor) == ["apart"]
    assert sorted(world.comments(wealthy)) == ["apart", "chained 0", "chained 1", "chained 2"]
    assert {run.status for run in Run.objects.filter(item=poor, rule__in=chained)} == {"skipped"}


# ---------------------------------------------------------------------- people, customers, cards, codes


def test_what_is_known_of_the_owner_and_who_supervises(world, drain):
    run = ran(world, drain, "get_employee", {"whose": "owner"})
    assert (run.outputs["name"], run.outputs["department"]) == ("Bob Seller", "Sales")
    assert run.outputs["supervisor"] == "Alice Head"
    assert "person" in faults(world, "get_employee", whose="chosen")
    assert ran(world, drain, "get_employee", {"whose": "owner"}, world.deal(owner=None)).status == "failed"


def test_colleagues_are_selected_in_order_present_by_role_or_as_head(world, drain):
    pair = {"users": [str(world.bob.pk), str(world.charlie.pk)], "choose": "order", "skip_absent": "on"}
    rule = world.rule("talk", "select_employee", pair)
    for _ in range(2):
        world.move(world.deal(), "talk")
    drain()
    assert {run.outputs["name"] for run in Run.objects.filter(rule=rule)} == {"Bob Seller", "Charlie Stranger"}
    head = ran(world, drain, "select_employee", {"department": str(world.sales.pk), "choose": "head"})
    assert head.outputs["name"] == "Alice Head"
    role = Role.objects.create(name="Fitters")
    role.people.add(world.charlie)
    fitter = ran(world, drain, "select_employee", {"role": str(role.pk), "choose": "random"})
    assert fitter.outputs["name"] == "Charlie Stranger"
    world.charlie.is_active = False
    world.charlie.save()
    gone = ran(world, drain, "select_employee", {"role": str(role.pk), "choose": "order"})
    assert (gone.status, bool(gone.error)) == ("failed", True)


def test_what_is_known_of_the_customer(world, drain):
    world.contact.company = Company.objects.create(name="Oak Ltd", tax_number="PL1234567890")
    world.contact.save()
    run = ran(world, drain, "get_client", {})
    assert (run.outputs["email"], run.outputs["company"], run.outputs["open_cards"]) == (
        "hang@example.com",
        "Oak Ltd",
        1,
    )
    assert ran(world, drain, "get_client", {}, world.deal(contact=None)).status == "skipped"


def test_the_customers_other_cards_are_counted_and_added(world, drain):
    for amount in (100, 250):
        world.deal(amount=amount)
    world.deal(stage="won", amount=7)
    run = ran(world, drain, "get_items", {"of": "contact", "which": "open"})
    assert (run.outputs["count"], Decimal(run.outputs["sum"])) == (2, 350)
    assert run.outputs["first"]
    none = ran(world, drain, "get_items", {"of": "contact", "which": "open"}, world.deal(contact=None))
    assert none.status == "skipped"


def test_a_publisher_counts_no_cards_that_he_may_not_see(world, drain):
    world.deal(amount=100)
    own = world.deal(owner=world.charlie)
    world.role(world.charlie, view=Scope.OWN, edit=Scope.OWN)
    run = ran(world, drain, "get_items", {"of": "contact", "which": "open"}, own, publisher=world.charlie)
    assert run.outputs.get("count") == 0, run.error


def test_codes_are_of_their_alphabet_and_never_given_twice(world, drain):
    world.rule("talk", "generate_code", {"length": "6", "alphabet": "digits", "begins": "V-", "unique": "on"}, key="c")
    world.rule("talk", settings={"text": "{{ rules.c.code }}"}, after_previous="ended")
    deals = [world.deal() for _ in range(5)]
    for deal in deals:
        world.move(deal, "talk")
    drain()
    codes = [world.comments(deal)[0] for deal in deals]
    assert all(code.startswith("V-") and code[2:].isdigit() and len(code) == 8 for code in codes)
    assert len(set(codes)) == GeneratedCode.objects.count() == 5


def test_helpers_are_marked_in_the_catalogue(world, client):
    client.force_login(world.alice)
    page = client.get(f"/admin/automation/rule/add/?stage={world.stages['talk'].pk}").content.decode()
    assert "Helpers" in page
    assert all(found.helper for found in actions if found.group == "helpers")
