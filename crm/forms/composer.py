"""What people write on an item's card: a note, an e-mail, an SMS, a task, a call, a meeting."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm import files, phones
from crm.models import Item, Task, User

AREA = forms.Textarea(attrs={"rows": 3})


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; cleans to a list of (file, plain name, kind). Raises ValidationError for the first wrong one."""

    widget = FilesInput(attrs={"class": "form-control form-control-sm"})

    def clean(self, data: Any, initial: Any = None) -> list[tuple[Any, str, str]]:
        sent = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if len(sent) > files.MOST_FILES:
            raise ValidationError(_now("At most %d files at a time.") % files.MOST_FILES)
        return [(file, *files.checked(file)) for file in sent]


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("note"),
        max_length=20000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": _("Write a note. @Name tells a colleague.")}),
    )

    files = FilesField(label=_("files"), required=False)

    def __init__(self, item: Item, data: Any = None, sent: Any = None) -> None:
        super().__init__(data, sent, auto_id="note_%s")


class EmailForm(forms.Form):
    to = forms.ChoiceField(label=_("to"))
    subject = forms.CharField(label=_("subject"), max_length=250)
    text = forms.CharField(label=_("text"), max_length=50000, widget=forms.Textarea(attrs={"rows": 6}))

    def __init__(self, item: Item, data: Any = None, sent: Any = None) -> None:
        super().__init__(data, auto_id="email_%s")
        rows = item.contact.emails.all() if item.contact else []
        to: Any = self.fields["to"]
        to.choices = [(row.address, row.address) for row in rows]
        self.usable = bool(to.choices)


class SmsForm(forms.Form):
    to = forms.ChoiceField(label=_("to"))
    text = forms.CharField(label=_("text"), max_length=1600, widget=AREA)

    def __init__(self, item: Item, data: Any = None, sent: Any = None) -> None:
        super().__init__(data, auto_id="sms_%s")
        rows = item.contact.phones.all() if item.contact else []
        to: Any = self.fields["to"]
        to.choices = [(row.number, phones.display(row.number)) for row in rows if phones.can_receive_sms(row.number)]
        self.usable = bool(to.choices)


class TaskForm(forms.Form):
    kind = forms.ChoiceField(label=_("what"), choices=Task.Kind.choices)
    title = forms.CharField(label=_("title"), max_length=200)
    deadline = forms.DateTimeField(
        label=_("when"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    assignee = forms.ModelChoiceField(User.objects.none(), label=_("for"), required=False, empty_label=_("me"))
    description = forms.CharField(label=_("description"), required=False, max_length=5000, widget=AREA)

    def __init__(self, item: Item, data: Any = None, sent: Any = None) -> None:
        super().__init__(data, auto_id="task_%s")
        assignee: Any = self.fields["assignee"]
        assignee.queryset = User.objects.filter(is_active=True)


FORMS: dict[str, type[Any]] = {"note": NoteForm, "email": EmailForm, "sms": SmsForm, "task": TaskForm}
LABELS = {"note": _("Note"), "email": _("E-mail"), "sms": _("SMS"), "task": _("Task, call, meeting")}
