"""One filter for the lists of contacts and companies and their exports: read from the address, written back to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from babel import dates as babel_dates
from django.db.models import Count, Exists, F, OuterRef, Q
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.fields import type_of
from crm.ground.folding import fold
from crm.ground.ids import id_of
from crm.ground.sorting import Sorts, names_of, order_of
from crm.items.filters import BadFilter, bounds, judged, read_day, read_one_of, read_owner, read_whole
from crm.items.models.items import Item
from crm.people.models import Company, Contact, Tag, User
from crm.people.reach import ContactEmail, ContactPhone
from crm.pipelines.custom_fields import CustomField

NEWEST: tuple[Any, tuple[Any, ...]] = (lazy("newest"), ("-created_at", "-pk"))
NAME: tuple[Any, tuple[Any, ...]] = (lazy("name"), ("search_key", "pk"))
OWNER: tuple[Any, tuple[Any, ...]] = (lazy("owner"), (F("owner__name").asc(nulls_last=True), "search_key"))
CARDS: tuple[Any, tuple[Any, ...]] = (lazy("open cards"), ("-open_cards", "search_key"))
SORTS: dict[type, Sorts] = {
    Contact: {
        "": NAME,
        "name": NAME,
        "company": (lazy("company"), (F("company__search_key").asc(nulls_last=True), "search_key")),
        "language": (lazy("language"), ("language", "search_key")),
        "owner": OWNER,
        "cards": CARDS,
        "newest": NEWEST,
    },
    Company: {
        "": NAME,
        "name": NAME,
        "tax_number": (lazy("tax number"), ("tax_number", "search_key")),
        "owner": OWNER,
        "cards": CARDS,
        "newest": NEWEST,
    },
}
FALLING = ("cards", "newest")
DAYS = {"created_from": lazy("created from %s"), "created_to": lazy("created until %s")}
WITH = {"email": lazy("with an e-mail address"), "phone": lazy("with a phone"), "cards": lazy("with open cards")}
WITHOUT = {
    "email": lazy("without an e-mail address"),
    "phone": lazy("without a phone"),
    "cards": lazy("without open cards"),
}
OWN = frozenset({"page", "panel"})


@dataclass(frozen=True)
class CustomerFilter:
    """What a person asked to see of contacts or companies.

    Args:
        model: Contact or Company.
        text: part of the name, of an address, or digits of a number.
        owner: "me", "none" or a user's id. tag: a tag's id. language: as kept; contacts only.
        company: part of its name; contacts only. tax_number, address: parts; companies only.
        has: "yes" or "no" by what is asked for: email, phone, cards (open ones).
        days: created_from, created_to, both included.
        custom: values of custom fields by key; types: what those fields hold.
        sort: a key of SORTS, with a minus the other way round.
    """

    model: type
    text: str = ""
    owner: str = ""
    tag: int | None = None
    language: str = ""
    company: str = ""
    tax_number: str = ""
    address: str = ""
    has: dict[str, str] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    sort: str = ""

    @classmethod
    def read(cls, query: QueryDict, model: type, own: Iterable[str] = OWN) -> CustomerFilter:
        """From an address. Empty values do not count. Raises BadFilter for anything unknown."""
        values: dict[str, Any] = {}
        has: dict[str, str] = {}
        days: dict[str, date] = {}
        custom: dict[str, str] = {}
        known = {row.key: row for row in fields_of(model)} if any(name.startswith("c.") for name in query) else {}
        texts = ("company", "language") if model is Contact else ("tax_number", "address")
        for name in query:
            value = query.get(name, "").strip()[:200]
            if name in own or not value:
                continue
            if name == "q":
                values["text"] = value[:100]
            elif name in texts:
                values[name] = value
            elif name == "owner":
                values["owner"] = read_owner(name, value)
            elif name == "tag":
                values["tag"] = read_whole(name, value)
            elif name == "sort":
                values["sort"] = read_one_of(name, value, names_of(SORTS[model]))
            elif name.removeprefix("has_") in WITH:
                has[name.removeprefix("has_")] = read_one_of(name, value, ["yes", "no"])
            elif name in DAYS:
                days[name] = read_day(name, value)
            elif name.startswith("c.") and name[2:] in known:
                custom[name[2:]] = value
                judged(name, value, known[name[2:]])
            else:
                raise BadFilter(name, _("There is no filter “%s”.") % name)
        types = {key: known[key].type for key in custom}
        return cls(model, **values, has=has, days=days, custom=custom, types=types)

    def apply(self, rows: Any, user: User) -> Any:
        """Narrow a queryset of contacts or companies, and put it in order. `user` is who "me" means."""
        if self.text:
            rows = rows.found(self.text)
        if self.owner:
            who = user.pk if self.owner == "me" else None if self.owner == "none" else int(self.owner)
            rows = rows.filter(owner=who) if who else rows.filter(owner__isnull=True)
        if self.tag is not None:
            rows = rows.filter(tags=self.tag)
        if self.language:
            rows = rows.filter(language=self.language)
        if self.company:
            rows = rows.filter(company__search_key__contains=fold(self.company))
        for name in ("tax_number", "address"):
            if getattr(self, name):
                rows = rows.filter(_containing(name, getattr(self, name)))
        for name, wanted in self.has.items():
            condition = self._having(name, user)
            rows = rows.filter(condition if wanted == "yes" else ~condition)
        for name, day in self.days.items():
            start, end = bounds(day, day)
            rows = rows.filter(**({"created_at__gte": start} if name == "created_from" else {"created_at__lt": end}))
        for key, value in self.custom.items():
            rows = rows.filter(type_of(self.types.get(key, "text")).filter(f"custom__{key}", value))
        if self.sort.removeprefix("-") == "cards":
            seen = Item.objects.visible_to(user).open().values("pk")
            rows = rows.annotate(open_cards=Count("items", filter=Q(items__in=seen)))
        return rows.order_by(*order_of(SORTS[self.model], self.sort))

    def _having(self, name: str, user: User) -> Any:
        if name == "cards":
            link = "contact" if self.model is Contact else "company"
            return Q(Exists(Item.objects.visible_to(user).open().filter(**{link: OuterRef("pk")})))
        if self.model is Company:
            return ~Q(**{name: ""})
        table = ContactEmail if name == "email" else ContactPhone
        return Q(Exists(table.objects.filter(contact=OuterRef("pk"))))

    @property
    def narrows(self) -> bool:
        return any(name != "sort" for name, _value in self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        plain = [("q", self.text), ("owner", self.owner), ("language", self.language), ("company", self.company)]
        plain += [("tax_number", self.tax_number), ("address", self.address), ("sort", self.sort)]
        plain += [("tag", "" if self.tag is None else str(self.tag))]
        plain += [(f"has_{name}", self.has.get(name, "")) for name in WITH]
        plain += [(name, self.days[name].isoformat()) for name in DAYS if name in self.days]
        plain += [(f"c.{key}", value) for key, value in sorted(self.custom.items())]
        return [(name, value) for name, value in plain if value]

    @cached_property
    def query(self) -> str:
        return urlencode(self.pairs())

    def chips(self) -> list[tuple[str, str]]:
        """What is filtered, in words, each with the query that is left without it."""
        words: dict[str, str] = {}
        if self.owner:
            whose = User.objects.filter(pk=id_of(self.owner) or 0).first()
            words["owner"] = str(whose or (_("mine") if self.owner == "me" else _("without owner")))
        if self.tag is not None:
            tag = Tag.objects.filter(pk=self.tag).first()
            words["tag"] = f"#{tag.name if tag else self.tag}"
        for attribute in ("company", "tax_number", "address", "language"):
            if getattr(self, attribute):
                model: Any = self.model
                label = model._meta.get_field(attribute).verbose_name
                words[attribute] = f"{label}: {getattr(self, attribute)}"
        for attribute, wanted in self.has.items():
            words[f"has_{attribute}"] = str((WITH if wanted == "yes" else WITHOUT)[attribute])
        for attribute, day in self.days.items():
            shown = babel_dates.format_date(day, "medium", locale=get_language() or "en")
            words[attribute] = str(DAYS[attribute]) % shown
        labels = {row.key: row.label for row in fields_of(self.model)} if self.custom else {}
        words |= {f"c.{key}": f"{labels.get(key, key)}: {value}" for key, value in self.custom.items()}
        return [(text, urlencode([pair for pair in self.pairs() if pair[0] != name])) for name, text in words.items()]


def _containing(column: str, text: str) -> Q:
    """SQLite compares capitals of plain letters only: the usual ways to write a word are asked for each."""
    found = Q()
    for written in {text, text.lower(), text.capitalize(), text.title(), text.upper()}:
        found |= Q(**{f"{column}__icontains": written})
    return found


def fields_of(model: type) -> list[CustomField]:
    target = CustomField.Target.CONTACT if model is Contact else CustomField.Target.COMPANY
    return list(CustomField.objects.filter(target=target).order_by("order", "pk"))
