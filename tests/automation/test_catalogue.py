"""The catalogue: every type found by its words and by others for it, in four languages; what is placed is found too."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from automation import catalogue
from automation.base import Action, Done, actions, trigger_types
from automation.management.commands import catalogue as command
from automation.models import Rule, RuleSet
from automation.publishing.models import Draft

pytestmark = pytest.mark.django_db


def first(text, language="en", **more):
    with translation.override(language):
        found = catalogue.search(text, **more)
    return found[0].key if found else ""


@pytest.mark.parametrize(
    ("language", "typed", "key"),
    [
        ("en", "em", "email_opened"), ("en", "send e", "send_email"), ("en", "gdpr", "erase_personal_data"),
        ("en", "SPAM", "add_to_exceptions"), ("en", "delay", "wait"), ("pl", "RODO", "erase_personal_data"),
        ("pl", "oddzwon", "callback_requested"), ("fr", "texto", "sms_received"), ("vi", "tin nhan", "sms_received"),
        ("vi", "hoa don", "invoice_paid"),
    ],
)  # fmt: skip
def test_a_type_is_found_by_what_people_call_it(language, typed, key):
    with translation.override(language):
        assert key in [entry.key for entry in catalogue.search(typed)[:3]], catalogue.search(typed)[:3]


def test_em_is_send_email_first_among_what_rules_do():
    assert first("em", kind="action") == "send_email"


def test_a_filter_narrows_and_nonsense_finds_nothing():
    assert {entry.kind for entry in catalogue.search("", kind="trigger")} == {"trigger"}
    assert {entry.type.group for entry in catalogue.search("", group="helpers")} == {"helpers"}
    assert catalogue.search("xyzzy") == []


def test_every_type_has_help_an_example_and_other_words():
    for known in (*actions, *trigger_types):
        if known.__module__.startswith(("automation.", "documents.")):
            assert str(known.help), known
            assert str(known.synonyms), known
            assert str(known.example), known


def test_third_parties_stand_in_it_like_ours():
    fitting = type(
        "Fit", (Action,), {"key": "fit", "label": "Fit a carpet", "synonyms": "rug", "run": lambda s, c: Done()}
    )
    with actions.temporarily(fitting):
        assert first("rug") == "fit"


def test_what_is_placed_is_found_by_name_type_stage_and_text(world):
    rule = world.rule("talk", settings={"text": "ask for the colour"}, name="Greeting")
    world.trigger("pay", "no_activity", {"amount": "3", "unit": "hours"}, name="Silence")
    rule_set = RuleSet.objects.create(pipeline=world.pipeline, name="Welcome set")
    inner = Rule.objects.create(rule_set=rule_set, key="i", name="Inner", action="wait", publisher=world.alice)
    for text, name in (("greet", "Greeting"), ("colour", "Greeting"), ("idle", "Silence"), ("welcome", inner.name)):
        assert [row.name for row in catalogue.placed(world.pipeline.pk, text)] == [name], text
    rule.retired = True
    rule.save()
    assert catalogue.placed(world.pipeline.pk, "greet") == []


def test_it_opens_from_board_and_list_for_whoever_sets_the_pipeline_up(world, client):
    address = f"/board/{world.pipeline.pk}/rules/"
    client.force_login(world.alice)
    for page in (f"/board/{world.pipeline.pk}/", f"/board/{world.pipeline.pk}/list/"):
        assert address in client.get(page).content.decode()
    deal = world.deal()
    assert f"{address}?stage={deal.stage_id}" in client.get(f"/items/{deal.pk}/").content.decode()
    whole = client.get(address + "?q=mail").content.decode()
    assert "<!DOCTYPE" in whole
    part = client.get(address + "?q=mail", headers={"HX-Request": "true"}).content.decode()
    assert "<!DOCTYPE" not in part
    assert "Send e-mail" in part
    assert client.get(address + "?kind=nonsense").status_code == 404
    assert b"Nothing is called that" in client.get(address + "?q=xyzzy").content
    client.force_login(world.bob)
    assert client.get(address).status_code == 404
    assert address not in client.get(f"/board/{world.pipeline.pk}/").content.decode()


def test_the_documentation_is_that_of_the_registries(tmp_path, monkeypatch):
    call_command("catalogue", "--check")
    monkeypatch.setattr(command, "PLACE", tmp_path / "catalogue.md")
    with pytest.raises(CommandError, match="out of date"):
        call_command("catalogue", "--check")


def test_a_type_is_placed_from_its_page_into_the_draft_and_opens_in_the_designer(world, client):
    client.force_login(world.alice)
    place, stage = f"/automation/{world.pipeline.pk}/place/", world.stages["talk"].pk
    placed = client.post(place, {"what": f"rule:request_approval:stage-{stage}"})
    assert placed.url == f"/automation/{world.pipeline.pk}/?open=request-approval"
    client.post(place, {"what": f"rule:send_sms:stage-{stage}"})
    rules = Draft.objects.get().document["stages"][str(stage)]["rules"]
    assert [rule.get("after_previous", "") for rule in rules] == [
        "",
        "done",
    ]  # behind an approval nothing starts before the answer
    for nonsense in ("", "rule:nothing:stage-1", "rule:send_sms:stage-999999"):
        assert client.post(place, {"what": nonsense}).url == f"/board/{world.pipeline.pk}/rules/"
    client.force_login(world.bob)
    assert client.post(place, {"what": f"rule:send_sms:stage-{stage}"}).status_code == 404


def test_an_empty_group_says_so_and_the_filter_counts_for_what_is_placed_too(world, client):
    client.force_login(world.alice)
    world.rule("talk", settings={"text": "x"}, name="Greeting")
    address = f"/board/{world.pipeline.pk}/rules/"
    assert "This group is empty" in client.get(address + "?group=apps").content.decode()
    assert "Greeting" in client.get(address + "?group=item").content.decode()
    assert "Greeting" not in client.get(address + "?group=documents").content.decode()


def test_what_blocks_customers_is_not_saved_with_one_click():
    form = actions.get("add_to_exceptions").Settings
    assert form.base_fields["then"].initial is None
    assert form.base_fields["then"].required
