"""``AnalysisHost``: the analyzer as a container-image Lambda, invoked asynchronously."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.documents import Inbound, NonEmpty, S3Uri
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.execution_cost import Usage
from modelwatch_core.domain.hosts import HostLimits, Resource, Run, RunDescription, RunStatus
from modelwatch_core.domain.outcome import Outcome

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient

LAMBDA = "lambda"
"""The name of this host."""

FAILURE_DETAIL_TYPE = "Lambda Function Invocation Result - Failure"


@dataclass(frozen=True, slots=True)
class AnalyzerFunction:
    """The analyzer's Lambda.

    Lambda starts an invocation for each call, so a subject that is started twice has two invocations; the analyzer
    claims the subject first, and all but one of them end at once. Lambda cannot be asked about an asynchronous
    invocation, and cannot end one: the analyzer looks between its steps whether it was stopped.
    """

    functions: LambdaClient
    function_name: str
    log_group: str
    limits: HostLimits

    @property
    def name(self) -> str:
        """The name of this host."""
        return LAMBDA

    def start(self, request: AnalysisRequest) -> Run:
        """Start an analysis."""
        with aws_errors(f"starting the analysis of {request.subject}"):
            answer = self.functions.invoke(
                FunctionName=self.function_name, InvocationType="Event", Payload=request.model_dump_json()
            )
        return lambda_run(request.subject, answer["ResponseMetadata"]["RequestId"], self.log_group)

    def describe(self, run: Run) -> RunDescription:  # noqa: ARG002 - Lambda cannot be asked
        """Return that nothing is known of a run."""
        return RunDescription(status=RunStatus.UNKNOWN)

    def stop(self, run: Run) -> None:
        """Do nothing: the analyzer finds out by its claim, before it stores reports."""


def lambda_run(subject: str, request_id: str, log_group: str) -> Run:
    """Return the run of an invocation of the analyzer's Lambda."""
    return Run(host=LAMBDA, subject=subject, run_id=request_id, log_location=f"{log_group} (request {request_id})")


_TIMED_OUT = re.compile(r"Task timed out after (\d+(?:\.\d+)?) seconds")


class _InvocationContext(Inbound):
    request_id: str | None = Field(default=None, alias="requestId")
    condition: str
    approximate_invoke_count: int | None = Field(default=None, alias="approximateInvokeCount")


class _RequestPayload(Inbound):
    subject: NonEmpty
    output_s3_uri: S3Uri


class InvocationFailed(Inbound):
    """Lambda's record of an asynchronous invocation of the analyzer that failed for good."""

    request_context: _InvocationContext = Field(alias="requestContext")
    request_payload: _RequestPayload = Field(alias="requestPayload")
    response_payload: Any = Field(default=None, alias="responsePayload")

    @property
    def seconds(self) -> float | None:
        """How long its attempts took, as long as the last one each; None where Lambda does not say."""
        found = _TIMED_OUT.search(self._error)
        return float(found[1]) * (self.request_context.approximate_invoke_count or 1) if found else None

    @property
    def _error(self) -> str:
        response = self.response_payload if isinstance(self.response_payload, dict) else {}
        return ": ".join(str(response[part]) for part in ("errorType", "errorMessage") if response.get(part))

    def as_analysis_ended(self, usage: Usage | None = None) -> AnalysisEnded:
        """Return the end that the crashed analyzer could not report itself.

        Parameters
        ----------
        usage : Usage, optional
            What it used, where that is known.
        """
        error = self._error
        count = self.request_context.approximate_invoke_count
        times = "several times" if count is None else f"{count} time{'s' if count != 1 else ''}"
        subject, request_id = self.request_payload.subject, self.request_context.request_id
        return AnalysisEnded(
            subject=subject,
            output_s3_uri=self.request_payload.output_s3_uri,
            run=Run(host=LAMBDA, subject=subject, run_id=request_id) if request_id else None,
            usage=usage,
            exhausted=_exhausted(error),
            outcome=Outcome.failed(
                f"AnalyzerCrashed: the analyzer was started {times} and ended without a report"
                f" ({self.request_context.condition}{'; ' + error if error else ''})."
                " If it ran out of memory or time, give the function more of them; its log has the details."
            ),
        )


def _exhausted(error: str) -> Resource | None:
    """Return what an invocation ran out of, by Lambda's words: "Troubleshoot invocation issues" in its guide."""
    if "Task timed out" in error or "Sandbox.Timedout" in error:
        return Resource.TIME
    if "OutOfMemory" in error or "signal: killed" in error:  # the system kills the largest process
        return Resource.MEMORY
    return None
