"""The public form of a WebForm row."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.webforms.models import FormField, WebForm

# Over this a field is refused whatever its kind; the whole body is refused at 256 KiB before it is parsed.
MAX_ANSWER = 20_000


class PublicForm(forms.Form):
    """The fields of a web form, the token, and a field that only programs fill."""

    use_required_attribute = True

    def __init__(self, webform: WebForm, data: Any = None, initial: dict[str, str] | None = None) -> None:
        super().__init__(data, auto_id="id_%s")
        self.webform = webform
        self.rows: list[FormField] = list(webform.fields.all())
        for row in self.rows:
            made = row.form_field()
            if made is not None:
                if initial and row.key in initial and row.kind != FormField.Kind.CONSENT:
                    made.initial = initial[row.key][:500]
                made.error_messages["required"] = self._required(row)
                self.fields[row.key] = made

    @staticmethod
    def _required(row: FormField) -> str:
        if row.kind == FormField.Kind.CONSENT:
            return _("Please agree, so that we may answer you.")
        return _("Please fill in this field.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        reach = [row.key for row in self.rows if row.target in ("contact.email", "contact.phone")]
        if reach and not any(data.get(key) for key in reach) and not any(key in self.errors for key in reach):
            self.add_error(reach[0], _("How can we reach you? Please give a phone number or an e-mail address."))
        for key, value in data.items():
            if isinstance(value, str) and len(value) > MAX_ANSWER:
                self.add_error(key, ValidationError(_("This is too long.")))
        return data

    def parts(self) -> list[tuple[FormField, forms.BoundField | None]]:
        return [(row, self[row.key] if row.key in self.fields else None) for row in self.rows]

    def answers(self) -> dict[str, Any]:
        """As they are kept, by key."""
        fields: dict[str, Any] = self.fields
        kinds = {key: field.described.type for key, field in fields.items()}
        filled = ((key, value) for key, value in self.cleaned_data.items() if value not in (None, ""))
        return {key: kinds[key].to_json(value) for key, value in filled}
