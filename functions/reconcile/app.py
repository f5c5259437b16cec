"""The sweep for executions whose end, or start, no event reported."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring

logger, tracer, metrics = Logger(), Tracer(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Move on every execution that is overdue."""
    moved = wiring.reconcile()()
    metrics.add_metric(name="ExecutionsMovedOn", unit="Count", value=moved)
