"""Web forms of a stage or pipeline that ends: their cards start where its cards go."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from crm import slots
from crm.people.models import Contact
from crm.pipelines.models import Pipeline, Stage
from crm.slots import PipelineUse, StageUse
from crm.webforms.models import Consent, WebForm


@slots.stage_uses.register
def forms_of_stage(stage: Stage) -> list[StageUse]:
    rows = WebForm.objects.filter(stage=stage)
    label = _("web forms whose cards start here")
    return [StageUse(label, rows.count(), lambda to: _put(rows, to.pipeline, to), of_pipeline=True)]


@slots.pipeline_uses.register
def forms_of_pipeline(pipeline: Pipeline) -> list[PipelineUse]:
    rows = WebForm.objects.filter(pipeline=pipeline)
    return [PipelineUse(_("web forms"), rows.count(), lambda to: _put(rows, to, None))]


def _put(rows: Any, pipeline: Pipeline, stage: Stage | None) -> None:
    for row in list(rows):
        row.pipeline, row.stage = pipeline, stage
        row.save()  # one by one, for the audit log


@slots.languages.register
def languages_of_forms() -> list[str]:
    return list(WebForm.objects.values_list("language", flat=True))


@slots.contact_split.register
def consents_go_along(contact: Contact, made: Contact, items: Any) -> None:
    Consent.objects.filter(contact=contact, submission__item__in=items).update(contact=made)
