"""``AnalysisHost``: the analyzer as a container-image Lambda, invoked asynchronously."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.analysis import AnalysisRequest

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


@dataclass(frozen=True, slots=True)
class AnalyzerFunction:
    """The analyzer's Lambda.

    Parameters
    ----------
    capacity_bytes : int
        Most bytes of input that fit its storage and its time.
    """

    functions: LambdaClient
    function_name: str
    capacity_bytes: int
    name: str = field(default="the analyzer Lambda", init=False)

    def start(self, request: AnalysisRequest) -> None:
        """Start an analysis."""
        with aws_errors(f"starting the analysis of {request.subject}"):
            self.functions.invoke(
                FunctionName=self.function_name, InvocationType="Event", Payload=request.model_dump_json()
            )
