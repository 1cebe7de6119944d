"""Workers speak the reader's language: what they say is kept as a code with values, and worded when it is read."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from automation.models import Run, TriggerFiring
from crm.events.notice import notify
from crm.ground import sentences
from crm.ground.amounts import Amount
from crm.ground.sentences import Sentence, everywhere, in_payload, said
from crm.models import Contact, FormField, Item, Job, Message, Notification, Task, WebForm
from crm.work.leased import Status
from documents.models import Checkout
from tests.crm.test_api import Caller
from tests.crm.test_forms import send

FOLDERS = ("crm", "automation", "documents")
# They word for a reader who is there: pages, forms, the set-up, the reading of files by whoever sent them.
FOR_READERS = re.compile(
    r"/(views|admin|api|forms|fields|importing|demo|templatetags)[/.]|^automation/(condition_form|settings_form)\.py"
)


def in_language(language, rows):
    with translation.override(language):
        return rows.get()


def test_why_a_rule_did_not_run_is_said_in_each_readers_language(world, now, drain):
    rule = world.rule("talk", condition={"all": [{"field": "item.amount", "op": "at_least", "value": 15000}]})
    world.move(world.deal(amount=Decimal("3000.50")), "talk")
    drain()
    rows = Run.objects.filter(rule=rule)
    assert in_language("en", rows).error == "amount 3,000.5 < 15,000"
    assert in_language("pl", rows).error == "kwota 3\xa0000,5 < 15\xa0000"
    assert in_language("fr", rows).error == "montant 3\u202f000,5 < 15\u202f000"
    assert in_language("vi", rows).error == "số tiền 3.000,5 < 15.000"


def test_a_page_shows_a_failure_in_the_language_of_who_looks(world, now, drain, client):
    world.rule("new", "send_sms", {"text": "hi"})
    card = world.deal(contact=Contact.objects.create(name="No Phone"))
    drain()
    for language, words in (("pl", "Klient nie ma numeru telefonu."), ("vi", "Khách không có số điện thoại.")):
        world.bob.language = language
        world.bob.save()
        client.force_login(world.bob)
        assert words in client.get(f"/items/{card.pk}/").content.decode()


def test_the_api_gives_the_reason_in_words_and_in_a_code_with_raw_values(world, now, drain, client):
    world.rule("talk", condition={"all": [{"field": "item.amount", "op": "at_least", "value": 5000}]})
    card = world.deal(amount=Decimal("3000.50"))
    world.move(card, "talk")
    drain()
    world.bob.language = "pl"
    world.bob.save()
    found = Caller(client, world.bob).get(f"/runs?item={card.pk}").data["items"][0]
    assert found["reason"] == found["error"] == "kwota 3\xa0000,5 < 5\xa0000"
    assert found["reason_code"] == "condition.compared"
    assert (found["reason_values"]["value"], found["reason_values"]["wanted"]) == ("3000.50", "5000")


def test_a_refused_trigger_says_why_in_each_language(world, now, drain):
    trigger = world.trigger("talk", "task_status", {"status": "done"})
    card = world.deal(stage="pay")
    Task.add(item=card, title="Call").set_status(Task.Status.DONE, by=world.bob)
    drain()
    rows = TriggerFiring.objects.filter(trigger=trigger)
    stage = card.stage.name
    assert in_language("en", rows).reason == f"it would move the item back from {stage}"
    assert in_language("pl", rows).reason == f"cofnęłoby to kartę z etapu „{stage}”"


def test_a_notice_is_read_in_its_readers_language_and_mailed_in_it(world, now, drain):
    world.bob.language, world.bob.notices = "pl", {"task": {"bell": True, "mail": True}}
    world.bob.save()
    card = world.deal()
    Task.add(item=card, title="Dębowy stół", assignee=world.bob)
    rows = Notification.objects.filter(user=world.bob)
    assert in_language("pl", rows).text == "Nowe zadanie: Dębowy stół"
    assert in_language("en", rows).text == "New task: Dębowy stół"


def test_an_amount_in_a_notice_is_written_as_its_reader_writes_it(world):
    notify([world.bob], said("x", "Paying online is not set up."), group="a")
    told = said("payment.other_amount", "%(paid)s was paid, but %(asked)s had been asked for; nothing was booked.")
    notify([world.bob], told % {"paid": Amount(Decimal("1234.50"), "PLN"), "asked": Amount(Decimal(2000), "PLN")})
    rows = Notification.objects.order_by("-pk")[:1]
    assert "PLN 1,234.50 was paid, but PLN 2,000 had" in in_language("en", rows).text.replace("\xa0", " ")
    assert "1 234,50 zł" in in_language("pl", rows).text.replace("\xa0", " ")


def test_plain_sentences_of_old_rows_and_of_third_parties_stay_as_they_are(world, now, drain):
    rule = world.rule("talk", "misbehave", {"how": "raise"})
    world.move(world.deal(), "talk")
    drain()
    with translation.override("pl"):
        assert world.run_of(rule).error == "an action with a bug"
    Run.objects.filter(rule=rule).update(error="left the stage")
    with translation.override("pl"):
        assert world.run_of(rule).error == "left the stage"
        assert sentences.for_programs(world.run_of(rule).error) == {
            "reason": "left the stage",
            "reason_code": "",
            "reason_values": {},
        }


def test_a_callback_makes_one_task_for_somebody_even_where_the_card_is_nobodys(world, now, client, drain):
    world.rule("new", "change_owner", {"users": [str(world.bob.pk)], "choose": "order"})
    world.rule("new", "create_task", {"title": "Call", "unless_open": "on"}, after_previous="ended")
    form = WebForm.objects.create(
        name="Call", slug="call", kind="callback", pipeline=world.pipeline, heading="h", thanks="t", language="pl"
    )
    FormField.objects.create(form=form, key="phone", kind="phone", label="Telefon", saves_to="contact.phone")
    world.alice.language = "pl"
    world.alice.save()
    send(client, slug="call", phone="+48601222333")
    drain()
    task = Task.objects.get()
    assert (task.assignee, task.kind, task.title) == (world.bob, "call", "Oddzwoń: +48 601 222 333")
    assert Item.objects.get().owner == world.bob


@pytest.mark.parametrize(
    ("language", "name", "addressed"),
    [("en", "+48601222333", "customer"), ("pl", "+48601222333", "Państwu"), ("fr", "a@b.pl", "Madame, Monsieur"),
     ("vi", "+84901234567", "quý khách"), ("vi", "Nguyễn Thị Hằng", "Hằng"), ("pl", "Anna Żuk", "Anna")],
)  # fmt: skip
def test_nobody_is_addressed_by_a_number(language, name, addressed):
    assert Contact(name=name, language=language).salutation == addressed


values = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.one_of(
        st.text(max_size=20), st.integers(), st.booleans(), st.none(), st.dates(), st.decimals(-1000, 1000, places=2),
        st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
        st.lists(st.text(max_size=5), max_size=3), st.builds(Amount, st.decimals(0, 9, places=2), st.just("EUR")),
        st.builds(lambda words: said("inner", "left the stage") % words, st.just({})),
    ),
    max_size=4,
)  # fmt: skip


@pytest.mark.django_db
@given(text=st.text(max_size=40), code=st.text("abc._", max_size=10), told=values)
def test_what_is_said_comes_back_from_the_database_as_it_was(text, code, told):
    places = "".join(f"%({name})s" for name in told)
    sentence = Sentence(code, text.replace("%", "") + places, values=told)
    job = Job.objects.create(kind="none", key=f"s{Job.objects.count()}{id(sentence)}", error=sentence)
    back = Job.objects.get(pk=job.pk).error
    assert (str(back), back.code, back.as_json()) == (str(sentence), code, sentence.as_json())


@pytest.mark.django_db
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=60))
def test_a_plain_text_is_never_taken_for_a_sentence(text):
    job = Job.objects.create(kind="none", key=f"p{Job.objects.count()}{id(text)}", error=text)
    assert Job.objects.get(pk=job.pk).error == text.lstrip(sentences.MARK)


def test_a_text_of_others_is_kept_in_every_language():
    with translation.override("vi"):
        kept = everywhere("x", lambda: gettext_lazy("yes"))
    with translation.override("pl"):
        assert kept.worded() == "tak"
    with translation.override("de"):
        assert kept.worded() == "yes"


def test_a_translation_with_other_places_is_said_all_the_same():
    assert str(Sentence("x", "%(gone)s left", values={"name": "Bob"})) == "%(gone)s left (Bob)"
    assert sentences.read(sentences.MARK + "{broken") == "{broken"


def test_an_event_keeps_its_words_for_programs_and_for_each_reader(world):
    kept = in_payload("error", said("customer.no_phone", "The customer has no phone number."))
    assert kept["error"] == "The customer has no phone number."
    with translation.override("fr"):
        assert sentences.from_payload(kept, "error") == "Le client n’a pas de numéro."
    assert sentences.from_payload({"error": "old words"}, "error") == "old words"


def test_values_for_programs_are_raw():
    told = said("x", "%(a)s") % {"a": Amount(Decimal("1.50"), "EUR"), "d": date(2026, 1, 2), "t": time(9, 5), "l": [1]}
    assert sentences.plain_values(told) == {
        "a": {"amount": "1.50", "currency": "EUR"},
        "d": "2026-01-02",
        "t": "09:05",
        "l": [1],
    }


def _calls(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    eager = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for name in node.names
        if name.name in ("gettext", "ngettext")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node, eager


def test_a_code_stands_for_one_text():
    known: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((Path(settings.BASE_DIR) / folder).rglob("*.py")):
            for name, call, _eager in _calls(path):
                if name == "said" and isinstance(call.args[0], ast.Constant):
                    code, text = call.args[0].value, call.args[1].value
                    assert known.setdefault(code, text) == text, code
    assert len(known) > 150


def test_nobody_ends_work_with_words_of_one_language():
    """What ends a run or job, refuses a message or rings a bell is never worded on the spot."""
    ends = {
        "ActionError", "Skip", "Cancelled", "Hold", "CannotSend", "Permanent", "Temporary", "TransportError", "notify",
        "ProviderError", "Refused", "Forbidden", "Gone", "CannotJudge", "NoCalendar", "Unsafe", "Unanswered",
    }  # fmt: skip
    wrong = []
    for folder in FOLDERS:
        for path in sorted((Path(settings.BASE_DIR) / folder).rglob("*.py")):
            where = str(path.relative_to(settings.BASE_DIR))
            if FOR_READERS.search(where):
                continue
            for name, call, eager in _calls(path):
                if name in ends:
                    inner = [n for arg in call.args for n in ast.walk(arg) if isinstance(n, ast.Call)]
                    wrong += [f"{where}:{n.lineno}" for n in inner if getattr(n.func, "id", "") in eager]
    assert wrong == []


def test_a_message_a_job_and_a_checkout_keep_sentences(world):
    for model, name in ((Message, "error"), (Job, "error"), (Checkout, "error"), (TriggerFiring, "reason")):
        assert isinstance(model._meta.get_field(name), sentences.SentenceField)
    assert Status.DONE.label


def test_a_sentence_is_copied_pickled_and_filled_in_again_with_all_it_has():
    told = said("x", "%(a)s left") % {"a": Decimal("1.5")}
    for back in (copy.copy(told), copy.deepcopy(told), pickle.loads(pickle.dumps(told))):
        assert (str(back), back.code, back.values) == ("1.5 left", "x", {"a": Decimal("1.5")})
    assert everywhere("y", lambda: "%s is 100%%") % 5 == "5 is 100%"
    assert said("z", "100%% of it") == "100% of it"


@pytest.mark.parametrize(
    "kept", ["{}", '{"code":1,"text":"a","values":[1]}', '{"code":"a","texts":[1]}', "[" * 100_000, '{"code":"a","text":"%(x)d","values":{"x":"y"}}']
)  # fmt: skip
def test_a_row_that_nobody_of_ours_wrote_breaks_no_list(kept):
    assert isinstance(sentences.read(sentences.MARK + kept), str)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", [datetime(2026, 1, 1), Amount(Decimal("1e50"), "XX"), float("nan"), "half \ud800", "\0"]
)
def test_a_value_beyond_all_values_is_said_as_it_is(value):
    job = Job.objects.create(
        kind="none", key=f"odd{value!r}"[:60].replace("\ud800", ""), error=said("x", "%(v)s") % {"v": value}
    )
    assert Job.objects.get(pk=job.pk).error.code == "x"
