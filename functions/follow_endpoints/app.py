"""SageMaker reports that an endpoint changed: a temporary one of the app, or one of the user's own."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.temporary_endpoint import TEMPORARY_ENDPOINT_PREFIX, EndpointStateChange

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Advance the analysis that the endpoint was made for, or let the schedules that watch it react."""
    change = parsed(EndpointStateChange, parsed(EventBridgeModel, event).detail)
    is_temporary = change.endpoint_name.startswith(TEMPORARY_ENDPOINT_PREFIX)
    follow = wiring.follow_endpoint() if is_temporary else wiring.follow_watched_endpoint()
    moved = follow(change.endpoint_name)
    logger.info("endpoint", endpoint=change.endpoint_name, status=change.endpoint_status, moved=moved)
    metrics.add_metric(name="EndpointChanges", unit="Count", value=1)
