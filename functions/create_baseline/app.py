"""A baseline was requested, by a person or by the rule for training jobs and model packages."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from modelwatch_core import wiring
from modelwatch_core.app.sagemaker_api.serve_request import SageMakerRequest
from modelwatch_core.domain.baselining_job import BaselineRequest
from modelwatch_core.domain.documents import parsed
from modelwatch_core.domain.sagemaker_events import ModelPackageStateChange, TrainingJobStateChange

logger, metrics = Logger(), Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start a baselining job and return its record, or the response of SageMaker's API."""
    metrics.add_metric(name="BaseliningJobsRequested", unit="Count", value=1)
    match event:
        case {"api": _}:
            serve = wiring.serve_baseline_request(context.invoked_function_arn)
            return serve(parsed(SageMakerRequest, event))
        case {"detail-type": TrainingJobStateChange.detail_type, "detail": detail}:
            return _by_rule(parsed(TrainingJobStateChange, detail))
        case {"detail-type": ModelPackageStateChange.detail_type, "detail": detail}:
            return _by_rule(parsed(ModelPackageStateChange, detail))
        case _:
            return wiring.create_baseline()(parsed(BaselineRequest, event)).model_dump(mode="json")


def _by_rule(event: TrainingJobStateChange | ModelPackageStateChange) -> dict[str, Any]:
    job = wiring.baseline_by_rule()(event)
    logger.info("baseline by rule", of=event.name, job=job.baselining_job_name if job else None)
    return job.model_dump(mode="json") if job else {}
