"""SMS by Twilio, through its own SDK; what becomes of a message comes back by a signed callback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from requests import exceptions as network
from twilio.base.exceptions import TwilioException, TwilioRestException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from crm.ground.sentences import said
from crm.messages.models.messages import Message
from crm.messages.transports.base import NotAnswerable, Transport, TransportError, transports

TIMEOUT = 10  # seconds
CLOCKS = timedelta(minutes=1)


@transports.register
class Twilio(Transport):
    key = "twilio"
    label = "Twilio"
    media = ("sms",)
    secrets = ("auth_token",)
    lists = True

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

    def _client(self) -> Any:
        # Imported here: these weigh ten megabytes, and most installations never load them.
        from twilio.http.http_client import TwilioHttpClient
        from twilio.rest import Client

        if self.fault():
            raise TransportError(self.fault(), permanent=True)
        http = TwilioHttpClient(timeout=TIMEOUT)
        client = Client(self.settings["account_sid"], self.settings["auth_token"], http_client=http)
        client.api.base_url = settings.TWILIO_BASE_URL
        return client

    def send(self, message: Any) -> str:
        client = self._client()
        service = self.settings.get("messaging_service")
        sender = {"messaging_service_sid": service} if service else {"from_": self.channel.sender}
        callback = settings.PUBLIC_URL + reverse("twilio-status", args=[message.public_id])
        with _told(client):
            made = client.messages.create(to=message.to, body=message.text, status_callback=callback, **sender)
        return str(made.sid)

    def find(self, message: Any, since: datetime) -> str:
        """The newest message of the same text to the same number that no other message of ours is.

        Raises NotAnswerable where there is one of another text that nobody of ours sent: Twilio may have changed it
        (trial accounts put words before it, other letters are replaced).
        """
        client = self._client()
        asked = {} if self.settings.get("messaging_service") else {"from_": self.channel.sender}
        with _told(client):
            found = client.messages.list(to=message.to, limit=50, **asked)
        # Their clock and ours may differ by a little.
        fresh = [one for one in found if one.date_created is None or one.date_created >= since - CLOCKS]
        out = [one for one in fresh if "in" not in str(one.direction or "").split("bound")[0]]
        ids = [str(one.sid) for one in out]
        others = Message.objects.filter(provider_id__in=ids).exclude(pk=message.pk)
        known = set(others.values_list("provider_id", flat=True))
        mine = [one for one in out if str(one.sid) not in known]
        same = next((str(one.sid) for one in mine if one.body == message.text), "")
        if mine and not same:
            raise NotAnswerable(
                said("twilio.similar", "Twilio has a message to this number with other words; it may be this one.")
            )
        return same


@contextmanager
def _told(client: Any) -> Iterator[None]:
    """Every way in which a call of the SDK may end, as a TransportError that says what happened (E45, E47)."""
    try:
        yield
    except TwilioRestException as error:
        code = {"code": error.code or error.status, "words": error.msg}
        if error.status in (408, 429, 503):
            words = said("twilio.busy", "Twilio is busy: %(code)s %(words)s") % code
            raise TransportError(words, retry_after=_retry_after(client)) from error
        if error.status >= 500:
            raise TransportError(
                said("twilio.fault", "Twilio broke while it took the message: %(code)s %(words)s") % code, sent=True
            ) from error
        raise TransportError(
            said("twilio.refused", "Twilio refused it: %(code)s %(words)s") % code, permanent=True
        ) from error
    except (network.ConnectTimeout, network.SSLError, network.ProxyError) as error:
        raise TransportError(said("twilio.unreachable", "Twilio cannot be reached.")) from error
    except network.ConnectionError as error:
        if _reached_nobody(error):
            raise TransportError(said("twilio.unreachable", "Twilio cannot be reached.")) from error
        raise TransportError(said("twilio.broke", "The connection to Twilio broke."), sent=True) from error
    except (network.RequestException, TwilioException) as error:
        raise TransportError(said("twilio.late", "Twilio did not answer in time."), sent=True) from error


def _reached_nobody(error: Any) -> bool:
    """Refused, no route, no such name: the connection was never there, so nothing was written."""
    reason = error.args[0] if error.args else None
    reason = reason.reason if isinstance(reason, MaxRetryError) else reason
    return isinstance(reason, NewConnectionError)


def _retry_after(client: Any) -> float | None:
    """Seconds that the last answer asked us to wait."""
    answer = client.http_client._test_only_last_response  # the SDK's errors carry no headers
    text = str((getattr(answer, "headers", None) or {}).get("Retry-After", "")).strip()
    return float(text) if re.fullmatch(r"\d{1,6}", text) else None
