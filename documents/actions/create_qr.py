"""Create QR code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, actions
from automation.fields import MergeTextField
from crm.events.record import record
from crm.ground.sentences import said
from crm.messages import merge_text
from documents.models import QrCode


@actions.register
class CreateQr(Action):
    key = "create_qr"
    label = _("Create QR code")
    synonyms = _("code, scan, picture")
    example = _("A code on the packing list that opens the manual.")
    group = "documents"
    icon = "qrcode"
    leads = True
    help = _("A code with a page of its own. Papers show it as {{ pictures.landing_qr }}, mails by its picture's link.")
    outputs = {"code": _("code"), "link": _("link"), "picture": _("picture's link")}

    class Settings(SettingsForm):
        name = forms.CharField(label=_("name"), max_length=80, help_text=_("By it the trigger knows the code."))
        heading = MergeTextField(label=_("heading of the page"), multiline=False, max_length=200)
        text = MergeTextField(label=_("text of the page"), required=False)
        button = forms.CharField(label=_("button"), required=False, max_length=60)
        target = MergeTextField(
            label=_("the button leads to"),
            multiline=False,
            required=False,
            help_text=_("An address; values of earlier rules may stand in it."),
        )

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            if data.get("button") and not data.get("target"):
                self.add_error("target", _now("A button needs an address."))
            return data

    def run(self, context: Context) -> Outcome:
        settings = context.settings
        target = context.text(settings["target"]).strip() if settings["button"] else ""
        if target:
            try:
                URLValidator(schemes=["http", "https"])(target)
            except ValidationError as error:
                raise ActionError(said("url.none", "“%s” is not an address.") % target[:200]) from error
        code = QrCode.objects.create(
            item=context.item,
            name=settings["name"],
            heading=" ".join(context.text(settings["heading"]).split())[:200],
            text=context.text(settings["text"]),
            button=settings["button"],
            target=target[:1000],
            language=merge_text.language_of(context.item),
            origin=context.origin,
        )
        record(
            "qr.created",
            item=context.item,
            visit=context.visit,
            actor=context.rights,
            cause=context.cause,
            payload={"name": code.name, "link": code.link(), "picture": code.picture_link()},
        )
        outputs = {"code": code.pk, "link": code.link(), "picture": code.picture_link()}
        return Done(outputs, summary=code.name)

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("name", ""))
