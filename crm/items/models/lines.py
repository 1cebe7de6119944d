"""What is sold: the catalogue, the lines of an item, and the arithmetic of taxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Self

from babel import numbers as babel_numbers
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground.amounts import Amount
from crm.ground.columns.decimals import MoneyField, PercentField, PriceField, QuantityField
from crm.ground.columns.search_key import SearchKeyField
from crm.ground.decimals import EXACT, MONEY
from crm.ground.folding import fold
from crm.ground.refused import Refused
from crm.ground.sentences import Sentence, said
from crm.items import customer_rights
from crm.people.models import User

HUNDRED = Decimal(100)


class TaxRate(models.Model):
    """A rate by the name that stands on papers: "23 %", "zw.", "0 % (export)"."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    percent = PercentField(_("percent"), validators=[MinValueValidator(0), MaxValueValidator(100)])
    is_default = models.BooleanField(_("of new products and lines"), default=False)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def default(cls) -> TaxRate | None:
        return cls.objects.order_by("-is_default", "order", "pk").first()


class ProductQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: User) -> Self:
        return self.all() if customer_rights.works_here(user) else self.none()

    def found(self, text: str) -> Self:
        return self.filter(search_key__contains=fold(text))


class Product(models.Model):
    name = models.CharField(_("name"), max_length=200)
    code = models.CharField(_("code"), max_length=60, blank=True)
    description = models.TextField(_("description"), blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    price = PriceField(_("price"), validators=[MinValueValidator(0)])
    cost = PriceField(
        _("cost price"), null=True, blank=True, validators=[MinValueValidator(0)],
        help_text=_("What one piece costs ourselves, without taxes. Seen with the right to profit only."),
    )  # fmt: skip
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    tax = models.ForeignKey(TaxRate, models.PROTECT, null=True, blank=True, verbose_name=_("tax rate"))
    is_active = models.BooleanField(_("sold now"), default=True)
    search_key = SearchKeyField()

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("product")
        verbose_name_plural = _("products")
        indexes = [models.Index(fields=["code"], name="product_code", condition=~models.Q(code=""))]

    def __str__(self) -> str:
        return self.name

    def folded(self) -> str:
        return fold(f"{self.name} {self.code}")


class LineItem(models.Model):
    """A line of an item. Name, price and tax are the line's own: a change of the catalogue changes no agreement."""

    item = models.ForeignKey("crm.Item", models.CASCADE, related_name="lines", verbose_name=_("item"))
    product = models.ForeignKey(
        Product, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    name = models.CharField(_("name"), max_length=200)
    quantity = QuantityField(_("quantity"), default=1)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    price = PriceField(_("price"))
    # Of a piece, in the item's currency and without taxes; none: not known, which is not the same as nothing.
    cost = PriceField(_("cost price"), null=True, blank=True, validators=[MinValueValidator(0)])
    discount = PercentField(_("discount, %"), default=0, validators=[MinValueValidator(0), MaxValueValidator(100)])
    # Off the whole line, not off each piece; beside it there is no percentage.
    discount_amount = MoneyField(_("discount as an amount"), default=Decimal(0), validators=[MinValueValidator(0)])
    # Of the rate at the time; no percent: outside the tax.
    tax_name = models.CharField(_("tax"), max_length=40, blank=True)
    tax_percent = PercentField(null=True, blank=True)
    tax_included = models.BooleanField(_("price includes the tax"), default=False)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("line")
        verbose_name_plural = _("lines")

    def __str__(self) -> str:
        return self.name

    def amount(self, currency: str) -> Decimal:
        """Quantity times price less discount, in the currency's own decimals; with the tax where it is included.

        Below zero where the quantity or the price is: goods taken back, an advance that was paid.
        """
        with localcontext(EXACT):
            full = self.quantity * self.price
            return rounded(full * (HUNDRED - self.discount) / HUNDRED - self.discount_amount, currency)

    def net(self, currency: str) -> Decimal:
        """The amount without the tax; the net of an item is that of all its lines together, which may be a cent off."""
        amount = self.amount(currency)
        if not self.tax_included or not self.tax_percent:
            return amount
        with localcontext(EXACT):
            return amount - rounded(amount * self.tax_percent / (HUNDRED + self.tax_percent), currency)

    def costs(self, currency: str) -> Decimal | None:
        """Quantity times cost price; None where that is not known."""
        if self.cost is None:
            return None
        with localcontext(EXACT):
            return rounded(self.quantity * self.cost, currency)

    def rebate(self, currency: str) -> Decimal:
        """What the discount takes off the line, in the currency's own decimals."""
        plain = LineItem(quantity=self.quantity, price=self.price)
        return plain.amount(currency) - self.amount(currency)

    def faults(self, currency: str) -> dict[str, Sentence]:
        """What no paper could print, by the name of the field; asked by every door before the line is kept."""
        if self.discount and self.discount_amount:
            return {
                "discount_amount": said("line.two_discounts", "A line has one discount: in percent or as an amount.")
            }
        with localcontext(EXACT):
            full = rounded(self.quantity * self.price, currency)
        if self.discount_amount and self.discount_amount > full:
            words = {"discount": Amount(self.discount_amount, currency), "sum": Amount(full, currency)}
            sentence = said("line.discount_too_large", "The discount of %(discount)s is more than the line's %(sum)s.")
            return {"discount_amount": sentence % words}
        if self.discount_amount != rounded(self.discount_amount, currency):
            sentence = said("line.discount_too_fine", "%(currency)s has no amounts as small as %(discount)s.")
            return {"discount_amount": sentence % {"currency": currency, "discount": str(self.discount_amount)}}
        return {}


def rounded(value: Decimal, currency: str) -> Decimal:
    """Half up, to the currency's decimals: 2 for EUR and PLN, none for VND."""
    digits = babel_numbers.get_currency_precision(currency)
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=EXACT)


@dataclass
class TaxTotal:
    """What one rate comes to."""

    name: str
    percent: Decimal | None
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)


@dataclass
class Totals:
    """Of some lines, in one currency.

    The tax is worked out once a rate on the sum of its lines, as EN 16931 (BR-CO-17) has it, not on each line: so the
    parts of an invoice add up.
    """

    currency: str
    rates: list[TaxTotal] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[LineItem], currency: str) -> Totals:
        with localcontext(EXACT):
            return cls._of(lines, currency)

    @classmethod
    def _of(cls, lines: Iterable[LineItem], currency: str) -> Totals:
        sums: dict[tuple[str, Decimal | None, bool], Decimal] = {}
        for line in lines:
            percent = None if line.tax_percent is None else Decimal(line.tax_percent).normalize()
            key = (line.tax_name, percent, line.tax_included)
            sums[key] = sums.get(key, Decimal(0)) + line.amount(currency)
        by_rate: dict[tuple[str, Decimal | None], TaxTotal] = {}
        for (name, percent, included), total in sums.items():
            rate = by_rate.setdefault((name, percent), TaxTotal(name, percent))
            share = percent or Decimal(0)
            if included:
                tax = rounded(total * share / (HUNDRED + share), currency)
                net = total - tax
            else:
                tax, net = rounded(total * share / HUNDRED, currency), total
            rate.net, rate.tax, rate.gross = rate.net + net, rate.tax + tax, rate.gross + net + tax
        return cls(currency, sorted(by_rate.values(), key=lambda rate: -(rate.percent or -1)))

    @property
    def net(self) -> Decimal:
        return sum((rate.net for rate in self.rates), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((rate.tax for rate in self.rates), Decimal(0))

    @property
    def gross(self) -> Decimal:
        return sum((rate.gross for rate in self.rates), Decimal(0))


def total_of(lines: Iterable[LineItem], currency: str) -> Decimal:
    """What the lines come to, taxes included.

    Raises Refused where a line, a tax or the whole is more than an amount may be: no paper could print it, no invoice hold it;
    where a line's discount cannot be, and where all together are less than nothing.
    """
    lines = list(lines)
    for line in lines:
        for sentence in line.faults(currency).values():
            raise Refused(said("line.fault", "“%(line)s”: %(fault)s") % {"line": line.name, "fault": sentence})
        if not MONEY.holds(line.amount(currency)):
            raise Refused(said("line.too_large", "The line “%s” comes to more than an amount may be.") % line.name)
    totals = Totals.of(lines, currency)
    if not all(MONEY.holds(part) for rate in totals.rates for part in (rate.net, rate.tax, rate.gross)):
        raise Refused(said("lines.too_large", "All lines together are more than an amount may be."))
    if not MONEY.holds(totals.gross):
        raise Refused(said("lines.too_large", "All lines together are more than an amount may be."))
    if totals.gross < 0:
        raise Refused(said("lines.below_zero", "All lines together come to less than nothing: that is a credit note."))
    return totals.gross
