from django.utils.translation import gettext_lazy as _

from crm.fields.base import TextLike


class Link(TextLike):
    key = "link"
    label = _("link")
