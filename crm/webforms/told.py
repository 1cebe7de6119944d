"""What comes in by forms and webhooks, as people read it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.events.kinds import EventKind, Shown, register
from crm.events.models import Event
from crm.ground.shown import beside


def _form(event: Event) -> Shown:
    answers = "\n".join(beside(label, text) for label, text in event.data("answers", []))
    return "forms", _("Sent the form “%s”") % event.data("form_name"), answers


register(
    EventKind("form.submitted", lazy("Form sent"), "forms", _form, is_worded=True, shows=("talk",), is_activity=True),
    EventKind(
        "callback.requested",
        lazy("Call back asked for"),
        "forms",
        _form,
        is_worded=True,
        shows=("talk",),
        is_activity=True,
    ),
    EventKind(
        "webhook.received",
        lazy("Webhook called"),
        "webhook",
        lambda e: ("webhook", _("Called by “%s”") % e.data("hook_name"), ""),
    ),
)
