"""A schedule is due, a person wants a run, or a batch was written."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.app.launch_execution import Refusal
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.events import ExecutionRequest
from modelwatch_core.domain.monitoring_execution import MonitoringExecution
from modelwatch_core.domain.sagemaker_events import TransformJobStateChange

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="tick_id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Launch an execution, and return its record or the refusal; or those of all schedules that check a batch."""
    metrics.add_metric(name="ExecutionsRequested", unit="Count", value=1)
    match event:
        case {"detail-type": TransformJobStateChange.detail_type, "detail": detail}:
            job = parsed(TransformJobStateChange, detail)
            return {"executions": [_response(launched) for launched in wiring.check_batch()(job.name)]}
        case _:
            request = parsed(ExecutionRequest, event)
            return _response(wiring.launch_execution()(request), schedule=request.monitoring_schedule_name)


def _response(launched: MonitoringExecution | Refusal, schedule: str | None = None) -> dict[str, Any]:
    """Log and count what became of a request, and return it to the caller."""
    if isinstance(launched, Refusal):
        logger.warning("refused", schedule=schedule, code=launched.code, explanation=launched.message)
        metrics.add_metric(name="RequestsRefused", unit="Count", value=1)
        return {"refusal": launched.model_dump(mode="json")}
    if launched.not_made_up:
        logger.warning(
            "more windows were missed than are made up; request those that matter with backfill",
            schedule=launched.monitoring_schedule_name,
            not_made_up=launched.not_made_up,
        )
        metrics.add_metric(name="WindowsNotMadeUp", unit="Count", value=launched.not_made_up)
    logger.info("launched", schedule=launched.monitoring_schedule_name, subject=launched.subject)
    metrics.add_metric(name="RequestsAccepted", unit="Count", value=1)
    return {"execution": launched.model_dump(mode="json")}
