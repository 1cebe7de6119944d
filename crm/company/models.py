"""The own company, departments, working calendars, the switches of the whole system."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import phonenumbers
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.company import calendars
from crm.ground.amounts import check_currency
from crm.ground.columns.moments import DayField

if TYPE_CHECKING:
    from crm.people.models import User

ZONES = [(zone, zone) for zone in calendars.zones()]
WEEKDAYS = [
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
]


class WorkingCalendar(models.Model):
    name = models.CharField(_("name"), max_length=80)
    zone = models.CharField(_("time zone"), max_length=60, choices=ZONES, default="UTC")
    country = models.CharField(
        _("country of public holidays"),
        max_length=2,
        blank=True,
        help_text=_("Two letters, such as PL; empty for none."),
    )

    class Meta:
        verbose_name = _("working calendar")
        verbose_name_plural = _("working calendars")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.country = self.country.upper()
        if self.country and not calendars.has_holidays(self.country):
            raise ValidationError({"country": _("Public holidays of this country are not known.")})

    def working_time(self) -> calendars.WorkingTime:
        """The calendar as plain data for the arithmetic."""
        hours: dict[int, list[tuple[int, int]]] = {}
        for row in self.hours.all():
            hours.setdefault(row.weekday, []).append(row.minutes())
        exceptions = {row.day: row.minutes() for row in self.exceptions.all()}
        return calendars.WorkingTime(
            zone=self.zone,
            hours={day: tuple(sorted(spans)) for day, spans in hours.items()},
            country=self.country,
            exceptions=exceptions,
        )


class CalendarHours(models.Model):
    """One opening span of a weekday; two rows make a lunch break."""

    calendar = models.ForeignKey(
        WorkingCalendar, models.CASCADE, related_name="hours", verbose_name=_("working calendar")
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=WEEKDAYS)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        constraints = [
            models.CheckConstraint(condition=models.Q(closes__gt=models.F("opens")), name="hours_close_after_open")
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"

    def minutes(self) -> tuple[int, int]:
        return calendars.minutes_of(self.opens), calendars.minutes_of(self.closes)


class CalendarException(models.Model):
    """A day that differs: a company holiday (no hours), or a working Saturday (with hours)."""

    calendar = models.ForeignKey(
        WorkingCalendar, models.CASCADE, related_name="exceptions", verbose_name=_("working calendar")
    )
    day = DayField(_("day"))
    name = models.CharField(_("name"), max_length=80, blank=True)
    opens = models.TimeField(_("opens"), null=True, blank=True, help_text=_("Empty: closed all day."))
    closes = models.TimeField(_("closes"), null=True, blank=True)

    class Meta:
        ordering = ["day"]
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], name="one_exception_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"

    def clean(self) -> None:
        if (self.opens is None) != (self.closes is None):
            raise ValidationError(_("Give both times, or none for a closed day."))
        if self.opens and self.closes and self.closes <= self.opens:
            raise ValidationError({"closes": _("Closing comes after opening.")})

    def minutes(self) -> tuple[tuple[int, int], ...]:
        if self.opens is None or self.closes is None:
            return ()
        return ((calendars.minutes_of(self.opens), calendars.minutes_of(self.closes)),)


def random_place(_company: Any, _name: str) -> str:
    """Nothing of the uploaded name reaches the disk."""
    return f"company/{uuid.uuid4().hex}"


def countries_in(text: str) -> list[str]:
    """Country codes as they are typed: "pl, DE" is PL and DE."""
    return re.findall(r"[A-Z]+", text.upper())


def check_countries(text: str) -> None:
    for code in countries_in(text):
        if code not in phonenumbers.SUPPORTED_REGIONS:
            raise ValidationError(_("“%(value)s” is no code of a country."), params={"value": code[:20]})


class OwnCompany(models.Model):
    """Of ours: who customers deal with."""

    name = models.CharField(_("name"), max_length=120)
    calendar = models.ForeignKey(WorkingCalendar, models.PROTECT, verbose_name=_("working calendar"))
    currency = models.CharField(_("base currency"), max_length=3, default="EUR", validators=[check_currency])
    country = models.CharField(_("country"), max_length=2, default="GB", help_text=_("Local phone numbers are of it."))
    # Anybody may send a form with anybody's number, also with one that costs us two euros each.
    sms_countries = models.CharField(
        _("SMS to numbers from web forms"),
        max_length=200,
        blank=True,
        validators=[check_countries],
        help_text=_(
            "Codes of countries, as PL DE FR. A number that came in by a public form gets SMS only if it is of one of them,"
            " until a colleague has confirmed it or it has answered. Empty: none does."
        ),
    )
    language = models.CharField(_("language"), max_length=5, default="en")
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    address = models.TextField(_("address"), blank=True)
    website = models.CharField(_("website"), max_length=200, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    registration = models.CharField(
        _("registration"), max_length=200, blank=True, help_text=_("Court, register and number, as papers name them.")
    )
    bank = models.CharField(_("bank"), max_length=120, blank=True)
    account = models.CharField(_("bank account"), max_length=60, blank=True, help_text=_("IBAN, where there is one."))
    bic = models.CharField(_("BIC of the bank"), max_length=20, blank=True)
    prices_include_tax = models.BooleanField(_("prices include the tax"), default=False)
    logo = models.FileField(_("logo"), upload_to=random_place, blank=True)
    stamp = models.FileField(_("stamp"), upload_to=random_place, blank=True)
    signature = models.FileField(_("signature"), upload_to=random_place, blank=True)

    class Meta:
        verbose_name = _("own company")
        verbose_name_plural = _("own companies")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        caches["near"].delete("rates")  # which currency is the base

    @classmethod
    def texts_to_strangers_in(cls, country: str) -> bool:
        """Whether a number that nobody has confirmed gets SMS there."""
        own = cls.first()
        return own is not None and country in countries_in(own.sms_countries)

    @classmethod
    def first(cls) -> OwnCompany | None:
        return cls.objects.select_related("calendar").order_by("pk").first()

    @classmethod
    def home_country(cls) -> str:
        """Whose phone numbers are written without a prefix here: its ISO code, or empty."""
        own = cls.first()
        return own.country if own else ""

    @classmethod
    def zone(cls) -> str:
        """Where the company is: a paper's day is of this time zone."""
        own = cls.first()
        return own.calendar.zone if own else "UTC"


class Department(models.Model):
    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, verbose_name=_("parent"))
    head = models.ForeignKey(
        "crm.User", models.SET_NULL, null=True, blank=True, related_name="heads", verbose_name=_("head")
    )
    deputy = models.ForeignKey(
        "crm.User", models.SET_NULL, null=True, blank=True, related_name="deputises", verbose_name=_("deputy")
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("department")
        verbose_name_plural = _("departments")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        above, seen = self.parent, set()
        while above is not None and above.pk not in seen:
            if above.pk == self.pk:
                raise ValidationError({"parent": _("A department cannot stand below itself.")})
            seen.add(above.pk)
            above = above.parent

    def answers_for(self) -> list[User]:
        """Head, then deputy, those who are there."""
        return [person for person in (self.head, self.deputy) if person is not None]


class SystemSwitches(models.Model):
    """One row: switches that every process reads at the claim."""

    automation_paused = models.BooleanField(
        _("automation paused"),
        default=False,
        help_text=_("Rules, timers and everything that leaves the house wait; forms are still taken in."),
    )

    class SecondFactor(models.TextChoices):
        NOBODY = "", _("nobody")
        ADMINISTRATORS = "administrators", _("who may open the administration")
        EVERYBODY = "everybody", _("everybody")

    # Mail servers in use before inside ones had to be listed: an upgrade stops nobody's mail.
    mail_hosts_kept = models.JSONField(default=list, blank=True, editable=False)
    second_factor = models.CharField(
        _("second factor is asked of"),
        max_length=20,
        choices=SecondFactor.choices,
        blank=True,
        default="",
        help_text=_("They set up an authenticator app or a security key before they go on working."),
    )

    paper_years = models.PositiveSmallIntegerField(
        _("issued papers are kept for, years"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Of erased customers too: so long the law wants invoices and payments kept; then they are erased."),
    )

    class Meta:
        verbose_name = _("system switches")
        verbose_name_plural = _("system switches")

    def __str__(self) -> str:
        return str(_("System switches"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        caches["near"].delete("second_factor")

    @classmethod
    def second_factor_asked(cls) -> str:
        """Of whom; asked on every page, so each process remembers the answer for ten seconds."""
        asked: str | None = caches["near"].get("second_factor")
        if asked is None:
            asked = cls.objects.values_list("second_factor", flat=True).first() or ""
            caches["near"].set("second_factor", asked, 10)
        return asked

    @classmethod
    def mail_hosts(cls) -> list[str]:
        """Names of mail servers that may be within the own network without being listed (safe_http.check_host)."""
        return list(cls.objects.values_list("mail_hosts_kept", flat=True).first() or [])

    @classmethod
    def years_of_papers(cls) -> int:
        return cls.objects.values_list("paper_years", flat=True).first() or 10

    @classmethod
    def paused(cls) -> bool:
        return bool(cls.objects.values_list("automation_paused", flat=True).first())
