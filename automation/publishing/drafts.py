"""The draft of a pipeline: saved whole, merged with what went live meanwhile, published, discarded, restored from a version."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from automation.checking import HINT, WARNING, Finding, findings
from automation.document import Document, Fault, Faulty
from automation.publishing import doors, steps
from automation.publishing.comparing import applied, compare, merge
from automation.publishing.judging import Judge
from automation.publishing.models import Draft, Publication
from automation.publishing.publishing import editing, first_version
from automation.publishing.rows import Live, read
from automation.publishing.words import Words
from crm.ground import clock, databases
from crm.models import Pipeline, User


class Outdated(Exception):
    """Somebody has edited the draft meanwhile.

    Args:
        draft: as it is now; None: it was published or discarded.
    """

    def __init__(self, draft: Draft | None) -> None:
        words = _("%s has changed the draft meanwhile.") % (
            draft.changed_by if draft and draft.changed_by else _("Somebody")
        )
        super().__init__(words if draft is not None else _("The draft has been published or discarded meanwhile."))
        self.draft = draft


class Conflict(Exception):
    """What the draft changes was published otherwise meanwhile."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(_("It was changed and published otherwise meanwhile: %s") % "; ".join(lines))
        self.lines = lines


def draft_of(pipeline: Pipeline) -> Draft | None:
    return Draft.objects.select_related("base", "changed_by").filter(pipeline=pipeline).first()


def document_of(draft: Draft) -> Document:
    return Document.model_validate(draft.document)


def save(pipeline: Pipeline, document: Document, by: User, revision: int) -> Draft:
    """The draft is this document. A faulty one is kept as well: only publishing it is refused.

    Args:
        revision: of the draft that the editor had; 0: there was none.
    Raises Outdated.
    """
    with transaction.atomic():
        draft = locked(pipeline)
        if (draft.revision if draft is not None else 0) != revision:
            raise Outdated(draft)
        return _stored(pipeline, draft, document, by)


def edit(pipeline: Pipeline, by: User, change: Callable[[Document, Live], Any]) -> Draft:
    """One step of the person: `change` does it to the newest draft, whoever edited that. Without a draft one is made."""
    with transaction.atomic():
        draft, live = locked(pipeline), read(pipeline)
        document = document_of(draft) if draft is not None else live.document.copy_of()
        change(document, live)
        before = document_of(draft) if draft is not None else live.document
        if draft is not None and document.model_dump_json() == before.model_dump_json():
            return draft  # nothing was done: who has it open need not read it again
        made = _stored(pipeline, draft, document, by)
        steps.remember(made, by, compare(before, document))
        return made


def undo(pipeline: Pipeline, by: User, *, again: bool = False) -> Draft:
    """The person's last step taken back, or (again) done once more. Raises CannotUndo."""
    with transaction.atomic():
        draft = locked(pipeline)
        if draft is None:
            raise steps.CannotUndo(_("There is nothing of yours to undo."))
        step = steps.redo if again else steps.undo
        return _stored(pipeline, draft, step(draft, document_of(draft), by), by)


def locked(pipeline: Pipeline) -> Draft | None:
    """The draft alone: whoever drags cards waits for no editor. Only to make one the pipeline is locked: two make one."""
    mine = databases.lock(Draft.objects.filter(pipeline=pipeline)).select_related("base", "changed_by")
    found = mine.first()
    if found is None:
        databases.lock(Pipeline.objects.filter(pk=pipeline.pk)).values_list("pk").first()
        found = mine.all().first()
    return found


def _stored(pipeline: Pipeline, draft: Draft | None, document: Document, by: User) -> Draft:
    if draft is None:
        live = read(pipeline)
        known = Publication.objects.filter(pipeline=pipeline, number=document.version).first()
        base = known or first_version(live)
        draft = Draft(pipeline=pipeline, base=base, revision=0, document=live.document.plain())
    whose = draft.authors | {change.id: by.pk for change in compare(document_of(draft), document)}
    differs = {change.id for change in compare(Document.model_validate(draft.base.document), document)}
    draft.authors = {id: person for id, person in whose.items() if id in differs}
    draft.document = document.model_copy(update={"version": 0}).plain()
    draft.revision += 1
    draft.changed_by, draft.changed_at = by, clock.now()
    draft.save()
    return draft


def discard(pipeline: Pipeline) -> None:
    """What is live is the draft again."""
    Draft.objects.filter(pipeline=pipeline).delete()


def faults_of(live: Live, document: Document, by: User) -> list[Fault]:
    """All that is wrong with a document; nothing of it is changed. Of two at one place the one that says it better."""
    asked = document.copy_of()
    found = Judge(live, asked, by).faults(compare(live.document, asked), whole=True)
    better = {fault.place for fault in found if isinstance(fault, Finding) and fault.instead}
    return [fault for fault in found if fault.place not in better or (isinstance(fault, Finding) and fault.instead)]


def advice_on(live: Live, document: Document, by: User) -> list[Finding]:
    """Warnings and hints: what probably is not meant so, and keeps nobody from publishing."""
    return findings(live, document.copy_of(), by, (WARNING, HINT))


# ---------------------------------------------------------------------- going live


def publish_document(
    pipeline: Pipeline, document: Document, by: User, origin: str, *, decisions: dict[str, str], **told: Any
) -> Publication | None:
    """It goes live; what was published since the version that it was made from stays, by ids. None: nothing differs.

    Args:
        told: name, note. decisions: as of `Editing`.
    Raises Faulty, Conflict.
    """
    with editing(pipeline, by, origin, whole=True, **told) as under_way:
        under_way.document = _onto(under_way.live, document)
        under_way.decisions = decisions
    return under_way.publication


def _onto(live: Live, document: Document) -> Document:
    """What the document changed, done to what is live now. Raises Conflict."""
    plain = document.model_copy(update={"version": live.document.version}, deep=True)
    if not document.version or document.version == live.number:
        return plain
    base = Publication.objects.filter(pipeline=live.pipeline, number=document.version).first()
    if base is None:
        raise Faulty([Fault("version", _("This pipeline has no version %d.") % document.version)])
    merged = merge(Document.model_validate(base.document), plain, live.document)
    if merged.conflicts:
        words = Words(live.pipeline, live.document, plain)
        raise Conflict([line.sentence for line in words.lines(merged.conflicts)])
    return merged.document


def publish_draft(
    pipeline: Pipeline, by: User, revision: int, *, only_mine: bool = False, decisions: dict[str, str], **told: Any
) -> Publication | None:
    """The draft goes live, and is gone. With *only mine* what others changed stays in it.

    Raises Outdated, Faulty, Conflict.
    """
    with transaction.atomic():
        databases.lock(Pipeline.objects.filter(pk=pipeline.pk)).values_list("pk").first()
        draft = locked(pipeline)  # an edit in this very moment makes it outdated, and is not deleted with it
        if draft is None or draft.revision != revision:
            raise Outdated(draft)
        whole, base = document_of(draft), Document.model_validate(draft.base.document)
        changes = compare(base, whole)
        others = [change for change in changes if only_mine and draft.authors.get(change.id) != by.pk]
        wanted = applied(base, [change for change in changes if change not in others]) if others else whole
        wanted.version = draft.base.number
        origin = Publication.Origin.DESIGNER
        made = publish_document(pipeline, wanted, by, origin, decisions=decisions, **told)
        if not others:
            draft.delete()
            return made
        live = read(pipeline)
        draft.document = merge(base, whole, live.document).document.plain()
        draft.base, draft.revision = first_version(live), draft.revision + 1
        draft.authors = {change.id: draft.authors.get(change.id) for change in others}
        draft.save()
        return made


def restore(publication: Publication, by: User, *, switches: bool = False, instead_of: int | None = None) -> Draft:
    """The draft is this older version, to be looked at and published like any other.

    Args:
        switches: also switch on and off as it was then; at once, since switches are live.
        instead_of: revision of the draft that is thrown away, 0: there is none; None: whatever there is.
    Raises Outdated.
    """
    pipeline = publication.pipeline
    with transaction.atomic():
        databases.lock(Pipeline.objects.filter(pk=pipeline.pk)).get()
        known = locked(pipeline)
        if instead_of is not None and instead_of != (known.revision if known is not None else 0):
            raise Outdated(known)
        live = read(pipeline)
        document = Document.model_validate(publication.document)
        for _kind, _spot, part in document.placed():
            part.is_enabled = publication.switches.get(part.id, part.is_enabled)
        discard(pipeline)
        document.version = first_version(live).number
        draft = save(pipeline, document, by, 0)
        for id, on in publication.switches.items() if switches else ():
            row: Any = live.rules.get(id) or live.triggers.get(id)
            if row is not None and not row.retired:
                with suppress(Faulty):  # what would contradict what is live stays off
                    doors.switch(row, on, by)
    return draft
