"""``AnalysisHost``: the analyzer as a container-image Lambda, invoked asynchronously."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.analysis import AnalysisRequest
from modelwatch_core.domain.hosts import HostLimits, Run, RunDescription, RunStatus
from modelwatch_core.domain.lambda_invocation import LAMBDA, lambda_run

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


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
            response = self.functions.invoke(
                FunctionName=self.function_name, InvocationType="Event", Payload=request.model_dump_json()
            )
        return lambda_run(request.subject, response["ResponseMetadata"]["RequestId"], self.log_group)

    def describe(self, run: Run) -> RunDescription:  # noqa: ARG002 - Lambda cannot be asked
        """Return that nothing is known of a run."""
        return RunDescription(status=RunStatus.UNKNOWN)

    def stop(self, run: Run) -> None:
        """Do nothing: the analyzer finds out by its claim, before it stores reports."""
