"""Builds the demo company: people, calendar, pipeline, channels, forms, and half a year of history."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from crm import slots
from crm.company.models import CalendarHours, Department, OwnCompany, SystemSwitches, WorkingCalendar
from crm.company.rates import CurrencyRate
from crm.demo.talk import add_talk, add_templates
from crm.demo.texts import COLOURS, EMAILS, PHONES, PROBABILITY, STAGES, TEXTS
from crm.events.models import Event
from crm.ground import clock
from crm.ground.folding import fold
from crm.items.models.items import Item
from crm.items.models.visits import StageVisit
from crm.messages.models.messages import Channel
from crm.people.models import Contact, User
from crm.people.reach import ContactEmail, ContactPhone
from crm.pipelines.models import ItemType, LostReason, Pipeline, Stage, StageKind
from crm.pipelines.rights import Scope
from crm.pipelines.roles import Role, RoleRight
from crm.webforms.models import FormField, WebForm

PASSWORD = "dealwright-demo"
DEALS = 400


@dataclass
class Demo:
    """What parts of upper layers may build on."""

    language: str
    texts: dict[str, Any]
    people: list[User] = field(default_factory=list)
    departments: list[Department] = field(default_factory=list)
    pipeline: Any = None
    stages: list[Stage] = field(default_factory=list)
    calendar: Any = None


@transaction.atomic
def build(language: str, deals: int = DEALS) -> Demo:
    """Make the whole demo in one transaction. The database must hold no pipeline yet."""
    demo = Demo(language, TEXTS[language])
    SystemSwitches.objects.get_or_create(pk=1)
    _organisation(demo)
    _pipeline(demo)
    _channels(demo)
    _forms(demo)
    for part in slots.demo_parts:
        part(demo)
    _history(demo, deals)
    for part in slots.demo_histories:
        part(demo)
    return demo


def _organisation(demo: Demo) -> None:
    texts = demo.texts
    calendar = WorkingCalendar.objects.create(name=texts["company"], zone=texts["zone"], country=texts["country"])
    for weekday in range(5):
        CalendarHours.objects.create(calendar=calendar, weekday=weekday, opens=time(9), closes=time(17))
    OwnCompany.objects.create(
        name=texts["company"],
        calendar=calendar,
        currency=texts["currency"],
        country=texts["country"],
        sms_countries=texts["country"],
        language=demo.language,
        phone=texts["phone"],
        email="shop@example.com",
        address=texts["address"],
    )
    sales, logistics = (Department.objects.create(name=name) for name in texts["departments"])
    for place, (name, login) in enumerate(zip(texts["people"], EMAILS, strict=True)):
        make = User.objects.create_superuser if place == 0 else User.objects.create_user
        person = make(
            f"{login}@example.com",
            PASSWORD,
            name=name,
            language=demo.language,
            zone=texts["zone"],
            department=sales if place < 3 else logistics,
        )
        demo.people.append(person)
    sales.head, logistics.head = demo.people[0], demo.people[4]
    sales.save()
    logistics.save()
    demo.departments, demo.calendar = [sales, logistics], calendar
    for code, rate in RATES[texts["currency"]].items():
        CurrencyRate.objects.create(currency=code, rate=Decimal(rate))


RATES: dict[str, dict[str, str]] = {
    "GBP": {"EUR": "0.86", "PLN": "0.20", "USD": "0.78"},
    "PLN": {"EUR": "4.30", "GBP": "5.00", "USD": "3.95"},
    "EUR": {"GBP": "1.16", "PLN": "0.23", "USD": "0.92"},
    "VND": {"EUR": "27500", "USD": "25400", "PLN": "6400"},
}


def _pipeline(demo: Demo) -> None:
    names = demo.texts["type"]
    kinds = {
        "lead": ("Lead", "Leads"),
        "deal": names,
        "quote": ("Quote", "Quotes"),
        "invoice": ("Invoice", "Invoices"),
    }
    types = {
        key: ItemType.objects.get_or_create(key=key, defaults={"name": one, "plural": many, "order": place})[0]
        for place, (key, (one, many)) in enumerate(kinds.items())
    }
    demo.pipeline = Pipeline.objects.create(
        item_type=types["deal"],
        name=demo.texts["pipeline"],
        is_default=True,
        currency=demo.texts["currency"],
        calendar=demo.calendar,
        automation_owner=demo.people[0],
    )
    for place, name in enumerate(STAGES[demo.language]):
        kind = StageKind.WON if place == 6 else StageKind.LOST if place == 7 else StageKind.OPEN
        demo.stages.append(
            Stage.objects.create(
                pipeline=demo.pipeline,
                name=name,
                order=place,
                kind=kind,
                colour=COLOURS[place],
                probability=PROBABILITY[place],
                needed_to_enter=["amount"] if place == 3 else [],
            )
        )
    for place, name in enumerate(demo.texts["reasons"]):
        LostReason.objects.create(pipeline=demo.pipeline, name=name, order=place)
    sales, logistics = demo.departments
    _role(demo, sales, may_delete=Scope.OWN)
    only_looks = {f"may_{action}": Scope.NONE for action in ("add", "delete", "export")}
    _role(demo, logistics, **only_looks)


def _role(demo: Demo, department: Department, **scopes: Scope) -> None:
    role = Role.objects.create(name=department.name)
    role.departments.add(department)
    RoleRight.objects.create(role=role, pipeline=demo.pipeline, **scopes)


def _channels(demo: Demo) -> None:
    company = demo.texts["company"]
    Channel.objects.create(
        name="E-mail", medium="email", transport="outbox", sender=f"{company} <shop@example.com>", is_default=True
    )
    Channel.objects.create(name="SMS", medium="sms", transport="outbox", sender=company[:11], is_default=True)
    add_templates(demo.language)


def _forms(demo: Demo) -> None:
    order, callback = demo.texts["order"], demo.texts["callback"]
    made = _form(demo, "order", order, WebForm.Kind.STANDARD)
    name, phone, email, what, budget, consent = order["fields"]
    rows = [
        ("name", "name", name, True, "contact.name"),
        ("phone", "phone", phone, True, "contact.phone"),
        ("email", "email", email, False, "contact.email"),
        ("what", "long_text", what, False, ""),
        ("budget", "money", budget, False, "item.amount"),
        ("consent", "consent", consent, True, ""),
    ]
    _fields(made, rows)
    made = _form(demo, "callback", callback, WebForm.Kind.CALLBACK)
    phone, when = callback["fields"]
    _fields(made, [("phone", "phone", phone, True, "contact.phone"), ("when", "select", when, False, "")])
    made.fields.filter(key="when").update(options="\n".join(callback["times"]))


def _form(demo: Demo, slug: str, texts: dict[str, Any], kind: str) -> WebForm:
    return WebForm.objects.create(
        name=texts["name"],
        slug=slug,
        kind=kind,
        pipeline=demo.pipeline,
        language=demo.language,
        heading=texts["heading"],
        intro=texts["intro"],
        button=texts["button"],
        thanks=texts["thanks"],
        source=demo.texts["sources"][0],
    )


def _fields(form: WebForm, rows: list[tuple[str, str, str, bool, str]]) -> None:
    for place, (key, kind, label, required, target) in enumerate(rows):
        FormField.objects.create(
            form=form, key=key, kind=kind, label=label, required=required, saves_to=target, order=place
        )


# ---------------------------------------------------------------------- history


def _history(demo: Demo, deals: int) -> None:
    """Deals of half a year in bulk: items, visits and events as moves would have left them, and no rule runs."""
    dice = random.Random(2026)
    contacts = _contacts(demo, dice, max(20, deals // 3))
    now = clock.now()
    items = [_deal(demo, dice, contacts, number, deals, now) for number in range(deals)]
    Item.objects.bulk_create(items)
    visits, events = [], []
    for item in items:
        path = _path(demo, item, dice, now)
        visits += path
        events += [_event(item, visit, place) for place, visit in enumerate(path)]
    StageVisit.objects.bulk_create(visits)
    Event.objects.bulk_create(events)
    last = {visit.item_id: visit for visit in visits}
    for item in items:
        item.visit = last[item.pk]
    for item in items:
        assert item.contact is not None
        item.contact.owner = item.owner  # the newest card's, at last
    Contact.objects.bulk_update(contacts, ["owner"], batch_size=500)
    Item.objects.bulk_update(items, ["visit", "stage_entered_at", "last_activity_at", "rank"], batch_size=200)
    add_talk(demo.language, list(_with_people(items)), now)


def _with_people(items: list[Item]) -> Any:
    rows = Item.objects.filter(pk__in=[item.pk for item in items]).select_related("contact", "owner")
    return rows.prefetch_related("contact__emails", "contact__phones").order_by("pk")


def _contacts(demo: Demo, dice: random.Random, count: int) -> list[Contact]:
    """A third of the language's country, the rest mixed; long and double names, given in the owner's order."""
    made, phones, emails = [], [], []
    languages = list(TEXTS)
    for number in range(count):
        language = demo.language if number % 3 == 0 else languages[number % 4]
        names = TEXTS[language]["names"]
        name = names[dice.randrange(len(names))]
        if number >= len(names) * 4:
            first, rest = name.split()[0], TEXTS[language]["names"][dice.randrange(len(names))].split()[1:]
            name = " ".join([first, *rest])
        made.append(Contact(name=name, language=language, search_key=fold(name)))
    Contact.objects.bulk_create(made)
    for number, contact in enumerate(made):
        phones.append(ContactPhone(contact=contact, number=PHONES[contact.language].format(10000 + number)))
        host = "poczta.example" if number % 7 else "bücher.example"
        emails.append(ContactEmail(contact=contact, address=f"{fold(contact.name).replace(' ', '.')}.{number}@{host}"))
    ContactPhone.objects.bulk_create(phones)
    ContactEmail.objects.bulk_create(emails)
    return made


def _deal(demo: Demo, dice: random.Random, contacts: list[Contact], number: int, deals: int, now: datetime) -> Item:
    # The older a deal, the further it has come; most old ones are closed.
    age = timedelta(days=180 * (1 - number / deals) ** 1.5, hours=dice.randrange(20))
    place = dice.choices(range(8), weights=[1, 1, 1, 1, 1, 1, 16, 22] if age.days > 20 else [9, 8, 6, 6, 4, 3, 2, 3])[0]
    contact = contacts[dice.randrange(len(contacts))]
    thousands = Decimal(dice.randrange(4, 160)) * 100
    amount = thousands * 30_000 if demo.texts["currency"] == "VND" else thousands
    product = dice.choice(demo.texts["products"])
    created = now - age
    stage = demo.stages[place]
    return Item(
        item_type_id=demo.pipeline.item_type_id,
        pipeline=demo.pipeline,
        stage=stage,
        title=f"{product} – {contact.name}"[:200],
        contact=contact,
        owner=demo.people[1 + number % 2],
        amount=amount,
        currency=demo.texts["currency"],
        base_amount=amount,
        source=dice.choice(demo.texts["sources"]),
        created_at=created,
        search_key=fold(f"{product} – {contact.name}")[:250],
        lost_reason_id=_reason(demo, dice) if place == 7 else None,
        closed_at=min(now, created + age * 0.8) if place >= 6 else None,
    )


def _reason(demo: Demo, dice: random.Random) -> int:
    return int(dice.choice(list(demo.pipeline.lost_reasons.values_list("pk", flat=True))))


def _path(demo: Demo, item: Item, dice: random.Random, now: datetime) -> list[StageVisit]:
    """The visits that led to where the deal is: a chain without gaps."""
    end = demo.stages.index(next(s for s in demo.stages if s.pk == item.stage_id))
    if end == 7:
        places = [*range(dice.randrange(1, 5)), 7]
    else:
        places = list(range(end + 1))
    span = (now - item.created_at) * 0.8
    marks = sorted(dice.random() for _ in places[1:])
    times = [item.created_at, *(item.created_at + span * mark for mark in marks)]
    visits = [
        StageVisit(
            item=item,
            stage=demo.stages[place],
            entered_at=times[n],
            left_at=times[n + 1] if n + 1 < len(places) else None,
            actor=item.owner if n else None,
            cause_kind="person" if n else "form",
        )
        for n, place in enumerate(places)
    ]
    item.stage_entered_at = item.last_activity_at = times[-1]
    item.rank = -times[-1].timestamp()
    return visits


def _event(item: Item, visit: StageVisit, place: int) -> Event:
    payload = {"to": visit.stage_id, "to_name": visit.stage.name}
    return Event(
        kind="stage.entered" if place else "item.created",
        item=item,
        contact_id=item.contact_id,
        visit=None,
        actor=visit.actor,
        cause_kind=visit.cause_kind,
        cause_label="" if place else item.source,
        payload=payload,
        created_at=visit.entered_at,
    )
