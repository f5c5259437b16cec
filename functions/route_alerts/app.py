"""An execution ended, and may call for an alert; or an alert was raised for a target."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.alerts import AlertRaised
from modelwatch_core.domain.events import ExecutionEnded

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=ExecutionEnded | AlertRaised, envelope=envelopes.EventBridgeEnvelope)
def handler(event: ExecutionEnded | AlertRaised, context: LambdaContext) -> None:
    """Raise the alert that an execution calls for, or deliver one that was raised."""
    if isinstance(event, AlertRaised):
        sent = wiring.deliver_alert()(event)
        metrics.add_metric(name="AlertsDelivered", unit="Count", value=1 if sent else 0)
    else:
        alert = wiring.route_alerts()(event)
        metrics.add_metric(name="AlertsRaised", unit="Count", value=1 if alert else 0)
