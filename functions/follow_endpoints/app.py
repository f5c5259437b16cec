"""SageMaker reports that a temporary endpoint is in service, or failed."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.temporary_endpoint import EndpointStateChange

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=EndpointStateChange, envelope=envelopes.EventBridgeEnvelope)
def handler(event: EndpointStateChange, context: LambdaContext) -> None:
    """Move on the analysis that the endpoint was made for."""
    moved = wiring.follow_endpoint()(event.endpoint_name)
    logger.info("endpoint", endpoint=event.endpoint_name, status=event.endpoint_status, moved=moved)
    metrics.add_metric(name="EndpointChanges", unit="Count", value=1)
