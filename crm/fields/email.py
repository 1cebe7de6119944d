from django.utils.translation import gettext_lazy as _

from crm.addresses import one_spelling
from crm.fields.base import Asked, TextLike


class Email(TextLike):
    key = "email"
    label = _("e-mail")

    def read(self, text: str, asked: Asked = Asked()) -> str:
        """A part of an address may be asked for ("@example.com"), so it need not be a whole one."""
        return one_spelling(text)
