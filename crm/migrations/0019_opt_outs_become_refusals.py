"""Whoever said no so far: the address or number it was said of is refused. The ticks stay, as the person's own wish."""

from django.db import migrations

from crm.ground.addresses import one_spelling


def forward(apps, schema_editor):
    _spell(apps.get_model("crm", "ContactEmail").objects)
    _own_people(apps)
    refusals = apps.get_model("crm", "Refusal").objects
    for row in apps.get_model("crm", "ContactEmail").objects.exclude(bounced="").iterator():
        _refuse(refusals, "email", row.address, "bounced", words=row.bounced)
    _stops(apps.get_model("crm", "Event").objects, refusals)
    _mails(apps, refusals)


def _spell(emails):
    """Addresses that are one and the same in one spelling; of two rows of a contact the older one stays."""
    for row in emails.order_by("pk").iterator():
        kept = one_spelling(row.address)[:254]
        if kept == row.address:
            continue
        if emails.filter(contact=row.contact_id, address=kept).exists():
            row.delete()
        else:
            row.address = kept
            row.save(update_fields=["address"])


def _own_people(apps):
    """What went to colleagues is theirs to get, whatever a customer with the same address says."""
    ours = apps.get_model("crm", "User").objects.values("email")
    messages = apps.get_model("crm", "Message").objects.filter(direction="out", contact=None, author=None, origin="")
    messages.filter(to__in=ours).update(is_necessary=True)


def _refuse(refusals, medium, address, reason, **more):
    refusals.get_or_create(medium=medium, address=address, reason=reason, lifted_at=None, defaults=more)


def _stops(events, refusals):
    """The last wish of each number counts, unless somebody has unticked it since by hand."""
    last = {}
    for event in events.filter(kind="sms.received").select_related("contact").order_by("pk").iterator():
        if event.payload.get("wish"):
            last[event.payload.get("from") or f"contact {event.contact_id}"] = event
    for number, event in last.items():
        if event.payload["wish"] != "stop" or (event.contact is not None and not event.contact.no_sms):
            continue
        told = [event.payload["from"]] if event.payload.get("from") else []
        if not told and event.contact is not None:
            told = event.contact.phones.values_list("number", flat=True)
        for number in told:
            _refuse(refusals, "sms", number, "stop", since=event.created_at)


def _mails(apps, refusals):
    reasons = {"email.unsubscribed": "unsubscribed", "email.complained": "complained"}
    messages = apps.get_model("crm", "Message").objects
    events = apps.get_model("crm", "Event").objects.filter(kind__in=reasons).select_related("contact").order_by("pk")
    for event in events.iterator():
        if event.contact is not None and not event.contact.no_email:
            continue  # unticked since by hand
        message = messages.filter(pk=event.payload.get("message") or 0).first()
        told = [one_spelling(message.to)] if message is not None else []
        if not told and event.contact is not None:
            told = event.contact.emails.values_list("address", flat=True)
        for address in told:
            _refuse(refusals, "email", address, reasons[event.kind], since=event.created_at, message=message)


class Migration(migrations.Migration):
    dependencies = [("crm", "0018_refusals")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
