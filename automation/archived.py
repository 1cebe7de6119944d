"""An archived pipeline: what its rules had planned is cancelled, in the background."""

from __future__ import annotations

from automation.engine.control import cancel_planned
from automation.models import Rule, Run
from crm import slots
from crm.ground import clock
from crm.ground.sentences import said
from crm.models import Job, Pipeline
from crm.work import lanes
from crm.work.leased import Status
from crm.work.queue import Kind, register_kind

KIND = "cancel_runs_of_pipeline"


@slots.pipeline_ended.register
def plan_cancelling(pipeline: Pipeline) -> None:
    """Not here: who performs a run holds its card and asks for the pipeline, which is held now."""
    moment = int(clock.now().timestamp() * 1000)
    Job.plan(KIND, f"{KIND}:{pipeline.pk}:{moment}", payload={"pipeline": pipeline.pk}, lane=lanes.BULK)


def perform(job: Job) -> None:
    pipeline = Pipeline.objects.filter(pk=job.payload["pipeline"]).first()
    if pipeline is None or not pipeline.is_archived:
        return  # in use again
    waiting = Run.objects.filter(rule__pipeline=pipeline, status__in=(Status.PLANNED, Status.HELD))
    for rule in Rule.objects.filter(pk__in=waiting.values("rule")):
        cancel_planned(rule, said("pipeline.archived_run", "the pipeline was archived"))


register_kind(Kind(KIND, perform))
