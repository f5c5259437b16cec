"""An analysis ended: settle its record once, announce it, and publish its metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelwatch_core.app.analysis_records import AnalysisRecord, AnalysisRecords
from modelwatch_core.app.output_folder import (
    ViolationReport,
    metrics_warnings,
    read_end,
    read_metrics,
    read_violations,
    settled_outcome,
)
from modelwatch_core.app.temporary_endpoints import OwnedEndpoints
from modelwatch_core.domain.baselining_job import BaseliningJob
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import AnalysisEnded, ExecutionEnded
from modelwatch_core.domain.execution_cost import Cost
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.metric_namespace import metric_namespace
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.outcome import OutcomeStatus
from modelwatch_core.ports import BaseliningJobs, Clock, EventBus, Ledger, MetricSink, ObjectStore, RunClaims

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinishExecution:
    """Settle an execution and announce it, whatever files its analysis left in the output folder.

    Any step may be repeated: the status is written once, and what was announced is not announced again. A crash
    between announcing and noting it announces twice; alerts are sent once all the same.

    Parameters
    ----------
    metric_prefix : str
        How the CloudWatch namespaces of metrics begin.
    hosts : sequence of str
        The names of the hosts that run analyses of our own, the smallest first.
    """

    ledger: Ledger
    objects: ObjectStore
    metrics: MetricSink
    bus: EventBus
    clock: Clock
    metric_prefix: str
    hosts: Sequence[str] = ()

    def __call__(self, execution: MonitoringExecution, ended: AnalysisEnded) -> MonitoringExecution:
        """Settle an execution with an end, unless it is settled, and complete what follows from it.

        Raises
        ------
        NotReady
            ``ChangedMeanwhile`` when another process was writing; a retry sees what it wrote.
        Upstream
            When a service did not respond; a retry goes on where this call stopped.
        """
        if ended.exhausted and _may_move_up(execution, self.hosts):
            return self._moved_up(execution, ended, ended.exhausted)
        return self.complete(self.settle(execution, ended))

    def _moved_up(
        self, execution: MonitoringExecution, ended: AnalysisEnded, exhausted: Resource
    ) -> MonitoringExecution:
        """Have the sweep start an execution once more; it keeps its schedule, and what it looks at."""
        moved = execution.moved_up(exhausted, now=self.clock.now(), cost=_cost_of(ended))
        self.ledger.save(moved)
        return moved

    def settle(self, execution: MonitoringExecution, ended: AnalysisEnded) -> MonitoringExecution:
        """Settle an execution with an end; one that is settled is returned as it is.

        Raises
        ------
        NotReady, Upstream
            As above.
        """
        if execution.is_settled:
            return execution
        outcome, uri = ended.outcome, None
        if outcome.status.is_completed:
            folder, since = execution.output_s3_uri, execution.reports_since
            report = read_violations(self.objects, folder, since)
            outcome = settled_outcome(outcome, report, execution)
            if outcome.status.is_completed:
                asked = partial(_is_asked_for, execution)
                found = metrics_warnings(self.objects, folder, since, now=self.clock.now(), is_asked_for=asked)
                outcome = outcome.model_copy(update={"warnings": (*outcome.warnings, *found)})
            uri = report.uri if outcome.status is OutcomeStatus.COMPLETED_WITH_VIOLATIONS else None
        settled = execution.settled(
            outcome,
            run=ended.run,
            now=self.clock.now(),
            violation_report_uri=uri,
            cost=_cost_of(ended),
        )
        self.ledger.save(settled)
        return settled

    def complete(self, execution: MonitoringExecution) -> MonitoringExecution:
        """Announce a settled execution, and publish its metrics, unless that has been done.

        The announcement is first: alerts must not wait for a service that only draws charts.
        """
        if not execution.announced:
            report = ViolationReport()
            if execution.monitoring_execution_status.is_completed:
                report = read_violations(self.objects, execution.output_s3_uri, execution.reports_since)
            self.bus.publish(ExecutionEnded.of(execution, report.violations))
            execution = execution.with_announcement(now=self.clock.now())
            self.ledger.save(execution)
        if not execution.metrics_published:
            self._publish_metrics(execution)
            execution = execution.with_metrics(now=self.clock.now())
            self.ledger.save(execution)
        return execution

    def _publish_metrics(self, execution: MonitoringExecution) -> None:
        if not execution.monitoring_execution_status.is_completed:
            return
        try:
            metrics = filter(None, read_metrics(self.objects, execution.output_s3_uri, execution.reports_since))
            asked = filter(partial(_is_asked_for, execution), metrics)
            self.metrics.publish(metric_namespace(execution, self.metric_prefix), asked)
        except InvalidInput as error:  # S3 refuses to give them, and no retry helps
            logger.error("the metrics of %s were not published: %s", execution.key.subject, error)  # noqa: TRY400 - no traceback


def _may_move_up(record: AnalysisRecord, hosts: Sequence[str]) -> bool:
    """Return whether a run that its host was too small for is repeated: once, on a host that comes after it."""
    is_ours = record.kind.analysis is not None
    return is_ours and not record.is_settled and record.moved_up_from is None and record.host in hosts[:-1]


def _cost_of(ended: AnalysisEnded) -> Cost | None:
    """Return what a run cost; None where it did not report what it used."""
    objects = ended.outcome.records.objects if ended.outcome.records else 0
    return Cost.of(ended.usage, objects) if ended.usage else None


def _is_asked_for(execution: MonitoringExecution, metric: Mapping[str, Any]) -> bool:
    dimensions = [dimension["Name"] for dimension in metric.get("Dimensions", ())]
    return execution.publish_feature_metrics or not execution.kind.is_metric_of_a_part(metric["MetricName"], dimensions)


@dataclass(frozen=True, slots=True)
class FinishBaseliningJob:
    """Settle a baselining job.

    Parameters
    ----------
    hosts : sequence of str
        The names of the hosts that run analyses of our own, the smallest first.
    """

    jobs: BaseliningJobs
    clock: Clock
    hosts: Sequence[str] = ()

    def __call__(self, job: BaseliningJob, ended: AnalysisEnded) -> BaseliningJob:
        """Settle a job with an end, unless it is settled or is to be run once more on a larger host."""
        cost = _cost_of(ended)
        if ended.exhausted and _may_move_up(job, self.hosts):
            changed = job.moved_up(ended.exhausted, now=self.clock.now(), cost=cost)
        else:
            changed = job.settled(ended.outcome, now=self.clock.now(), cost=cost)
        if changed is not job:
            self.jobs.save(changed)
        return changed


@dataclass(frozen=True, slots=True)
class FinishAnalysis:
    """Hand the end of an analysis to the execution or job that it was for, and release its temporary endpoint."""

    finish_execution: FinishExecution
    finish_baselining_job: FinishBaseliningJob
    records: AnalysisRecords
    claims: RunClaims
    owned: OwnedEndpoints

    def __call__(self, ended: AnalysisEnded) -> AnalysisRecord | None:
        """Settle what the subject names, or have it run once more on a larger host, and return its record.

        Returns
        -------
        MonitoringExecution, BaseliningJob or None
            None for a run that failed and is not the one that has the analysis: an invocation that was repeated.

        Raises
        ------
        InvalidInput
            ``UnknownSubject`` when it names nothing of ours; ``ExecutionNotFound`` or ``BaseliningJobNotFound``.
        """
        record = self.records.get(ended.subject)
        if record is None:
            code = "BaseliningJobNotFound" if BaseliningJob.name_in(ended.subject) else "ExecutionNotFound"
            raise InvalidInput(code, f"the ledger has no {ended.subject}; was its table replaced?")
        if ended.run is not None and ended.outcome.status is OutcomeStatus.FAILED:
            if self._is_of_another_run(record, ended.run):
                return None
            # A run may have stored its end before it failed: nothing but the report of it was left to do.
            stored = read_end(self.finish_execution.objects, ended.output_s3_uri, ended.subject)
            if stored is not None:
                ended = stored.model_copy(update={"usage": stored.usage or ended.usage})
        finished = self._finish(record, ended)
        self.owned.release(ended.subject)
        return finished

    def _is_of_another_run(self, record: AnalysisRecord, run: Run) -> bool:
        """Return whether an analysis is not a run's: an invocation was repeated, or it has moved to a larger host."""
        if record.moved_up_from is not None:
            return record.moved_up_from == run.host  # which claimed it before
        return self.claims.owner(record.subject) not in (None, run.run_id)

    def _finish(self, record: AnalysisRecord, ended: AnalysisEnded) -> AnalysisRecord:
        if isinstance(record, BaseliningJob):
            return self.finish_baselining_job(record, ended)
        return self.finish_execution(record, ended)
