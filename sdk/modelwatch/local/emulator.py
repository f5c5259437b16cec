"""The AWS emulator: moto's server in this process, on loopback, with every call written down."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from modelwatch.local.call_log import Call
from modelwatch.local.clock import Clock
from modelwatch.local.loopback import HOST, listen
from modelwatch.local.model_servers import Answer
from modelwatch.local.moto_patches.aws_lambda import INVOCATION_HEADER
from modelwatch.local.moto_patches.iam import role_of
from modelwatch.local.moto_patches.requests import operation_of

logger = logging.getLogger(__name__)

_ACCESS_KEY = re.compile(r"Credential=([A-Z0-9]+)/")
# moto answers requests in threads but does not lock what it holds, so a conditional write could be split in two.
# One call at a time per service mends that; these few services call others, or wait, while they answer.
_UNLOCKED = {"lambda", "cloudformation", "sqs", "sagemaker-runtime", "?"}


class Emulator:
    """moto, listening.

    Parameters
    ----------
    port : int
        Where to listen; 0 for a free port.
    clock : Clock
        For the times of the calls.

    Attributes
    ----------
    calls : list of Call
        Every call that was answered.
    principal_of : callable
        Returns the name behind an access key that the stack gave out, or None.
    invoke_endpoint : callable
        Answers SageMaker's InvokeEndpoint, where moto makes up an answer.
    """

    def __init__(self, *, port: int, clock: Clock) -> None:
        self.calls: list[Call] = []
        self.principal_of: Callable[[str | None], str | None] = lambda _: None
        self.invoke_endpoint: Callable[[dict[str, Any]], Answer] | None = None
        self._clock = clock
        self._application: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)
        self._locks: dict[str, threading.Lock] = {}
        with listen(port) as listener:
            self._server = make_server(
                HOST, 0, self._answer, threaded=True, request_handler=_QuietRequestHandler, fd=listener.fileno()
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._application(environ, start_response)
        form = _buffer_form(environ)
        service, action = operation_of(environ)
        form.seek(0)
        status = 500

        def take_status(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status
            status = int(line.split(" ", 1)[0])
            return start_response(line, _with_request_id(headers), exc_info)

        time, role = self._clock.now(), self._role(environ)
        lock = self._locks.setdefault(service, threading.Lock())
        try:
            if self.invoke_endpoint and (service, action) == ("sagemaker-runtime", "InvokeEndpoint"):
                answer = self.invoke_endpoint(environ)
                take_status(
                    f"{answer.status} {HTTPStatus(answer.status).phrase}",
                    [*answer.headers.items(), ("Content-Length", str(len(answer.body)))],
                )
                return [answer.body]
            if service in _UNLOCKED:
                return self._application(environ, take_status)
            with lock:
                return self._application(environ, take_status)
        except Exception as error:  # what moto lacks (NotImplementedError) or gets wrong: the caller hears of it once
            logger.warning("the emulator failed at %s %s: %r", service, action, error, exc_info=error)
            take_status("501 Not Implemented", [("Content-Type", "text/plain")])
            message = f"The emulator cannot do this {service} {action}: {error!r}"
            return [_error_body(service, message, is_form=bool(form.getbuffer()))]
        finally:
            self.calls.append(Call(time, service, action, role, status))

    def _role(self, environ: dict[str, Any]) -> str:
        match = _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        key = match[1] if match else None
        return self.principal_of(key) or role_of(key) or "operator"


def _with_request_id(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give Invoke's answer the id of the invocation, as Lambda does."""
    given = [value for name, value in headers if name.lower() == INVOCATION_HEADER]
    if not given:
        return headers
    kept = [(name, value) for name, value in headers if name.lower() not in (INVOCATION_HEADER, "x-amzn-requestid")]
    return [*kept, ("x-amzn-RequestId", given[0])]


def _error_body(service: str, message: str, *, is_form: bool) -> bytes:
    """Return an error as the service's protocol writes it, so that SDKs show the message."""
    if service != "s3" and not is_form:
        return json.dumps({"__type": "EmulatorFailure", "message": message}).encode()
    error = f"<Error><Code>EmulatorFailure</Code><Message>{escape(message)}</Message></Error>"
    return (error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>").encode()


class _QuietRequestHandler(MotoRequestHandler):  # type: ignore[misc]
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the calls are written down elsewhere."""


def _buffer_form(environ: dict[str, Any]) -> io.BytesIO:
    """Read a form once, so that looking at its Action leaves it whole for the emulator, and return it."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return io.BytesIO()
    form = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    environ["wsgi.input"] = form
    return form
