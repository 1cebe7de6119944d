"""What trigger types of documents have in common: the template as their setting."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from automation.base import SettingsForm, TriggerType
from crm.models import Event, Item
from documents.fields import TemplateChoice
from documents.models import DocumentTemplate


class AnyTemplate(TemplateChoice):
    """Documents of an invoice count for its deal too, so templates of all pipelines are offered."""

    def place(self, scope: Any) -> None:
        self.queryset = DocumentTemplate.objects.filter(is_active=True)


class OfTemplate(TriggerType):
    group = "documents"
    icon = "file-text"

    class Settings(SettingsForm):
        template = AnyTemplate(label=_("template"), required=False, empty_label=_("any template"))

    def matches(self, event: Event, item: Item, settings: dict[str, Any]) -> bool:
        return settings["template"] is None or settings["template"].pk == event.data("template")

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("template") or _("any template"))
