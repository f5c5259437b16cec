"""A batch transform job is completed: check what it wrote, without waiting for the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.app.launch_execution import LaunchExecution, Refusal
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.sagemaker_events import TransformJob
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import Schedules, TransformJobs


@dataclass(frozen=True, slots=True)
class CheckBatch:
    """Launch a one-off run of each schedule that checks batches when they are written, over the time of the job."""

    schedules: Schedules
    jobs: TransformJobs
    launch: LaunchExecution

    def __call__(self, job_name: str) -> list[MonitoringExecution | Refusal]:
        """Launch the runs, each once however often the event comes, and return them or why there is none."""
        job = self.jobs.find(job_name)  # first: most jobs of an account capture nothing, and schedules may be thousands
        if job is None:
            return []
        watching = self.schedules.watching(job.data_captured_destination_s3_uri.rstrip("/"))
        return [self.launch(_request(each, job)) for each in watching if _checks_batches(each)]


def _checks_batches(schedule: MonitoringSchedule) -> bool:
    return schedule.batch_transform_input is not None and schedule.batch_transform_input.check_when_written


def _request(schedule: MonitoringSchedule, job: TransformJob) -> ExecutionRequest:
    end = job.ended.replace(microsecond=0)  # not later than now: a window must be over
    start = min(job.started.replace(microsecond=0), end - timedelta(seconds=1))
    return ExecutionRequest(
        monitoring_schedule_name=schedule.monitoring_schedule_name,
        schedule_id=schedule.schedule_id,
        window=Window(start=start, end=end),
        tick_id=f"transform job {job.name}",
    )
