"""The SDK, the shell and clients of SageMaker's API call this to create, change, list and remove monitors."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.app.manage_monitors import ManageMonitorsRequest
from modelwatch_core.app.sagemaker_api.custom_resources import CustomResourceEvent
from modelwatch_core.app.sagemaker_api.serve_request import SageMakerRequest
from modelwatch_core.domain.documents import parsed

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Carry out one operation, of the app's own, of SageMaker's API or of CloudFormation, and return its response."""
    metrics.add_metric(name="Operations", unit="Count", value=1)
    match event:
        case {"api": _}:
            return wiring.serve_sagemaker_request()(parsed(SageMakerRequest, event))
        case {"RequestType": _}:
            wiring.provide_custom_resource()(parsed(CustomResourceEvent, event))
            return {}
        case _:
            return wiring.manage_monitors()(parsed(ManageMonitorsRequest, event))
