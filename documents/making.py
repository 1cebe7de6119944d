"""A paper is made: number, text and the job that draws it, in one transaction."""

from __future__ import annotations

from typing import Any

from crm.events.record import plain
from crm.ground import clock, databases
from crm.ground.sentences import said
from crm.items import customer_rights
from crm.items.models.lines import total_of
from crm.models import Forbidden, Item, Job, Refused, User
from crm.pipelines import boards
from documents.models.papers import Credited, Document, DocumentLink
from documents.models.templates import DocumentTemplate, Kind
from documents.values import fill, values_for

DRAW = "draw_document"
# What a paper keeps of the values that it was made of, beside its text.
KEPT = ("document", "credited", "lines", "taxes", "totals", "codes")


def plain_value(value: Any) -> Any:
    """A merge value as JSON: money and days as text."""
    if isinstance(value, dict):
        return {name: plain_value(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain_value(one) for one in value]
    return plain(value)


def make(
    template: DocumentTemplate,
    item: Item,
    *,
    by: User | None = None,
    origin: str = "",
    depth: int = 0,
    stamped: bool = False,
    outputs: dict[str, Any] | None = None,
    replaces: Document | None = None,
    credited: Credited | None = None,
) -> Document:
    """Number, text and the job that draws it, in one transaction: without the paper no number is taken.

    Args:
        origin, depth: "rule:12" and its depth, where a rule makes it.
        outputs: of earlier rules, by key, for the template.
        credited: what a credit note takes back; it lists that instead of the card's lines.
    Raises merge.MergeError naming the field and line that cannot be filled, Refused where `replaces` is void,
    Forbidden where the person does not see the card's customer, whose address the paper would show.
    """
    if by is not None and not customer_rights.shows(by, item):
        raise Forbidden(customer_rights.REFUSALS["view"])
    if (template.kind == Kind.CREDIT_NOTE) != (credited is not None):
        raise Refused(said("credit.from_invoice", "A credit note is made on the card of its invoice, from its lines."))
    asked: dict[str, Any] = {"by": by, "origin": origin, "depth": depth, "stamped": stamped, "outputs": outputs}
    return databases.persistently(lambda: _make(template, item, replaces, credited, **asked))


def _make(
    template: DocumentTemplate,
    item: Item,
    replaces: Document | None,
    credited: Credited | None,
    *,
    by: User | None,
    origin: str,
    depth: int,
    stamped: bool,
    outputs: dict[str, Any] | None,
) -> Document:
    with boards.collecting():
        # Lock order: the item before the counter; the board's version last.
        item = databases.lock(Item.objects.filter(pk=item.pk)).get()
        if replaces is not None:
            replaces = databases.lock(Document.objects.filter(pk=replaces.pk)).get()
            if replaces.status == Document.Status.VOID:
                raise Refused(said("paper.replaced", "“%s” has been replaced or declared void already.") % replaces)
        total_of(credited.lines if credited else item.lines.all(), item.currency)  # before a number is taken
        now = clock.now()
        number = template.numerator.take(now)
        if replaces is not None:
            _rename(item, replaces.number, number, by)
        day = template.numerator.local(now)
        values = values_for(item, template, number=number, day=day, stamped=stamped, outputs=outputs, credited=credited)
        document = Document.objects.create(
            item=item,
            version=template.current(),
            kind=template.kind,
            title=template.name,
            numerator=template.numerator,
            number=number,
            language=template.language,
            html=fill(template, item, values),
            data={name: plain_value(values[name]) for name in KEPT},
            stamped=stamped,
            author=by,
            origin=origin,
            replaces=replaces,
        )
        if replaces is not None:
            replaces.change_status(Document.Status.VOID)
        DocumentLink.make(document)  # here, so that no page has to write one while it is looked at
        plan_drawing(document, depth=depth)
    return document


def plan_drawing(document: Document, again: int = 0, depth: int = 0) -> Job:
    """The job that draws it; `again`: how often it was asked for anew."""
    key = f"document:{document.pk}" + (f":{again}" if again else "")
    payload = {"document": document.pk, "depth": depth}
    job = Job.plan(DRAW, key, item=document.item, channel_key="renderer", payload=payload)
    document.job = job
    Document.objects.filter(pk=document.pk).update(job=job)
    return job


def _rename(item: Item, former: str, number: str, by: User | None) -> None:
    """An invoice is called by its number."""
    if item.title.startswith(former):
        item.change({"title": (number + item.title.removeprefix(former))[:200]}, by=by)
        item.refresh_from_db()
