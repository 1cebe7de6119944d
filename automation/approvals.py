"""Asking for an approval: who is asked, what they said, and when that decides it."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from automation.models import Run
from crm.events import kinds
from crm.events.record import record
from crm.ground import clock, databases
from crm.ground.refused import Refused
from crm.ground.sentences import said
from crm.models import Cause, Item, User

SALT = "automation.approval"


class Approval(models.Model):
    class State(models.TextChoices):
        OPEN = "open", _("asked")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")
        LATE = "late", _("time is up")

    run = models.OneToOneField(Run, models.CASCADE, related_name="approval")
    item = models.ForeignKey(Item, models.CASCADE, related_name="+")
    text = models.TextField()
    # So many have to approve; as soon as they cannot be reached any more it is declined.
    needed = models.PositiveSmallIntegerField()
    # Names of fields that whoever approves fills in.
    fields = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    deadline = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_open(self) -> bool:
        """A run that was cancelled asks nobody any more."""
        return self.state == self.State.OPEN and self.run.status == "waiting"

    def decided(self) -> str:
        """The state that the answers so far give."""
        said_so = list(self.votes.values_list("answer", flat=True))
        if said_so.count(Vote.Answer.YES) >= self.needed:
            return self.State.APPROVED
        if len(said_so) - said_so.count(Vote.Answer.NO) < self.needed:
            return self.State.DECLINED
        return self.State.OPEN


class Vote(models.Model):
    class Answer(models.TextChoices):
        NONE = "", _("not answered yet")
        YES = "yes", _("approved")
        NO = "no", _("declined")

    approval = models.ForeignKey(Approval, models.CASCADE, related_name="votes")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    answer = models.CharField(max_length=3, choices=Answer.choices, default=Answer.NONE, blank=True)
    comment = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["approval", "user"], name="one_vote_a_person")]
        indexes = [models.Index(fields=["user", "answer"], name="votes_to_give")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_answer_display()}"

    def address(self) -> str:
        """The path of the page where this person alone answers; signed, and good until the deadline."""
        return reverse("approval-public", args=[signing.dumps(self.pk, salt=SALT)])

    @classmethod
    def of(cls, token: str) -> Vote | None:
        try:
            pk = signing.loads(token, salt=SALT)
        except signing.BadSignature:
            return None
        return cls.objects.select_related("approval__run", "approval__item", "user").filter(pk=pk).first()


def answer(vote: Vote, accepts: bool, comment: str, values: dict[str, Any]) -> str:
    """Write down what a person says; returns the approval's state. The caller wakes the run if it is decided.

    Args:
        values: cleaned values of the fields that were to be filled, written with this person's rights.
    Raises Refused: answered already, not asked any more, no right to change the card.
    """
    databases.lock(Item.objects.filter(pk=vote.approval.item_id)).values_list("pk").first()
    approval = databases.lock(Approval.objects.filter(pk=vote.approval_id)).get()
    fresh = databases.lock(Vote.objects.filter(pk=vote.pk)).get()
    if fresh.answer:
        raise Refused(said("approval.answered", "You have answered this already."))
    if not approval.is_open or approval.deadline <= clock.now() or not vote.user.is_active:
        raise Refused(said("approval.over", "This is not asked any more."))
    if accepts and values:
        approval.item.change(values, by=vote.user)
    fresh.answer = Vote.Answer.YES if accepts else Vote.Answer.NO
    fresh.comment, fresh.answered_at = comment[:2000], clock.now()
    fresh.save()
    approval.state = approval.decided()
    approval.save(update_fields=["state"])
    payload = {"by": vote.user.name, "answer": fresh.answer, "comment": fresh.comment, "state": approval.state}
    record("approval.answered", item=approval.item, actor=vote.user, cause=Cause(), payload=payload)
    return approval.state


def waiting_for(user: User) -> models.QuerySet[Vote]:
    """What the person has to answer, the most urgent first."""
    asked = Vote.objects.filter(user=user, answer=Vote.Answer.NONE, approval__state=Approval.State.OPEN)
    asked = asked.filter(approval__run__status="waiting", approval__deadline__gt=clock.now())
    return asked.select_related("approval__item").order_by("approval__deadline", "pk")


def _told(event: Any) -> kinds.Shown:
    words = _("%(who)s approved") if event.data("answer") == Vote.Answer.YES else _("%(who)s declined")
    return "signature", str(words) % {"who": event.data("by")}, event.data("comment")


kinds.register(
    kinds.EventKind(
        "approval.answered",
        _("Approval answered"),
        "signature",
        _told,
        shows=("changes",),
        names_customer=False,
        conceals=(),
    )
)
