"""The world of the tests: Alice administers, Bob owns, Charlie must see nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.core.cache import caches
from django.utils import translation

from automation.models import Rule, Run, Trigger
from automation.remote import types as apps
from crm.ground import clock
from crm.items.models.gate import MoveOptions
from crm.models import (
    CalendarHours,
    Channel,
    Contact,
    Department,
    Event,
    Item,
    ItemType,
    LostReason,
    OwnCompany,
    Pipeline,
    Role,
    RoleRight,
    Stage,
    SystemSwitches,
    User,
    WorkingCalendar,
)
from crm.pipelines.rights import Scope
from crm.work import queue

# A Wednesday, 10:00 in Warsaw: inside working time, far from every DST change.
WEDNESDAY = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


@dataclass
class World:
    alice: User
    bob: User
    charlie: User
    sales: Department
    calendar: WorkingCalendar
    pipeline: Pipeline
    stages: dict[str, Stage]
    contact: Contact
    email: Channel
    sms: Channel
    counter: int = field(default=0)

    def rule(self, stage: str, action: str = "add_comment", settings: Any = None, **more: Any) -> Rule:
        self.counter += 1
        return Rule.objects.create(
            stage=self.stages[stage],
            key=more.pop("key", f"rule_{self.counter}"),
            name=more.pop("name", f"Rule {self.counter}"),
            action=action,
            settings={"text": "hello"} if settings is None else settings,
            publisher=more.pop("publisher", self.alice),
            order=more.pop("order", self.counter),
            **more,
        )

    def trigger(self, stage: str, type: str = "knocked", settings: Any = None, **more: Any) -> Trigger:
        self.counter += 1
        return Trigger.objects.create(
            stage=self.stages[stage],
            name=more.pop("name", f"Trigger {self.counter}"),
            type=type,
            settings=settings or {},
            publisher=more.pop("publisher", self.alice),
            order=more.pop("order", self.counter),
            **more,
        )

    def role(self, *people: User, pipeline: Pipeline | None = None, name: str = "", **scopes: Scope) -> Role:
        """A role for these people; its scopes by action, the rest as a new right has them (all, configure none)."""
        self.counter += 1
        role = Role.objects.create(name=name or f"Role {self.counter}")
        role.people.add(*people)
        rights = {f"may_{action}": scope for action, scope in scopes.items()}
        RoleRight.objects.create(role=role, pipeline=pipeline or self.pipeline, **rights)
        return role

    def deal(self, title: str = "Oak table", stage: str = "new", **more: Any) -> Item:
        more.setdefault("contact", self.contact)
        more.setdefault("owner", self.bob)
        if stage == "lost":
            more.setdefault("lost_note", "too dear")
        return Item.create(self.pipeline, title, stage=self.stages[stage], by=more.pop("by", self.bob), **more)

    def move(self, item: Item, stage: str, **more: Any) -> Any:
        fresh = Item.objects.get(pk=item.pk)
        return fresh.move_to(self.stages[stage], MoveOptions(by=more.pop("by", self.bob), **more))

    def comments(self, item: Item) -> list[str]:
        rows = Event.objects.filter(item=item, kind="comment.added").order_by("pk")
        return [event.data("text") for event in rows]

    def runs(self, item: Item) -> list[Run]:
        return list(
            Run.objects.filter(item=item).select_related("rule", "visit").order_by("visit_id", "order", "round")
        )

    def run_of(self, rule: Rule, item: Item | None = None) -> Run:
        runs = Run.objects.filter(rule=rule)
        return (runs.filter(item=item) if item else runs).order_by("-pk")[0]


@pytest.fixture(autouse=True)
def _fresh_start() -> None:
    """Nothing is known and nobody's language is left over: a request leaves its reader's behind."""
    for name in ("default", "near"):
        caches[name].clear()
    apps.forget()
    translation.deactivate()


@pytest.fixture
def now() -> Iterator[datetime]:
    """The clock stands at a Wednesday, 10:00 in Warsaw."""
    with clock.at(WEDNESDAY):
        yield WEDNESDAY


@pytest.fixture
def drain() -> Callable[[], int]:
    """Perform everything that is due."""
    return queue.drain_all


def build_world() -> World:
    SystemSwitches.objects.get_or_create(pk=1)
    calendar = WorkingCalendar.objects.create(name="Office", zone="Europe/Warsaw", country="PL")
    for weekday in range(5):
        CalendarHours.objects.create(calendar=calendar, weekday=weekday, opens=time(9), closes=time(17))
    OwnCompany.objects.create(
        name="Dębowy Dom",
        calendar=calendar,
        currency="PLN",
        country="PL",
        language="pl",
        phone="+48221234567",
        sms_countries="PL",
    )
    sales, other = Department.objects.create(name="Sales"), Department.objects.create(name="Elsewhere")
    alice = User.objects.create_superuser("alice@example.com", "pw-alice", name="Alice Head", department=sales)
    bob = User.objects.create_user("bob@example.com", "pw-bob", name="Bob Seller", department=sales)
    charlie = User.objects.create_user("charlie@example.com", "pw-charlie", name="Charlie Stranger", department=other)
    sales.head = alice
    sales.save()
    deals = ItemType.objects.create(key="deal", name="Deal", plural="Deals")
    pipeline = Pipeline.objects.create(
        item_type=deals, name="Furniture", is_default=True, currency="PLN", calendar=calendar
    )
    role = Role.objects.create(name="Sales people")
    role.departments.add(sales)
    RoleRight.objects.create(role=role, pipeline=pipeline)
    stages = {}
    for order, (key, kind) in enumerate(
        [("new", "open"), ("talk", "open"), ("papers", "open"), ("pay", "open"), ("won", "won"), ("lost", "lost")]
    ):
        stages[key] = Stage.objects.create(pipeline=pipeline, name=key.capitalize(), kind=kind, order=order)
    LostReason.objects.create(pipeline=pipeline, name="Too expensive")
    contact = Contact.objects.create(name="Nguyễn Thị Hằng", language="vi")
    contact.add_email("hang@example.com")
    contact.add_phone("+84912345678")
    email = Channel.objects.create(
        name="Mail", medium="email", transport="outbox", is_default=True, sender="a@example.com"
    )
    sms = Channel.objects.create(name="SMS", medium="sms", transport="outbox", is_default=True, sender="Dom")
    return World(alice, bob, charlie, sales, calendar, pipeline, stages, contact, email, sms)


@pytest.fixture
def world(db: Any) -> World:
    return build_world()
