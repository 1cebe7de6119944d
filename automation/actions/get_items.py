"""Find items: count, sum and the newest of the customer's other cards."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from automation.base import Action, Context, Done, Outcome, SettingsForm, Skip, actions
from crm.ground.sentences import said
from crm.messages.merge_fields import item_link
from crm.models import Item, Pipeline

WHICH = [("open", _("open ones")), ("won", _("won ones")), ("lost", _("lost ones")), ("all", _("all"))]
OF = [("contact", _("of the same contact")), ("company", _("of the same company"))]


@actions.register
class GetItems(Action):
    key = "get_items"
    label = _("Find items")
    synonyms = _("search, count, other deals")
    example = _("How much the customer has bought so far.")
    group = "helpers"
    icon = "search"
    leads = True
    help = _("Counts the customer's other cards, adds their amounts in the company's currency, and finds the newest.")
    helper = True
    outputs = {
        "count": _("how many"),
        "sum": _("sum of amounts"),
        "first": _("newest card"),
        "title": _("its title"),
        "link": _("its link"),
    }

    class Settings(SettingsForm):
        of = forms.ChoiceField(label=_("cards"), choices=OF, initial="contact")
        which = forms.ChoiceField(label=_("which"), choices=WHICH, initial="open")
        pipeline = forms.ModelChoiceField(
            Pipeline.objects.all(), label=_("pipeline"), required=False, empty_label=_("all")
        )

    def run(self, context: Context) -> Outcome:
        settings, item = context.settings, context.item
        whose = item.contact_id if settings["of"] == "contact" else item.company_id
        if whose is None:
            return Skip(said("client.none", "The card has neither a contact nor a company."))
        # What its publisher may not see a rule does not count for him either.
        rows = Item.objects.visible_to(context.rights).filter(Q(**{f"{settings['of']}_id": whose})).exclude(pk=item.pk)
        if settings["which"] != "all":
            rows = rows.filter(stage__kind=settings["which"])
        if settings["pipeline"] is not None:
            rows = rows.filter(pipeline=settings["pipeline"])
        newest = rows.order_by("-created_at", "-pk").first()
        found = {
            "count": rows.count(),
            "sum": str(rows.aggregate(sum=Sum("base_amount"))["sum"] or 0),
            "first": newest.pk if newest else None,
            "title": newest.title if newest else "",
            "link": item_link(newest.pk) if newest else "",
        }
        return Done(found, summary=str(found["count"]))

    def summary(self, settings: dict[str, Any]) -> str:
        return " ".join(
            str(dict(choices).get(str(settings.get(name)), "")) for name, choices in (("which", WHICH), ("of", OF))
        )
