"""Invocations of the analyzer's Lambda as they run analyses: how one is named, and how it ended where it crashed."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field

from modelwatch_core.domain.documents import Inbound, NonEmpty, S3Uri
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.execution_cost import Usage
from modelwatch_core.domain.hosts import Resource, Run
from modelwatch_core.domain.outcome import Outcome

LAMBDA = "lambda"
"""The name of the host that is the analyzer's Lambda."""


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

    detail_type: ClassVar[str] = "Lambda Function Invocation Result - Failure"

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
