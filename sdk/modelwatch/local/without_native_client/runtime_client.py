"""A substitute for the native module of AWS's runtime interface client, which exists for Linux only.

A function's process imports this module only if the native one is missing. It implements the native module's four
calls with the standard library's HTTP client.
"""

from __future__ import annotations

import http.client
import os

_RUNTIME_API = "/2018-06-01/runtime"
_user_agent = ""


def initialize_client(user_agent: str) -> None:
    """Set the user agent of the calls."""
    global _user_agent  # noqa: PLW0603 - the native module's interface
    _user_agent = user_agent


def next() -> tuple[bytes, dict[str, str]]:  # noqa: A001 - the native module's name for it
    """Wait for an event; return it with the response's headers."""
    return _call("GET", "/invocation/next")


def post_invocation_result(invoke_id: str, result: bytes, content_type: str, *_: object) -> None:
    """Report what the handler returned."""
    _call("POST", f"/invocation/{invoke_id}/response", result, {"Content-Type": content_type})


def post_error(invoke_id: str, error: str, *_: object) -> None:
    """Report the error that the handler raised."""
    _call("POST", f"/invocation/{invoke_id}/error", error.encode(), {"Content-Type": "application/json"})


def _call(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, _RUNTIME_API + path, body, {"User-Agent": _user_agent, **(headers or {})})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status not in (200, 202):
        raise RuntimeError(f"the Runtime API returned {response.status} for {method} {path}")
    return content, dict(response.getheaders())
