"""A schedule is due, or a person wants a run."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.app.launch_execution import Refusal
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.events import ExecutionRequest

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="tick_id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Launch an execution, and return its record or the refusal."""
    metrics.add_metric(name="ExecutionsRequested", unit="Count", value=1)
    request = parsed(ExecutionRequest, event)
    launched = wiring.launch_execution()(request)
    if isinstance(launched, Refusal):
        logger.warning(
            "refused", schedule=request.monitoring_schedule_name, code=launched.code, explanation=launched.message
        )
        metrics.add_metric(name="RequestsRefused", unit="Count", value=1)
        return {"refusal": launched.model_dump(mode="json")}
    if launched.not_made_up:
        logger.warning(
            "more windows were missed than are made up; request those that matter with backfill",
            schedule=request.monitoring_schedule_name,
            not_made_up=launched.not_made_up,
        )
        metrics.add_metric(name="WindowsNotMadeUp", unit="Count", value=launched.not_made_up)
    logger.info("launched", schedule=request.monitoring_schedule_name, subject=launched.subject)
    metrics.add_metric(name="RequestsAccepted", unit="Count", value=1)
    return {"execution": launched.model_dump(mode="json")}
