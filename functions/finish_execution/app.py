"""A run of an analysis ended, as its host reports it."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=EventBridgeModel)
def handler(event: EventBridgeModel, context: LambdaContext) -> None:
    """Settle the record of what ended."""
    ended = wiring.analysis_ended(event.detail_type, event.detail)
    record = wiring.finish_analysis()(ended)
    if record is None:
        logger.info("ignored: another run has this analysis", subject=ended.subject)
        return
    count = record.outcome.violation_count if record.outcome else 0
    logger.info("settled", subject=ended.subject, status=ended.outcome.status, violation_count=count)
    metrics.add_metric(name="Violations", unit="Count", value=count)
