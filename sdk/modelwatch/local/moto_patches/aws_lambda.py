"""Lambda.

moto runs functions in Docker.
"""

from __future__ import annotations

from typing import Any

import moto.awslambda.models as lambda_models
from moto.awslambda.exceptions import LambdaClientError

from modelwatch.local.moto_patches.hooks import Hooks, InvokeRejected, InvokeRequest, Replacement

# moto generates the request id of every response after its service has finished, so ours travels in this header.
INVOCATION_HEADER = "x-local-invocation-id"


class _InvokeError(LambdaClientError):  # type: ignore[misc]  # moto has no types
    """A rejected Invoke as moto's server turns it into a response."""

    def __init__(self, rejected: InvokeRejected) -> None:
        self.code = rejected.status
        super().__init__(rejected.code, rejected.message)


def replacements(hooks: Hooks) -> list[Replacement]:
    """Return what is replaced in moto's Lambda."""

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str | bytes:
        payload = body.encode() if isinstance(body, str) else (body or b"")
        # Callers inside moto (notifications of S3 and Logs) pass no headers; in AWS those calls are asynchronous.
        default_type = "RequestResponse" if hasattr(request_headers, "environ") else "Event"
        configs = self.event_invoke_config
        try:
            response = hooks.invoke(
                InvokeRequest(
                    self.function_name,
                    payload or b"{}",
                    request_headers.get("X-Amz-Invocation-Type", default_type),
                    request_headers.get("X-Amz-Client-Context"),
                    configs[-1].response() if configs else {},
                )
            )
        except InvokeRejected as rejected:
            raise _InvokeError(rejected) from rejected
        if response.function_error is not None:
            response_headers["x-amz-function-error"] = response.function_error
        response_headers[INVOCATION_HEADER] = response.request_id
        response_headers["x-amz-executed-version"] = "$LATEST"
        return response.payload

    return [Replacement(lambda_models.LambdaFunction, "invoke", invoke)]
