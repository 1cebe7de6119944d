"""Writing fields of a contact or company by a rule: through the page's own form, so that one reader reads them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from automation.base import ActionError, Context, Scope, SettingsForm, first_error
from automation.fields import MergeTextField
from crm.ground.sentences import said
from crm.items import customer_rights
from crm.messages import merge_text
from crm.models import Forbidden, User

ROWS = 4
LISTS = ("phones", "emails", "tags")


class CustomerFieldChoice(forms.ChoiceField):
    """A field of the customers' form. `form_class`: of the page. `model`: whose."""

    def __init__(self, form_class: Any, model: Any, **kwargs: Any) -> None:
        self.form_class, self.model = form_class, model
        super().__init__(**kwargs)

    def place(self, scope: Scope) -> None:
        form = self.form_class(self.model(), user=User())
        self.choices = [("", "—"), *((name, field.label) for name, field in form.fields.items())]


class CustomerFieldsForm(SettingsForm):
    """Up to four fields of the customer; for addresses, numbers and tags *append* keeps what is there."""

    form_class: Any
    model: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(1, ROWS + 1):
            name = CustomerFieldChoice(self.form_class, self.model, label=_("field"), required=row == 1)
            name.place(self.scope)
            text = MergeTextField(label=_("value"), multiline=False, required=False)
            text.place(self.scope)
            append = forms.BooleanField(label=_("append to the list"), required=False)
            self.fields |= {f"field_{row}": name, f"value_{row}": text, f"append_{row}": append}


def rows_of(data: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [
        (data[f"field_{row}"], data.get(f"value_{row}") or "", bool(data.get(f"append_{row}")))
        for row in range(1, ROWS + 1)
        if data.get(f"field_{row}")
    ]


def _of_present_values(form_class: Any) -> Any:
    """The page's form, which takes the owner and language that stand there already: a rule does not touch them."""

    class Form(form_class):
        def __init__(self, record: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(record, *args, **kwargs)
            owner: Any = self.fields["owner"]
            owner.queryset = owner.queryset | User.objects.filter(pk=record.owner_id or 0)
            language: Any = self.fields.get("language")
            if language is not None and record.language and record.language not in dict(language.choices):
                language.choices = [*language.choices, (record.language, record.language)]

    return Form


def change(context: Context, record: Any, form_class: Any) -> list[str]:
    """Write the settings' rows into the customer; returns the names. Raises ActionError by the form's own words."""
    user = context.rights
    try:
        customer_rights.require(user, "edit", record)
    except Forbidden as refused:
        words = said("customer.right_missing", "The rule acts with the rights of %s, who may not change this customer.")
        raise ActionError(words % user.name) from refused
    before = form_class(record, user=user)
    data = {name: field.initial for name, field in before.fields.items() if field.initial is not None}
    data["owner"] = getattr(data.get("owner"), "pk", data.get("owner"))
    for name, source, append in rows_of(context.settings):
        text = context.text(source)
        known = str(data.get(name) or "")
        glue = ", " if name == "tags" else "\n"
        data[name] = f"{known}{glue}{text}" if append and name in LISTS and known else text
    with translation.override(merge_text.language_of(context.item)):
        form = _of_present_values(form_class)(
            record, {name: "" if value is None else value for name, value in data.items()}, user=user
        )
        if not form.is_valid():
            raise ActionError(first_error(form))
        form.save()
    return [name for name, _source, _append in rows_of(context.settings)]
