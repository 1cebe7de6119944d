"""Words of Django's administration and of the log of changes that their own catalogues lack in one of our languages.

Our catalogue comes before theirs; here the texts stand only to be collected for translation.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

BORROWED = (
    _("Skip to main content"),
    _("Toggle theme (current theme: auto)"),
    _("Toggle theme (current theme: light)"),
    _("Toggle theme (current theme: dark)"),
    _("Model name"),
    _("Add link"),
    _("Change or view list link"),
    _("log entry"),
    _("log entries"),
    _("Audit log"),
)
