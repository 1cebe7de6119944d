"""Personal data of messages: their words and files, the mails as they came; a refusal stays, without the address."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.ground.marks import keyed_hash
from crm.ground.sentences import said
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import DELETED, EMPTIED
from crm.messages.models.files import Attachment, RawMail
from crm.messages.models.invites import Invite
from crm.messages.models.messages import Message, MessageLink
from crm.messages.models.refusals import Refusal
from crm.work.leased import UNSTARTED
from crm.work.models import Job


def _messages(subject: Subject) -> Any:
    """Of their cards, to and from them, and to and from their addresses without anybody being recognised."""
    reached = Q(to__in=[*subject.emails, *subject.numbers], contact=None)
    return Message.objects.filter(subject.theirs | reached)


def _of_messages(model: Any) -> Any:
    def rows(subject: Subject) -> Any:
        return model.objects.filter(message__in=_messages(subject).values("pk"))

    return rows


def _files(subject: Subject) -> Any:
    belongs = Q(item__in=subject.items) | Q(event__in=subject.events.values("pk"))
    return Attachment.objects.filter(belongs | Q(message__in=_messages(subject).values("pk")))


def _marked(refusal: Refusal) -> dict[str, Any]:
    return {"address": keyed_hash(refusal.medium, refusal.address)}


@slots.erasure_begins.register
def cancel_messages(subject: Subject) -> None:
    """What still waits to be sent to them is not."""
    jobs = Job.objects.filter(pk__in=_messages(subject).exclude(job=None).values("job"), status__in=UNSTARTED)
    Job.cancel(list(jobs.values_list("pk", flat=True)), said("erased", "the customer was erased"))


for data in (
    PersonalData(_("files"), DELETED, _files, files=("file",)),
    PersonalData(_("mails as they came"), DELETED, _of_messages(RawMail), files=("file",)),
    PersonalData(
        _("invitations"), DELETED, lambda s: Invite.objects.filter(Q(contact=s.contact.pk) | Q(address__in=s.emails))
    ),
    PersonalData(_("links in mails"), DELETED, _of_messages(MessageLink), counts=False),
    PersonalData(
        _("refusals"),
        _("kept as a mark that nobody can read: no message goes there again"),
        lambda subject: Refusal.objects.filter(address__in=[*subject.emails, *subject.numbers]),
        cleared={"address": "", "words": "", "lifted_why": ""},
        each=_marked,
    ),
    PersonalData(
        _("messages"),
        EMPTIED,
        _messages,
        cleared={
            "to": "",
            "subject": "",
            "text": "",
            "html": "",
            "error": "",
            "mail_id": "",
            "provider_id": "",
        },
    ),
):
    slots.personal_data.register(data)
