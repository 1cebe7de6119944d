"""Taking a stage out, and the picture of the state machine."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command

from automation.models import Rule, Run, Trigger
from crm.items import retiring
from crm.models import Attachment, Channel, CustomField, Item, Notification, Pipeline, Stage, StageTransition, WebForm
from crm.pipelines.diagram import allowed_moves, diagram
from crm.pipelines.machine import machine_of
from crm.pipelines.rights import Scope


@pytest.fixture
def alice(world, client):
    client.force_login(world.alice)
    return client


def url(stage: Stage) -> str:
    return f"/setup/stages/{stage.pk}/remove/"


def test_the_wizard_says_what_uses_the_stage(world, alice):
    talk = world.stages["talk"]
    for title in ("One", "Two"):
        world.deal(title, "talk")
    world.rule("talk")
    world.trigger("talk")
    world.rule("new", "change_stage", {"stage": str(talk.pk)})
    WebForm.objects.create(name="Order", slug="order", pipeline=world.pipeline, stage=talk)
    StageTransition.objects.create(pipeline=world.pipeline, source=world.stages["new"], target=talk)
    found = {use.label: use.count for use in retiring.uses_of(talk)}
    assert found == {
        "cards": 2, "web forms whose cards start here": 1, "allowed moves": 1, "rules": 1,
        "triggers that move cards here": 1, "rules that move cards here": 1,
    }  # fmt: skip
    page = alice.get(url(talk)).content.decode()
    assert "Cards" in page
    assert 'class="num">2<' in page


def test_everything_goes_to_the_other_stage_and_nothing_is_sent(world, alice, drain):
    talk, papers = world.stages["talk"], world.stages["papers"]
    items = [world.deal(f"Card {n}", "talk") for n in range(3)]
    world.rule("papers", key="greet")
    world.rule("talk", key="greet")
    world.trigger("talk")
    leading = world.rule("new", "change_stage", {"stage": str(talk.pk)})
    drain()
    answer = alice.post(url(talk), {"to": papers.pk})
    assert answer.status_code == 302
    drain()
    assert set(Item.objects.filter(pk__in=[i.pk for i in items]).values_list("stage__name", flat=True)) == {"Papers"}
    assert not Stage.active.filter(pk=talk.pk).exists()
    assert sorted(Rule.objects.filter(stage=papers).values_list("key", flat=True)) == ["greet", "greet_2"]
    assert Trigger.objects.get().stage == papers
    leading.refresh_from_db()
    assert leading.settings["stage"] == str(papers.pk)
    assert not Run.objects.filter(visit__stage=papers).exists(), "silent: no rule of the new stage ran"
    assert Notification.objects.filter(user=world.alice, text__contains="is removed").exists()
    assert 'data-name="Talk"' not in alice.get(f"/board/{world.pipeline.pk}/").content.decode()


def test_on_wish_the_rules_of_the_new_stage_run(world, alice, drain):
    world.deal("Card", "talk")
    world.rule("papers")
    alice.post(url(world.stages["talk"]), {"to": world.stages["papers"].pk, "rules": "1"})
    drain()
    assert Run.objects.filter(visit__stage=world.stages["papers"]).count() == 1


def test_many_cards_move_in_slices_that_let_others_in_between(world, alice, drain, monkeypatch):
    monkeypatch.setattr(retiring, "SLICE", 2)
    monkeypatch.setattr(retiring, "SLICE_SECONDS", 0.0)
    for n in range(7):
        world.deal(f"Card {n}", "talk")
    alice.post(url(world.stages["talk"]), {"to": world.stages["papers"].pk})
    drain()
    assert Item.objects.filter(stage=world.stages["papers"]).count() == 7
    assert not Stage.active.filter(pk=world.stages["talk"].pk).exists()


@pytest.mark.parametrize("name", ["won", "lost"])
def test_the_last_stage_of_its_kind_stays(world, alice, name):
    answer = alice.post(url(world.stages[name]), {"to": world.stages["talk"].pk})
    assert answer.status_code == 422
    assert "only stage of the kind" in answer.content.decode()


def test_only_who_sets_the_pipeline_up_may_do_it(world, client):
    client.force_login(world.bob)
    assert client.post(url(world.stages["talk"]), {"to": world.stages["papers"].pk}).status_code == 403
    client.force_login(world.charlie)
    assert client.get(url(world.stages["talk"])).status_code == 404
    world.role(world.bob, configure=Scope.ALL)
    client.force_login(world.bob)
    assert client.get(url(world.stages["talk"])).status_code == 200


def test_the_diagram_draws_what_is_allowed(world):
    machine = machine_of(world.pipeline.pk)
    assert len(allowed_moves(machine)) == 30
    assert "only those to the next stage" in diagram(machine)
    assert diagram(machine).count("marker-end") == 5
    new, talk = world.stages["new"], world.stages["talk"]
    StageTransition.objects.create(pipeline=world.pipeline, source=new, target=talk)
    machine = machine_of(world.pipeline.pk)
    assert allowed_moves(machine) == [(new, talk)]
    assert diagram(machine).count("marker-end") == 1


def test_the_switches_shape_the_diagram_too(world):
    world.pipeline.may_go_back = world.pipeline.may_skip = False
    world.pipeline.save()
    names = [(a.name, b.name) for a, b in allowed_moves(machine_of(world.pipeline.pk))]
    assert ("New", "Talk") in names
    assert ("New", "Lost") in names
    assert ("New", "Papers") not in names
    assert ("Talk", "New") not in names


def test_a_name_full_of_markup_stays_text_in_the_diagram(world, alice):
    Stage.objects.filter(pk=world.stages["new"].pk).update(name="<b>x</b> & ‘Żółć’")
    world.pipeline.touch_machine()
    page = alice.get(f"/admin/crm/pipeline/{world.pipeline.pk}/change/").content.decode()
    assert "<svg" in page
    assert "<b>x</b>" not in page


def test_moves_that_name_the_stage_lead_to_the_one_in_its_place(world, alice, drain):
    new, talk, papers, won = (world.stages[name] for name in ("new", "talk", "papers", "won"))
    for source, target in ((new, talk), (talk, won), (talk, papers)):
        StageTransition.objects.create(pipeline=world.pipeline, source=source, target=target)
    alice.post(url(talk), {"to": papers.pk})
    drain()
    found = set(StageTransition.objects.values_list("source__name", "target__name"))
    assert found == {("New", "Papers"), ("Papers", "Won")}


def test_of_all_open_stages_removed_at_once_the_last_one_stays(world, alice, drain):
    for name in ("new", "talk", "papers", "pay"):
        retiring.retire(world.stages[name], world.stages["won"], by=world.alice)
    drain()
    assert Stage.active.filter(pipeline=world.pipeline, kind="open").count() == 1
    assert Notification.objects.filter(user=world.alice, text__contains="only stage of its kind").exists()


def test_a_custom_field_gets_its_key_from_its_label(world, alice):
    asked = {"label": "Rodzaj drewna: Dąb/Łoś", "key": "", "target": "item", "type": "text", "order": "0"}
    assert alice.post("/admin/crm/customfield/add/", asked).status_code == 302
    assert CustomField.objects.get().key == "rodzaj_drewna_dab_los"
    again = alice.post("/admin/crm/customfield/add/", asked)
    assert "Another field has this key already." in again.content.decode()


@pytest.mark.django_db(transaction=True)
def test_removing_the_demo_takes_its_files_along(world):
    kept = Attachment.objects.create(
        item=world.deal(), file=ContentFile(b"plan", name="plan.txt"), name="plan.txt", kind="text/plain", size=4
    )
    assert default_storage.exists(kept.file.name)
    call_command("demo", "--remove")
    assert not Pipeline.objects.exists()
    assert not default_storage.exists(kept.file.name)


def new_pipeline(client, world, **more):
    data = {
        "name": "Another",
        "item_type": world.pipeline.item_type_id,
        "order": 5,
        "currency": "pln",
        "undo_seconds": 10,
    }
    return client.post("/admin/crm/pipeline/add/", data | {"may_skip": "on", "may_go_back": "on"} | more)


def test_a_new_pipeline_is_never_open_to_everybody_by_silence_once_a_role_exists(world, client):
    client.force_login(world.alice)
    assert "rights_like" in client.get("/admin/crm/pipeline/add/").content.decode()
    assert new_pipeline(client, world).status_code == 200  # asked for
    assert new_pipeline(client, world, rights_like=str(world.pipeline.pk)).status_code == 302
    made = Pipeline.objects.get(name="Another")
    assert made.currency == "PLN"
    assert set(made.rights.values_list("role", "may_edit")) == set(
        world.pipeline.rights.values_list("role", "may_edit")
    )
    assert not Pipeline.objects.visible_to(world.charlie).filter(pk=made.pk).exists()
    assert new_pipeline(client, world, name="Closed", rights_like="closed").status_code == 302
    closed = Pipeline.objects.get(name="Closed")
    assert not Pipeline.objects.visible_to(world.bob).filter(pk=closed.pk).exists()
    assert Pipeline.objects.visible_to(world.alice).filter(pk=closed.pk).exists()


@pytest.mark.parametrize("currency", ["XAU", "DEM", "XXX", "zł"])
def test_a_pipeline_counts_in_money_that_somebody_pays_with(world, client, currency):
    client.force_login(world.alice)
    page = new_pipeline(client, world, currency=currency, rights_like="closed")
    assert page.status_code == 200
    assert not Pipeline.objects.filter(name="Another").exists()


def test_fields_of_a_form_map_themselves_and_one_without_a_customer_is_warned_about(world, client, drain):
    client.force_login(world.alice)
    rows = [("Your name", "name"), ("Your name", "text"), ("Telefon", "phone")]
    data = {
        "name": "Order", "slug": "mapped", "kind": "standard", "is_active": "on", "pipeline": world.pipeline.pk,
        "item_title": "{{ form.name }}", "duplicates": "fill", "deals": "new", "language": "pl", "heading": "h",
        "button": "b", "thanks": "t", "source": "", "fields-TOTAL_FORMS": 3, "fields-INITIAL_FORMS": 0,
    }  # fmt: skip
    for place, (label, kind) in enumerate(rows):
        data |= {f"fields-{place}-label": label, f"fields-{place}-kind": kind, f"fields-{place}-order": place}
    page = client.post("/admin/crm/webform/add/", data, follow=True)
    assert page.redirect_chain, page.context["errors"]
    form = WebForm.objects.get(slug="mapped")
    assert [(field.key, field.target) for field in form.fields.all()] == [
        ("your_name", "contact.name"),
        ("your_name_2", ""),
        ("telefon", "contact.phone"),
    ]
    assert "will have none" not in page.content.decode()
    form.fields.filter(kind__in=("name", "phone")).update(saves_to="-")
    other = data | {"slug": "nobody", "name": "Nobody", "fields-0-saves_to": "-", "fields-2-saves_to": "-"}
    assert "will have none" in client.post("/admin/crm/webform/add/", other, follow=True).content.decode()
    assert (
        f'<optgroup label="{world.pipeline.name}">'
        in client.get(f"/admin/crm/webform/{form.pk}/change/").content.decode()
    )


def test_an_sms_channel_shows_nothing_of_mails(world, client):
    client.force_login(world.alice)
    for medium, shown in (("sms", False), ("email", True)):
        channel = Channel.objects.get(medium=medium)
        page = client.get(f"/admin/crm/channel/{channel.pk}/change/").content.decode()
        assert ('name="strangers"' in page, 'name="track"' in page) == (shown, shown)
