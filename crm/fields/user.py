from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.fields.base import Asked
from crm.fields.record import Record


class Person(Record):
    """Somebody of ours."""

    key = "user"
    label = _("person of ours")
    is_custom = True
    is_public = False
    is_few = True
    model = "crm.User"
    unknown = _("Nobody active here is called “%s”.")

    def rows(self) -> Any:
        return super().rows().filter(is_active=True).order_by("name")

    def read(self, text: str, asked: Asked = Asked()) -> Any:
        found = self.rows().filter(email__iexact=text.strip()).first()
        return found.pk if found is not None else super().read(text, asked)

    def cleaned_text(self, text: str, asked: Asked = Asked(), **limits: Any) -> Any:
        try:
            return super().cleaned_text(text, asked, **limits)
        except ValidationError:
            if "@" in text:
                raise ValidationError(_now("No active person has this e-mail address.")) from None
            raise
