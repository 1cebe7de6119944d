"""From a bank's file to payments: its columns found by their names, its lines matched by number, amount and payer."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from crm.fields import Cells
from crm.fields.priced import Priced
from crm.ground import databases, dates
from crm.ground.amounts import currency_of
from crm.ground.folding import fold
from crm.ground.sentences import said
from crm.importing import reading
from crm.models import Item, OwnCompany, Refused, User
from documents.models import Document, Payment, Statement, StatementLine
from documents.models.balances import Balance
from documents.models.templates import Kind

_AMOUNT, _CELLS = Priced(), Cells(dates.DAY_FIRST)
# How banks of our languages head their columns, folded; the first that fits wins.
HEADS: dict[str, tuple[str, ...]] = {
    "paid_on": (
        "data ksiegowania", "data operacji", "data transakcji", "date comptable", "date operation", "date de l operation",
        "booking date", "transaction date", "completed date", "value date", "data waluty", "ngay giao dich",
        "ngay hach toan", "date", "data", "ngay",
    ),
    "amount": ("kwota operacji", "kwota transakcji", "kwota", "montant", "amount", "so tien", "kwota w walucie rachunku"),
    "credit": ("uznania", "credit", "wplyw", "wplywy", "paid in", "money in", "ghi co", "so tien ghi co", "phat sinh co"),
    "debit": ("obciazenia", "debit", "wyplyw", "paid out", "money out", "ghi no", "so tien ghi no", "phat sinh no"),
    "currency": ("waluta", "currency", "devise", "loai tien", "tien te", "waluta operacji"),
    "text": (
        "tytul", "tytul operacji", "tytul przelewu", "opis operacji", "opis", "opis transakcji", "libelle", "motif",
        "communication", "reference", "details", "description", "dien giai", "noi dung", "noi dung giao dich",
    ),
    "payer": (
        "nadawca odbiorca", "dane kontrahenta", "kontrahent", "nadawca", "nazwa nadawcy", "contrepartie", "emetteur",
        "tiers", "counterparty", "payer", "name", "sender", "nguoi chuyen", "ten nguoi chuyen", "don vi thu huong",
    ),
}  # fmt: skip

# Parts of a head that say which way the money went, folded.
COMES = ("uznan", "credit", "wplyw", "wplat", "ghi co", "phat sinh co", "paid in", "money in")
GOES = ("obciaz", "debit", "wyplyw", "wyplat", "ghi no", "phat sinh no", "paid out", "money out")

T = TypeVar("T")

MOST_REMARKS = 60
STATEMENT_LOCK = 4223  # the advisory lock under which lines are written


class CannotTake(Exception):
    """The file is no statement that can be read; the sentence says why and where."""


@dataclass
class Taken:
    statement: Statement
    fresh: int
    known: int
    faults: list[str] = field(default_factory=list)


def take_in(content: bytes, name: str, by: User, encoding: str = "") -> Taken:
    """Read a statement, keep its lines that bring money and are not known, and match them.

    Args:
        content: CSV in any usual encoding, XLSX, XLS or ODS.
    Raises CannotTake.
    """
    try:
        table = reading.read(content, encoding)
    except reading.CannotRead as error:
        raise CannotTake(str(error)) from error
    columns, first = _head(table)
    rows, faults = _rows(table.rows[first:], columns, first + 2)
    if not rows and faults:
        raise CannotTake(faults[0])
    return _keep(rows, faults, name, by)


def _bare(head: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(head)).split())


def _head(table: reading.Table) -> tuple[dict[str, int], int]:
    """The columns, and how many rows stand above the first line; banks begin with remarks. Raises CannotTake."""
    for place, line in enumerate([table.headers, *table.rows[:MOST_REMARKS]]):
        try:
            return _columns(line), place
        except CannotTake:
            continue
    return _columns(table.headers), 0


def _columns(headers: list[str]) -> dict[str, int]:
    bare = [_bare(head) for head in headers]
    found: dict[str, int] = {}
    for column, names in HEADS.items():
        place = next((bare.index(name) for name in names if name in bare), None)
        if place is not None:
            found[column] = place
    # "Kwota uznania", "Montant (débit)": an amount of one way only, never the amount.
    ways = [_way(head) for head in bare]
    for column in ("credit", "debit"):
        if column not in found and column in ways:
            found[column] = ways.index(column)
    for column, names in HEADS.items():
        if column not in found:
            # "Kwota [PLN]", "#Data operacji (księgowa)": what begins so, but is no other column's own name.
            starts = (n for name in names for n, head in enumerate(bare) if head.startswith(f"{name} "))
            place = next((n for n in starts if n not in found.values() and not ways[n]), None)
            if place is not None:
                found[column] = place
    if "credit" in found and "debit" in found:
        found.pop("amount", None)  # without a sign, or a balance
    missing = [word for column, word in (("paid_on", _("date")), ("amount", _("amount"))) if column not in found]
    if "credit" in found and _("amount") in missing:
        missing.remove(_("amount"))
    if missing:
        words = {"missing": ", ".join(missing), "headers": ", ".join(headers)[:200]}
        raise CannotTake(_("No column for: %(missing)s. The file has: %(headers)s.") % words)
    return found


def _way(head: str) -> str:
    comes, goes = (any(part in head for part in parts) for parts in (COMES, GOES))
    return "" if comes == goes else "credit" if comes else "debit"


@dataclass(frozen=True)
class Row:
    paid_on: date
    amount: Decimal
    currency: str
    payer: str
    text: str


def _rows(lines: list[list[str]], columns: dict[str, int], first: int) -> tuple[list[Row], list[str]]:
    """Lines that bring money; a line that cannot be read is told and left out."""
    own = OwnCompany.first()
    currency = own.currency if own else "EUR"
    order = dates.order_of(line[columns["paid_on"]] for line in lines if len(line) > columns["paid_on"])
    day = partial(dates.read_day, order=order or dates.DAY_FIRST)
    rows, faults = [], []
    for number, line in enumerate(lines, first):
        try:
            row = _row(line, columns, currency, day)
        except (ValidationError, ValueError) as error:
            words = error.messages[0] if isinstance(error, ValidationError) else str(error)
            faults.append(_("Line %(number)d: %(fault)s") % {"number": number, "fault": words})
            continue
        if row is not None:
            rows.append(row)
    return rows, faults[:50]


def _row(line: list[str], columns: dict[str, int], currency: str, day: Callable[[str], date]) -> Row | None:
    def cell(name: str) -> str:
        place = columns.get(name, -1)
        return line[place].strip() if 0 <= place < len(line) else ""

    if not cell("paid_on"):
        return None  # sums and remarks at the end
    if "amount" in columns:
        amount = _amount(cell("amount"))
    else:
        amount = _amount(cell("credit")) - abs(_amount(cell("debit")))
    if amount <= 0:
        return None
    return Row(
        day(cell("paid_on")),
        amount,
        _currency(cell("currency"), cell("amount") or cell("credit"), currency),
        cell("payer")[:200],
        cell("text")[:500],
    )


def _currency(named: str, amount: str, usual: str) -> str:
    """The column's, else the one that stands beside the amount, else the company's. Raises ValidationError."""
    if not named.strip():
        return _AMOUNT.cell(amount, _CELLS).currency or usual if amount.strip(" -–—") else usual
    found = currency_of(named)
    if not found:
        raise ValidationError(_("“%s” is not a currency such as EUR.") % named[:20])
    return found


def _amount(cell: str) -> Decimal:
    """Nothing for an empty cell or a dash."""
    return _AMOUNT.cell(cell, _CELLS).value if cell.strip(" -–—") else Decimal(0)


def _keep(rows: list[Row], faults: list[str], name: str, by: User) -> Taken:
    """Matched before the transaction, which on SQLite holds everybody else's writing."""
    marks = _marks(rows)
    fresh = _unknown(marks)
    matcher = Matcher(by)
    found = {mark: (row, *matcher.find(row)) for mark, row in zip(marks, rows, strict=True) if mark in fresh}

    def work() -> Taken:
        databases.advisory_lock(STATEMENT_LOCK)  # the same file sent twice at once
        statement = Statement.objects.create(name=name[:200], author=by)
        still = _unknown(list(found))
        lines = [
            StatementLine(
                statement=statement,
                mark=mark,
                paid_on=row.paid_on,
                amount=row.amount,
                currency=row.currency,
                payer=row.payer,
                text=row.text,
                match=match,
                invoice_id=invoice,
            )
            for mark, (row, match, invoice) in found.items()
            if mark in still
        ]
        StatementLine.objects.bulk_create(lines)
        # Lines that a colleague read and nobody has booked: who has the file sees what is in it.
        waiting = StatementLine.objects.filter(payment=None, dismissed=False).exclude(statement__author=by)
        for start in range(0, len(marks), 500):
            waiting.filter(mark__in=marks[start : start + 500]).update(statement=statement)
        return Taken(statement, len(lines), len(rows) - len(lines), faults)

    return databases.persistently(work)


def _unknown(marks: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(marks), 500):
        rows = StatementLine.objects.filter(mark__in=marks[start : start + 500])
        known |= set(rows.values_list("mark", flat=True))
    return set(marks) - known


def _marks(rows: Iterable[Row]) -> list[str]:
    """What a line says, and the how manieth it is that says so: two equal payments of a day are two."""
    seen: Counter[str] = Counter()
    marks = []
    for row in rows:
        said = f"{row.paid_on}|{row.amount.normalize()}|{row.currency}|{fold(row.payer)}|{fold(row.text)}"
        seen[said] += 1
        marks.append(hashlib.sha256(f"{said}|{seen[said]}".encode()).hexdigest())
    return marks


@dataclass(frozen=True)
class Open:
    """An invoice that is still to be paid, as far as matching asks."""

    pk: int
    amount: Decimal
    currency: str
    numbers: tuple[str, ...]
    names: tuple[str, ...]


class Matcher:
    """Invoices that the person may edit."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.open = [invoice for invoice in _open_invoices(user) if invoice.amount > 0]
        self.by_number = _by_number((number, invoice) for invoice in self.open for number in invoice.numbers)
        self.by_amount: dict[tuple[Decimal, str], list[Open]] = {}
        for invoice in self.open:
            self.by_amount.setdefault((invoice.amount, invoice.currency), []).append(invoice)

    @cached_property
    def paid(self) -> dict[str, set[int]]:
        """Ids of paid invoices by number. Asked only when a line fits no open one."""
        items = _invoices(self.user).filter(stage=models.F("pipeline__invoice_flow__paid"))
        return _by_number((number, pk) for pk, numbers in _numbers(items).items() for number in numbers)

    def find(self, row: Row) -> tuple[str, int | None]:
        """(how it was found, the invoice's id). More than one that fits equally is none."""
        named = [invoice for invoice in _named(self.by_number, row.text) if invoice.currency == row.currency]
        if len(named) == 1:
            exact = named[0].amount == row.amount
            return (StatementLine.Match.SURE if exact else StatementLine.Match.NUMBER), named[0].pk
        payer = _words(row.payer)
        same = self.by_amount.get((row.amount, row.currency), [])
        known = [inv for inv in same if any(words and words <= payer for words in map(_words, inv.names))]
        if len(known) == 1:
            return StatementLine.Match.PAYER, known[0].pk
        paid = [] if named else _named(self.paid, row.text)
        return (StatementLine.Match.PAID, paid[0]) if len(paid) == 1 else (StatementLine.Match.NONE, None)


def _by_number(pairs: Iterable[tuple[str, T]]) -> dict[str, set[T]]:
    found: dict[str, set[T]] = {}
    for number, what in pairs:
        found.setdefault(number, set()).add(what)
    return found


def _named(by_number: dict[str, set[T]], raw: str) -> list[T]:
    """What the text names by number, however it is spaced, and not as a part of a longer row of digits. "INV/2026/1"
    stands within "INV/2026/12": the longest number is meant. Costs by the text's length, not by how many there are."""
    text, said = _letters(raw), fold(raw)
    for length in sorted({len(number) for number in by_number}, reverse=True):
        parts = {text[start : start + length] for start in range(len(text) - length + 1)}
        named = {what for part in parts & by_number.keys() if _stands(part, said) for what in by_number[part]}
        if named:
            return list(named)
    return []


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", fold(text))


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z0-9]+", fold(text)) if len(word) > 1)


def _stands(number: str, said: str) -> bool:
    loose = r"[^a-z0-9]*".join(map(re.escape, number))
    return re.search(rf"(?<![0-9]){loose}(?![0-9])", said) is not None


def _invoices(user: User) -> models.QuerySet[Item]:
    return Item.objects.alive().reached_by(user, "edit").filter(pipeline__invoice_flow__isnull=False)


def _numbers(items: models.QuerySet[Item]) -> dict[int, list[str]]:
    """By invoice: its numbers, bare; one of two letters would be found everywhere."""
    numbers: dict[int, list[str]] = {}
    papers = Document.objects.filter(item__in=items.values("pk"), kind=Kind.INVOICE)
    for item_id, number in papers.exclude(status=Document.Status.VOID).values_list("item", "number"):
        bare = _letters(number)
        numbers.setdefault(item_id, []).extend([bare] if len(bare) > 2 else [])
    return numbers


def _open_invoices(user: User) -> list[Open]:
    items = _invoices(user).exclude(stage=models.F("pipeline__invoice_flow__void"))
    items = items.exclude(stage=models.F("pipeline__invoice_flow__paid"))
    rows = list(items.select_related("contact", "company"))
    numbers, balances = _numbers(items), Balance.of_many(rows)
    return [
        Open(
            row.pk,
            balances[row.pk].open,
            row.currency,
            tuple(numbers.get(row.pk, [])),
            tuple(filter(None, [row.contact.name if row.contact else "", row.company.name if row.company else ""])),
        )
        for row in rows
    ]


def book(line: StatementLine, invoice: Item, by: User) -> Payment | None:
    """The line's money for the invoice; None for a line that is booked already. Raises Refused, Forbidden."""

    def work() -> Any:
        fresh = databases.lock(StatementLine.objects.filter(pk=line.pk)).get()
        if fresh.payment_id is not None:
            return None
        payment = Payment.book(
            invoice,
            fresh.amount,
            currency=fresh.currency,
            paid_on=fresh.paid_on,
            method=Payment.Method.TRANSFER,
            reference=" ".join(filter(None, [fresh.payer, fresh.text]))[:140],
            by=by,
            provider_key=f"statement:{fresh.mark}",
        )
        if payment is None:
            raise Refused(said("statement.booked", "This line has been booked already."))
        StatementLine.objects.filter(pk=fresh.pk).update(payment=payment, invoice=invoice, dismissed=False)
        return payment

    done: Payment | None = databases.persistently(work)
    return done
