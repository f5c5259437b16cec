"""A baseline was requested."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.app.sagemaker_api.door import SageMakerRequest
from modelwatch_core.domain.baselining_job import BaselineRequest
from modelwatch_core.domain.documents import parsed

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start a baselining job and return its record, or the answer of SageMaker's API."""
    metrics.add_metric(name="BaseliningJobsRequested", unit="Count", value=1)
    match event:
        case {"api": _}:
            answer = wiring.answer_baseline_request(context.invoked_function_arn)
            return answer(parsed(SageMakerRequest, event))
        case _:
            return wiring.create_baseline()(parsed(BaselineRequest, event)).model_dump(mode="json")
