"""SMS by Twilio, through its own SDK; what becomes of a message comes back by a signed callback."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.transports.base import Transport, TransportError, transports

TIMEOUT = 10  # seconds


@transports.register
class Twilio(Transport):
    key = "twilio"
    label = "Twilio"
    media = ("sms",)
    secrets = ("auth_token",)

    class Settings(forms.Form):
        account_sid = forms.RegexField("^AC[0-9a-f]{32}$", label=gettext_lazy("account SID"), max_length=34)
        messaging_service = forms.RegexField(
            "^MG[0-9a-f]{32}$",
            label=gettext_lazy("messaging service SID"),
            required=False,
            max_length=34,
            help_text=gettext_lazy("Empty: the channel's sender is the number."),
        )
        auth_token = forms.CharField(
            label=gettext_lazy("auth token"), required=False, max_length=100, widget=forms.PasswordInput
        )

    @classmethod
    def addresses(cls, channel: Any) -> list[tuple[str, str]]:
        return [(_("Address for SMS that come in"), settings.PUBLIC_URL + reverse("twilio-sms", args=[channel.pk]))]

    def fault(self) -> str:
        return "" if self.settings.get("auth_token") else str(_("The auth token is missing."))

    def send(self, message: Any) -> str:
        # Imported here: the SDK weighs ten megabytes, and most installations never load it.
        from requests import exceptions as network
        from twilio.base.exceptions import TwilioException, TwilioRestException
        from twilio.http.http_client import TwilioHttpClient
        from twilio.rest import Client

        if self.fault():
            raise TransportError(self.fault(), permanent=True)
        http = TwilioHttpClient(timeout=TIMEOUT)
        client = Client(self.settings["account_sid"], self.settings["auth_token"], http_client=http)
        client.api.base_url = settings.TWILIO_BASE_URL
        service = self.settings.get("messaging_service")
        sender = {"messaging_service_sid": service} if service else {"from_": self.channel.sender}
        callback = settings.PUBLIC_URL + reverse("twilio-status", args=[message.public_id])
        try:
            made = client.messages.create(to=message.to, body=message.text, status_callback=callback, **sender)
        except TwilioRestException as error:
            permanent = error.status < 500 and error.status not in (408, 429)
            words = _("Twilio refused it: %(code)s %(words)s") % {
                "code": error.code or error.status,
                "words": error.msg,
            }
            raise TransportError(words, permanent=permanent, sent=error.status >= 500) from error
        except network.ConnectTimeout as error:
            raise TransportError(_("Twilio cannot be reached.")) from error
        except network.ConnectionError as error:
            # A refused connection reached nobody; one that broke may have.
            reached = "refused" not in str(error).lower() and "resolve" not in str(error).lower()
            raise TransportError(_("The connection to Twilio broke."), sent=reached) from error
        except (network.RequestException, TwilioException) as error:
            raise TransportError(_("Twilio did not answer in time."), sent=True) from error
        return str(made.sid)
