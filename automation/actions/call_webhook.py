"""Call a webhook."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from automation.base import Action, ActionError, Context, Done, Outcome, SettingsForm, Wait, actions
from automation.fields import MergeTextField
from crm.api.schemas import item_out
from crm.ground.sentences import said
from crm.models import Webhook, WebhookDelivery
from crm.webhooks import calls as webhooks


class WebhookChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Webhook.objects.filter(is_active=True), **kwargs)


@actions.register
class CallWebhook(Action):
    key = "call_webhook"
    label = _("Call a webhook")
    synonyms = _("HTTP, API, request, integration")
    example = _("The order goes to the warehouse's program.")
    group = "connect"
    icon = "webhook"
    help = _("Sends the item to a program of yours, signed, and waits for its answer.")
    outputs = {"status": _("status of the answer"), "answer": _("answer"), "delivery": _("delivery")}

    class Settings(SettingsForm):
        webhook = WebhookChoice(label=_("webhook"))
        body = MergeTextField(label=_("JSON body"), required=False, help_text=_("Empty: the item as the API shows it."))

    def run(self, context: Context) -> Outcome:
        target = context.settings["webhook"]
        if target is None or not target.is_active:
            raise ActionError(said("webhook.gone", "The webhook is gone or switched off."))
        if context.settings["body"].strip():
            body: Any = context.text(context.settings["body"])
            try:
                json.loads(body)
            except ValueError as error:
                raise ActionError(said("webhook.body_not_json", "The body is not JSON: %s") % error) from error
        else:
            data = {"item": item_out(context.item), "rule": {"key": context.rule.key, "name": context.rule.name}}
            body = {"type": "rule.run", "data": data}
        delivery = webhooks.deliver(
            target,
            body,
            item=context.item,
            visit=context.visit,
            survives_leaving=context.run.keeps,
            retry_hours=context.rule.retry_hours,
        )
        return Wait(on=f"job:{delivery.job_id}", outputs={"delivery": delivery.pk})

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        ended = super().resume(context, status, sentence)
        if not isinstance(ended, Done):
            return ended
        delivery = WebhookDelivery.objects.get(pk=context.outputs["delivery"])
        try:
            answer = json.loads(delivery.answer)
        except ValueError:
            answer = delivery.answer[:2000]
        return Done({**context.outputs, "status": delivery.http_status, "answer": answer})

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("webhook") or "")
