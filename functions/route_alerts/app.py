"""An execution ended, and may change alerts; a schedule did not fire; or an alert is to be delivered."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.alerts import AlertRaised, AlertsWaiting, ScheduleSilent
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.events import ExecutionEnded

logger, metrics = Logger(), Metrics()

EVENTS: dict[str, type[ExecutionEnded | AlertRaised | AlertsWaiting | ScheduleSilent]] = {
    event.detail_type: event for event in (ExecutionEnded, AlertRaised, AlertsWaiting, ScheduleSilent)
}


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Raise the alert that is due, or deliver what was raised."""
    reported = parsed(EventBridgeModel, event)
    if reported.detail_type not in EVENTS:
        message = f"{reported.detail_type!r} is not one of {', '.join(EVENTS)}; a rule of the template is wrong"
        raise InvalidInput("UnknownEvent", message)
    match parsed(EVENTS[reported.detail_type], reported.detail):
        case AlertRaised() as raised:
            sent = wiring.deliver_alert()(raised)
            metrics.add_metric(name="AlertsDelivered", unit="Count", value=1 if sent else 0)
        case AlertsWaiting() as waiting:
            count = wiring.deliver_alert().send_waiting(waiting)
            metrics.add_metric(name="AlertsDelivered", unit="Count", value=count)
        case ScheduleSilent() as silent:
            alert = wiring.route_alerts().raise_silence(silent)
            metrics.add_metric(name="AlertsRaised", unit="Count", value=1 if alert else 0)
        case ExecutionEnded() as ended:
            alert = wiring.route_alerts()(ended)
            metrics.add_metric(name="AlertsRaised", unit="Count", value=1 if alert else 0)
