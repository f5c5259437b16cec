"""A run of an analysis ended, as its host reports it."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.monitoring_execution import ExecutionStatus, MonitoringExecution

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Settle the record of what ended."""
    reported = parsed(EventBridgeModel, event)
    ended = wiring.analysis_ended(reported.detail_type, reported.detail)
    if ended is None:
        logger.info("ignored: no end of an analysis of this deployment", detail_type=reported.detail_type)
        return
    record = wiring.finish_analysis()(ended)
    if record is None:
        logger.info("ignored: another run has this analysis", subject=ended.subject)
        return
    if isinstance(record, MonitoringExecution):
        failed = record.monitoring_execution_status is ExecutionStatus.FAILED
        metrics.add_metric(name="ExecutionsEnded", unit="Count", value=1)
        metrics.add_metric(name="ExecutionsFailed", unit="Count", value=1 if failed else 0)
    count = record.outcome.violation_count if record.outcome else None
    logger.info("settled", subject=ended.subject, status=ended.outcome.status, violation_count=count)
    if count is not None:
        metrics.add_metric(name="Violations", unit="Count", value=count)
