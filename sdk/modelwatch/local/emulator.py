"""The AWS emulator: moto's server in this process, on loopback, with a record of every call."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server

from modelwatch.local.authorization import Authorization
from modelwatch.local.call_log import Call
from modelwatch.local.clock import Clock
from modelwatch.local.loopback import HOST, listen
from modelwatch.local.model_servers import EndpointResponse
from modelwatch.local.moto_patches.aws_lambda import INVOCATION_HEADER
from modelwatch.local.moto_patches.iam import role_of, session_policy_of
from modelwatch.local.moto_patches.requests import Operation, operation_of
from modelwatch.local.policy_simulator import simulate
from modelwatch.running_stack import CLOCK_PATH, PAGES_PATH

logger = logging.getLogger(__name__)

_ACCESS_KEY = re.compile(r"Credential=([A-Z0-9]+)/")
# moto serves requests in threads but does not lock its data, so a conditional write is not atomic. One call at a time
# per service fixes that; these services are exempt, because they call others or wait during a request.
_UNLOCKED = {"lambda", "cloudformation", "sqs", "sagemaker-runtime", "?"}

_THREADS = 64  # of which each synchronous invocation and each long poll occupies one
_MOST_CONNECTIONS = 10_000  # clients keep theirs open; each function process has some for every service that it calls
_MOST_BYTES_OF_A_REQUEST = 5 * 2**40  # the largest object in S3
_OF_THE_SERVER = {"connection", "date", "keep-alive", "transfer-encoding"}  # which it sets


class Emulator:
    """moto's server.

    Parameters
    ----------
    port : int
        The port to listen on; 0 for a free port.
    clock : Clock
        The clock for the times of the calls.

    Attributes
    ----------
    calls : list of Call
        Every call, in the order in which they ended.
    principal_of : callable
        Returns the principal that an access key of the stack belongs to, or None.
    authorize : callable
        Takes a principal, an operation, and the ``session`` policy of a role if there is one. Returns what the
        operation needs, and the permission that the principal does not have.
    invoke_endpoint : callable
        Handles SageMaker's InvokeEndpoint, for which moto returns an invented response.
    move_clock : callable
        Handles a request to move the stack's clock; returns the status and the lines of the response.
    show_page : callable
        Handles a request for a page; returns the status, the type of the content, and the content.
    """

    def __init__(self, *, port: int, clock: Clock) -> None:
        self.calls: list[Call] = []
        self.principal_of: Callable[[str | None], str | None] = lambda _: None
        self.authorize: Callable[..., Authorization] = lambda *_, **__: Authorization()
        self.invoke_endpoint: Callable[[dict[str, Any]], EndpointResponse] | None = None
        self.move_clock: Callable[[dict[str, Any]], tuple[int, Iterable[bytes]]] | None = None
        self.show_page: Callable[[dict[str, Any]], tuple[int, str, bytes]] | None = None
        self._clock = clock
        self._application: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)
        self._locks: dict[str, threading.Lock] = {}
        self._connections: dict[int, Any] = {}
        self._listener = listen(port)
        self._server = create_server(
            self._handle,
            map=self._connections,
            sockets=[self._listener],
            threads=_THREADS,
            connection_limit=_MOST_CONNECTIONS,
            max_request_body_size=_MOST_BYTES_OF_A_REQUEST,
            ident=None,
        )
        self._server.channel_class = _Channel
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """The URL that it listens on."""
        return f"http://{HOST}:{self._server.effective_port}"

    def start(self) -> None:
        """Start to serve requests."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving requests."""
        self._stopping.set()
        if self._thread.is_alive():
            self._server.pull_trigger()
            self._thread.join()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._connections)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, count=1, map=self._connections, use_poll=True)

    def record(self, role: str, operation: Operation) -> None:
        """Authorize and record a call that a service makes with a role and that nothing here needs to handle."""
        authorized = self.authorize(role, operation)
        self.calls.append(
            Call(
                self._clock.now(),
                operation.service,
                operation.action,
                role,
                status=200 if authorized.refused is None else 403,
                needed=authorized.needed,
                refused=authorized.refused,
            )
        )

    def _handle(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._application(environ, start_response)
        if self.move_clock and environ["PATH_INFO"] == CLOCK_PATH:
            moved, lines = self.move_clock(environ)
            start_response(f"{moved} {HTTPStatus(moved).phrase}", [("Content-Type", "application/jsonlines")])
            return lines
        if self.show_page and environ["PATH_INFO"].startswith(PAGES_PATH):
            found, content_type, content = self.show_page(environ)
            start_response(f"{found} {HTTPStatus(found).phrase}", [("Content-Type", content_type)])
            return [content]
        operation = operation_of(environ)
        service, action = operation.service, operation.action
        status = 500

        def start_recorded_response(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            return start_response(line, _sendable(headers, self._clock.now()), exc_info)

        key = _access_key(environ)
        time, role = self._clock.now(), self.principal_of(key) or role_of(key) or "operator"
        authorized = Authorization()
        lock = self._locks.setdefault(service, threading.Lock())
        try:
            authorized = self.authorize(role, operation, session=session_policy_of(key))
            if authorized.refused:
                start_recorded_response("403 Forbidden", [])
                return [_refusal(operation, f"{role} is not authorized to perform {authorized.refused}")]
            if self.invoke_endpoint and (service, action) == ("sagemaker-runtime", "InvokeEndpoint"):
                response = self.invoke_endpoint(environ)
                start_recorded_response(
                    f"{response.status} {HTTPStatus(response.status).phrase}",
                    [*response.headers.items(), ("Content-Length", str(len(response.body)))],
                )
                return [response.body]
            if (service, action) == ("iam", "SimulatePrincipalPolicy"):
                start_recorded_response("200 OK", [("Content-Type", "text/xml")])
                return [simulate(operation.parameters)]
            if service in _UNLOCKED:
                return self._application(environ, start_recorded_response)
            with lock:
                return self._application(environ, start_recorded_response)
        except Exception as error:  # moto does not support the call, or failed
            logger.warning("the emulator failed to handle %s %s: %r", service, action, error, exc_info=error)
            start_recorded_response("501 Not Implemented", [("Content-Type", "text/plain")])
            message = f"The emulator cannot handle {service} {action}: {error!r}"
            return [_error_body(operation, "EmulatorFailure", message)]
        finally:
            self.calls.append(Call(time, service, action, role, status, authorized.needed, authorized.refused))


def _access_key(environ: dict[str, Any]) -> str | None:
    match = _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
    return match[1] if match else None


def _sendable(headers: list[tuple[str, str]], now: datetime) -> list[tuple[str, str]]:
    """Leave out what the server sets, date the response by the stack's clock, and name the invocation of an Invoke."""
    kept = [(name, value) for name, value in headers if name.lower() not in _OF_THE_SERVER]
    dated = [*kept, ("Date", format_datetime(now, usegmt=True))]
    request_ids = [value for name, value in kept if name.lower() == INVOCATION_HEADER]
    if not request_ids:
        return dated
    others = [(name, value) for name, value in dated if name.lower() not in (INVOCATION_HEADER, "x-amzn-requestid")]
    return [*others, ("x-amzn-RequestId", request_ids[0])]


def _refusal(operation: Operation, message: str) -> bytes:
    is_json = operation.service != "s3" and not operation.is_form
    return _error_body(operation, "AccessDeniedException" if is_json else "AccessDenied", message)


def _error_body(operation: Operation, code: str, message: str) -> bytes:
    """Return an error in the format of the service's protocol, so that SDKs show the message."""
    if operation.service != "s3" and not operation.is_form:
        return json.dumps({"__type": code, "message": message}).encode()
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return (error if operation.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>").encode()


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    def parse_header(self, header_plus: bytes) -> None:
        """Expect no body of 0 bytes: waitress would wait for it, and botocore announces empty objects too."""
        super().parse_header(header_plus)
        if not self.chunked and self.content_length == 0:
            self.expect_continue = False


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    parser_class = _Parser
