from django.utils.translation import gettext_lazy as _

from crm.fields.base import TextLike


class Person(TextLike):
    """Somebody of ours, by name."""

    key = "user"
    label = _("person")
