"""What a person does about a contact's addresses: write there again, say that a new one is right, split it off."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.customers import splitting
from crm.customers.forms.splitting import SplitForm
from crm.events.record import record
from crm.ground import characters, phones
from crm.ground.access import staff_of_ours
from crm.ground.refused import Forbidden, Refused
from crm.items import customer_rights
from crm.messages.models.refusals import Refusal
from crm.people.models import Contact
from crm.people.signed_in import signed_in


def _contact(request: HttpRequest, pk: int) -> Contact:
    """Raises Http404 for one that the person does not see, Forbidden for one that he may not change."""
    user: Any = request.user
    found: Contact = get_object_or_404(Contact.objects.visible_to(user), pk=pk)
    customer_rights.require(user, "edit", found)
    return found


@staff_of_ours
@require_POST
def lift(request: HttpRequest, pk: int, refusal: int) -> HttpResponse:
    """Write there again; a reason has to be given, and stays with the refusal and in the contact's history."""
    contact = _contact(request, pk)
    row = get_object_or_404(Refusal.objects.of(contact), pk=refusal)
    why = " ".join(characters.kept(request.POST.get("why", "")).split())
    for holder in row.held_by():
        # Else anybody lifted anybody's by making a contact with the address.
        customer_rights.require(signed_in(request), "edit", holder)
    if not why:
        messages.error(request, _("Please write down why it may be written to again."))
    else:
        row.lift(why, signed_in(request))
        payload = {"address": row.address, "medium": row.medium, "reason": row.reason, "why": why[:300]}
        for holder in row.held_by():
            record("refusal.lifted", contact=holder, actor=signed_in(request), payload=payload)
        messages.success(request, _("%s may be written to again.") % row.shown_address)
    return redirect("contact", pk)


@staff_of_ours
@require_POST
def confirm_address(request: HttpRequest, pk: int) -> HttpResponse:
    """The new address or number (`address`) is this person's."""
    contact, asked = _contact(request, pk), characters.kept(request.POST.get("address", ""))
    done = contact.emails.filter(address=asked).update(is_new=False)
    done += contact.phones.filter(number=asked).update(is_new=False, is_unchecked=False, is_from_form=False)
    if not done:
        raise Http404
    messages.success(request, _("%s is an address of this contact.") % phones.display(asked))
    return redirect("contact", pk)


@staff_of_ours
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """A contact that holds several people: what is chosen here goes to a new one."""
    contact = _contact(request, pk)
    if not customer_rights.hands_to(signed_in(request), "add", contact.owner):
        raise Forbidden(customer_rights.REFUSALS["add"])
    form = SplitForm(contact, signed_in(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = splitting.split(contact, form.share(), by=signed_in(request))
        except splitting.CannotSplit as refused:
            form.add_error(None, str(refused))
        except Refused as refused:
            form.add_error(None, refused.sentence)
        else:
            messages.success(request, _("“%(name)s” is a contact of its own now.") % {"name": made.name})
            return redirect("contact", made.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "people/split.html", {"contact": contact, "form": form, "nav": "contacts"}, status=status)
