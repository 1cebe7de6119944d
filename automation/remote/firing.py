"""An app says that something happened to a card; triggers of its type look at it like at any other event."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from automation.base import APP_FIRED
from automation.models import Trigger
from automation.remote.answers import words
from automation.remote.models import App, AppType
from crm.events import kinds
from crm.events.models import Cause
from crm.events.record import record
from crm.webhooks import calls as webhooks


@transaction.atomic
def fire(app: App, row: AppType, find_by: str, value: str, values: dict[str, Any], key: str) -> None:
    """Told to the card only where a trigger of its pipeline listens: an app writes into no other history. The same key is once for a trigger.

    Args:
        find_by: as of incoming webhooks (InboundHook.FindBy).
        values: plain ones of the trigger's own fields.
    """
    item = webhooks.item_of(find_by, value)
    listening = Trigger.objects.filter(type=row.full_key, is_enabled=True, retired=False)
    if item is None or not listening.filter(pipeline=item.pipeline_id).exists():
        return
    payload = {
        "app": app.key,
        "app_name": str(app),
        "trigger": row.key,
        "names": row.declared["name"],
        "values": {name: words(one) if isinstance(one, str) else one for name, one in values.items()},
    }
    cause = Cause("api", f"app:{app.key}", label=str(app))
    record(APP_FIRED, item=item, cause=cause, payload=payload, key=f"app:{app.pk}:{row.key}:{key}")


def _told(event: Any) -> kinds.Shown:
    row = AppType(declared={"name": event.data("names") or {}}, key=event.data("trigger") or "")
    values = ", ".join(str(one) for one in (event.data("values") or {}).values() if one not in (None, ""))
    return "webhook", f"{event.data('app_name')}: {row}", values


kinds.register(
    kinds.EventKind(APP_FIRED, _("Told by an app"), "webhook", tell=_told, shows=("changes",), conceals=("values",))
)
