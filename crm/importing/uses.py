"""Imports of a stage or pipeline that ends: what they still bring goes where its cards go."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm import slots
from crm.importing.models import Import
from crm.pipelines.models import Pipeline, Stage
from crm.slots import PipelineUse, StageUse


@slots.stage_uses.register
def imports_of_stage(stage: Stage) -> list[StageUse]:
    rows = Import.objects.filter(stage=stage)
    return [StageUse(_("imports"), rows.count(), lambda to: rows.update(stage=to))]


@slots.pipeline_uses.register
def imports_of_pipeline(pipeline: Pipeline) -> list[PipelineUse]:
    rows = Import.objects.filter(pipeline=pipeline)
    return [PipelineUse(_("imports into the pipeline"), rows.count(), lambda to: rows.update(pipeline=to))]
