"""Erasing a customer at their request: first what goes and what stays, then for good."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from crm.customers import erasing
from crm.ground.access import staff_of_ours
from crm.ground.refused import Refused
from crm.people.models import Contact
from crm.people.signed_in import signed_in


class EraseForm(forms.Form):
    why = forms.CharField(
        label=lazy("how it was asked for"),
        max_length=300,
        help_text=lazy("It stands on the receipt: “by letter of 3 May”, no name, no address."),
    )
    sure = forms.BooleanField(label=lazy("I have seen what goes. It cannot be taken back."))


@staff_of_ours
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    contact: Contact = get_object_or_404(Contact.objects.visible_to(user), pk=pk)
    erasing.check_rights(contact, user)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            receipt = erasing.erase(contact, by=user, why=form.cleaned_data["why"])
        except Refused as refused:
            form.add_error(None, refused.sentence)
        else:
            messages.success(request, _("Erased. Receipt %d stays.") % receipt.pk)
            return redirect("contact", pk)
    context = {
        "contact": contact,
        "form": form,
        "lines": erasing.preview(contact),
        "barred": erasing.barred(contact),
        "nav": "contacts",
    }
    return render(request, "people/erase.html", context, status=422 if request.method == "POST" else 200)
