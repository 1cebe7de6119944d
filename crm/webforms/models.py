"""Public forms, and what customers sent through them. A submission is stored before anything else happens."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.fields import Field, field_types, type_of
from crm.ground import clock
from crm.ground.sentences import SentenceField
from crm.messages import merge_text
from crm.people.models import Contact, User
from crm.pipelines.custom_fields import CustomField
from crm.pipelines.models import Pipeline, Stage


class WebForm(models.Model):
    class Kind(models.TextChoices):
        STANDARD = "standard", _("standard")
        CALLBACK = "callback", _("callback")

    class Duplicates(models.TextChoices):
        FILL = "fill", _("fill empty fields only")
        OVERWRITE = "overwrite", _("overwrite")
        NEW = "new", _("always a new contact")

    class Deals(models.TextChoices):
        NEW = "new", _("always a new one")
        ATTACH = "attach", _("attach to the contact's open one")

    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("address"), unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.STANDARD)
    is_active = models.BooleanField(_("active"), default=True)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, verbose_name=_("pipeline"))
    stage = models.ForeignKey(
        Stage, models.PROTECT, null=True, blank=True, verbose_name=_("stage"), help_text=_("Empty: the first.")
    )
    item_title = models.CharField(
        _("title of the item"),
        max_length=200,
        default="{{ form.name }}: {{ contact.name }}",
        help_text=_("Merge text."),
    )
    source = models.CharField(_("source"), max_length=80, blank=True)
    owner = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner"))
    duplicates = models.CharField(
        _("known contacts"), max_length=10, choices=Duplicates.choices, default=Duplicates.FILL
    )
    deals = models.CharField(_("items"), max_length=10, choices=Deals.choices, default=Deals.NEW)
    language = models.CharField(_("language"), max_length=5, default="en")
    heading = models.CharField(_("heading"), max_length=120)
    intro = models.TextField(_("introduction"), blank=True)
    button = models.CharField(_("button"), max_length=60, default="Send")
    thanks = models.TextField(_("thank-you text"), help_text=_("Merge text."))
    allowed_sites = models.TextField(
        _("allowed sites"), blank=True, help_text=_("One a line, as https://shop.example. Empty: any site.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("web form")
        verbose_name_plural = _("web forms")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("form", args=[self.slug])

    def clean(self) -> None:
        if self.stage and self.pipeline_id and self.stage.pipeline_id != self.pipeline_id:
            raise ValidationError({"stage": _("This stage belongs to another pipeline.")})
        for name in ("item_title", "thanks"):
            try:
                merge_text.check(getattr(self, name), extra={"form": {"name"}, "answers": None})
            except merge_text.MergeError as error:
                raise ValidationError({name: str(error)}) from error

    def sites(self) -> list[str]:
        return [line.strip() for line in self.allowed_sites.splitlines() if line.strip()]


def kind_choices() -> list[tuple[str, Any]]:
    """Our own kinds of questions, and the further types of fields that a stranger may be asked for."""
    asked = {question.type for question in QUESTIONS.values()} | set(FormField.Kind.values)
    return [
        *FormField.Kind.choices,
        *((cls.key, cls.label) for cls in field_types if cls.is_custom and cls.is_public and cls.key not in asked),
    ]


class FormField(models.Model):
    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        LONG_TEXT = "long_text", _("long text")
        NAME = "name", _("name")
        EMAIL = "email", _("e-mail")
        PHONE = "phone", _("phone")
        NUMBER = "number", _("number")
        MONEY = "money", _("money")
        SELECT = "select", _("list")
        RADIO = "radio", _("choice")
        CHECKBOXES = "checkboxes", _("several choices")
        BOOLEAN = "boolean", _("yes / no")
        DATE = "date", _("date")
        TIME = "time", _("time")
        HIDDEN = "hidden", _("hidden")
        CONSENT = "consent", _("consent")
        HEADING = "heading", _("heading")

    form = models.ForeignKey(WebForm, models.CASCADE, related_name="fields")
    key = models.SlugField(_("key"), max_length=40)
    kind = models.CharField(_("kind"), max_length=40, choices=kind_choices, default=Kind.TEXT)
    label = models.CharField(_("label"), max_length=300)
    help = models.CharField(_("help"), max_length=300, blank=True)
    required = models.BooleanField(_("required"), default=False)
    options = models.TextField(_("options"), blank=True, help_text=_("One a line."))
    default = models.CharField(_("default"), max_length=200, blank=True)
    saves_to = models.CharField(
        _("saves to"),
        max_length=60,
        blank=True,
        help_text=_(
            "contact.name, contact.email, contact.phone, item.title, item.amount, item.custom.key; empty: kept with the submission only."
        ),
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["order", "pk"]
        verbose_name = _("form field")
        verbose_name_plural = _("form fields")
        constraints = [models.UniqueConstraint(fields=["form", "key"], name="form_field_once")]

    TARGETS = ("contact.name", "contact.email", "contact.phone", "item.title", "item.amount", "item.source")
    NOWHERE = "-"
    # What asks for a name, an address or a number is the customer's, unless it says otherwise.
    BY_KIND: ClassVar[dict[str, str]] = {
        Kind.NAME: "contact.name",
        Kind.EMAIL: "contact.email",
        Kind.PHONE: "contact.phone",
    }

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if self.saves_to and self.saves_to not in (*self.TARGETS, self.NOWHERE):
            prefix, _dot, key = self.saves_to.rpartition(".")
            target = {"item.custom": "item", "contact.custom": "contact"}.get(prefix)
            if not target or not CustomField.objects.filter(target=target, key=key).exists():
                raise ValidationError({"saves_to": _("There is no field “%s”.") % self.saves_to})
        question = QUESTIONS.get(self.kind) or Question(self.kind)
        if type_of(question.type).has_options and not self.choices():
            raise ValidationError({"options": _("A list needs at least one option.")})

    @property
    def target(self) -> str:
        """Where its answer is kept, besides the submission: what was chosen, else what its kind says; "-": nowhere."""
        return "" if self.saves_to == self.NOWHERE else self.saves_to or self.BY_KIND.get(self.kind, "")

    def choices(self) -> list[tuple[str, str]]:
        return [(line.strip(), line.strip()) for line in self.options.splitlines() if line.strip()]

    def form_field(self) -> forms.Field | None:
        """The Django form field, with `described`; None for a heading."""
        question = QUESTIONS.get(self.kind) or Question(self.kind)
        if not question.type:
            return None
        described = Field(
            self.key,
            self.label,
            type_of(question.type),
            self.choices(),
            self.form.pipeline.currency if type_of(question.type).is_amount else "",
        )
        options: dict[str, Any] = {"label": self.label, "help_text": self.help, "required": self.required}
        options |= {"initial": self.default or None, **dict(question.options)}
        made: Any = described.type.offered_field(described.asked, **options)
        if question.widget is not None:
            widget: Any = question.widget()
            made.widget = widget
            widget.is_required = made.required
            if described.options:
                made.choices = widget.choices = list(described.options)
        made.widget.attrs |= dict(question.attrs)
        made.described = described
        return made


@dataclass(frozen=True)
class Question:
    """How a kind of question is asked.

    Args:
        type: key of the type of field that reads the answer; empty: nothing is asked.
        widget: in place of the type's own.
        attrs: of the widget. options: of the form field; they come before what the row says.
    """

    type: str
    widget: Callable[[], forms.Widget] | None = None
    attrs: tuple[tuple[str, Any], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


# Kinds that are no type of field, or are asked of customers otherwise than of colleagues.
QUESTIONS: dict[str, Question] = {
    FormField.Kind.LONG_TEXT: Question("long_text", attrs=(("rows", 5),)),
    FormField.Kind.NAME: Question("text", attrs=(("autocomplete", "name"),), options=(("max_length", 200),)),
    FormField.Kind.EMAIL: Question("email", attrs=(("autocomplete", "email"),)),
    FormField.Kind.SELECT: Question("list"),
    FormField.Kind.RADIO: Question("list", forms.RadioSelect),
    FormField.Kind.CHECKBOXES: Question("multi_list", forms.CheckboxSelectMultiple),
    FormField.Kind.HIDDEN: Question("text", forms.HiddenInput, options=(("required", False),)),
    # Never ticked beforehand: a consent is given, not left standing.
    FormField.Kind.CONSENT: Question("boolean", options=(("initial", None),)),
    FormField.Kind.HEADING: Question(""),
}


class Submission(models.Model):
    class Status(models.TextChoices):
        STORED = "stored", _("stored")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        QUARANTINE = "quarantine", _("quarantine")
        TURNED_AWAY = "excepted", _("turned away")

    form = models.ForeignKey(WebForm, models.PROTECT, related_name="submissions", verbose_name=_("form"))
    form_version = models.PositiveIntegerField(_("version of the form"))
    # The form token's nonce: a double click or a reload of the answer is the same submission.
    nonce = models.CharField(_("mark against sending twice"), max_length=40, unique=True)
    answers = models.JSONField(_("answers"), default=dict)
    touch = models.JSONField(_("where they came from"), default=dict, blank=True)
    address_hash = models.CharField(_("fingerprint of the sender"), max_length=64)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.STORED)
    error = SentenceField(_("reason"), blank=True)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="submissions", verbose_name=_("contact")
    )
    item = models.ForeignKey(
        "crm.Item", models.SET_NULL, null=True, blank=True, related_name="submissions", verbose_name=_("item")
    )
    created_at = models.DateTimeField(_("created"), default=clock.now)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        indexes = [
            models.Index(fields=["form", "-created_at"], name="submission_of_form"),
            models.Index(fields=["address_hash", "-created_at"], name="submission_of_address"),
        ]

    def __str__(self) -> str:
        return f"{self.form} #{self.pk}"


class Consent(models.Model):
    """What a person agreed to, in the words that stood there."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="consents", verbose_name=_("contact"))
    submission = models.ForeignKey(
        Submission, models.SET_NULL, null=True, related_name="consents", verbose_name=_("submission")
    )
    text = models.TextField(_("text"))
    text_hash = models.CharField(_("fingerprint of the text"), max_length=64)
    given_at = models.DateTimeField(_("given"), default=clock.now)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")

    def __str__(self) -> str:
        return f"{self.contact}: {self.text[:40]}"

    @staticmethod
    def hash_of(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()
