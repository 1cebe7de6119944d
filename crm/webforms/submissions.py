"""What becomes of a submission: contact found or made, item made or attached, consents kept, events recorded."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from crm.company.rates import base_amount
from crm.events.models import Cause
from crm.events.notice import notify
from crm.events.record import record
from crm.ground import amounts, clock, databases, phones
from crm.ground.addresses import one_spelling
from crm.ground.amounts import Amount
from crm.ground.forms.amounts import AmountField
from crm.ground.refused import Refused
from crm.ground.sentences import in_payload, said
from crm.ground.shown import beside
from crm.items import customer_rights
from crm.items.customers import Found
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages import merge_fields, merge_text
from crm.people.exceptions import SenderException
from crm.people.models import Contact, administrators
from crm.people.recognising import is_nameless
from crm.pipelines.custom_fields import CustomField
from crm.webforms.models import Consent, FormField, Submission, WebForm
from crm.work.jobs import Permanent
from crm.work.leased import Status
from crm.work.models import Job
from crm.work.queue import Kind, register_kind

KIND = "process_submission"
_PLAIN = re.compile(r"-?\d+(\.\d+)?")


def store(
    form: WebForm, *, nonce: str, version: int, answers: dict[str, Any], touch: dict[str, str], address_hash: str
) -> Submission:
    """Keep what was sent, and plan its processing. The same nonce twice is one submission."""
    submission = Submission(
        form=form, form_version=version, nonce=nonce, answers=answers, touch=touch, address_hash=address_hash
    )
    try:
        with transaction.atomic():
            submission.save(force_insert=True)
            Job.plan(KIND, f"submission:{submission.pk}", payload={"submission": submission.pk})
    except IntegrityError:
        # The second of a double click, at the same moment: the first one stands.
        return Submission.objects.get(nonce=nonce)
    return submission


def replay(submission: Submission) -> None:
    """A failed submission once more; a person asked for it."""
    with transaction.atomic():
        rounds = Job.objects.filter(key__startswith=f"submission:{submission.pk}:").count() + 1
        Submission.objects.filter(pk=submission.pk).update(status=Submission.Status.STORED, error="")
        key = f"submission:{submission.pk}:{rounds}"
        Job.plan(KIND, key, payload={"submission": submission.pk})


def process(job: Job) -> Any:
    submission = databases.lock(Submission.objects.filter(pk=job.payload["submission"])).get()
    if submission.status == Submission.Status.DONE:
        return Status.SKIPPED, said("form.processed", "was processed already")
    form = submission.form
    targets, unread = _targets(form, submission.answers)
    if _is_turned_away(targets):
        # Counted, and nothing of it kept but that it came.
        submission.answers, submission.touch = {}, {}
        submission.status, submission.error, submission.processed_at = Submission.Status.TURNED_AWAY, "", clock.now()
        submission.save()
        return Status.SKIPPED, said("exceptions.turned_away", "its sender stands on the list of exceptions")
    found = _contact(form, targets)
    contact = found.contact if found else None
    cause = Cause("form", f"submission:{submission.pk}", label=form.name)
    item, made = _item(form, submission, found, targets, cause)
    if found is not None and made:
        found.settle(item)
    _keep_consents(form, submission, contact)
    _tell_unread(item, unread, cause)
    _tell_currency(form, targets, item, cause)
    submission.contact, submission.item = contact, item
    submission.status, submission.error, submission.processed_at = Submission.Status.DONE, "", clock.now()
    submission.save()
    payload: dict[str, Any] = {
        "form": form.pk,
        "form_name": form.name,
        "form_kind": form.kind,
        "submission": submission.pk,
        "answers": _readable(form, submission.answers),
        "customer": contact.name if contact else "",
        "made": made,
    }
    kind = "callback.requested" if form.kind == WebForm.Kind.CALLBACK else "form.submitted"
    if form.kind == WebForm.Kind.CALLBACK:
        _plan_call(form, item, contact, payload["answers"])
    record(kind, item=item, contact=contact, cause=cause, payload=payload)
    return Status.DONE, ""


def _targets(form: WebForm, answers: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Answers by where they are saved, the first filled one wins; and (label, answer) of what its place cannot hold."""
    found: dict[str, Any] = {}
    unread: list[tuple[str, str]] = []
    # What was chosen comes before what a kind says of itself.
    for field in sorted(form.fields.all(), key=lambda field: not field.saves_to):
        value = answers.get(field.key)
        if not field.target or value in (None, "", []) or field.target in found:
            continue
        try:
            kept = _as_kept(form, field, value)
        except (ValidationError, Refused):
            unread.append((field.label, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
            continue
        found[field.target] = kept
    return found, unread


def _is_turned_away(targets: dict[str, Any]) -> bool:
    email, phone = targets.get("contact.email"), targets.get("contact.phone")
    return SenderException.objects.turns_away(
        emails=[str(email)] if email else [], numbers=[str(phone)] if phone else []
    )


def _as_kept(form: WebForm, field: FormField, value: Any) -> Any:
    """An answer as the field that it is saved to reads it. Raises ValidationError or Refused for one it cannot hold."""
    prefix, _dot, key = field.target.rpartition(".")
    # The form's own numbers were read already, and are plain by now; other texts stand as the customer typed them.
    plain = field.kind in (FormField.Kind.NUMBER, FormField.Kind.MONEY)
    with translation.override("en" if plain else form.language):
        if field.target == "item.amount":
            return _amount(form, field, str(value), plain)
        if field.target == "contact.phone":
            return phones.parse(str(value))
        target = {"item.custom": CustomField.Target.ITEM, "contact.custom": CustomField.Target.CONTACT}.get(prefix)
        definition = CustomField.objects.filter(target=target, key=key).first() if target else None
        if definition is None:
            return value
        asked = definition.field.in_currency(form.pipeline.currency)
        if isinstance(value, str):
            read = asked.type.cleaned_text(value, asked.asked)
        else:
            read = asked.form_field().clean(asked.type.as_sent(value))
        if field.kind == FormField.Kind.MONEY and isinstance(read, Decimal) and read < 0:
            raise ValidationError(_("A customer owes no less than nothing."))
        return asked.kept(read)


def _amount(form: WebForm, field: FormField, typed: str, is_plain: bool) -> Amount:
    """In the currency that a sign beside it names, else the pipeline's. Raises ValidationError or Refused."""
    if is_plain and _PLAIN.fullmatch(typed):
        found = Amount(Decimal(typed))  # "1.500" as the form read it: one and a half, not thousands
    else:
        found = amounts.read(typed, currency=form.pipeline.currency)
    least = 0 if field.kind == FormField.Kind.MONEY else None  # as the form's own field has it
    read = AmountField(required=False, min_value=least).clean(found.value)
    found = Amount(read, found.currency or form.pipeline.currency)
    base_amount(found.value, found.currency)
    return found


def _tell_currency(form: WebForm, targets: dict[str, Any], item: Item, cause: Cause) -> None:
    """A customer who writes pounds where the form counts in euros means pounds: the card says so."""
    found = targets.get("item.amount")
    if found is None or found.currency == form.pipeline.currency:
        return
    words = {"amount": found.value, "named": found.currency, "currency": form.pipeline.currency}
    text = said("form.currency", "The customer wrote %(amount)s in %(named)s; the form counts in %(currency)s.") % words
    record("comment.added", item=item, cause=cause, payload=in_payload("text", text))


def _tell_unread(item: Item, unread: list[tuple[str, str]], cause: Cause) -> None:
    """Nothing that a customer wrote is lost: it stands on the card as it was typed."""
    for label, typed in unread:
        words = said("form.unread", "%(label)s: “%(typed)s” could not be read; it is kept as it was typed.")
        told = words % {"label": label, "typed": typed}
        record("comment.added", item=item, cause=cause, payload=in_payload("text", told))


def _contact(form: WebForm, targets: dict[str, Any]) -> Found | None:
    """Recognised, or made; what is known is kept unless the form says overwrite."""
    name = str(targets.get("contact.name", ""))
    email = one_spelling(str(targets.get("contact.email", "")))
    phone = targets.get("contact.phone", phones.PhoneNumber(""))
    if not (name or email or phone):
        return None
    contact = None
    if form.duplicates != WebForm.Duplicates.NEW:
        contact = Contact.objects.recognised(name=name, email=email, phone=phone)
    if contact is None:
        contact = Contact(name=(name or email or phones.display(phone))[:200], language=form.language)
    elif name and (form.duplicates == WebForm.Duplicates.OVERWRITE or is_nameless(contact.name)):
        contact.name = name
    for target, value in targets.items():
        key = target.removeprefix("contact.custom.")
        if key != target and (form.duplicates == WebForm.Duplicates.OVERWRITE or not contact.custom.get(key)):
            contact.custom = {**contact.custom, key: value}
    is_known = contact.pk is not None
    contact.save()
    contact.add_email(email, is_new=is_known)
    contact.add_phone(phone, is_new=is_known, is_from_form=True)
    return Found(contact, is_made=not is_known, fresh=[email, phone] if is_known else [])


def _item(
    form: WebForm, submission: Submission, found: Found | None, targets: dict[str, Any], cause: Cause
) -> tuple[Item, bool]:
    contact = found.contact if found else None
    if form.deals == WebForm.Deals.ATTACH and contact is not None:
        known = Item.objects.open().filter(contact=contact, pipeline=form.pipeline).order_by("-created_at").first()
        if known is not None:
            return known, False
    if form.stage is not None and form.stage.retired:
        raise Permanent(said("form.stage_gone", "The form's stage “%s” does not exist any more.") % form.stage)
    if form.pipeline.is_archived:  # kept, to be processed once it is used again
        raise Permanent(said("pipeline.archived", "The pipeline “%s” is archived.") % form.pipeline.name)
    amount = targets.get("item.amount")
    custom = {
        target.removeprefix("item.custom."): value
        for target, value in targets.items()
        if target.startswith("item.custom.")
    }
    item = Item.create(
        form.pipeline,
        str(targets.get("item.title") or _title(form, contact, submission)),
        stage=form.stage,
        cause=cause,
        contact=contact,
        owner=form.owner,
        **({"amount": amount.value or None, "currency": amount.currency} if amount else {}),
        source=str(targets.get("item.source") or form.source)[:80],
        custom=custom,
        first_touch=submission.touch,
        last_touch=submission.touch,
        hides_customer=_hides(form, found),
    )
    return item, True


def _hides(form: WebForm, found: Found | None) -> bool:
    """Whose forms it is sees no more of a known customer than what was sent: anybody may send it."""
    if found is None or found.is_made or form.owner is None:
        return False
    return not customer_rights.allows(form.owner, "view", found.contact)


def _title(form: WebForm, contact: Contact | None, submission: Submission) -> str:
    values = merge_text.Values(None, form={"name": form.name}, answers=submission.answers)
    values["contact"] = (
        {field.path.split(".")[1]: field.get(contact) for field in merge_fields.CONTACT_FIELDS} if contact else {}
    )
    try:
        return merge_text.render(form.item_title, values, language=form.language) or form.name
    except merge_text.MergeError:
        return form.name  # a title is no reason to lose a submission


def _readable(form: WebForm, answers: dict[str, Any]) -> list[list[str]]:
    shown = [field for field in form.fields.all() if field.kind not in ("hidden", "heading", "consent")]
    rows = []
    for field in shown:
        value = answers.get(field.key)
        if value not in (None, "", [], False):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            text = phones.display(text) if field.kind == FormField.Kind.PHONE else text
            rows.append([field.label, _("yes") if value is True else text])
    return rows


def _keep_consents(form: WebForm, submission: Submission, contact: Contact | None) -> None:
    for field in form.fields.filter(kind=FormField.Kind.CONSENT):
        if contact is not None and submission.answers.get(field.key) is True:
            Consent.objects.create(
                contact=contact, submission=submission, text=field.label, text_hash=Consent.hash_of(field.label)
            )


def _plan_call(form: WebForm, item: Item, contact: Contact | None, answers: list[list[str]]) -> None:
    """A callback form makes a call task inside working hours, in the words of whoever has to call.

    A card without an owner would leave it to nobody: until it has one, the pipeline's automation owner has the task.
    """
    calendar = form.pipeline.working_time()
    start = calendar.next_opening(clock.now()) if calendar else clock.now()
    caller = item.owner or form.pipeline.automation_owner or next(iter(administrators()), None)
    name = contact.name if contact else item.title
    with translation.override(caller.language if caller else form.language):
        title = _("Call back: %s") % (phones.display(name) if is_nameless(name) else name)
    Task.add(
        item=item,
        kind=Task.Kind.CALL,
        title=title[:200],
        description="\n".join(beside(label, text) for label, text in answers),
        assignee=caller,
        origin=f"form:{form.pk}",
        deadline=calendar.add_minutes(start, 30) if calendar else start,
        visit=item.visit,
        cause=Cause("form", f"form:{form.pk}", label=form.name),
    )


def _failed(job: Job) -> None:
    """Nothing is lost: the submission keeps its reason, and the bell rings."""
    submission = Submission.objects.select_related("form").get(pk=job.payload["submission"])
    Submission.objects.filter(pk=submission.pk).update(status=Submission.Status.FAILED, error=job.error)
    notify(
        administrators(),
        said("notice.form_failed", "A submission of “%(form)s” could not be processed: %(why)s")
        % {"form": submission.form, "why": job.error},
        kind="submission",
        group=f"submission:{submission.form_id}",
    )


register_kind(Kind(KIND, process, lost=_failed))
