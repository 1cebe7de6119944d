"""Numbers of papers: gap-free and unique, however many workers take them at once."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from crm.company.models import ZONES
from crm.ground import databases
from crm.models import OwnCompany

PLACES = {
    "YYYY": lambda number, day: f"{day:%Y}",
    "YY": lambda number, day: f"{day:%y}",
    "MM": lambda number, day: f"{day:%m}",
    "DD": lambda number, day: f"{day:%d}",
    "NUMBER": lambda number, day: number,
}
PLACE = re.compile(r"\{(\w*)\}")


class Numerator(models.Model):
    """A row of numbers, such as INV/{YYYY}/{MM}/{NUMBER}."""

    class Reset(models.TextChoices):
        NONE = "", _("never")
        YEAR = "year", _("each year")
        MONTH = "month", _("each month")
        DAY = "day", _("each day")

    name = models.CharField(_("name"), max_length=80)
    pattern = models.CharField(
        _("pattern"),
        max_length=60,
        default="{YYYY}/{MM}/{NUMBER}",
        help_text=_("{NUMBER}, and of the day: {YYYY}, {YY}, {MM}, {DD}."),
    )
    start = models.PositiveIntegerField(_("first number"), default=1)
    step = models.PositiveIntegerField(_("step"), default=1, validators=[MinValueValidator(1)])
    width = models.PositiveSmallIntegerField(
        _("digits at least"), default=1, help_text=_("Shorter numbers begin with zeros.")
    )
    reset = models.CharField(_("begins anew"), max_length=5, choices=Reset.choices, blank=True, default=Reset.YEAR)
    zone = models.CharField(
        _("time zone"), max_length=60, choices=ZONES, blank=True, help_text=_("Empty: that of the own company.")
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("numerator")
        verbose_name_plural = _("numerators")

    def __str__(self) -> str:
        return f"{self.name} ({self.pattern})"

    def clean(self) -> None:
        places = PLACE.findall(self.pattern)
        unknown = [place for place in places if place not in PLACES]
        if unknown:
            raise ValidationError({"pattern": _("There is no {%s}.") % unknown[0]})
        if places.count("NUMBER") != 1:
            raise ValidationError({"pattern": _("The pattern needs {NUMBER} exactly once.")})
        needed = {"year": {"YYYY", "YY"}, "month": {"MM"}, "day": {"DD"}}
        for reset, names in needed.items():
            # Else the second year's first number would be the first year's.
            if self._resets_within(reset) and not names & set(places):
                raise ValidationError(
                    {"pattern": _("Numbers that begin anew need {%s} in the pattern.") % sorted(names)[-1]}
                )

    def _resets_within(self, period: str) -> bool:
        order = ("year", "month", "day")
        return bool(self.reset) and order.index(period) <= order.index(self.reset)

    def local(self, now: datetime) -> datetime:
        return now.astimezone(ZoneInfo(self.zone or OwnCompany.zone()))

    def _period(self, day: datetime) -> str:
        return {"year": f"{day:%Y}", "month": f"{day:%Y-%m}", "day": f"{day:%Y-%m-%d}"}.get(self.reset, "")

    def format(self, value: int, day: datetime) -> str:
        number = str(value).zfill(self.width)
        return PLACE.sub(lambda place: PLACES[place[1]](number, day), self.pattern)

    def take(self, now: datetime) -> str:
        """The next number. Call it in the transaction that writes the paper: rolled back together, no gap is left.

        Whoever comes second waits at the counter's row until the first has committed.
        """
        day = self.local(now)
        period = self._period(day)
        rows = NumberCounter.objects.filter(numerator=self, period=period)
        if not rows.exists():
            try:
                with transaction.atomic():
                    NumberCounter.objects.create(numerator=self, period=period)
            except IntegrityError:
                pass  # somebody else has just begun this period
        counter = databases.lock(rows).get()
        counter.value = self.start if counter.value is None else counter.value + self.step
        # A pattern or period that was changed may come to numbers that stand on papers already.
        while self.papers.filter(number=self.format(counter.value, day)).exists():
            counter.value += self.step
        counter.save(update_fields=["value"])
        return self.format(counter.value, day)

    def preview(self, now: datetime) -> str:
        """What the next number would be; takes none."""
        day = self.local(now)
        last: Any = (
            NumberCounter.objects.filter(numerator=self, period=self._period(day))
            .values_list("value", flat=True)
            .first()
        )
        return self.format(self.start if last is None else last + self.step, day)


class NumberCounter(models.Model):
    """The last number taken in a period."""

    numerator = models.ForeignKey(Numerator, models.CASCADE, related_name="counters")
    period = models.CharField(max_length=10, blank=True)
    value = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("number counter")
        verbose_name_plural = _("number counters")
        constraints = [models.UniqueConstraint(fields=["numerator", "period"], name="one_counter_a_period")]

    def __str__(self) -> str:
        return f"{self.numerator_id} {self.period}: {self.value}"
