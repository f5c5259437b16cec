"""SageMaker reports that an endpoint changed: a temporary one of the app, or one of the user's own."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import envelopes, event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.temporary_endpoint import TEMPORARY_ENDPOINT_PREFIX, EndpointStateChange

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
@event_parser(model=EndpointStateChange, envelope=envelopes.EventBridgeEnvelope)
def handler(event: EndpointStateChange, context: LambdaContext) -> None:
    """Move on the analysis that the endpoint was made for, or let the schedules that watch it react."""
    is_temporary = event.endpoint_name.startswith(TEMPORARY_ENDPOINT_PREFIX)
    follow = wiring.follow_endpoint() if is_temporary else wiring.follow_watched_endpoint()
    moved = follow(event.endpoint_name)
    logger.info("endpoint", endpoint=event.endpoint_name, status=event.endpoint_status, moved=moved)
    metrics.add_metric(name="EndpointChanges", unit="Count", value=1)
