"""An analysis ended, or its host gave it up."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.events import AnalysisEnded, HostInvocationFailed

logger, tracer, metrics = Logger(), Tracer(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=AnalysisEnded | HostInvocationFailed, envelope=envelopes.EventBridgeEnvelope)
def handler(event: AnalysisEnded | HostInvocationFailed, context: LambdaContext) -> None:
    """Settle the record of what ended."""
    ended = event.as_analysis_ended() if isinstance(event, HostInvocationFailed) else event
    wiring.finish_analysis()(ended)
    logger.info("settled", subject=ended.subject, status=ended.status, violations=ended.violations)
    metrics.add_metric(name="Violations", unit="Count", value=ended.violations or 0)
