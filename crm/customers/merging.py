"""Two contacts, or two companies, that are one: the survivor keeps the chosen values and everything linked to either."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.events.models import Cause
from crm.events.record import record
from crm.ground import databases
from crm.items import customer_rights
from crm.items.models.items import Item
from crm.messages.models.messages import Conversation
from crm.people.models import Company, Contact, User
from crm.people.reach import ContactEmail, ContactPhone

# What a person chooses between, field by field; phones, addresses, tags and links of both are kept.
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    Contact: ("name", "address_as", "language", "company", "owner"),
    Company: ("name", "tax_number", "phone", "email", "address", "owner"),
}


class CannotMerge(Exception):
    """The sentence says why."""


def merge(keep: Any, drop: Any, chosen: dict[str, Any], *, by: User) -> Any:
    """Merge `drop` into `keep` and delete it; returns the survivor.

    The person needs the right on both, and may change every card that would change.

    Args:
        chosen: values for the fields of FIELDS and for "custom.key"; others stay as `keep` has them.
    Raises CannotMerge for one and the same record, one that is gone, or what the person may not change.
    """
    if keep.pk == drop.pk:
        raise CannotMerge(_("This is one and the same record."))
    return databases.persistently(lambda: _merge(keep, drop, chosen, by))


def _merge(keep: Any, drop: Any, chosen: dict[str, Any], by: User) -> Any:
    model = type(keep)
    link = "contact" if model is Contact else "company"
    # Lock order: items first, as every move does that then writes an event of the contact.
    items = Item.objects.filter(**{f"{link}__in": (keep.pk, drop.pk)}).order_by("pk")
    list(databases.lock(items).values_list("pk", flat=True))
    rows = {row.pk: row for row in databases.lock(model.objects.filter(pk__in=(keep.pk, drop.pk)).order_by("pk"))}
    if len(rows) != 2:
        raise CannotMerge(_("One of the two has been merged or deleted meanwhile."))
    keep, drop = rows[keep.pk], rows[drop.pk]
    _check_rights(keep, drop, link, by)
    custom = {**drop.custom, **keep.custom}
    for name, value in chosen.items():
        if name.startswith("custom."):
            custom[name.removeprefix("custom.")] = value
        elif name in FIELDS[model]:
            setattr(keep, name, value)
    if model is Contact:
        # No choice: who said no to messages at either address has said no.
        keep.no_email = keep.no_email or drop.no_email
        keep.no_sms = keep.no_sms or drop.no_sms
    keep.custom = {key: value for key, value in custom.items() if value not in (None, "")}
    keep.save()
    keep.tags.add(*drop.tags.all())
    if isinstance(keep, Contact):
        _take_addresses(keep, drop)
    _take_links(keep, drop)
    words = {"kept": keep.pk, "dropped": drop.pk, "name": drop.name}
    contact = keep if isinstance(keep, Contact) else None
    record(f"{model._meta.model_name}.merged", contact=contact, actor=by, cause=Cause(), payload=words)
    drop.delete()
    return keep


def _check_rights(keep: Any, drop: Any, link: str, by: User) -> None:
    for record_ in (keep, drop):
        if not customer_rights.allows(by, "merge", record_):
            raise CannotMerge(customer_rights.REFUSALS["merge"])
    if not customer_rights.is_said(by):
        return  # no role says anything about customers: as before there were rights to them
    changed = Item.objects.filter(**{link: drop})
    if link == "contact":
        changed = changed | Item.objects.filter(
            pk__in=Item.contacts.through.objects.filter(contact=drop).values("item")
        )
    beyond = changed.exclude(pk__in=changed.reached_by(by, "edit").values("pk")).count()
    if link == "company":
        people = drop.contacts.all()
        beyond += people.exclude(pk__in=Contact.objects.open_to(by, "edit").filter(company=drop).values("pk")).count()
    if beyond:
        words = ngettext(
            "%(count)d card or contact of “%(name)s” is beyond your reach, so it cannot be merged.",
            "%(count)d cards or contacts of “%(name)s” are beyond your reach, so it cannot be merged.",
            beyond,
        )
        raise CannotMerge(words % {"count": beyond, "name": drop.name})


def _take_addresses(keep: Contact, drop: Contact) -> None:
    for phone in drop.phones.all():
        known = keep.phones.filter(number=phone.number).first()
        if known is not None:
            known.is_unchecked = known.is_unchecked and phone.is_unchecked
            known.is_from_form = known.is_from_form and phone.is_from_form
            known.extension = known.extension or phone.extension
            known.save()
        else:
            phone.contact, phone.order = keep, phone.order + 100
            phone.save()
    for email in drop.emails.all():
        if not keep.emails.filter(address=email.address).exists():
            email.contact, email.order = keep, email.order + 100
            email.save()
    for talk in Conversation.objects.filter(contact=drop):
        mine = Conversation.objects.filter(contact=keep, channel=talk.channel).first()
        if mine is not None:
            talk.messages.update(conversation=mine)
            talk.delete()


def _take_links(keep: Any, drop: Any) -> None:
    """Every foreign key and every link that pointed at the one points at the other; third parties' too."""
    relations = [f for f in type(keep)._meta.get_fields(include_hidden=True) if f.auto_created and not f.concrete]
    for relation in relations:
        field: Any = relation.field
        model: Any = relation.related_model
        if model._meta.auto_created or model in (ContactPhone, ContactEmail):
            continue
        rows = model._base_manager.filter(**{field.name: drop})
        if not relation.many_to_many:
            rows.update(**{field.name: keep})
            continue
        for row in rows:
            getattr(row, field.name).add(keep)
            getattr(row, field.name).remove(drop)


def duplicates_of(record_: Any, user: User, action: str = "view") -> list[Any]:
    """Others with the same e-mail, phone or tax number, the oldest first, at most ten: those with which the person may
    do it, so that no hint names somebody invisible."""
    model = type(record_)
    if isinstance(record_, Contact):
        emails = [row.address for row in record_.emails.all()]
        numbers = [row.number for row in record_.phones.all()]
        # Ids first: one condition over two joins reads every contact.
        by_email = ContactEmail.objects.filter(address__in=emails).order_by().values_list("contact_id")
        by_phone = ContactPhone.objects.filter(number__in=numbers).order_by().values_list("contact_id")
        others = {pk for (pk,) in by_email.union(by_phone)} - {record_.pk}
        if not others:
            return []
        same = models.Q(pk__in=others)
    else:
        same = models.Q(pk__in=[])
        if record_.tax_number:
            same |= models.Q(tax_number=record_.tax_number)
        if record_.email:
            same |= models.Q(email__iexact=record_.email)
        same |= models.Q(search_key=record_.search_key)
    within = model.objects.open_to(user, action)
    return list(within.filter(same).exclude(pk=record_.pk).distinct().order_by("pk")[:10])
