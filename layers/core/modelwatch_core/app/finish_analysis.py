"""An analysis ended: settle its record once, publish its metrics, and say so to the world."""

from __future__ import annotations

import json
from dataclasses import dataclass

from modelwatch_core.app.shadow_endpoints import Shadows
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.constraint_violations import ConstraintViolations
from modelwatch_core.domain.errors import InvalidInput, Upstream
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded
from modelwatch_core.domain.monitoring_execution import ExecutionKey, ExecutionStatus, MonitoringExecution
from modelwatch_core.ports import BaseliningJobs, Clock, EventBus, Ledger, MetricSink, ObjectStore


def metric_namespace(execution: MonitoringExecution) -> str:
    """Return SageMaker's CloudWatch namespace for the metrics of an execution: dashboards on it go on working."""
    watched = "Endpoints" if execution.endpoint_name else "ModelMonitoring"
    return f"aws/sagemaker/{watched}/{execution.monitoring_type.kind.metric_namespace}"


@dataclass(frozen=True, slots=True)
class FinishExecution:
    """Settle an execution and announce it.

    Any step may be repeated: the status is written once, and what was announced is not announced again. A crash
    between announcing and noting it announces twice; ``route_alerts`` tells people once all the same.
    """

    ledger: Ledger
    objects: ObjectStore
    metrics: MetricSink
    bus: EventBus
    clock: Clock

    def __call__(self, key: ExecutionKey, ended: AnalysisEnded) -> MonitoringExecution:
        """Settle the execution with an end, unless it is settled, and announce it, unless it is announced.

        Raises
        ------
        InvalidInput
            ``ExecutionNotFound`` when the ledger does not know it.
        NotReady
            ``ChangedMeanwhile`` when somebody else was writing; a retry sees what they wrote.
        """
        execution = self.ledger.get(key)
        if execution is None:
            raise InvalidInput("ExecutionNotFound", f"the ledger holds no {key.subject}; was its table replaced?")
        if not execution.is_settled:
            execution = execution.settled(
                ended.status,
                now=self.clock.now(),
                exit_message=ended.exit_message,
                failure_reason=ended.failure_reason,
                violations=ended.violations,
                records=ended.records,
                ground_truth=ended.ground_truth,
                changes=ended.changes,
            )
            self.ledger.save(execution)
        if not execution.announced:
            self._announce(execution)
            execution = execution.with_announcement(now=self.clock.now())
            self.ledger.save(execution)
        return execution

    def _announce(self, execution: MonitoringExecution) -> None:
        violations = ConstraintViolations()
        if execution.monitoring_execution_status is not ExecutionStatus.FAILED:
            violations = ConstraintViolations.model_validate_json(self._report(execution, "constraint_violations.json"))
            lines = self._report(execution, "cloudwatch_metrics.jsonl").splitlines()
            self.metrics.publish(metric_namespace(execution), (json.loads(line) for line in lines))
        self.bus.publish(ExecutionEnded.of(execution, violations.violations))

    def _report(self, execution: MonitoringExecution, name: str) -> bytes:
        uri = f"{execution.output_s3_uri}/{name}"
        content = self.objects.read(uri)
        if content is None:
            raise Upstream("ReportMissing", f"the analysis ended but {uri} is not there")
        return content


@dataclass(frozen=True, slots=True)
class FinishBaseliningJob:
    """Settle a baselining job."""

    jobs: BaseliningJobs
    clock: Clock

    def __call__(self, name: str, ended: AnalysisEnded) -> BaseliningJob:
        """Settle the job with an end, unless it is settled.

        Raises
        ------
        InvalidInput
            ``BaseliningJobNotFound``.
        """
        job = self.jobs.get(name)
        if job is None:
            raise InvalidInput("BaseliningJobNotFound", f"there is no baselining job {name}")
        settled = job.settled(
            ended.status,
            now=self.clock.now(),
            exit_message=ended.exit_message,
            failure_reason=ended.failure_reason,
            records=ended.records,
        )
        if settled is not job:
            self.jobs.save(settled)
        return settled


@dataclass(frozen=True, slots=True)
class FinishAnalysis:
    """Hand the end of an analysis to whatever it was for, and let go of the endpoint that was made for it, if any."""

    finish_execution: FinishExecution
    finish_baselining_job: FinishBaseliningJob
    shadows: Shadows

    def __call__(self, ended: AnalysisEnded) -> MonitoringExecution | BaseliningJob:
        """Settle what the subject names, and return its record.

        Raises
        ------
        InvalidInput
            ``UnknownSubject`` when it names nothing of ours.
        """
        record = self._finish(ended)
        self.shadows.release(ended.subject)
        return record

    def _finish(self, ended: AnalysisEnded) -> MonitoringExecution | BaseliningJob:
        if key := ExecutionKey.of_subject(ended.subject):
            return self.finish_execution(key, ended)
        if name := BaseliningJob.name_in(ended.subject):
            return self.finish_baselining_job(name, ended)
        raise InvalidInput("UnknownSubject", f"{ended.subject!r} names neither an execution nor a baselining job")
