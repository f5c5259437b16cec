"""An execution ended, and people may want to hear of it."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.events import ExecutionEnded

logger, tracer, metrics = Logger(), Tracer(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=ExecutionEnded, envelope=envelopes.EventBridgeEnvelope)
def handler(event: ExecutionEnded, context: LambdaContext) -> None:
    """Send the alert that the execution calls for, if any."""
    alert = wiring.route_alerts()(event)
    metrics.add_metric(name="Alerts", unit="Count", value=1 if alert else 0)
