"""Installed apps, the actions and triggers that they declare, and each call of an action."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Self

from django.conf import settings
from django.core import signing
from django.db import models
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from automation.models import Run
from crm.ground import clock, vault
from crm.models import Item, Job, User
from crm.webhooks.models import locked_secret, message_id
from crm.work.leased import Status

ANSWER = signing.Signer(salt="automation.app.answer")


def in_language(words: Mapping[str, str]) -> str:
    """The words in the active language, else in English, else in any; empty for none."""
    return words.get(get_language() or "en") or words.get("en") or next(iter(words.values()), "")


# Worded anew for each reader, as the labels of our own types are.
told = lazy(in_language, str)


class App(models.Model):
    """A program of somebody else that an administrator let in. Its words are text: no template marks them safe."""

    # Letters and digits: its types are "app_<its key>_<theirs>".
    key = models.CharField(_("key"), max_length=20, unique=True)
    # By language.
    names = models.JSONField(_("name"), default=dict)
    about = models.JSONField(_("what it does"), default=dict, blank=True)
    # Paths of merge fields, "contact.phone": nothing else of a card leaves the house in a call of it.
    sends = models.JSONField(_("is sent"), default=list, blank=True)
    secret = models.TextField(default=locked_secret, editable=False)
    # Of its own token, which answers calls and fires triggers, and opens nothing else.
    token_hash = models.CharField(max_length=64, editable=False)
    installed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="+", verbose_name=_("installed by"), editable=False
    )
    installed_at = models.DateTimeField(_("installed"), default=clock.now, editable=False)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ["key"]
        verbose_name = _("app")
        verbose_name_plural = _("apps")

    def __str__(self) -> str:
        return in_language(self.names) or self.key

    def open_secret(self) -> str:
        return str(vault.unlock(self.secret).get("secret", ""))

    def new_token(self) -> str:
        """Its token from now on, to be saved and shown once."""
        text = f"dwa_{self.key}_{secrets.token_urlsafe(32)}"
        self.token_hash = hashlib.sha256(text.encode()).hexdigest()
        return text

    @classmethod
    def by_token(cls, text: str) -> Self | None:
        """The installed app of a token, or None."""
        head, _line, rest = text.partition("_")
        found = cls.objects.filter(key=rest.partition("_")[0], removed_at=None).first() if head == "dwa" else None
        digest = hashlib.sha256(text.encode()).hexdigest()
        return found if found is not None and secrets.compare_digest(found.token_hash, digest) else None

    def remove(self) -> None:
        """Its rules fail with its name from now on; what it did stays in the history of its cards."""
        self.removed_at = clock.now()
        self.token_hash = ""
        self.save()


class AppType(models.Model):
    """An action or trigger that an app declares, as its manifest describes it (automation/remote/manifest.py)."""

    class Kind(models.TextChoices):
        ACTION = "action", _("rule")
        TRIGGER = "trigger", _("trigger")

    app = models.ForeignKey(App, models.CASCADE, related_name="types", verbose_name=_("app"))
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    key = models.CharField(_("key"), max_length=30)
    declared = models.JSONField(default=dict)
    # The app has stopped to offer it; what was placed says so when it runs.
    is_gone = models.BooleanField(default=False)

    class Meta:
        ordering = ["kind", "pk"]
        verbose_name = _("action or trigger of an app")
        verbose_name_plural = _("actions and triggers of apps")
        constraints = [models.UniqueConstraint(fields=["app", "kind", "key"], name="app_type_once")]

    def __str__(self) -> str:
        return in_language(self.declared.get("name", {})) or self.key

    @property
    def full_key(self) -> str:
        return f"app_{self.app.key}_{self.key}"


class AppCall(models.Model):
    """One call of an app for one run, and its one answer."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        LATER = "later", _("answers later")
        ANSWERED = "answered", _("answered")
        FAILED = "failed", _("failed")
        OVER = "over", _("no longer waited for")

    app = models.ForeignKey(App, models.CASCADE, related_name="calls", verbose_name=_("app"))
    run = models.ForeignKey(Run, models.CASCADE, related_name="+", verbose_name=_("run"))
    item = models.ForeignKey(Item, models.CASCADE, related_name="+", verbose_name=_("item"))
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+", verbose_name=_("job"))
    # Repeats of a call carry the same one.
    message_id = models.CharField(_("number of the message"), max_length=60, default=message_id)
    address = models.CharField(_("address"), max_length=500)
    body = models.TextField(_("body"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PLANNED)
    # Outputs by name, or the reason of a failure; what was answered now waits here for the end of its job.
    answer = models.JSONField(_("answer"), default=dict, blank=True)
    minutes = models.PositiveIntegerField(_("minutes to answer"))
    deadline = models.DateTimeField(_("to be answered until"), null=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)

    @property
    def is_answered(self) -> bool:
        """Whether the app has said what came of it; a call that failed by itself has no answer."""
        return self.state == self.State.ANSWERED or (self.state == self.State.FAILED and bool(self.answer))

    @property
    def is_waited_for(self) -> bool:
        """Whether its run still waits, or stands still until somebody lets it go on."""
        waits = (Status.WAITING, Status.HELD)
        return (
            self.state in (self.State.PLANNED, self.State.LATER) and self.run.status in waits and bool(self.run.wait_on)
        )

    class Meta:
        verbose_name = _("call of an app")
        verbose_name_plural = _("calls of apps")

    def __str__(self) -> str:
        return self.message_id

    def answer_url(self) -> str:
        """Where the app answers later; signed, so that nobody answers for a run that he was not called for."""
        return f"{settings.PUBLIC_URL}/api/v1/app/answers/{ANSWER.sign(str(self.pk))}"

    @classmethod
    def by_token(cls, token: str) -> Self | None:
        """The call that an answer's address names; None for one that is not signed by us."""
        try:
            pk = ANSWER.unsign(token)
        except signing.BadSignature:
            return None
        return cls.objects.select_related("run", "app").filter(pk=pk).first()
