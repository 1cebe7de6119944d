"""E-mail by a delivery service's own interface, through django-anymail; what becomes of it comes back by webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused, AnymailRequestsAPIError
from django import forms
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from requests import exceptions as network

from crm.ground.sentences import said
from crm.messages.transports.base import Transport, TransportError, transports
from crm.messages.transports.mails import put_together


@dataclass(frozen=True)
class Service:
    """How anymail calls a service's key and signature; `views` (status, inbound) by their class names."""

    label: str
    module: str
    key: str
    views: tuple[str, str]
    signing: str = ""
    domain: bool = False


SERVICES = {
    "brevo": Service("Brevo", "brevo", "api_key", ("BrevoTrackingWebhookView", "BrevoInboundWebhookView")),
    "mailgun": Service(
        "Mailgun",
        "mailgun",
        "api_key",
        ("MailgunTrackingWebhookView", "MailgunInboundWebhookView"),
        signing="webhook_signing_key",
        domain=True,
    ),
    "postmark": Service(
        "Postmark", "postmark", "server_token", ("PostmarkTrackingWebhookView", "PostmarkInboundWebhookView")
    ),
}


@transports.register
class DeliveryService(Transport):
    key = "delivery_service"
    label = gettext_lazy("Delivery service (Brevo, Mailgun, Postmark)")
    media = ("email",)
    secrets = ("api_key", "webhook_password", "signing_key")

    class Settings(forms.Form):
        service = forms.ChoiceField(
            label=gettext_lazy("service"), choices=[(key, service.label) for key, service in SERVICES.items()]
        )
        domain = forms.CharField(
            label=gettext_lazy("sending domain"),
            required=False,
            max_length=200,
            help_text=gettext_lazy("Mailgun only."),
        )
        api_key = forms.CharField(
            label=gettext_lazy("API key"), required=False, max_length=300, widget=forms.PasswordInput
        )
        webhook_password = forms.RegexField(
            r"^[^\s:]{16,100}$",
            label=gettext_lazy("password of its webhooks"),
            required=False,
            widget=forms.PasswordInput,
            help_text=gettext_lazy("The addresses are shown below; at the service, they carry the user “dealwright”."),
            error_messages={"invalid": gettext_lazy("At least 16 characters, without spaces and colons.")},
        )
        signing_key = forms.CharField(
            label=gettext_lazy("signing key of its webhooks"),
            required=False,
            max_length=300,
            widget=forms.PasswordInput,
            help_text=gettext_lazy("Mailgun only."),
        )

    @classmethod
    def addresses(cls, channel: Any) -> list[tuple[str, str]]:
        words = {"status": _("Address for events of mails"), "inbound": _("Address for mails that come in")}
        return [
            (label, settings.PUBLIC_URL + reverse("mail-hook", args=[channel.pk, what]))
            for what, label in words.items()
        ]

    def fault(self) -> str:
        return "" if self.settings.get("api_key") else str(_("The API key is missing."))

    @property
    def service(self) -> Service:
        return SERVICES[self.settings.get("service", "brevo")]

    def send(self, message: Any) -> str:
        if self.fault():
            raise TransportError(self.fault(), permanent=True)
        service = self.service
        own = {service.key: self.settings["api_key"]}
        if service.domain and self.settings.get("domain"):
            own["sender_domain"] = self.settings["domain"]
        base = settings.MAIL_SERVICE_URLS.get(str(self.settings.get("service")))
        if base:
            own["api_url"] = base
        connection = get_connection(f"anymail.backends.{service.module}.EmailBackend", **own)
        mail: Any = put_together(message, connection)
        # Their report names it, whatever they make of the Message-ID.
        mail.metadata = {"message": message.public_id.hex}
        try:
            mail.send()
        except AnymailRecipientsRefused as error:
            raise TransportError(said("service.address", "The service refused the address."), permanent=True) from error
        except AnymailRequestsAPIError as error:
            raise _refused(error) from error
        except AnymailAPIError as error:
            raise _unanswered(error) from error
        except (AnymailError, ImproperlyConfigured) as error:
            status = getattr(mail, "anymail_status", None)
            if status is not None and status.esp_response is not None:
                # It answered, and the answer cannot be read: the mail may well be on its way.
                raise TransportError(
                    said("service.answer", "The service's answer cannot be understood."), sent=True
                ) from error
            raise TransportError(
                said("service.cannot", "The service cannot send this mail: %s") % error, permanent=True
            ) from error
        ids = {row.message_id for row in mail.anymail_status.recipients.values() if row.message_id}
        return str(next(iter(ids), "") or message.public_address())[:120]

    def webhook_view(self, inbound: bool) -> Any:
        """Anymail's view for the service's calls, with this channel's secrets; None where none are set."""
        password = self.settings.get("webhook_password")
        if not password or (self.service.signing and not self.settings.get("signing_key")):
            return None
        module = import_module(f"anymail.webhooks.{self.service.module}")
        own = {"webhook_secret": f"dealwright:{password}", "api_key": self.settings.get("api_key", "")}
        if self.service.signing:
            own[self.service.signing] = self.settings["signing_key"]
        return getattr(module, self.service.views[inbound])(**own)


def _refused(error: AnymailRequestsAPIError) -> TransportError:
    status = error.status_code or 0
    if not status:
        return _unanswered(error)
    words = said("service.refused", "The service refused it: %(code)s %(words)s") % {
        "code": status,
        "words": str(error).splitlines()[0][:200],
    }
    # A wrong key may be mended; a mail that the service does not take will never be.
    permanent = 400 <= status < 500 and status not in (401, 403, 408, 429)
    return TransportError(words, permanent=permanent, sent=status >= 500)


def _unanswered(error: AnymailAPIError) -> TransportError:
    cause = error.__cause__
    if isinstance(cause, network.ConnectTimeout):
        return TransportError(said("service.unreachable", "The service cannot be reached."))
    if isinstance(cause, network.ConnectionError):
        reached = "refused" not in str(cause).lower() and "resolve" not in str(cause).lower()
        return TransportError(said("service.broke", "The connection to the service broke."), sent=reached)
    return TransportError(said("service.late", "The service did not answer in time."), sent=True)
