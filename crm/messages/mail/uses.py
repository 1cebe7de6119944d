"""Mailboxes whose strangers become cards of a pipeline that ends."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm import slots
from crm.messages.models.messages import Channel
from crm.pipelines.models import Pipeline
from crm.slots import PipelineUse


@slots.pipeline_uses.register
def mailboxes(pipeline: Pipeline) -> list[PipelineUse]:
    rows = Channel.objects.filter(strangers=pipeline)
    label = _("mailboxes whose strangers become cards here")
    return [PipelineUse(label, rows.count(), lambda to: rows.update(strangers=to))]
