"""How people come in: allauth's account and two-factor flows, with our mail channel, our words, and no sign-up."""

from __future__ import annotations

import ipaddress
import logging
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.company.models import SystemSwitches
from crm.events import notice
from crm.ground import vault
from crm.ground.access import peer
from crm.people.models import User

log = logging.getLogger("dealwright.accounts")

# What changed about an account: said on the page, and by mail to its person, who may not have done it.
NOTICES = {
    "password_changed": _("Your password was changed."),
    "password_reset": _("Your password was set anew."),
    "totp_activated": _("Codes of an authenticator app are asked for from now on."),
    "totp_deactivated": _("Codes of an authenticator app are not asked for any more."),
    "recovery_codes_generated": _("There are new recovery codes; the former ones are void."),
    "webauthn_added": _("A security key was added."),
    "webauthn_removed": _("A security key was removed."),
}


DEVICE = "dealwright_device"
DEVICE_SECONDS = 365 * 24 * 3600


def _account(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email") or credentials.get("username") or "").strip().lower()


def _network(address: str) -> str:
    """Whoever has an IPv6 address has 2^64 of them; they count as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 and mapped is None else str(found)


def _is_known_device(request: HttpRequest, account: str) -> bool:
    try:
        known = signing.loads(request.COOKIES.get(DEVICE, ""), salt=DEVICE, max_age=DEVICE_SECONDS)
    except signing.BadSignature:
        return False
    user = User.objects.filter(email__iexact=account, is_active=True).first() if account else None
    return user is not None and known == _mark_of(user)


def _mark_of(user: User) -> list[str]:
    """A device is known for one account, and until its password changes."""
    return [str(user.pk), str(user.get_session_auth_hash())[:20]]


class Accounts(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is not active."),
        "email_password_mismatch": _("E-mail and password do not belong together. Capitals count in the password."),
        "enter_current_password": _("This is not your present password."),
        "incorrect_password": _("This is not your password."),
        "invalid_login": _("E-mail and password do not belong together. Capitals count in the password."),
        "too_many_login_attempts": _("Too many attempts. Please wait five minutes."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return peer(request) or "127.0.0.1"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Of the account and whoever tries: a stranger's five tries lock out the stranger, not the person."""
        return f"{_account(credentials)}|{_network(peer(request))}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Five tries for each pair of account and address; a hundred a day for an account from all of them together,
        which a device that has been let in before passes: strangers cannot lock somebody out of their own telephone."""
        super().pre_authenticate(request, **credentials)
        self._account_usage = None
        if _is_known_device(request, _account(credentials)):
            return
        key = _account(credentials)
        self._account_usage = ratelimit.consume(request, app="allauth.account", action="login_failed_all", key=key)
        if not self._account_usage:
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Whoever has set the password anew by the link in a mail is let in, whatever strangers had tried."""
        super()._delete_login_attempts_cached_email(request, **credentials)
        ratelimit.clear(request, app="allauth.account", action="login_failed_all", key=_account(credentials))

    def _rollback_login_failed_rl_usage(self) -> None:
        super()._rollback_login_failed_rl_usage()
        usage = getattr(self, "_account_usage", None)  # a key or a link asks for no password
        if usage:
            usage.rollback()

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = super().post_login(request, user, **kwargs)
        mark = signing.dumps(_mark_of(user), salt=DEVICE)
        secure = settings.SESSION_COOKIE_SECURE
        answer.set_cookie(DEVICE, mark, max_age=DEVICE_SECONDS, httponly=True, samesite="Lax", secure=secure)
        return answer

    def add_message(self, request: HttpRequest, level: Any, message_template: Any = None, *a: Any, **kw: Any) -> None:
        notice = NOTICES.get(_name(message_template))
        if notice:
            messages.success(request, notice)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At our own address, whatever host the request named: the link is the key to the account."""
        asked = urlsplit(super().get_reset_password_from_key_url(key))
        return f"{settings.PUBLIC_URL}{asked.path}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Only the link for a new password; an unknown address gets no mail, and the page does not tell."""
        if _name(template_prefix) == "password_reset_key":
            user = context["user"]
            with translation.override(user.language):
                text = _now(
                    "Somebody, probably you, asked for a new password for Dealwright. Choose it here within three days:\n\n"
                    "%(link)s\n\nIf it was not you, nothing needs to be done: the old password stays."
                )
                words = {"link": context["password_reset_url"]}
                notice.mail(user, _now("A new password for Dealwright"), text % words)

    def send_notification_mail(self, template_prefix: str, user: User, context: Any = None, email: Any = None) -> None:
        told = NOTICES.get(_name(template_prefix))
        if told:
            with translation.override(user.language):
                more = _now("If it was not you, please tell your administrator at once.")
                notice.mail(user, _now("Your Dealwright account"), f"{told}\n\n{more}")


class SecondFactors(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right. Codes of an app are valid for half a minute."),
        "cannot_generate_recovery_codes": _("Recovery codes need an app or a key first."),
    }

    def encrypt(self, text: str) -> str:
        return vault.lock({"value": text})

    def decrypt(self, encrypted_text: str) -> str:
        """Raises PermissionDenied where the key is not known any more: an empty secret would let everybody in."""
        value = vault.unlock(encrypted_text).get("value")
        if not value:
            log.error("a second factor cannot be read: was SECRET_KEY changed without SECRET_KEY_FALLBACKS?")
            raise PermissionDenied
        return str(value)

    def get_totp_issuer(self) -> str:
        return "Dealwright"

    def send_notification_mail(self, template_prefix: str, user: User, *args: Any, **kwargs: Any) -> None:
        Accounts().send_notification_mail(template_prefix, user)


def _name(template: Any) -> str:
    return str(template or "").rpartition("/")[2].removesuffix(".txt")


def lacks_second_factor(user: User) -> bool:
    """The administrator's switch asks for one, and the person has none yet."""
    asked = SystemSwitches.second_factor_asked()
    if not asked or (asked == SystemSwitches.SecondFactor.ADMINISTRATORS and not (user.is_staff or user.is_superuser)):
        return False
    return not is_mfa_enabled(user)
