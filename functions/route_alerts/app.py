"""An execution ended, and may change alerts; a schedule did not fire; or an alert is to be delivered."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.events import ExecutionEnded

logger, metrics = Logger(), Metrics()

Event = ExecutionEnded | AlertRaised | AlertsWaiting | ScheduleSilent


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=Event, envelope=envelopes.EventBridgeEnvelope)
def handler(event: Event, context: LambdaContext) -> None:
    """Raise the alert that is due, or deliver what was raised."""
    match event:
        case AlertRaised():
            sent = wiring.deliver_alert()(event)
            metrics.add_metric(name="AlertsDelivered", unit="Count", value=1 if sent else 0)
        case AlertsWaiting():
            count = wiring.deliver_alert().waiting_for(event)
            metrics.add_metric(name="AlertsDelivered", unit="Count", value=count)
        case ScheduleSilent():
            alert = wiring.route_alerts().silent(event)
            metrics.add_metric(name="AlertsRaised", unit="Count", value=1 if alert else 0)
        case ExecutionEnded():
            alert = wiring.route_alerts()(event)
            metrics.add_metric(name="AlertsRaised", unit="Count", value=1 if alert else 0)
