from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm import phones
from crm.fields.base import Asked, TextLike


class Phone(TextLike):
    key = "phone"
    label = _("phone")

    def read(self, text: str, asked: Asked = Asked()) -> str:
        """The number; what is none stays as typed: "starts with +48" asks for a part."""
        try:
            return phones.parse(text).whole
        except ValidationError:
            return text.strip()

    def from_json(self, kept: Any) -> Any:
        return super().from_json(kept)

    def shown(self, value: Any, asked: Asked = Asked()) -> str:
        return phones.display(str(value)) if value else ""
