"""An execution is about to start: see what was captured, choose a host, and describe the analysis that it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from modelwatch_core.app.analysis_inputs import (
    BASELINE,
    EARLIER_EXECUTIONS,
    EARLIER_SCORES,
    GROUND_TRUTH,
    MERGED,
    PREVIOUS_ATTEMPT,
    analysis_inputs,
)
from modelwatch_core.app.captured_objects import CapturedObjects, Look, captured_objects
from modelwatch_core.app.ground_truth_objects import GroundTruthObjects, ground_truth_objects
from modelwatch_core.app.scheduled_executions import MOST_LOOKED_AT
from modelwatch_core.app.start_analysis import StartAnalysis
from modelwatch_core.domain import s3_layout
from modelwatch_core.domain.analysis import AnalysisInput, AnalysisOutput, AnalysisRequest
from modelwatch_core.domain.analysis_settings import Switch
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.hosts import Demand, HostChoice
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.monitoring_schedule import MonitoringSchedule
from modelwatch_core.domain.scores import EarlierScores, ScoredExecution
from modelwatch_core.domain.settings_environment import analysis_settings
from modelwatch_core.domain.windows import Window
from modelwatch_core.ports import Clock, Ledger, ObjectStore, readable

MEMORY_OF_LABELS = 0.5
"""Bytes of memory for each byte of labels as stored: some 30 for a label, whose line has 60 or more."""

_MOST_LOOKED_AT = 240
"""How many executions are looked through for earlier reports: ten days of hours."""
_LATEST = 20
"""How many executions before a window are looked at. What each of these windows measured goes with every request, which
has a size limit."""


@dataclass(frozen=True, slots=True)
class PrepareAnalysis:
    """Describe the analysis of an execution."""

    ledger: Ledger
    objects: ObjectStore
    start_analysis: StartAnalysis
    clock: Clock

    def __call__(self, schedule: MonitoringSchedule, execution: MonitoringExecution) -> AnalysisRequest:
        """Return what the host that was chosen is asked to run.

        Raises
        ------
        InvalidInput
            ``NoData``, ``GroundTruthNotFound``, ``WindowTooLarge``, ``NoHost``, or what the schedule's files are
            refused for.
        Upstream
            When a service did not respond; a retry may help.
        """
        look = Look(execution.captures_until or execution.creation_time, execution.late_since)
        captured = captured_objects(self.objects, schedule.captured_input, execution.window, look, schedule.kind)
        first = execution.window.start - (schedule.captured_input.lateness if look.since else timedelta(0))
        labels = ground_truth_objects(self.objects, schedule.ground_truth_input, first, now=self.clock.now())
        choice = self._chosen(schedule, execution, captured, labels)
        return self._request(schedule, execution, captured, labels, choice)

    def _chosen(
        self,
        schedule: MonitoringSchedule,
        execution: MonitoringExecution,
        captured: CapturedObjects,
        labels: GroundTruthObjects | None,
    ) -> HostChoice:
        if not captured.size:
            raise InvalidInput(
                "NoData",
                f"no records were captured for the window {execution.window} in {captured.folder}."
                " Check that there was traffic, that data capture is on, and that it captures there."
                " The schedule continues.",
            )
        if labels and not labels.size:
            raise InvalidInput(
                "GroundTruthNotFound",
                f"no labels were found for the window {execution.window} in {labels.folder}."
                " Upload them, give the schedule a window further back (start_time_offset, end_time_offset), or run"
                " this window again once they have arrived (backfill). The schedule continues.",
            )
        demand = _demand(captured, labels, schedule)
        outgrown = f"{execution.host_reason}; " if execution.moved_up_from else ""
        choice = self.start_analysis.choose(demand, resources=schedule.resources, after=execution.moved_up_from)
        if isinstance(choice, HostChoice):
            return choice.model_copy(update={"reason": outgrown + choice.reason})
        raise InvalidInput(
            choice.code,
            f"no host can analyse the window {execution.window} of {demand.input_bytes:,} bytes, labels and merged"
            f" records included: {outgrown}{choice.reason}. {choice.advice}",
        )

    def _request(
        self,
        schedule: MonitoringSchedule,
        execution: MonitoringExecution,
        captured: CapturedObjects,
        labels: GroundTruthObjects | None,
        choice: HostChoice,
    ) -> AnalysisRequest:
        baseline = _compared_with(schedule)
        given = analysis_inputs(schedule, schedule.kind)
        merged = AnalysisOutput(path="merge/", s3_uri=s3_layout.join(schedule.output_s3_uri, "merge"))
        previous = self._previous_attempt(execution)
        latest = latest_before(self.ledger, execution.schedule_id, execution.window)
        earlier = tuple(self._earlier_executions(execution, latest))
        scores, looks = _earlier_scores(latest), schedule.looks_per_month
        fields: dict[str, Any] = {
            "dataset_format": captured.dataset_format,
            "start_time": execution.window.start,
            "end_time": execution.window.end,
            "late_since": execution.late_since,
            "publish_cloudwatch_metrics": Switch.ENABLED if schedule.publish_cloudwatch_metrics else Switch.DISABLED,
            **({"looks_per_month": looks} if looks and "looks_per_month" not in given.settings else {}),
            "sagemaker_monitoring_schedule_name": schedule.monitoring_schedule_name,
            "sagemaker_endpoint_name": schedule.endpoint_name,
            **({"ground_truth_source": GROUND_TRUTH, "merged_output_path": MERGED} if labels else {}),
            **({"previous_attempt_results": PREVIOUS_ATTEMPT} if previous else {}),
            **({"earlier_executions_results": EARLIER_EXECUTIONS} if earlier else {}),
            **({"earlier_scores": EARLIER_SCORES} if scores else {}),
            **{f"baseline_{name}": BASELINE / f"{name}.json" for name in baseline},
        }
        return AnalysisRequest(
            subject=execution.key.subject,
            settings=analysis_settings(**given.settings | fields | schedule.captured_input.attributes),
            inputs=(
                *captured.inputs,
                *(labels.inputs if labels else ()),
                *(AnalysisInput(s3_uri=uri, path=f"baseline/{name}.json") for name, uri in baseline.items()),
                *given.inputs,
                *previous,
                *earlier,
            ),
            named=captured.named,
            files=given.files | ({EARLIER_SCORES.name: scores} if scores else {}),
            output_s3_uri=execution.output_s3_uri,
            further_outputs=(merged,) if labels else (),
            host=choice.name,
            host_reason=choice.reason,
            job_name=execution.processing_job_name,
            processing=schedule.processing,
            image_uri=schedule.image_uri,
        )

    def _previous_attempt(self, execution: MonitoringExecution) -> tuple[AnalysisInput, ...]:
        folder = f"{execution.output_s3_uri}/"
        if execution.attempt == 1 or next(iter(self.objects.list(folder)), None) is None:
            return ()
        return (AnalysisInput(s3_uri=folder, path=f"{PREVIOUS_ATTEMPT.name}/"),)

    def _earlier_executions(
        self, execution: MonitoringExecution, latest: Sequence[MonitoringExecution]
    ) -> Iterator[AnalysisInput]:
        """Yield the reports of the latest windows before this one that its kind compares with.

        Windows without data, and one-off runs, are passed over: a night without traffic must not end what goes on from
        window to window.
        """
        report, wanted = execution.kind.earlier_report, execution.kind.earlier_reports
        if report is None or not latest:
            return
        from_the_last = latest[-1].window.start + timedelta(seconds=1)  # whose earlier attempts are not in the latest
        further = self.ledger.executions_before(execution.schedule_id, from_the_last)
        seen = {each.key for each in latest}
        unseen = (each for each in readable(further) if each.key not in seen)
        for earlier in islice(chain(latest, unseen), _MOST_LOOKED_AT):
            if earlier.one_off or not earlier.monitoring_execution_status.is_completed:
                continue  # one that failed has left no reports, or those of before its script failed
            uri = f"{earlier.output_s3_uri}/{report}"
            if next(iter(self.objects.files(uri)), None) is not None:  # an old one is deleted
                yield AnalysisInput(
                    s3_uri=uri, path=f"{EARLIER_EXECUTIONS.name}/{iso_utc(earlier.window.start)}/{report}"
                )
                wanted -= 1
            if not wanted:
                return


def latest_before(ledger: Ledger, schedule_id: str, window: Window) -> list[MonitoringExecution]:
    """Return the executions of the schedule's latest windows that begin before a window, the latest first."""
    found = islice(ledger.executions_before(schedule_id, window.start, page=_LATEST), MOST_LOOKED_AT)
    return list(islice((each for each in readable(found) if not each.one_off), _LATEST))


def _earlier_scores(latest: Sequence[MonitoringExecution]) -> str | None:
    """Return what the latest windows before this one measured, for its report; None where nothing is known."""
    ended = [each for each in latest if each.outcome]
    by_window = {each.window.end: each.outcome for each in sorted(ended, key=lambda each: each.attempt)}
    scored = tuple(
        ScoredExecution(at=at, scores=outcome.scores)
        for at, outcome in sorted(by_window.items(), key=itemgetter(0))
        if outcome and outcome.scores
    )
    return EarlierScores(executions=scored).model_dump_json(exclude_defaults=True) if scored else None


def _demand(captured: CapturedObjects, labels: GroundTruthObjects | None, schedule: MonitoringSchedule) -> Demand:
    """Return what the analysis of a window needs: merging writes the captures once more, and holds all labels."""
    demand = schedule.demand
    if labels is None:
        return demand.model_copy(update={"input_bytes": captured.size, "files": captured.files})
    needed = {
        "input_bytes": 2 * captured.size + labels.size,
        "files": captured.files + labels.files,
        "memory_bytes": int(labels.size * MEMORY_OF_LABELS),
    }
    return demand.model_copy(update=needed)


def _compared_with(schedule: MonitoringSchedule) -> dict[str, str]:
    """Return the S3 URI of each file that data is compared with; none without constraints."""
    baseline = schedule.baseline
    if baseline is None or baseline.constraints_s3_uri is None:
        return {}
    statistics = {"statistics": baseline.statistics_s3_uri} if baseline.statistics_s3_uri else {}
    return {"constraints": baseline.constraints_s3_uri, **statistics}
