from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from crm.addresses import one_spelling
from crm.fields.base import Asked, TextLike


class Email(TextLike):
    key = "email"
    label = _("e-mail")

    def read(self, text: str, asked: Asked = Asked()) -> str:
        found = one_spelling(text)
        validate_email(found)
        return found
