"""What a contact that holds several people gives to a new one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from crm.customers.splitting import Share
from crm.ground import phones
from crm.items.models.items import Item
from crm.people.models import Contact, User
from crm.templatetags.dealwright import when

STAYS, GOES, BOTH = "stays", "goes", "both"
MOST_MESSAGES = 100  # single ones that are offered; older ones go by their address


class _Ticks(forms.MultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def __init__(self, label: Any, **more: Any) -> None:
        super().__init__(label=label, required=False, **more)


class SplitForm(forms.Form):
    """One tick each for addresses, cards and messages; numbers may stay, go over, or be of both."""

    name = forms.CharField(label=_("name of the new contact"), max_length=200)
    emails = _Ticks(_("e-mail addresses that go over"))
    items = _Ticks(_("cards that go over"))
    talk = forms.BooleanField(
        label=_("with all messages from and to the addresses and numbers that go over"), required=False, initial=True
    )
    messages = _Ticks(_("single messages that go over"), help_text=_("The newest hundred."))

    def __init__(self, contact: Contact, user: User, data: Any = None) -> None:
        super().__init__(data, initial={"talk": True})
        fields: Any = self.fields
        fields["emails"].choices = [(row.address, row.address) for row in contact.emails.all()]
        cards = Item.objects.visible_to(user).filter(contact=contact).select_related("stage", "pipeline")
        fields["items"].choices = [
            (str(item.pk), f"{item.title} · {item.pipeline.name} · {item.stage.name}")
            for item in cards.reached_by(user, "edit").order_by("-created_at")[:100]
        ]
        seen = contact.messages.visible_to(user).order_by("-created_at")
        fields["messages"].choices = [
            (str(row.pk), f"{when(row.created_at)} · {row.to} · {Truncator(row.subject or row.text).chars(60)}")
            for row in seen.defer("html")[:MOST_MESSAGES]
        ]
        self.numbers = [row.number for row in contact.phones.all()]
        for number in self.numbers:
            fields[f"phone.{number}"] = forms.ChoiceField(
                label=phones.display(number),
                choices=[(STAYS, _("stays")), (GOES, _("goes over")), (BOTH, _("both have it"))],
                initial=STAYS,
            )
        for name in ("emails", "items", "messages"):
            if not fields[name].choices:
                del fields[name]
        self.order_fields(["name", "emails", *(f"phone.{number}" for number in self.numbers), "items"])

    def share(self) -> Share:
        data = self.cleaned_data
        asked = {number: data[f"phone.{number}"] for number in self.numbers}
        return Share(
            name=data["name"],
            emails=frozenset(data.get("emails", [])),
            phones=frozenset(number for number, where in asked.items() if where == GOES),
            shared=frozenset(number for number, where in asked.items() if where == BOTH),
            items=frozenset(map(int, data.get("items", []))),
            messages=frozenset(map(int, data.get("messages", []))),
            talk=data["talk"],
        )
