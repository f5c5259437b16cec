"""A schedule is due."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.events import ScheduleTick

logger, tracer, metrics = Logger(), Tracer(), Metrics()


@logger.inject_lambda_context(correlation_id_path="tick_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=ScheduleTick)
def handler(event: ScheduleTick, context: LambdaContext) -> None:
    """Launch the execution that the tick asks for."""
    execution = wiring.launch_execution()(event)
    status = execution.monitoring_execution_status if execution else "NoSchedule"
    logger.info("tick", schedule=event.monitoring_schedule_name, status=status)
    metrics.add_metric(name="Ticks", unit="Count", value=1)
