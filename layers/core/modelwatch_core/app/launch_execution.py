"""A schedule is due: claim its window, see what was captured, and start the analysis."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisRequest, AnalysisStatus
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import AnalysisEnded, ScheduleTick
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import EndpointInput, MonitoringSchedule, ScheduleStatus, Scripts
from modelwatch_core.ports import AnalysisHost, Claim, Clock, EventBus, Ledger, ObjectStore, Schedules

INPUT = "/opt/ml/processing/input"
BASELINE = "/opt/ml/processing/baseline"
OUTPUT = "/opt/ml/processing/output"
CODE = "/opt/ml/processing/code"
CAPTURE_FORMAT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


@dataclass(frozen=True, slots=True)
class LaunchExecution:
    """Start the execution that a tick asks for, once however often the tick comes.

    Parameters
    ----------
    lease : timedelta
        How long a host may take before ``reconcile`` asks after it.
    """

    schedules: Schedules
    ledger: Ledger
    objects: ObjectStore
    host: AnalysisHost
    bus: EventBus
    clock: Clock
    lease: timedelta

    def __call__(self, tick: ScheduleTick) -> MonitoringExecution | None:
        """Return the execution as it stands after the tick, or None if the schedule is gone or stopped.

        Raises
        ------
        InvalidInput
            ``NotAScheduledTime``.
        """
        schedule = self._schedule(tick.monitoring_schedule_name)
        if schedule is None:
            return None
        planned = MonitoringExecution.planned(
            schedule,
            scheduled_time=tick.scheduled_time - timedelta(minutes=tick.start_delay_minutes),
            tick_id=tick.tick_id,
            now=self.clock.now(),
            lease=self.lease,
        )
        return self._claim(schedule, planned)

    def resume(self, execution: MonitoringExecution) -> MonitoringExecution | None:
        """Start an execution that was claimed or waits, in the window that it was planned for.

        Returns
        -------
        MonitoringExecution or None
            As for a tick.
        """
        schedule = self._schedule(execution.monitoring_schedule_name)
        if schedule is None:
            return None
        return self._claim(schedule, execution.planned_again(now=self.clock.now(), lease=self.lease))

    def _schedule(self, name: str) -> MonitoringSchedule | None:
        schedule = self.schedules.get(name)
        running = schedule is not None and schedule.monitoring_schedule_status is ScheduleStatus.SCHEDULED
        return schedule if running else None

    def _claim(self, schedule: MonitoringSchedule, planned: MonitoringExecution) -> MonitoringExecution:
        claim, execution = self.ledger.claim(planned)
        return self._start(schedule, execution) if claim is Claim.CLAIMED else execution

    def _start(self, schedule: MonitoringSchedule, execution: MonitoringExecution) -> MonitoringExecution:
        try:
            request, size = self._request(schedule, execution)
            refusal = self._refusal(schedule, execution, size)
            if not refusal:
                self.host.start(request)
        except InvalidInput as error:
            refusal = str(error)  # a person must mend it: no retry of this tick can
        if refusal:
            self.bus.publish(
                AnalysisEnded(
                    subject=execution.key.subject,
                    status=AnalysisStatus.FAILED,
                    output_s3_uri=execution.output_s3_uri,
                    failure_reason=refusal,
                )
            )
            return execution
        started = execution.started(host=self.host.name, now=self.clock.now(), lease=self.lease)
        try:
            self.ledger.save(started)
        except NotReady:
            # The analysis was quicker than this line and is settled: that record stands.
            return self.ledger.get(execution.key) or execution
        return started

    def _request(self, schedule: MonitoringSchedule, execution: MonitoringExecution) -> tuple[AnalysisRequest, int]:
        endpoint = schedule.endpoint_input
        destination = endpoint.data_captured_destination_s3_uri or ""
        captured = [
            (AnalysisInput(s3_uri=uri, path=f"input/{path}/"), sum(found.size for found in self.objects.list(uri)))
            for variant in self._variants(endpoint, destination)
            for uri, path in s3_layout.capture_hours(destination, endpoint.endpoint_name, variant, execution.window)
        ]
        baseline = {"constraints": schedule.baseline.constraints_s3_uri}
        if schedule.baseline.statistics_s3_uri:
            baseline["statistics"] = schedule.baseline.statistics_s3_uri
        request = AnalysisRequest(
            subject=execution.key.subject,
            environment={
                "analysis_type": schedule.monitoring_type.analysis_type,
                "dataset_format": json.dumps(CAPTURE_FORMAT),
                "dataset_source": INPUT,
                "output_path": OUTPUT,
                "start_time": iso_utc(execution.window.start),
                "end_time": iso_utc(execution.window.end),
                "publish_cloudwatch_metrics": "Enabled" if schedule.publish_cloudwatch_metrics else "Disabled",
                "sagemaker_endpoint_name": endpoint.endpoint_name,
                "sagemaker_monitoring_schedule_name": schedule.monitoring_schedule_name,
                **{f"baseline_{name}": f"{BASELINE}/{name}.json" for name in baseline},
                **endpoint.attributes,
                **script_paths(schedule),
            },
            inputs=(
                *(entry for entry, size in captured if size),
                *(AnalysisInput(s3_uri=uri, path=f"baseline/{name}.json") for name, uri in baseline.items()),
                *script_inputs(schedule),
            ),
            output_s3_uri=execution.output_s3_uri,
        )
        return request, sum(size for _, size in captured)

    def _variants(self, endpoint: EndpointInput, destination: str) -> list[str]:
        if endpoint.variant_name:
            return [endpoint.variant_name]
        return list(self.objects.folders(s3_layout.join(destination, endpoint.endpoint_name)))

    def _refusal(self, schedule: MonitoringSchedule, execution: MonitoringExecution, size: int) -> str | None:
        endpoint = schedule.endpoint_input
        if not size:
            folder = s3_layout.join(
                endpoint.data_captured_destination_s3_uri or "",
                endpoint.endpoint_name,
                endpoint.variant_name or "{variant}",
            )
            return (
                f"NoData: no records were captured for the window {execution.window} below {folder}/yyyy/mm/dd/hh/."
                " Check that the endpoint had traffic, that its data capture is on, and that it captures there."
                " The schedule goes on."
            )
        if size > self.host.capacity_bytes:
            return (
                f"WindowTooLarge: the window {execution.window} holds {size:,} bytes of captures and"
                f" {self.host.name} takes {self.host.capacity_bytes:,}. Run the schedule more often, lower the"
                " capture's sampling percentage, or give the analyzer more storage (parameter AnalyzerStorage)."
            )
        return None


def script_paths(scripts: Scripts) -> dict[str, str]:
    """Return where the analyzer finds each script, by its name in the environment."""
    return {name: f"{CODE}/{name}.py" for name in scripts.sources}


def script_inputs(scripts: Scripts) -> list[AnalysisInput]:
    """Return what the host must fetch for that."""
    return [AnalysisInput(s3_uri=uri, path=f"code/{name}.py") for name, uri in scripts.sources.items()]
