"""Tags."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField
from crm.models import Tag
from crm.pipelines import boards


@actions.register
class ManageTags(Action):
    key = "manage_tags"
    label = _("Tags")
    synonyms = _("label, mark")
    example = _("Tag “urgent” after the second reminder.")
    group = "item"
    icon = "tag"
    help = _("Adds tags to the card and takes others away; several with commas.")
    outputs = {"tags": _("tags")}
    alone = True

    class Settings(SettingsForm):
        add = MergeTextField(label=_("add"), multiline=False, max_length=300, required=False)
        remove = MergeTextField(label=_("take away"), multiline=False, max_length=300, required=False)

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if not (data.get("add") or data.get("remove")) and not self.errors:
                self.add_error("add", _now("Which tags?"))
            return data

    def run(self, context: Context) -> Outcome:
        item = context.item
        for name in _names(context.text(context.settings["add"])):
            item.tags.add(Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name))
        for name in _names(context.text(context.settings["remove"])):
            item.tags.remove(*Tag.objects.filter(name__iexact=name))
        boards.touch(item.pipeline_id, item.stage_id)
        kept = sorted(item.tags.values_list("name", flat=True))
        return Done({"tags": ", ".join(kept)}, summary=", ".join(kept)[:200])

    def summary(self, settings: dict[str, Any]) -> str:
        more = [f"+ {settings['add']}"] if settings.get("add") else []
        return " ".join([*more, *([f"− {settings['remove']}"] if settings.get("remove") else [])])[:80]


def _names(text: str) -> list[str]:
    return [name.strip()[:50] for name in text.split(",") if name.strip()]
