"""The sweep for executions whose end, or start, no event reported; and the delivery of what was given up."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Advance everything that is overdue. What could not be advanced raises an alarm by its metric, not an error.

    ``{"redeliver": "due"}`` delivers the dead letters that are due again, ``{"redeliver": "everything"}`` all of them,
    however old; any other event is a sweep.
    """
    if "redeliver" in event:
        redelivery = wiring.redeliver()(everything=event["redeliver"] == "everything")
        failures = redelivery.failures
        metrics.add_metric(name="Redelivered", unit="Count", value=redelivery.delivered)
    else:
        sweep = wiring.reconcile()()
        failures = sweep.failures
        metrics.add_metric(name="MovedOn", unit="Count", value=sweep.moved)
    for failure in failures:
        logger.error("not moved on", reason=failure)
    metrics.add_metric(name="NotMovedOn", unit="Count", value=len(failures))
