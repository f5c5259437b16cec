"""One request of SageMaker's API, and its response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from modelwatch_core.app.create_baseline import CreateBaseline
from modelwatch_core.app.sagemaker_api.alerts import ALERT_OPERATIONS
from modelwatch_core.app.sagemaker_api.definitions import DEFINITION_OPERATIONS
from modelwatch_core.app.sagemaker_api.operation import App, NotOurs, Operation
from modelwatch_core.app.sagemaker_api.processing_jobs import PROCESSING_JOB_OPERATIONS
from modelwatch_core.app.sagemaker_api.schedules import SCHEDULE_OPERATIONS
from modelwatch_core.app.sagemaker_api.tags import TAG_OPERATIONS
from modelwatch_core.domain.baselining_job import BaselineRequest
from modelwatch_core.domain.documents import NonEmpty, Owned, parsed
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError, NotReady
from modelwatch_core.domain.sagemaker_api.baseline_parameters import baseline_parameters
from modelwatch_core.domain.sagemaker_api.errors import SAGEMAKER_CODES, VALIDATION
from modelwatch_core.domain.sagemaker_api.job_definitions import ARN_TYPES, common_names
from modelwatch_core.domain.sagemaker_api.requests import ProcessingJobRequest
from modelwatch_core.domain.sagemaker_api.responses import arn, wire

OPERATIONS: Mapping[str, Operation] = {
    **DEFINITION_OPERATIONS,
    **SCHEDULE_OPERATIONS,
    **PROCESSING_JOB_OPERATIONS,
    **ALERT_OPERATIONS,
    **TAG_OPERATIONS,
}
"""Every operation but ``CreateProcessingJob``, which starts a baseline and needs other permissions."""

CREATE_PROCESSING_JOB = "CreateProcessingJob"


class SageMakerRequest(Owned):
    """A request of SageMaker's API as its JSON has it."""

    api: Literal["sagemaker"]
    operation: NonEmpty
    parameters: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServeSageMakerRequest:
    """Serve a request about monitors."""

    app: App

    def __call__(self, request: SageMakerRequest) -> dict[str, Any]:
        """Carry out an operation.

        Returns
        -------
        dict
            ``response``, as SageMaker's JSON has it; ``error`` with ``code`` and ``message``; or ``not_ours`` where the
            request is about something that the app does not have.

        Raises
        ------
        Upstream
            Where a service failed; a retry may help.
        """
        return _result(lambda: self._carried_out(request))

    def _carried_out(self, request: SageMakerRequest) -> dict[str, Any]:
        if request.operation not in OPERATIONS:
            raise InvalidInput("UnknownOperation", f"this function has no operation {request.operation!r}")
        operation = OPERATIONS[request.operation]
        parameters = _by_common_names(request)
        return operation.carry_out(self.app, parsed(operation.request, parameters))


@dataclass(frozen=True, slots=True)
class ServeBaselineRequest:
    """Serve ``CreateProcessingJob``."""

    create_baseline: CreateBaseline
    arn_prefix: str

    def __call__(self, request: SageMakerRequest) -> dict[str, Any]:
        """Start a baselining job; see ``ServeSageMakerRequest`` for what is returned."""
        return _result(lambda: self._started(request))

    def _started(self, request: SageMakerRequest) -> dict[str, Any]:
        if request.operation != CREATE_PROCESSING_JOB:
            raise InvalidInput("UnknownOperation", f"this function has no operation {request.operation!r}")
        asked = parsed(ProcessingJobRequest, request.parameters)
        parameters = baseline_parameters(asked, self.create_baseline.objects.read)
        job = self.create_baseline(parsed(BaselineRequest, parameters))
        return {"ProcessingJobArn": arn(self.arn_prefix, "processing-job", job.baselining_job_name)}


def _by_common_names(request: SageMakerRequest) -> dict[str, Any]:
    for monitoring_type in ARN_TYPES:
        if request.operation == f"Create{monitoring_type}JobDefinition":
            return common_names(monitoring_type, request.parameters)
    return request.parameters


def _result(carry_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return {"response": wire(carry_out())}
    except NotOurs:
        return {"not_ours": True}
    except (InvalidInput, NotReady) as error:
        return {"error": {"code": sagemaker_code(error), "message": str(error)}}


def sagemaker_code(error: ModelwatchError) -> str:
    """Return SageMaker's code for an error of the app."""
    return SAGEMAKER_CODES.get(error.code, VALIDATION)
