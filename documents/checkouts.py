"""From *Pay* to a booked payment: a page at the provider, what it tells us, and what it says when asked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from crm import slots
from crm.events.notice import notify
from crm.ground import clock
from crm.ground.amounts import Amount
from crm.ground.sentences import said
from crm.ground.shown import beside
from crm.models import Item, Job, Refused
from crm.people.models import administrators
from crm.slots import Health
from crm.work.jobs import Permanent, Temporary, may_retry, retry_limit
from crm.work.leased import MAX_CRASHES, Status, backoff
from crm.work.queue import Kind, register_kind
from documents.models import Checkout, Payment, PaymentAccount, PaymentLink
from documents.models.invoicing import today
from documents.providers.base import Money, ProviderError

KIND = "ask_provider"
# A customer who goes back and presses *Pay* again comes to the same page; providers close theirs after a day.
SAME_PAGE = timedelta(hours=1)


def pay_page(invoice: Item, amount: Decimal, back_to: str, link: PaymentLink | None = None) -> str:
    """The provider's address on which the customer pays this much. Raises Refused, ProviderError.

    Args:
        amount: in the invoice's currency; rounded to what the provider counts in.
        link: where the customer came from, if by a payment link.
    """
    account = PaymentAccount.first()
    if account is None:
        raise Refused(said("payment.not_set_up", "Paying online is not set up."))
    units = account.opened().minor_units(invoice.currency)
    amount = (amount * units).quantize(Decimal(1)) / units
    known = Checkout.objects.filter(
        invoice=invoice,
        account=account,
        link=link,
        amount=amount,
        currency=invoice.currency,
        status=Checkout.Status.OPEN,
    )
    recent = known.filter(created_at__gt=clock.now() - SAME_PAGE).exclude(url="").order_by("-pk").first()
    if recent is not None:
        return recent.url
    # Written first: whatever the provider tells of the page, we know what it is for.
    checkout = Checkout.objects.create(
        invoice=invoice, account=account, link=link, amount=amount, currency=invoice.currency
    )
    opened = account.opened().open(checkout, back_to)
    Checkout.objects.filter(pk=checkout.pk).update(provider_id=opened.provider_id, url=opened.url)
    return str(opened.url)


def heard(account: PaymentAccount, about: str) -> None:
    """The provider called; it is asked what is true of that by a job."""
    rounds = int(clock.now().timestamp() * 1000)
    payload = {"account": account.pk, "about": about}
    Job.plan(KIND, f"provider:{account.pk}:{about}:{rounds}", channel_key=f"provider:{account.pk}", payload=payload)


def _perform(job: Job) -> list[Money]:
    account = PaymentAccount.objects.get(pk=job.payload["account"])
    try:
        found: list[Money] = account.opened().money(job.payload["about"])
    except Refused as refused:
        raise Permanent(str(refused.sentence)) from refused
    except ProviderError as error:
        raise (Permanent if error.permanent else Temporary)(str(error)) from error
    return found


def _conclude(job: Job, outcome: Any) -> None:
    if isinstance(outcome, list):
        for money in outcome:
            _book(job.payload["account"], money)
        job.end(Status.DONE, "")
    elif outcome is None and job.crashes < MAX_CRASHES:
        job.change(status=Status.PLANNED, due_at=clock.now(), owner="", lease_until=None)  # asking twice harms nobody
    elif outcome is not None and not isinstance(outcome, Permanent) and may_retry(job):
        job.retry(backoff(job.attempts + 1), str(outcome) or repr(outcome), retry_limit(job))
    else:
        job.end(Status.FAILED, str(outcome or said("crashed", "crashed the worker")))
        words = (
            said(
                "notice.payment_not_asked", "A payment provider told of a payment, and could not be asked about it: %s"
            )
            % job.error
        )
        notify(administrators(), words, kind="payment", group=f"provider:{job.payload['account']}")


def _book(account_pk: int, money: Money) -> None:
    """Booked if it is what we had asked for; money of other pages of the same account is none of ours."""
    rows = Checkout.objects.select_related("account", "invoice__owner", "invoice__pipeline")
    checkout = rows.filter(account=account_pk, provider_id=money.checkout_id).first() if money.checkout_id else None
    if checkout is None or Payment.objects.filter(provider_key=money.key).exists():
        return
    units = checkout.account.opened().minor_units(checkout.currency)
    amount = Decimal(money.amount) / units
    if money.currency != checkout.currency or (amount > checkout.amount if money.back else amount != checkout.amount):
        told = {"paid": Amount(amount, money.currency), "asked": Amount(checkout.amount, checkout.currency)}
        _is_odd(
            checkout,
            said("payment.other_amount", "%(paid)s was paid, but %(asked)s had been asked for; nothing was booked.")
            % told,
        )
        return
    if money.back and not _was_booked(checkout):
        _is_odd(
            checkout,
            said("payment.unbooked_back", "%s was paid back, but the payment had not been booked; nothing was booked.")
            % Amount(amount, money.currency),
        )
        return
    try:
        Payment.book(
            checkout.invoice,
            -amount if money.back else amount,
            currency=checkout.currency,
            paid_on=today(),
            method=Payment.Method.CARD,
            reference=_reference(checkout),
            provider_key=money.key,
        )
    except Refused as refused:
        _is_odd(checkout, str(refused.sentence))
        return
    if not money.back:
        Checkout.objects.filter(pk=checkout.pk).update(status=Checkout.Status.PAID, error="")


def _reference(checkout: Checkout) -> str:
    return f"{checkout.account.name} {checkout.provider_id}"[:140]


def _was_booked(checkout: Checkout) -> bool:
    return Payment.objects.filter(invoice=checkout.invoice, reference=_reference(checkout), amount__gt=0).exists()


def _is_odd(checkout: Checkout, sentence: str) -> None:
    """Somebody has to look; the same fault of the same page is told once."""
    other = Checkout.objects.filter(pk=checkout.pk).exclude(status=Checkout.Status.ODD, error=sentence)
    if not other.update(status=Checkout.Status.ODD, error=sentence):
        return
    owner = checkout.invoice.owner
    words = {"invoice": checkout.invoice.title, "fault": sentence}
    told = said("notice.payment_odd", "Please look at “%(invoice)s”: %(fault)s") % words
    notify([*administrators(), *([owner] if owner else [])], told, item=checkout.invoice, kind="payment")


@slots.health_checks.register
def accounts_work() -> list[Health]:
    for account in PaymentAccount.objects.filter(is_active=True):
        fault = account.fault()
        if fault:
            return [Health("payments", fault=beside(account.name, fault))]
    return [Health("payments")]


register_kind(Kind(KIND, _perform, outside=True, indoors=True, conclude=_conclude))
