from django.utils.translation import gettext_lazy as _

from crm.fields.base import TextLike


class LongText(TextLike):
    key = "long_text"
    label = _("long text")
