"""The list of exceptions: senders of whom nothing is taken in. One question, asked by every door; what comes is counted.

It is about what comes in; who gets no messages of ours stands in refusals (crm/messages/models/refusals.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.validators import validate_domain_name, validate_email
from django.db import models
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.company.models import OwnCompany
from crm.ground import clock, phones
from crm.ground.addresses import as_typed, one_spelling
from crm.ground.marks import LENGTH, keyed_hashes
from crm.people.models import User

MARK = "exception"
LEAST_LETTERS = 4  # of a pattern, beside its stars and marks: less would shut out strangers at large
MOST_STARS = 4
MOST_PATTERNS = 200


class Kind(models.TextChoices):
    ADDRESS = "address", _("e-mail address")
    DOMAIN = "domain", _("domain, with those below it")
    NUMBER = "number", _("phone number")
    PATTERN = "pattern", _("pattern with *, of addresses or numbers")


class SenderExceptionQuerySet(models.QuerySet["SenderException"]):
    def against(self, *, emails: Iterable[str] = (), numbers: Iterable[str] = ()) -> SenderException | None:
        """The entry that keeps one of these out, or None.

        Args:
            emails: in any spelling. numbers: E.164.
        """
        addresses = [kept for email in emails if (kept := one_spelling(email))]
        dialled = [number for number in numbers if number]
        domains = [above for one in addresses for above in _with_those_above(one.rpartition("@")[2])]
        # Of who was erased only a mark is left.
        marks = [mark for one in (*addresses, *dialled) for mark in keyed_hashes(MARK, one)]
        named = models.Q(value__in=[*addresses, *dialled, *domains, *marks]) | models.Q(kind=Kind.PATTERN)
        for entry in self.filter(named).order_by("pk"):
            if any(entry.matches(email=one) for one in addresses) or any(entry.matches(number=one) for one in dialled):
                return entry
        return None

    def turns_away(self, *, emails: Iterable[str] = (), numbers: Iterable[str] = ()) -> bool:
        """Is a sender to be kept out? Asked by every door before anything is written; it counts."""
        entry = self.against(emails=emails, numbers=numbers)
        if entry is None:
            return False
        self.filter(pk=entry.pk).update(count=F("count") + 1, last_at=clock.now())
        return True


class SenderException(models.Model):
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.ADDRESS)
    # In one spelling: crm/ground/addresses.py, or E.164.
    value = models.CharField(_("address, domain, number or pattern"), max_length=254)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    added_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", editable=False, verbose_name=_("added by")
    )
    created_at = models.DateTimeField(_("added"), default=clock.now, editable=False)
    count = models.PositiveIntegerField(_("turned away"), default=0, editable=False)
    last_at = models.DateTimeField(_("last"), null=True, blank=True, editable=False)

    objects = SenderExceptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("list of exceptions")
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="exception_once")]
        indexes = [models.Index(fields=["value"], name="exception_of_value")]

    @property
    def is_mark(self) -> bool:
        return len(self.value) == LENGTH and "@" not in self.value and not self.value.startswith("+")

    def __str__(self) -> str:
        if self.is_mark:
            return str(_("an erased customer"))
        return phones.display(self.value) if self.kind == Kind.NUMBER else self.value

    def matches(self, *, email: str = "", number: str = "") -> bool:
        """Of an address in one spelling, or a number in E.164."""
        if self.kind == Kind.PATTERN:
            return fnmatchcase(email or number, self.value)
        if self.kind == Kind.DOMAIN:
            return self.value in _with_those_above(email.rpartition("@")[2])
        told = number if self.kind == Kind.NUMBER else email
        return self.value == told or (self.is_mark and self.value in keyed_hashes(MARK, told))

    def clean(self) -> None:
        """In one spelling. Raises ValidationError for what is none, too wide, or one of ours."""
        if self.pk is not None and self.is_mark:
            return  # it is kept as it is
        try:
            self.value = _SPELLED[Kind(self.kind)](self.value)
        except ValueError as error:
            raise ValidationError({"kind": [_now("There is no such kind of exception.")]}) from error
        except ValidationError as error:
            raise ValidationError({"value": error.messages}) from error
        person = self._one_of_ours()
        if person:
            raise ValidationError({"value": [_now("That would keep out %s, who is one of ours.") % person]})
        others = type(self).objects.filter(kind=Kind.PATTERN).exclude(pk=self.pk)
        if self.kind == Kind.PATTERN and others.count() >= MOST_PATTERNS:
            raise ValidationError({"kind": [_now("There may be %d patterns at most.") % MOST_PATTERNS]})

    def _one_of_ours(self) -> str:
        """Whom of us it would keep out; a colleague's words never get lost."""
        for name, email, phone in User.objects.filter(is_active=True).values_list("name", "email", "phone"):
            if self.matches(email=one_spelling(email)) or (phone and self.matches(number=_dialled(phone))):
                return str(name)
        own = OwnCompany.first()
        if own and (
            self.matches(email=one_spelling(own.email)) or (own.phone and self.matches(number=_dialled(own.phone)))
        ):
            return str(own.name)
        return ""

    @classmethod
    def add(cls, kind: str, value: str, *, reason: str = "", by: User | None = None) -> SenderException:
        """Put it on the list, once. Raises ValidationError as `clean`."""
        entry = cls(kind=kind, value=value, reason=reason[:200], added_by=by)
        entry.clean()
        made: Any = cls.objects.get_or_create(
            kind=kind, value=entry.value, defaults={"reason": entry.reason, "added_by": by}
        )
        return made[0]


def url_to_add(user: Any, kind: str, value: str) -> str:
    """Where the person puts a sender on the list, filled in; empty where he may not, or nothing is known of the sender."""
    if not value or not user.has_perm("crm.add_senderexception"):
        return ""
    return reverse("admin:crm_senderexception_add") + "?" + urlencode({"kind": kind, "value": value})


def _with_those_above(domain: str) -> list[str]:
    """ "a.b.example" -> itself, "b.example", "example" """
    parts = domain.split(".") if domain else []
    return [".".join(parts[number:]) for number in range(len(parts))]


def _dialled(phone: str) -> str:
    """A colleague's number as numbers are kept; empty for what is none."""
    try:
        return phones.parse(phone)
    except ValidationError:
        return ""


def _address(text: str) -> str:
    kept = as_typed(text)
    validate_email(kept)
    return kept


def _domain(text: str) -> str:
    kept = one_spelling("x@" + text.strip().lstrip("@")).rpartition("@")[2]
    validate_domain_name(kept)
    return kept


def _pattern(text: str) -> str:
    kept = text.strip().lower()
    if "?" in kept or "[" in kept:
        raise ValidationError(_now("Only * is a sign of its own here."))
    if kept.count("*") > MOST_STARS or len(re.sub(r"[^\w]", "", kept)) < LEAST_LETTERS:
        words = _now("A pattern needs at least %(least)d letters or digits, and %(most)d stars at most.")
        raise ValidationError(words % {"least": LEAST_LETTERS, "most": MOST_STARS})
    return kept


_SPELLED = {Kind.ADDRESS: _address, Kind.DOMAIN: _domain, Kind.NUMBER: phones.parse, Kind.PATTERN: _pattern}
