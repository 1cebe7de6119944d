from __future__ import annotations

from typing import Any

from django.contrib import messages as notes
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ReadOnlyAdmin, action, choice_filter, display, register
from crm.events import kinds as event_kinds
from crm.events.models import Event
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.items.models.visits import StageVisit
from crm.messages import open_ends
from crm.messages.models.messages import Message
from crm.notices.models.notifications import Notification
from crm.work.models import Job
from crm.work.queue import kinds

CAUSES = ("person", "form", "mail", "api", "import", "rule", "trigger", "system")


@register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """To find and look at; items are worked with on their own page."""

    list_display = ("title", "item_type", "pipeline", "stage", "owner", "amount", "currency", "open_in_crm")
    list_filter = ("item_type", "pipeline", "stage__kind", "owner")
    search_fields = ("search_key", "contact__search_key")
    list_select_related = ("item_type", "pipeline", "stage", "owner")

    @display(description="")
    def open_in_crm(self, item: Item) -> str:
        return format_html('<a href="{}">{}</a>', reverse("item", args=[item.pk]), _now("Open"))


@register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "happened", "item", "actor", "cause_kind", "cause_label", "depth")
    list_filter = (
        choice_filter("kind", _("kind"), event_kinds.choices),
        choice_filter("cause_kind", _("cause"), lambda: [(kind, kind) for kind in CAUSES]),
        "created_at",
    )
    search_fields = ("item__search_key",)
    list_select_related = ("item", "actor")

    @display(description=_("kind"), ordering="kind")
    def happened(self, event: Event) -> str:
        return str(event_kinds.kind_of(event.kind).label)


@register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("number", "kind", "status", "due_at", "attempts", "item", "finished_at", "error")
    list_filter = (
        "status",
        choice_filter("kind", _("kind"), lambda: [(kind, kind) for kind in sorted(kinds())]),
        "outside",
    )
    search_fields = ("key",)
    list_select_related = ("item",)


@register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "channel", "to", "subject", "status", "item", "error")
    list_filter = ("status", "channel", "direction", "created_at")
    search_fields = ("to", "subject")
    list_select_related = ("channel", "item")
    actions = ("it_arrived", "send_again")

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None and bool(request.user.is_superuser)

    def _settle(self, request: Any, queryset: Any, arrived: bool) -> None:
        unknown = list(queryset.filter(status=Message.Status.UNKNOWN).select_related("job"))
        for message in unknown:
            open_ends.settle(message, arrived, request.user)
        notes.success(request, _now("Messages settled: %d.") % len(unknown))

    @action(description=_("Unknown ones: it arrived"))
    def it_arrived(self, request: Any, queryset: Any) -> None:
        self._settle(request, queryset, True)

    @action(description=_("Unknown ones: send again"))
    def send_again(self, request: Any, queryset: Any) -> None:
        self._settle(request, queryset, False)


@register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ("title", "item", "assignee", "deadline", "status")
    list_filter = ("status", "assignee")
    search_fields = ("title",)
    list_select_related = ("item", "assignee")


@register(StageVisit)
class StageVisitAdmin(ReadOnlyAdmin):
    list_display = ("item", "stage", "entered_at", "left_at", "actor", "cause_kind")
    list_filter = ("cause_kind", "stage__pipeline")
    list_select_related = ("item", "stage", "actor")


@register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "user", "kind", "text", "read_at")
    list_filter = ("kind", "user")
    list_select_related = ("user",)
