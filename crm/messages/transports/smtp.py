"""E-mail by SMTP."""

import smtplib
from typing import Any

from django import forms
from django.core.mail import get_connection
from django.utils.translation import gettext_lazy

from crm.company.models import SystemSwitches
from crm.ground import safe_http
from crm.ground.sentences import said
from crm.messages.transports.base import Transport, TransportError, transports
from crm.messages.transports.mails import put_together

TIMEOUT = 10  # seconds for each step of the conversation


@transports.register
class Smtp(Transport):
    key = "smtp"
    label = gettext_lazy("SMTP server")
    media = ("email",)
    secrets = ("password",)

    class Settings(forms.Form):
        host = forms.CharField(label=gettext_lazy("server"), max_length=200)
        port = forms.IntegerField(label=gettext_lazy("port"), min_value=1, max_value=65535, initial=587)
        security = forms.ChoiceField(
            label=gettext_lazy("encryption"),
            choices=[("starttls", "STARTTLS"), ("tls", "TLS"), ("none", gettext_lazy("none"))],
        )
        user = forms.CharField(label=gettext_lazy("user"), required=False, max_length=200)
        password = forms.CharField(
            label=gettext_lazy("password"), required=False, max_length=500, widget=forms.PasswordInput
        )

    def send(self, message: Any) -> str:
        own = self.settings
        connection = get_connection(
            "django.core.mail.backends.smtp.EmailBackend",
            host=own.get("host"),
            port=int(own.get("port") or 25),
            username=own.get("user") or None,
            password=own.get("password") or None,
            use_tls=own.get("security") == "starttls",
            use_ssl=own.get("security") == "tls",
            timeout=TIMEOUT,
        )
        mail = put_together(message, connection)
        try:
            safe_http.check_host(str(own.get("host")), int(own.get("port") or 25), SystemSwitches.mail_hosts())
        except safe_http.Unsafe as error:
            raise TransportError(str(error)) from error  # it may be listed, or its name mended, within the day
        try:
            connection.open()
        except (smtplib.SMTPException, OSError) as error:
            # Nothing has left the house yet: always safe to try again.
            raise TransportError(said("smtp.unreachable", "The mail server cannot be reached: %s") % error) from error
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise TransportError(self._words(code, text), permanent=code >= 500) from error
        except smtplib.SMTPServerDisconnected as error:
            # Between the text and the answer nobody can tell whether the server took it.
            raise TransportError(said("smtp.closed", "The mail server closed the connection."), sent=True) from error
        except smtplib.SMTPResponseException as error:
            # A refused login or sender is the channel's fault, not the message's; it may be mended: retried.
            permanent = error.smtp_code >= 500 and not isinstance(
                error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused
            )
            raise TransportError(self._words(error.smtp_code, error.smtp_error), permanent=permanent) from error
        except TimeoutError as error:
            raise TransportError(said("smtp.late", "The mail server did not answer in time."), sent=True) from error
        except OSError as error:
            raise TransportError(
                said("smtp.broke", "The connection to the mail server broke: %s") % error, sent=True
            ) from error
        finally:
            connection.close()
        return message.public_address()

    @staticmethod
    def _words(code: int, text: Any) -> str:
        words = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        return said("smtp.refused", "The mail server refused it: %(code)s %(words)s") % {
            "code": code,
            "words": words[:300],
        }
