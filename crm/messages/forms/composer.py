"""What people write on an item's card: a note, an e-mail, an SMS, a task, a call, a meeting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.ground import file_kinds, phones
from crm.ground.forms.moments import MomentField
from crm.ground.forms.several import Several
from crm.items import customer_rights, customers
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages import merge_text
from crm.messages.forms.rich import RichField
from crm.messages.mail.composing import NewFile
from crm.messages.models.mail_templates import MailTemplate
from crm.messages.models.messages import Medium, Message
from crm.messages.models.refusals import Refusal
from crm.people.models import User

AREA = forms.Textarea(attrs={"rows": 3})


def _open_to(medium: str, addresses: Iterable[str]) -> tuple[list[str], list[str]]:
    """Addresses or numbers that may be written to, in their order; and why the others may not."""
    found, refused = [], []
    for address in dict.fromkeys(addresses):
        refusal = Refusal.objects.against(medium, address)
        if refusal is None:
            found.append(address)
        else:
            refused.append(refusal.sentence())
    return found, refused


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; cleans to a list of (file, plain name, kind). Raises ValidationError for the first wrong one."""

    widget = FilesInput(attrs={"class": "form-control form-control-sm"})

    def clean(self, data: Any, initial: Any = None) -> list[tuple[Any, str, str]]:
        sent = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if len(sent) > file_kinds.MOST_FILES:
            raise ValidationError(_now("At most %d files at a time.") % file_kinds.MOST_FILES)
        return [(file, *file_kinds.checked(file)) for file in sent]


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("note"),
        max_length=20000,
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "placeholder": _("Write a note. @Name tells a colleague."),
                "data-mentions": reverse_lazy("mention-names"),
            }
        ),
    )

    files: Any = FilesField(label=_("files"), required=False)

    def __init__(self, item: Item, data: Any = None, sent: Any = None, *, user: Any = None) -> None:
        super().__init__(data, sent, auto_id="note_%s")


class EmailForm(forms.Form):
    answers = forms.ModelChoiceField(Message.objects.none(), required=False, widget=forms.HiddenInput)
    to = forms.ChoiceField(label=_("to"))
    template = forms.ModelChoiceField(
        MailTemplate.objects.none(), label=_("template"), required=False, empty_label=_("no template")
    )
    subject = forms.CharField(label=_("subject"), max_length=250)
    text = RichField(label=_("text"))
    letterhead = forms.BooleanField(
        label=_("on the company's letter paper"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    papers = forms.MultipleChoiceField(
        label=_("papers of the card"), required=False, widget=forms.CheckboxSelectMultiple
    )
    files: Any = FilesField(label=_("files"), required=False)

    def __init__(
        self, item: Item, data: Any = None, sent: Any = None, *, user: Any = None, answered: Message | None = None
    ) -> None:
        initial: dict[str, Any] = {}
        if answered is not None:
            subject = answered.subject if answered.subject.lower().startswith("re:") else f"Re: {answered.subject}"
            initial = {"answers": answered.pk, "to": answered.to, "subject": subject[:250]}
        super().__init__(data, sent, auto_id="email_%s", initial=initial)
        fields: Any = self.fields
        theirs = Message.objects.filter(item=item, direction=Message.Direction.IN, channel__medium=Medium.EMAIL)
        fields["answers"].queryset = theirs
        rows = customers.reachable(item, user, "email")
        self.hides = user is not None and not customer_rights.shows(user, item)
        # Who wrote to us can be answered, even from an address that the contact does not have.
        asked = answered or self._asked(data)
        known, self.refused = _open_to(Medium.EMAIL, [*([asked.to] if asked else []), *rows])
        fields["to"].choices = [(address, address) for address in known]
        self.usable = bool(known)
        fields["template"].queryset = MailTemplate.objects.filter(is_active=True)
        fields["template"].widget.attrs["data-fill"] = reverse("item-mail-template", args=[item.pk])
        # Those in the customer's language first.
        language = merge_text.language_of(item)
        templates = sorted(fields["template"].queryset, key=lambda row: (row.language not in ("", language), row.name))
        fields["template"].choices = [("", _("no template")), *((row.pk, str(row)) for row in templates)]
        if not templates:
            del fields["template"]
        self.offered = {paper.key: paper for make in slots.mail_papers for paper in make(item, user)}
        fields["papers"].choices = [(paper.key, paper.label) for paper in self.offered.values()]
        if not self.offered:
            del fields["papers"]

    def _asked(self, data: Any) -> Message | None:
        """The mail that the sent form says to answer."""
        try:
            return self.fields["answers"].clean(data.get("answers")) if data is not None else None
        except ValidationError:
            return None

    def chosen_papers(self) -> list[slots.MailPaper]:
        return [self.offered[key] for key in self.cleaned_data.get("papers", [])]

    def attached(self) -> list[NewFile]:
        """The chosen papers and files, read. Raises OSError where a paper's file is gone."""
        papers = [paper.read() for paper in self.chosen_papers()]
        return [*papers, *(NewFile(file.read(), name, kind) for file, name, kind in self.cleaned_data["files"])]


class SmsForm(forms.Form):
    to = forms.ChoiceField(label=_("to"))
    text = forms.CharField(
        label=_("text"), max_length=1600, widget=forms.Textarea(attrs={"rows": 3, "data-segments": ""})
    )

    def __init__(self, item: Item, data: Any = None, sent: Any = None, *, user: Any = None) -> None:
        super().__init__(data, auto_id="sms_%s")
        rows = [number for number in customers.reachable(item, user, "phone") if phones.can_receive_sms(number)]
        numbers, self.refused = _open_to(Medium.SMS, rows)
        self.hides = user is not None and not customer_rights.shows(user, item)
        to: Any = self.fields["to"]
        to.choices = [(number, phones.display(number)) for number in numbers]
        self.usable = bool(to.choices)


class TaskForm(forms.Form):
    kind = forms.ChoiceField(label=_("what"), choices=Task.Kind.choices)
    title = forms.CharField(label=_("title"), max_length=200)
    deadline = MomentField(
        label=_("when"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    assignee = forms.ModelChoiceField(User.objects.none(), label=_("for"), required=False, empty_label=_("me"))
    description = forms.CharField(label=_("description"), required=False, max_length=5000, widget=AREA)
    minutes = forms.IntegerField(label=_("length of a meeting, minutes"), min_value=5, max_value=1440, required=False)
    place = forms.CharField(label=_("place or link"), max_length=300, required=False)
    participants = Several(
        User.objects.filter(is_active=True).order_by("name"), label=_("participants"), required=False
    )
    invites = forms.BooleanField(label=_("invite the customer by mail"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("invites") and data.get("kind") != Task.Kind.MEETING:
            self.add_error("invites", _now("Only to a meeting can somebody be invited."))
        fault = Task.fault_of(data.get("kind", ""), data.get("deadline"))
        if fault and "deadline" not in self.errors:
            self.add_error("deadline", fault)
        return data

    def __init__(self, item: Item, data: Any = None, sent: Any = None, *, user: Any = None) -> None:
        super().__init__(data, auto_id="task_%s")
        assignee: Any = self.fields["assignee"]
        assignee.queryset = User.objects.filter(is_active=True)


class CallForm(forms.Form):
    """A call that took place; it is written down, nothing is dialled."""

    direction = forms.ChoiceField(label=_("who called"), choices=[("in", _("the customer")), ("out", _("one of us"))])
    number = forms.CharField(label=_("the customer's number"), max_length=40)
    answered = forms.BooleanField(label=_("it was answered"), required=False, initial=True)
    minutes = forms.IntegerField(label=_("length, minutes"), min_value=0, max_value=1440, required=False)
    own_number = forms.CharField(label=_("our number"), max_length=40, required=False)
    note = forms.CharField(label=_("note"), max_length=2000, required=False, widget=AREA)

    def __init__(self, item: Item, data: Any = None, sent: Any = None, *, user: Any = None) -> None:
        super().__init__(data, auto_id="call_%s")
        known = customers.reachable(item, user, "phone")
        self.fields["number"].initial = phones.display(known[0]) if known else ""

    def clean_number(self) -> str:
        return str(phones.parse(self.cleaned_data["number"]))

    def clean_own_number(self) -> str:
        typed = self.cleaned_data["own_number"]
        return str(phones.parse(typed)) if typed else ""


FORMS: dict[str, type[Any]] = {
    "note": NoteForm,
    "email": EmailForm,
    "sms": SmsForm,
    "call": CallForm,
    "task": TaskForm,
}
LABELS = {
    "note": _("Note"),
    "email": _("E-mail"),
    "sms": _("SMS"),
    "call": _("Call"),
    "task": _("Task, call, meeting"),
}
