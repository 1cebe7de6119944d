"""Whether somebody may be written to at an address: missing, impossible, unwanted, or nobody's word for it yet."""

from __future__ import annotations

from typing import Any

from crm.company.models import OwnCompany
from crm.ground import phones
from crm.ground.sentences import said, spoken
from crm.messages.models.messages import Medium
from crm.messages.models.refusals import Refusal
from crm.people.models import Contact


class CannotSend(Exception):
    """No message was written; the sentence says why. `permanent` is False where it may work later."""

    def __init__(self, sentence: Any, skip: bool = False) -> None:
        super().__init__(spoken(sentence))
        self.skip = skip


def check_address(contact: Contact | None, medium: str, to: str, is_necessary: bool = False) -> None:
    """Raises CannotSend in words for a missing, impossible or unwanted address.

    Args:
        is_necessary: a password, a code, a notice to one of ours: no refusal stops it.
    """
    if not to:
        if contact is None:
            raise CannotSend(said("customer.none", "No customer is linked to the item."))
        if contact.phones.exists() if medium == Medium.SMS else contact.emails.exists():
            raise CannotSend(
                said(
                    "customer.unconfirmed",
                    "What the customer may be reached by is new: somebody has to confirm it on the contact's page.",
                )
            )
        if medium == Medium.SMS:
            raise CannotSend(said("customer.no_phone", "The customer has no phone number."))
        raise CannotSend(said("customer.no_email", "The customer has no e-mail address."))
    if contact is not None and (contact.no_sms if medium == Medium.SMS else contact.no_email):
        raise CannotSend(said("customer.unwanted", "The customer does not want %s.") % Medium(medium).label, skip=True)
    if medium == Medium.SMS and not phones.can_receive_sms(to):
        raise CannotSend(said("phone.not_mobile", "%s is not a mobile number.") % phones.display(to))
    if medium == Medium.SMS and contact is not None and contact.phones.filter(number=to, is_unchecked=True).exists():
        raise CannotSend(
            said("phone.unchecked", "%s is in no numbering plan: somebody has to confirm it on the contact's page.")
            % phones.display(to)
        )
    if medium == Medium.SMS and contact is not None and not is_necessary and _is_strangers(contact, to):
        raise CannotSend(
            said(
                "phone.from_form",
                "%s came in by a public form, and no SMS go to such numbers of its country: somebody has to confirm it on the"
                " contact's page.",
            )
            % phones.display(to)
        )
    refusal = None if is_necessary else Refusal.objects.against(medium, to)
    if refusal is not None:
        raise CannotSend(refusal.sentence(), skip=True)


def _is_strangers(contact: Contact, number: str) -> bool:
    """Whether it was typed into a public form, nobody knows it, and its country is not listed for such."""
    if not contact.phones.filter(number=number, is_from_form=True).exists():
        return False
    return not OwnCompany.texts_to_strangers_in(phones.region_of(number))
