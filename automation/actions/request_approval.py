"""Ask for approval: waits for the answers of colleagues, who give them on their day or by a link in a mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings as config
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from automation.approvals import Approval, Vote
from automation.base import Action, ActionError, Context, Done, Outcome, Skip, Wait, actions
from automation.fields import ItemFieldChoices, MergeTextField
from automation.recipients import RecipientsForm, recipients
from automation.timing import UNITS, NoCalendar, after, check_amount
from crm.events.notice import mail, notify
from crm.ground import clock
from crm.ground.sentences import said

MODES = [("all", _("all of them")), ("any", _("one of them")), ("number", _("so many of them"))]
ENDS = [
    ("go_on", _("go on; later rules ask rules.key.approved")),
    ("skip", _("count as skipped")),
    ("fail", _("count as failed")),
]


@actions.register
class RequestApproval(Action):
    key = "request_approval"
    label = _("Ask for approval")
    synonyms = _("confirm, permission, sign off")
    example = _("The head of sales agrees to a discount before the offer leaves.")
    group = "team"
    icon = "signature"
    leads = True
    pauses = True
    help = _(
        "Asks colleagues to approve; it stands on their day and comes by mail. Rules that are set to start after it wait for the answer."
    )
    outputs = {"approved": _("approved"), "by": _("by whom"), "comment": _("comments")}
    alone = True

    class Settings(RecipientsForm):
        text = MergeTextField(label=_("what is to be approved"))
        mode = forms.ChoiceField(label=_("who has to approve"), choices=MODES, initial="all")
        number = forms.IntegerField(label=_("so many"), min_value=1, max_value=100, required=False)
        fill = ItemFieldChoices(label=_("fields to fill in"), required=False)
        amount = forms.IntegerField(label=_("answer within"), min_value=1, max_value=10_000, initial=2)
        unit = forms.ChoiceField(label=_("of what"), choices=UNITS[1:], initial="working_days")
        declined = forms.ChoiceField(label=_("when it is declined"), choices=ENDS, initial="skip")
        late = forms.ChoiceField(label=_("when the time is up"), choices=ENDS, initial="fail")

        def clean(self) -> dict[str, Any]:
            data = super().clean() or {}
            check_amount(self)
            if data.get("mode") == "number" and not data.get("number") and "number" not in self.errors:
                self.add_error("number", _now("How many?"))
            return data

    def run(self, context: Context) -> Outcome:
        settings, item = context.settings, context.item
        people = recipients(item, settings)
        needed = {"all": len(people), "any": 1}.get(settings["mode"], settings["number"] or 1)
        if len(people) < needed or not people:
            words = said("approval.nobody", "%(needed)d have to approve, and %(found)d are left to be asked.")
            raise ActionError(words % {"needed": max(needed, 1), "found": len(people)})
        try:
            deadline = after(clock.now(), settings["amount"], settings["unit"], item)
        except NoCalendar as error:
            raise ActionError(str(error)) from error
        text = context.text(settings["text"])
        approval = Approval.objects.create(
            run=context.run, item=item, text=text, needed=needed, fields=settings["fill"], deadline=deadline
        )
        for person in people:
            self._ask(context, Vote.objects.create(approval=approval, user=person), text)
        return Wait(f"approval:{approval.pk}", max(deadline, clock.now() + timedelta(seconds=1)))

    def _ask(self, context: Context, vote: Vote, text: str) -> None:
        asked = said("approval.asked", "Please approve “%(title)s”: %(text)s") % {
            "title": context.item.title,
            "text": text[:300],
        }
        notify([vote.user], asked, item=context.item, kind="approval", sender=context.rights)
        subject = said("approval.subject", "Please approve: %s") % context.item.title
        address = config.PUBLIC_URL + vote.address()
        body = said(
            "approval.mail",
            "%(text)s\n\nYour answer: %(address)s\n\nThe link is yours alone; opening it decides nothing.",
        )
        mail(vote.user, subject, body % {"text": text, "address": address})

    def resume(self, context: Context, status: str, sentence: str) -> Outcome:
        approval = Approval.objects.get(run=context.run)
        if status == "late":
            Approval.objects.filter(pk=approval.pk, state=Approval.State.OPEN).update(state=Approval.State.LATE)
            return self._ended(context.settings["late"], self._outputs(approval, False), sentence)
        outputs = self._outputs(approval, approval.state == Approval.State.APPROVED)
        if approval.state == Approval.State.APPROVED:
            return Done(outputs, summary=outputs["by"])
        words = said("approval.declined", "Declined by %s.") % outputs["by"]
        return self._ended(context.settings["declined"], outputs, words)

    def _ended(self, how: str, outputs: dict[str, Any], sentence: str) -> Outcome:
        if how == "fail":
            raise ActionError(sentence)
        return Done(outputs, summary=sentence) if how == "go_on" else Skip(sentence)

    def _outputs(self, approval: Approval, approved: bool) -> dict[str, Any]:
        """Who answered as it was decided, and what they wrote."""
        votes = approval.votes.exclude(answer=Vote.Answer.NONE).select_related("user").order_by("answered_at")
        kept = [vote for vote in votes if (vote.answer == Vote.Answer.YES) is approved]
        return {
            "approved": approved,
            "by": ", ".join(vote.user.name for vote in kept),
            "comment": "\n".join(vote.comment for vote in votes if vote.comment),
        }

    def summary(self, settings: dict[str, Any]) -> str:
        return str(settings.get("text", ""))[:80]
