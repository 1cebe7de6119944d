from django.utils.translation import gettext_lazy as _

from crm.fields.base import TextLike


class Text(TextLike):
    key = "text"
    label = _("text")
    is_free = True
