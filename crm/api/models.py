"""Who may use the API: personal tokens; and the answers kept for repeated requests."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.ground.columns.moments import MomentField
from crm.people.models import User

SCOPES = {
    "read": _("read everything that the person sees"),
    "write": _("add, change, move and delete"),
    "send": _("send messages to customers"),
    "automation": _("control runs"),
    "rules": _("place and change rules and triggers, which act with the person's rights"),
    "webhooks": _("make and change webhooks"),
    "apps": _("install, change and remove apps (administrators)"),
}


class ApiToken(models.Model):
    """A bearer token. The text is shown once; only its hash is stored (a 256-bit secret needs no slow hash)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens", verbose_name=_("person"))
    name = models.CharField(_("name"), max_length=80)
    # Shown in lists and logs; finds the row without a search over hashes.
    prefix = models.CharField(_("begins with"), max_length=12, unique=True, editable=False)
    hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    expires_at = MomentField(_("valid until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} (dw_{self.prefix}_…)"

    @classmethod
    def make(cls, user: User, name: str, scopes: list[str], expires_at: Any = None) -> tuple[Self, str]:
        """A new token and its text, which is known now and never again. Raises ValueError for an unknown scope."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown:
            raise ValueError(f"unknown scope: {', '.join(unknown)}; known are {', '.join(SCOPES)}")
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row = cls.objects.create(
            user=user, name=name[:80], prefix=prefix, hash=cls.digest(secret), scopes=scopes, expires_at=expires_at
        )
        return row, f"dw_{prefix}_{secret}"

    @staticmethod
    def digest(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The valid token of an active person, or None. Its last use is noted once a minute."""
        head, _prefix, rest = text.partition("_")
        prefix, _line, secret = rest.partition("_")
        if head != "dw" or not secret:
            return None
        now = clock.now()
        valid = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        row = cls.objects.filter(valid, prefix=prefix, revoked_at=None, user__is_active=True).select_related("user")
        token = row.first()
        if token is None or not secrets.compare_digest(token.hash, cls.digest(secret)):
            return None
        if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
            cls.objects.filter(pk=token.pk).update(last_used_at=now)
        return token


class ApiCall(models.Model):
    """A request that carried an Idempotency-Key, with the answer that a repetition gets."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="calls")
    key = models.CharField(max_length=120)
    # Method, address and body; the same key for another request is refused.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=200)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        verbose_name = _("API call")
        verbose_name_plural = _("API calls")
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_call_a_key")]

    def __str__(self) -> str:
        return self.key
