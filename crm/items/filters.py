"""One filter for board, list, counters and export: read from the address, applied to items, written back to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel import dates as babel_dates
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.fields import type_of
from crm.ground import amounts, clock
from crm.ground.decimals import MONEY
from crm.ground.ids import id_of
from crm.ground.shown import num
from crm.ground.sorting import names_of, order_of
from crm.items.models.item_set import matching
from crm.people.models import Tag, User
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.machine import machine_of
from crm.pipelines.models import LostReason, Pipeline, Stage, StageKind
from crm.pipelines.roles import NO_PROFIT, sees_profit


class BadFilter(BadRequest):
    """A name or value that no filter knows: 400. `name` is the parameter, the sentence is for people."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


ACTIVITIES = [("late", lazy("overdue")), ("today", lazy("today")), ("later", lazy("later")), ("none", lazy("none"))]
DAYS = {
    "created_from": lazy("created from %s"),
    "created_to": lazy("created until %s"),
    "closed_from": lazy("closed from %s"),
    "closed_to": lazy("closed until %s"),
    "due_from": lazy("expected from %s"),
    "due_to": lazy("expected until %s"),
}
AMOUNTS = {
    "amount_from": lazy("at least %s"),
    "amount_to": lazy("at most %s"),
    "profit_from": lazy("profit of at least %s"),
    "profit_to": lazy("profit of at most %s"),
}
# By name: the label and the order of rows. The first one is the board's own order, by hand.
SORTS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "": (lazy("by hand"), ("rank", "-pk")),
    "attention": (lazy("needs attention first"), (F("next_activity_at").asc(nulls_last=True), "-pk")),
    "active": (lazy("last activity"), ("-last_activity_at", "-pk")),
    "amount": (lazy("amount"), (F("base_amount").desc(nulls_last=True), "-pk")),
    "profit": (lazy("profit"), (F("profit__base_amount").desc(nulls_last=True), "-pk")),
    "age": (lazy("longest in stage"), ("stage_entered_at", "pk")),
    "newest": (lazy("newest"), ("-created_at", "-pk")),
    "title": (lazy("title"), ("search_key", "pk")),
    "customer": (
        lazy("customer"),
        (F("contact__search_key").asc(nulls_last=True), F("company__search_key").asc(nulls_last=True), "pk"),
    ),
    "stage": (lazy("stage"), ("stage__order", "-pk")),
    "owner": (lazy("owner"), (F("owner__name").asc(nulls_last=True), "-pk")),
    "due": (lazy("expected on"), (F("due_date").asc(nulls_last=True), "-pk")),
}
# Those that begin with the largest or the newest.
FALLING = ("active", "amount", "profit", "newest")
# For those alone who see profit: who does not could read it off what a filter finds.
CONFIDENTIAL = ("profit_from", "profit_to", "profit")
# What pages put into the address besides the filter.
OWN = frozenset({"v", "from", "page", "embed", "panel", "show"})


@dataclass(frozen=True)
class ItemFilter:
    """What a person asked to see.

    Args:
        text: part of the title, customer or company.
        owner: "me", "none" or a user's id.
        age: at least so many days in its stage.
        activity: late, today, later or none: the next planned activity.
        tag: a tag's id.
        stage: a stage's id.
        kind: open, won or lost, as the stage is.
        source: exactly this one, or "none".
        reason: a lost reason's id, or "none".
        days: created_from, created_to, closed_from, closed_to, due_from, due_to: whole days in the person's zone, both
            included.
        amounts: amount_from, amount_to, profit_from, profit_to: in the card's own currency, both included.
        currency: an ISO code.
        custom: values of custom fields by key; types: what those fields hold.
        sort: a key of SORTS, with a minus the other way round.
    """

    text: str = ""
    owner: str = ""
    age: int | None = None
    activity: str = ""
    tag: int | None = None
    stage: int | None = None
    kind: str = ""
    source: str = ""
    reason: str = ""
    days: dict[str, date] = field(default_factory=dict)
    amounts: dict[str, Decimal] = field(default_factory=dict)
    currency: str = ""
    sort: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, query: QueryDict, pipeline: Pipeline | None, own: Iterable[str] = OWN) -> ItemFilter:
        """From an address. Empty values do not count. Raises BadFilter for anything unknown.

        Args:
            pipeline: whose custom fields count; None for those of all.
            own: what the page or operation itself puts into its address.
        """
        values: dict[str, Any] = {}
        days: dict[str, date] = {}
        sums: dict[str, Decimal] = {}
        custom: dict[str, str] = {}
        known = {row.key: row for row in custom_fields(pipeline)} if any(n.startswith("c.") for n in query) else {}
        for name in query:
            value = query.get(name, "").strip()[:200]
            if name in own or not value:
                continue
            if name in READERS:
                attribute, reader = READERS[name]
                values[attribute] = reader(name, value)
            elif name in DAYS:
                days[name] = read_day(name, value)
            elif name in AMOUNTS:
                sums[name] = _amount(name, value)
            elif name.startswith("c.") and name[2:] in known:
                custom[name[2:]] = value
                judged(name, value, known[name[2:]])
            else:
                raise BadFilter(name, _("There is no filter “%s”.") % name)
        return cls(**values, days=days, amounts=sums, custom=custom, types={key: known[key].type for key in custom})

    @cached_property
    def _matching(self) -> Q:
        """Asked for once, however many columns are narrowed by it."""
        return matching(self.text)

    def apply(self, rows: QuerySet[Any], user: User) -> QuerySet[Any]:
        """Narrow a queryset of items. `user` is who "me" means and whose zone "today" means.

        Raises BadFilter for what this person may not ask.
        """
        hidden = [name for name in (*self.amounts, self.sort.removeprefix("-")) if name in CONFIDENTIAL]
        if hidden and not sees_profit(user):
            raise BadFilter("sort" if hidden[0] == "profit" else hidden[0], str(NO_PROFIT))
        now = clock.now()
        if self.text:
            rows = rows.filter(self._matching)
        if self.owner:
            who = user.pk if self.owner == "me" else None if self.owner == "none" else int(self.owner)
            rows = rows.filter(owner_id=who) if who else rows.filter(owner__isnull=True)
        if self.age is not None:
            rows = rows.filter(stage_entered_at__lte=now - timedelta(days=min(self.age, 36500)))
        if self.tag is not None:
            rows = rows.filter(tags=self.tag)
        rows = self._stood(rows)
        if self.activity:
            midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            rows = rows.filter(
                {
                    "late": Q(next_activity_at__lt=now),
                    "today": Q(next_activity_at__gte=now, next_activity_at__lt=midnight),
                    "later": Q(next_activity_at__gte=midnight),
                    "none": Q(next_activity_at__isnull=True),
                }[self.activity]
            )
        for key, value in self.custom.items():
            rows = rows.filter(type_of(self.types.get(key, "text")).filter(f"custom__{key}", value))
        return rows

    def _stood(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """By where cards stand, how they came and ended, and when: what figures of the analytics page lead to."""
        if self.stage is not None:
            rows = rows.filter(stage=self.stage)
        if self.kind:
            rows = rows.filter(stage__kind=self.kind)
        if self.source:
            rows = rows.filter(source="" if self.source == "none" else self.source)
        if self.reason:
            rows = rows.filter(lost_reason=None if self.reason == "none" else int(self.reason))
        if self.currency:
            rows = rows.filter(currency=self.currency)
        for name, amount in self.amounts.items():
            what, _line, side = name.partition("_")
            column = "profit__amount" if what == "profit" else what
            rows = rows.filter(**{f"{column}__{'gte' if side == 'from' else 'lte'}": amount})
        for name, day in self.days.items():
            column, _line, side = name.partition("_")
            if column == "due":
                rows = rows.filter(**{f"due_date__{'gte' if side == 'from' else 'lte'}": day})
                continue
            start, end = bounds(day, day)
            rows = rows.filter(**({f"{column}_at__gte": start} if side == "from" else {f"{column}_at__lt": end}))
        return rows

    @property
    def order(self) -> tuple[Any, ...]:
        return order_of(SORTS, self.sort)

    @property
    def narrows(self) -> bool:
        """Is anything left out? Then counters count what is left."""
        numbers = self.age is not None or self.tag is not None or self.stage is not None
        words = self.text or self.owner or self.activity or self.kind or self.source or self.reason
        return numbers or bool(words or self.custom or self.days or self.amounts or self.currency)

    def pairs(self) -> list[tuple[str, str]]:
        plain = [("q", self.text), ("owner", self.owner), ("activity", self.activity), ("sort", self.sort)]
        plain += [("kind", self.kind), ("source", self.source), ("reason", self.reason), ("currency", self.currency)]
        plain += [(name, format(self.amounts[name], "f")) for name in AMOUNTS if name in self.amounts]
        plain += [(name, self.days[name].isoformat()) for name in DAYS if name in self.days]
        numbers = [("age", self.age), ("tag", self.tag), ("stage", self.stage)]
        plain += [(name, "" if number is None else str(number)) for name, number in numbers]
        plain += [(f"c.{key}", value) for key, value in sorted(self.custom.items())]
        return [(name, value) for name, value in plain if value]

    @cached_property
    def query(self) -> str:
        """The filter as it stands in an address, without the question mark."""
        return urlencode(self.pairs())

    def chips(self, pipeline: Pipeline) -> list[tuple[str, str]]:
        """What is filtered, in words, each with the query that is left without it."""
        words: dict[str, str] = {}
        if self.owner:
            whose = User.objects.filter(pk=id_of(self.owner) or 0).first()
            words["owner"] = str(whose or (_("mine") if self.owner == "me" else _("without owner")))
        if self.activity:
            words["activity"] = _("next activity: %s") % dict(ACTIVITIES)[self.activity]
        if self.age is not None:
            words["age"] = ngettext("%d day or more in its stage", "%d days or more in its stage", self.age) % self.age
        if self.tag is not None:
            tag = Tag.objects.filter(pk=self.tag).first()
            words["tag"] = f"#{tag.name if tag else self.tag}"
        if self.stage is not None:
            stage = Stage.objects.filter(pk=self.stage, pipeline=pipeline).first()
            words["stage"] = stage.name if stage else f"#{self.stage}"
        if self.kind:
            words["kind"] = str(StageKind(self.kind).label)
        if self.source:
            words["source"] = _("source: %s") % (_("none") if self.source == "none" else self.source)
        if self.reason:
            reason = LostReason.objects.filter(pk=self.reason).first() if self.reason != "none" else None
            words["reason"] = str(reason or _("no reason named"))
        if self.currency:
            words["currency"] = self.currency
        for name, amount in self.amounts.items():
            words[name] = str(AMOUNTS[name]) % num(amount)
        for name, day in self.days.items():
            words[name] = str(DAYS[name]) % babel_dates.format_date(day, "medium", locale=get_language() or "en")
        labels = {row.key: row.label for row in custom_fields(pipeline)} if self.custom else {}
        words |= {f"c.{key}": f"{labels.get(key, key)}: {value}" for key, value in self.custom.items()}
        return [(text, urlencode([pair for pair in self.pairs() if pair[0] != name])) for name, text in words.items()]


def bounds(since: date, until: date) -> tuple[datetime, datetime]:
    """From the first moment of a day to the first after another, in the current zone."""
    zone = timezone.get_current_timezone()
    return (
        datetime.combine(since, time(), zone),
        datetime.combine(until + timedelta(days=1), time(), zone),
    )


def custom_fields(pipeline: Pipeline | None) -> list[CustomField]:
    """The custom fields that items of the pipeline have; of all pipelines without one."""
    if pipeline is None:
        return list(CustomField.of_items())
    return list(machine_of(pipeline.pk, version=pipeline.machine_version).fields.values())


def judged(name: str, value: str, field: CustomField) -> None:
    """Whoever asks for a number or a day learns at once that it is none."""
    try:
        type_of(field.type).filter(f"custom__{field.key}", value)
    except ValidationError as error:
        raise BadFilter(name, error.messages[0]) from error


def read_day(name: str, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not date(1970, 1, 1) <= found <= date(2999, 12, 31):
        raise BadFilter(name, _("“%s” is no day as 2026-11-22.") % text)
    return found


def _amount(name: str, text: str) -> Decimal:
    try:
        found = amounts.read(text).value
        MONEY.check(found)
    except ValidationError as error:
        raise BadFilter(name, error.messages[0]) from error
    return found


def _currency(name: str, text: str) -> str:
    if not amounts.is_currency(text.upper()):
        raise BadFilter(name, _("“%s” is not a currency such as EUR.") % text[:20])
    return text.upper()


def read_owner(name: str, value: str) -> str:
    if value not in ("me", "none") and id_of(value) is None:
        raise BadFilter(name, _("“%s” is not a person.") % value)
    return value


def read_whole(name: str, value: str) -> int:
    found = id_of(value)
    if found is None:
        raise BadFilter(name, _("“%s” is not a whole number.") % value)
    return found


def _reason(name: str, value: str) -> str:
    return value if value == "none" else str(read_whole(name, value))


def read_one_of(name: str, value: str, known: list[str]) -> str:
    if value not in known:
        raise BadFilter(name, _("“%(value)s” is not one of: %(known)s.") % {"value": value, "known": ", ".join(known)})
    return value


# By parameter: the attribute, and what reads it. Raises BadFilter.
READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "q": ("text", lambda name, value: value[:100]),
    "owner": ("owner", read_owner),
    "age": ("age", read_whole),
    "tag": ("tag", read_whole),
    "stage": ("stage", read_whole),
    "kind": ("kind", lambda name, value: read_one_of(name, value, list(StageKind.values))),
    "source": ("source", lambda name, value: value),
    "reason": ("reason", _reason),
    "activity": ("activity", lambda name, value: read_one_of(name, value, [key for key, _label in ACTIVITIES])),
    "currency": ("currency", _currency),
    "sort": ("sort", lambda name, value: read_one_of(name, value, names_of(SORTS))),
}
