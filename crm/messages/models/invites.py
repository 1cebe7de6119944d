"""A customer's invitation to a meeting of ours: under which number their calendar knows it, and what they answered."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.items.models.tasks import Task
from crm.people.models import Contact


def new_uid() -> str:
    """Nobody guesses it, so an answer that names it was invited."""
    return f"{uuid.uuid4()}@dealwright"


class Invite(models.Model):
    class Answer(models.TextChoices):
        NONE = "", _("not answered yet")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        TENTATIVE = "tentative", _("perhaps")

    task = models.OneToOneField(Task, models.CASCADE, related_name="invite")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, related_name="+")
    address = models.CharField(_("invited"), max_length=254)
    # iTIP (RFC 5546): stable for the meeting's life, and one more with each change.
    uid = models.CharField(max_length=100, unique=True, default=new_uid)
    sequence = models.PositiveIntegerField(default=0)
    answer = models.CharField(_("answer"), max_length=10, choices=Answer.choices, default=Answer.NONE, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    # When it was last said to take place; what is called off later names it.
    starts_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.address}: {self.get_answer_display()}"
