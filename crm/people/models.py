"""Users and who supervises them; contacts, companies, tags."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.company.models import ZONES, Department
from crm.ground import clock, phones
from crm.ground.addresses import one_spelling
from crm.ground.columns.moments import MomentField
from crm.ground.columns.search_key import SearchKeyField
from crm.ground.columns.words import WordsField
from crm.ground.folding import fold
from crm.people.reach import ContactEmail, ContactPhone
from crm.people.recognising import addressed, recognise


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="en")
    zone = models.CharField(_("time zone"), max_length=60, choices=ZONES, default="UTC")
    department = models.ForeignKey(
        Department, models.SET_NULL, null=True, blank=True, related_name="people", verbose_name=_("department")
    )
    absent_from = MomentField(_("absent from"), null=True, blank=True)
    absent_until = MomentField(_("absent until"), null=True, blank=True)
    # By kind of notice: {"bell": bool, "mail": bool}; what is not named rings the bell.
    notices = models.JSONField(default=dict, blank=True, editable=False)
    digest = models.BooleanField(_("mail in the morning"), default=False)
    digest_on = models.DateField(null=True, blank=True, editable=False)
    # The secret in the address of the person's calendar feed; empty: there is none.
    feed_token = models.CharField(max_length=60, unique=True, null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the administration"), default=False)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name"]
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.strip().lower()  # the login looks for it so
        super().save(*args, **kwargs)

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name else self.email

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    def is_absent(self, now: datetime | None = None) -> bool:
        now = now or clock.now()
        if self.absent_from is None:
            return self.absent_until is not None and now < self.absent_until  # "until Monday" begins now
        return self.absent_from <= now and (self.absent_until is None or now < self.absent_until)

    def hears(self, kind: str, how: str) -> bool:
        """Whether notices of a kind come by "bell" or "mail"."""
        return bool(self.notices.get(kind, {}).get(how, how == "bell"))

    def is_there(self) -> bool:
        return self.is_active and not self.is_absent()


def administrators() -> list[User]:
    return list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"))


def supervisors_of(user: User | None) -> list[User]:
    """Who supervises: never nobody.

    The department's head; if that is the user, absent or missing, the deputy; then the parent department's;
    then all administrators.
    """
    department = user.department if user else None
    seen: set[int] = set()
    while department is not None and department.pk not in seen:
        seen.add(department.pk)
        for person in department.answers_for():
            if person.is_there() and (user is None or person.pk != user.pk):
                return [person]
        department = department.parent
    others = [person for person in administrators() if user is None or person.pk != user.pk]
    return others or administrators()


class Tag(models.Model):
    name = models.CharField(_("name"), max_length=50, unique=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("tag")
        verbose_name_plural = _("tags")

    def __str__(self) -> str:
        return self.name


class CustomerQuerySet(models.QuerySet[Any]):
    """Contacts or companies, by the rights of who asks (crm/items/customer_rights.py)."""

    def visible_to(self, user: User) -> Self:
        return self.open_to(user, "view")

    def open_to(self, user: User, action: str) -> Self:
        """With which the user may do it: view, edit, merge, delete or export."""
        return self.filter(self._reach(user, action))

    def choosable_by(self, user: User, present: int | None) -> Self:
        """For a card's field: those that the person sees, and the one that stands there (id), seen or not."""
        seen = self._reach(user, "view")
        if not seen:
            return self.all()
        return self.filter(seen | Q(pk=present or 0))

    def _reach(self, user: User, action: str) -> Q:
        """Rooms above know which cards lead to whom; an empty condition: all."""
        found = Q()
        for reach in slots.customer_reach:
            found &= reach(user, action, str(self.model._meta.model_name))
        return found

    def found(self, text: str) -> Self:
        return self.filter(search_key__contains=fold(text))


class Company(models.Model):
    name = models.CharField(_("name"), max_length=200)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    address = models.TextField(_("address"), blank=True)
    owner = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner"))
    tags = models.ManyToManyField(Tag, blank=True, verbose_name=_("tags"))
    custom = models.JSONField(_("custom fields"), default=dict, blank=True)
    search_key = SearchKeyField(db_index=True)
    words = WordsField()
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("company")
        verbose_name_plural = _("companies")

    def __str__(self) -> str:
        return self.name

    def folded(self) -> str:
        return fold(self.name)[:250]

    def says(self) -> list[Any]:
        return list(self.custom.values())


class ContactQuerySet(CustomerQuerySet):
    def found(self, text: str) -> Self:
        """By name, by a part of an e-mail address, or by the digits of a phone number."""
        named = Contact.objects.filter(search_key__contains=fold(text)).order_by().values("pk")
        digits = "".join(c for c in text if c.isdigit())
        if "@" in text:
            rows = ContactEmail.objects.filter(address__contains=one_spelling(text)).order_by()
            return self.filter(pk__in=named.union(rows.values("contact")))
        if len(digits) >= 5 and not any(c.isalpha() for c in text):
            numbers = ContactPhone.objects.filter(number__contains=digits.lstrip("0")).order_by()
            return self.filter(pk__in=named.union(numbers.values("contact")))
        return self.filter(search_key__contains=fold(text))

    def recognised(self, *, name: str = "", email: str = "", phone: str = "") -> Contact | None:
        """Whom we know by these (crm/people/recognising.py); None for somebody new."""
        email = one_spelling(email)
        by_address = {email: list(self.with_address(email=email))} if email else {}
        by_number = {phone: list(self.with_address(phone=phone))} if phone else {}
        found: Contact | None = recognise(name, by_address, by_number, by_address, by_number)
        return found

    def answering(self, phone: str) -> Contact | None:
        """Who writes or calls from a number that several may have: whom we last wrote to there, else whose open card is
        the newest, else the oldest of them."""
        sharing = self.with_address(phone=phone)
        ids = list(sharing.values_list("pk", flat=True))
        if len(ids) < 2:
            return sharing.first()
        written = self.filter(pk__in=ids, messages__to=phone, messages__direction="out").order_by("-messages__pk")
        owning = self.filter(pk__in=ids, items__deleted_at=None, items__stage__kind="open").order_by(
            "-items__created_at"
        )
        return written.first() or owning.first() or sharing.first()

    def sharing(self, phone: str, contact: Contact | None) -> list[int]:
        """Ids of the others with this number, the oldest first: it may be one of them who writes or calls."""
        others = self.with_address(phone=phone).exclude(pk=contact.pk if contact else 0)
        return list(others.values_list("pk", flat=True)[:10])

    def with_address(self, *, email: str = "", phone: str = "") -> models.QuerySet[Contact]:
        """Contacts with this e-mail (any case) or this E.164 phone, the oldest first."""
        wanted = Q()
        if email:
            wanted |= Q(emails__address=one_spelling(email))
        if phone:
            wanted |= Q(phones__number=phone)
        return self.filter(wanted).distinct().order_by("pk") if wanted else self.none()


# Between a contact and the card that it was made with.
AT_ONCE = timedelta(seconds=10)


class Contact(models.Model):
    name = models.CharField(_("name"), max_length=200, help_text=_("In full, in the person's own order."))
    address_as = models.CharField(
        _("how to address"), max_length=100, blank=True, help_text=_("Empty: worked out from the name.")
    )
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, blank=True)
    zone = models.CharField(
        _("time zone"), max_length=60, choices=ZONES, blank=True, help_text=_("Empty: by the phone's country.")
    )
    company = models.ForeignKey(
        Company, models.SET_NULL, null=True, blank=True, related_name="contacts", verbose_name=_("company")
    )
    owner = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner"))
    no_email = models.BooleanField(_("wants no e-mail"), default=False)
    no_sms = models.BooleanField(_("wants no SMS"), default=False)
    tags = models.ManyToManyField(Tag, blank=True, verbose_name=_("tags"))
    custom = models.JSONField(_("custom fields"), default=dict, blank=True)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)
    search_key = SearchKeyField(db_index=True)
    words = WordsField()
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")

    def __str__(self) -> str:
        return self.name

    def folded(self) -> str:
        return fold(self.name)[:250]

    def says(self) -> list[Any]:
        return list(self.custom.values())

    @property
    def salutation(self) -> str:
        """How to address the person in a letter."""
        return self.address_as or addressed(self.name, self.language)

    def email(self, item: Any = None) -> str:
        """The first e-mail address that is this person's, or empty.

        Args:
            item: the card that is written from: an address that nobody has confirmed yet serves the card alone that it
                came with. Else whoever knows a customer's number would be sent what older cards tell.
        """
        first = min(_serving(self.emails.all(), item), key=lambda row: (row.order, row.pk), default=None)
        return first.address if first else ""

    def phone(self, kind: str = "", item: Any = None) -> str:
        """The first phone (of a kind, if there is one of it) in E.164, or empty; `item` as for `email`."""
        rows = _serving(self.phones.all(), item)
        rows.sort(
            key=lambda row: (row.is_unchecked, row.kind != kind if kind else False, row.is_new, row.order, row.pk)
        )
        return rows[0].number if rows else ""

    def time_zone(self) -> str:
        """An IANA name: the contact's own, else the only one of the phone's country; empty where neither tells (E17)."""
        return self.zone or phones.only_zone(self.phone())

    def falls_to(self, owner: User, item: Any) -> None:
        """A contact that was made along with a card gets the first owner that the card has.

        Not one that was there before: whoever may set a card's owner would take any ownerless customer by it.
        """
        at_once = abs(self.created_at - item.created_at) < AT_ONCE and not item.hides_customer
        if self.owner_id is None and at_once and not self.items.filter(pk__lt=item.pk).exists():
            Contact.objects.filter(pk=self.pk, owner=None).update(owner=owner)
            self.owner = owner

    def add_email(self, address: str, is_new: bool = False) -> None:
        """The last of its addresses. `is_new`: nobody of ours has said yet that it is this person's."""
        if address:
            more = {"order": self.emails.count(), "is_new": is_new}
            self.emails.get_or_create(address=one_spelling(address), defaults=more)

    def add_phone(self, number: str, is_new: bool = False, is_from_form: bool = False) -> None:
        if number:
            more = {"order": self.phones.count(), "is_new": is_new, "is_from_form": is_from_form}
            more |= ContactPhone.typed(number)
            row, _made = self.phones.get_or_create(number=str(phones.parse(number)), defaults=more)
            if more["extension"] and not row.extension:
                row.extension = more["extension"]
                row.save(update_fields=["extension"])


def _serving(rows: Any, item: Any) -> list[Any]:
    return [row for row in rows if not row.is_new or (item is not None and row.came_with_id == item.pk)]
