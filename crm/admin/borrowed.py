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
    _("create"),
    _("update"),
    _("delete"),
    _("access"),
    _("After you’ve created a user, you’ll be able to edit more user options."),
    _("Password-based authentication"),
    _("Filter navigation items"),
    _("Select all objects on this page for an action"),
    _("Select this object for an action - {}"),
    _("View selected %(model)s"),
)
