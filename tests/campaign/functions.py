"""What each function of the app does with an event: as functions/*/app.py, without its logs and metrics.

The analyzer is the host's own code around a stand-in for the statistics, which ends as the plan says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from modelwatch_core import wiring
from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.analysis import AnalysisRequest, AnalysisSummary
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.constraint_violations import ConstraintViolation
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import ExecutionEnded, ExecutionRequest
from modelwatch_core.domain.outcome import OutcomeStatus, RecordCounts
from modelwatch_core.domain.temporary_endpoint import EndpointStateChange
from modelwatch_core.ports import AnalysisAccess
from tests.campaign.plan import Ending, Plan
from tests.campaign.simulation import Killed, Simulation

Handler = Callable[[dict[str, Any], str], object]

FOUND = ConstraintViolation(
    feature_name="income", constraint_check_type="baseline_drift_check", description="0.9 exceeds 0.1"
)


def handlers(plan: Plan, simulation: Simulation) -> Mapping[str, Handler]:
    """Return what each function of the template does."""

    def analyze(settings: AnalysisSettings, _: AnalysisAccess, __: str) -> AnalysisSummary:
        return _analyze(settings, plan, simulation)

    def analyzer(payload: dict[str, Any], request_id: str) -> None:
        request = AnalysisRequest.model_validate(payload)
        wiring.run_analysis(analyze)(request, wiring.run_of_invocation(request.subject, request_id))

    return {
        "LaunchExecution": lambda payload, _: wiring.launch_execution()(ExecutionRequest.model_validate(payload)),
        "Analyzer": analyzer,
        "FinishExecution": _finish_execution,
        "RouteAlerts": _route_alerts,
        "ShowMonitors": lambda event, _: wiring.write_dashboard()(ExecutionEnded.model_validate(event["detail"])),
        "FollowEndpoints": lambda event, _: wiring.follow_endpoint()(
            EndpointStateChange.model_validate(event["detail"]).endpoint_name
        ),
        "Reconcile": _reconcile,
    }


def _finish_execution(event: dict[str, Any], _: str) -> None:
    ended = wiring.analysis_ended(event["detail-type"], event["detail"])
    if ended is not None:
        wiring.finish_analysis()(ended)


def _route_alerts(event: dict[str, Any], _: str) -> None:
    detail = event["detail"]
    match event["detail-type"]:
        case AlertRaised.detail_type:
            wiring.deliver_alert()(AlertRaised.model_validate(detail))
        case AlertsWaiting.detail_type:
            wiring.deliver_alert().send_waiting(AlertsWaiting.model_validate(detail))
        case ScheduleSilent.detail_type:
            wiring.route_alerts().raise_silence(ScheduleSilent.model_validate(detail))
        case _:
            wiring.route_alerts()(ExecutionEnded.model_validate(detail))


def _reconcile(event: dict[str, Any], _: str) -> None:
    if "redeliver" in event:
        wiring.redeliver()()
    else:
        wiring.reconcile()()


def capture(window_start: datetime) -> bytes:
    """Return what was captured in a window."""
    return f"captured in {iso_utc(window_start)}\n".encode()


def reports(schedule: str, window_start: datetime, ending: Ending) -> dict[str, bytes]:
    """Return the files that the analysis of a window leaves."""
    what = {"schedule": schedule, "window": iso_utc(window_start)}
    violations = [FOUND.model_dump(mode="json")] if ending is Ending.WITH_VIOLATIONS else []
    metric = {"MetricName": "feature_non_null_income", "Value": 1.0}
    return {
        "statistics.json": json.dumps(what).encode(),
        "constraint_violations.json": json.dumps(what | {"violations": violations}).encode(),
        "cloudwatch_metrics.jsonl": json.dumps(metric).encode() + b"\n",
    }


def _analyze(settings: AnalysisSettings, plan: Plan, simulation: Simulation) -> AnalysisSummary:
    schedule, start = settings.sagemaker_monitoring_schedule_name, settings.start_time
    if schedule is None or start is None:
        raise AssertionError("an analysis without a schedule or a window")
    captured = [path.read_bytes() for path in Path(settings.dataset_source).rglob("*") if path.is_file()]
    if capture(start) not in captured:
        raise AssertionError(f"{schedule} was not given what was captured in {start}")
    ending = plan.ending(schedule, start)
    simulation.wait(plan.duration(schedule, start))
    if ending is Ending.CRASHES:
        raise Killed("out of memory")
    if ending is Ending.REFUSED:
        raise InvalidInput("AllMalformed", "no record could be read")
    for name, content in reports(schedule, start, ending).items():
        (Path(settings.output_path) / name).write_bytes(content)
    return AnalysisSummary(
        status=OutcomeStatus(ending.value),
        exit_message=f"{ending}: done",
        records=RecordCounts(read=1),
        violations=(FOUND,) if ending is Ending.WITH_VIOLATIONS else (),
    )
