"""Who changed which configuration, from what to what, and from where: written by itself, and never changed again.

django-auditlog keeps the rows; which models count is said here and, for upper layers, in their `crm_plugin.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from auditlog.context import auditlog_value, set_extra_data
from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse

from crm import models
from crm.ground.access import peer


def audited(model: Any, *, without: Iterable[str] = (), hidden: Iterable[str] = (), m2m: Iterable[str] = ()) -> None:
    """Keep every change of this model's rows.

    Args:
        without: columns that change by themselves and say nothing.
        hidden: secrets; that they changed is kept, what they were is not.
        m2m: links to many whose changes count too.
    """
    auditlog.register(model, exclude_fields=list(without), mask_fields=list(hidden), m2m_fields=set(m2m))


def written_in_bulk(rows: Iterable[tuple[Any, Any]], by: Any) -> None:
    """The same for rows of audited models that were written in bulk, which no signal tells.

    Args:
        rows: each one as it was (None: it is new), and as it is.
        by: the user; None: the system.
    """
    about: dict[str, Any] = auditlog_value.get({})
    entries = []
    for before, after in rows:
        differs = model_instance_diff(before, after)
        if differs:
            entries.append(
                LogEntry(
                    content_type=ContentType.objects.get_for_model(after),
                    object_pk=str(after.pk),
                    object_id=after.pk,
                    object_repr=str(after)[:200],
                    action=LogEntry.Action.CREATE if before is None else LogEntry.Action.UPDATE,
                    changes=differs,
                    actor=by,
                    actor_email=by.email if by is not None else None,
                    remote_addr=about.get("remote_addr"),
                )
            )
    LogEntry.objects.bulk_create(entries, batch_size=500)


def hide(value: str | None) -> str:
    """What is written in place of a secret (settings.AUDITLOG_MASK_CALLABLE)."""
    return "•••" if value else ""


audited(models.Pipeline, without=["machine_version"])
audited(models.Stage, m2m=["entered_by"])
audited(models.StageTransition)
audited(models.LostReason)
audited(models.ItemType)
audited(models.MailTemplate)
audited(models.Mailbox, without=["validity", "last_uid", "checked_at", "fault"], hidden=["secret"])
audited(models.CustomField)
audited(models.Role, m2m=["people", "departments"])
audited(models.RoleRight)
audited(models.CustomerRight)
audited(models.User, without=["last_login", "feed_token"], hidden=["password"])
audited(models.Department)
audited(models.OwnCompany)
audited(models.WorkingCalendar)
audited(models.CalendarHours)
audited(models.CalendarException)
audited(models.CurrencyRate)
audited(models.TaxRate)
audited(models.Product)
audited(models.SystemSwitches)
audited(models.Channel, hidden=["secret"], without=["fault"])
audited(models.WebForm)
audited(models.FormField)
audited(models.Webhook, hidden=["secret"])
audited(models.InboundHook, hidden=["token", "secret"])
audited(models.ApiToken, hidden=["hash"], without=["last_used_at"])


class AuditMiddleware:
    """Tells the log who is at work. Only around requests that may change something; a token's person is named by the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return self.get_response(request)
        by_cookie = settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path.startswith("/api/")
        actor = request.user if by_cookie and request.user.is_authenticated else None
        known = {"actor": actor, "remote_addr": peer(request) or None, "remote_port": None}
        asked: Any = request
        asked.audited = known
        with set_extra_data(context_data=known):
            return self.get_response(request)
