"""A schedule is due: claim its window, see what was captured, and start the analysis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from modelwatch_core.app.analysis_material import (
    BASELINE,
    EARLIER,
    GROUND_TRUTH,
    INPUT,
    MERGED,
    OUTPUT,
    PREVIOUS,
    material_of,
)
from modelwatch_core.app.captured_objects import CapturedObjects, captured_objects
from modelwatch_core.app.ground_truth_objects import GroundTruthObjects, ground_truth_objects
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisOutput, AnalysisRequest, AnalysisStatus
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput, NotReady
from modelwatch_core.domain.events import AnalysisEnded, ScheduleTick
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule, ScheduleStatus
from modelwatch_core.ports import AnalysisHost, Claim, Clock, EventBus, Ledger, ObjectStore, Schedules

_EARLIER_EXECUTIONS = 10


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
        return self._claim(schedule, self._following(planned) if tick.backfill else planned)

    def _following(self, planned: MonitoringExecution) -> MonitoringExecution:
        """Return the attempt that follows on the settled ones of its window; the same one for the same firing."""
        while (
            (standing := self.ledger.get(planned.key)) is not None
            and standing.is_settled
            and standing.tick_id != planned.tick_id
        ):
            planned = planned.model_copy(update={"attempt": planned.attempt + 1})
        return planned

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
            captured = captured_objects(
                self.objects, schedule.captured_input, execution.window, schedule.monitoring_type.kind
            )
            labels = ground_truth_objects(
                self.objects, schedule.ground_truth_input, execution.window, now=self.clock.now()
            )
            refusal = self._refusal(execution, captured, labels)
            if not refusal:
                self.host.start(self._request(schedule, execution, captured, labels))
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

    def _request(
        self,
        schedule: MonitoringSchedule,
        execution: MonitoringExecution,
        captured: CapturedObjects,
        labels: GroundTruthObjects | None,
    ) -> AnalysisRequest:
        baseline = {"constraints": schedule.baseline.constraints_s3_uri}
        if schedule.baseline.statistics_s3_uri:
            baseline["statistics"] = schedule.baseline.statistics_s3_uri
        endpoint = {"sagemaker_endpoint_name": schedule.endpoint_name} if schedule.endpoint_name else {}
        truth = {"ground_truth_source": GROUND_TRUTH, "merged_output_path": MERGED} if labels else {}
        merged = AnalysisOutput(path="merge/", s3_uri=s3_layout.join(schedule.output_s3_uri, "merge"))
        previous = self._previous_reports(execution)
        earlier = tuple(self._earlier_reports(execution))
        material = material_of(schedule)
        return AnalysisRequest(
            subject=execution.key.subject,
            environment={
                **material.environment,
                "analysis_type": schedule.monitoring_type.kind.analysis_type,
                "dataset_format": json.dumps(captured.dataset_format),
                "dataset_source": INPUT,
                "output_path": OUTPUT,
                "start_time": iso_utc(execution.window.start),
                "end_time": iso_utc(execution.window.end),
                "publish_cloudwatch_metrics": "Enabled" if schedule.publish_cloudwatch_metrics else "Disabled",
                "sagemaker_monitoring_schedule_name": schedule.monitoring_schedule_name,
                **endpoint,
                **truth,
                **({"previous_results": PREVIOUS} if previous else {}),
                **({"earlier_results": EARLIER} if earlier else {}),
                **{f"baseline_{name}": f"{BASELINE}/{name}.json" for name in baseline},
                **schedule.captured_input.attributes,
            },
            inputs=(
                *captured.inputs,
                *(labels.inputs if labels else ()),
                *(AnalysisInput(s3_uri=uri, path=f"baseline/{name}.json") for name, uri in baseline.items()),
                *material.inputs,
                *previous,
                *earlier,
            ),
            files=material.files,
            output_s3_uri=execution.output_s3_uri,
            further_outputs=(merged,) if labels else (),
        )

    def _previous_reports(self, execution: MonitoringExecution) -> tuple[AnalysisInput, ...]:
        folder = f"{execution.output_s3_uri}/"
        if execution.attempt == 1 or next(iter(self.objects.list(folder)), None) is None:
            return ()
        return (AnalysisInput(s3_uri=folder, path="previous/"),)

    def _earlier_reports(self, execution: MonitoringExecution) -> Iterator[AnalysisInput]:
        """Yield the reports of the latest windows before this one, where its kind compares with them."""
        report = execution.monitoring_type.kind.report
        if report is None:
            return
        name, before = execution.monitoring_schedule_name, execution.window.start
        uris = {
            f"{earlier.output_s3_uri}/{report}": earlier.window.start
            for earlier in self.ledger.history(name, limit=_EARLIER_EXECUTIONS, before=before)
        }
        for uri, start in uris.items():
            if next(iter(self.objects.files(uri)), None) is not None:  # a failed one has none, an old one is deleted
                yield AnalysisInput(s3_uri=uri, path=f"earlier/{iso_utc(start)}/{report}")

    def _refusal(
        self, execution: MonitoringExecution, captured: CapturedObjects, labels: GroundTruthObjects | None
    ) -> str | None:
        if not captured.size:
            return (
                f"NoData: no records were captured for the window {execution.window} below {captured.folder}."
                " Check that there was traffic, that data capture is on, and that it captures there."
                " The schedule goes on."
            )
        if labels and not labels.size:
            return (
                f"GroundTruthNotFound: no labels were found for the window {execution.window} below {labels.folder}."
                " Upload them, give the schedule a window further back (start_time_offset, end_time_offset), or run"
                " this window again when they are there (backfill). The schedule goes on."
            )
        # Merging writes the captures once more.
        size = 2 * captured.size + labels.size if labels else captured.size
        if size > self.host.capacity_bytes:
            return (
                f"WindowTooLarge: the window {execution.window} holds {size:,} bytes with its labels and all, and"
                f" {self.host.name} takes {self.host.capacity_bytes:,}. Run the schedule more often, lower the"
                " capture's sampling percentage, or give the analyzer more storage (parameter AnalyzerStorage)."
            )
        return None
