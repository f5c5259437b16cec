"""One execution environment of a function: a child process and the Lambda Runtime API that it calls.

The child is AWS's own runtime interface client, ``awslambdaric``. The Runtime API is served here:
``/2018-06-01/runtime/invocation/next``, ``/invocation/{id}/response``, ``/invocation/{id}/error``, ``/init/error``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from modelwatch.local.function_processes import FunctionProcess

RUNTIME_API = "/2018-06-01/runtime"
MAXIMUM_RESPONSE = 6_291_556  # bytes, Lambda's quota for a synchronous response
INIT_SECONDS = 10.0  # Lambda's limit for the init phase; if it takes longer, the function's own timeout applies


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an invocation.

    Attributes
    ----------
    payload : bytes
        What the handler returned, or the error document.
    function_error : str or None
        ``Unhandled`` if it failed.
    """

    payload: bytes
    function_error: str | None = None

    @classmethod
    def failed(cls, error_type: str, message: str) -> Outcome:
        """Return an error that is reported by the platform, not by the handler."""
        return cls(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), "Unhandled")


@dataclass(frozen=True, slots=True)
class Request:
    """One event for the handler."""

    request_id: str
    payload: bytes
    function_arn: str
    client_context: str | None = None


class ExecutionEnvironment:
    """A process that handles one invocation at a time; the first invocation starts it.

    Parameters
    ----------
    handler : str
        ``module.function``.
    root : Path
        The task root, which is the working directory of the process.
    variables : Mapping
        Its complete environment, to which this class adds the Runtime API's address and a TMPDIR of its own.
    timeout : float
        Seconds that an invocation may take before the process is killed.
    log : Path
        The file that its output is appended to.
    start_process : callable
        `FunctionProcesses.start`.
    init_seconds : float
        Seconds that its start may take, if that is more than ``timeout``.
    """

    def __init__(
        self,
        handler: str,
        *,
        root: Path,
        variables: Mapping[str, str],
        timeout: float,
        log: Path,
        start_process: Callable[..., FunctionProcess],
        init_seconds: float = INIT_SECONDS,
    ) -> None:
        self._handler, self._root, self._variables = handler, root, variables
        self._timeout, self._init_timeout = timeout, max(timeout, init_seconds)
        self._log, self._start_process = log, start_process
        self._changed = threading.Condition()
        self._process: FunctionProcess | None = None
        self._server: _RuntimeApiServer | None = None
        self._temporary: str | None = None
        self._exit_status: int | None = None
        self._stopped = False
        self._ready = False
        self._init_error: bytes | None = None
        self._pending: Request | None = None
        self._running_id: str | None = None
        self._outcome: Outcome | None = None

    @property
    def usable(self) -> bool:
        """Whether it can take another invocation."""
        with self._changed:
            return not self._ended()

    def invoke(self, request: Request) -> Outcome:
        """Pass one event to the process and wait for the outcome; a timeout or an exit is an outcome too."""
        with self._changed:
            if self._process is None and not self._stopped:
                self._start()
            in_time = self._changed.wait_for(lambda: self._ready or self._ended(), self._init_timeout)
            if self._ended():
                return self._outcome_after_end(request)
            if in_time:
                self._pending, self._outcome = request, None
                self._changed.notify_all()
                in_time = self._changed.wait_for(lambda: self._outcome is not None or self._ended(), self._timeout)
        if not in_time:
            self.stop()
            allowed = self._timeout if self._ready else self._init_timeout
            message = f"RequestId: {request.request_id} Error: Task timed out after {allowed:.2f} seconds"
            self._append_to_log(message)
            return Outcome.failed("Sandbox.Timedout", message)
        return self._outcome or self._outcome_after_end(request)

    def stop(self) -> None:
        """Kill the process with its children, and stop listening."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            process, server = self._process, self._server
        if process is not None:
            _kill_group(process.pid)
            process.wait()
        if server is not None:
            server.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    # What the handler of the Runtime API calls, from the server's threads.

    def next_request(self) -> tuple[Request, float] | None:
        """Wait for an event; return it with its deadline in seconds since the epoch, or None after `stop`."""
        with self._changed:
            self._ready = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._pending is not None or self._ended())
            if self._pending is None:
                return None
            request, self._pending = self._pending, None
            self._running_id = request.request_id
            return request, time.time() + self._timeout

    def finish(self, request_id: str, outcome: Outcome) -> bool:
        """Accept the outcome of an invocation; return False if that invocation is not running."""
        with self._changed:
            if self._running_id != request_id or self._ended():
                return False
            self._running_id, self._outcome = None, outcome
            self._changed.notify_all()
            return True

    def fail_init(self, error: bytes) -> None:
        """Accept the error that prevented the handler from loading."""
        with self._changed:
            self._init_error = error
            self._changed.notify_all()

    def _start(self) -> None:
        self._temporary = tempfile.mkdtemp(prefix="modelwatch-lambda-")
        self._server = _RuntimeApiServer(self)
        variables = {
            **self._variables,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "TMPDIR": self._temporary,
        }
        threading.Thread(target=self._server.serve, daemon=True).start()
        try:
            self._process = self._start_process(self._handler, root=self._root, variables=variables, log=self._log)
        except OSError as error:  # its folder is gone, or no more processes can be started
            self._init_error = Outcome.failed("Runtime.InvalidEntrypoint", str(error)).payload
            return
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def _watch(self, process: FunctionProcess) -> None:
        status = process.wait()
        with self._changed:
            self._exit_status = status
            self._changed.notify_all()

    def _ended(self) -> bool:
        return self._stopped or self._exit_status is not None or self._init_error is not None

    def _outcome_after_end(self, request: Request) -> Outcome:
        if self._init_error is not None:
            return Outcome(self._init_error, "Unhandled")
        if self._exit_status is None:
            return Outcome.failed("Sandbox.Failure", "The local stack was closed during the invocation.")
        message = f"RequestId: {request.request_id} Error: {_describe_exit(self._exit_status)}"
        self._append_to_log(message)
        return Outcome.failed("Runtime.ExitError", message)

    def _append_to_log(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


class _RuntimeApiServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, environment: ExecutionEnvironment) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeApiHandler)
        self.environment = environment
        self._closing = threading.Event()

    def serve(self) -> None:
        """Serve until it is closed. `serve_forever` would look again and again whether it is, for each process."""
        while not self._closing.is_set():
            connection, address = self.get_request()
            try:
                self.process_request(connection, address)
            except RuntimeError:  # no more threads can be started: the process ends with its connection
                self.shutdown_request(connection)
        self.server_close()

    def close(self) -> None:
        """Stop serving; once more does nothing."""
        if not self._closing.is_set():
            self._closing.set()
            socket.create_connection(("127.0.0.1", self.server_port)).close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing when a killed process breaks its connection."""


class _RuntimeApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or the system holds the body back, behind the headers, for up to 40 ms
    server: _RuntimeApiServer

    def do_GET(self) -> None:
        if self.path != f"{RUNTIME_API}/invocation/next":
            self._respond(404)
            return
        next_request = self.server.environment.next_request()
        if next_request is None:
            self.close_connection = True
            return
        request, deadline = next_request
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": request.function_arn,
            "Lambda-Runtime-Trace-Id": _trace_id(request.request_id),
        }
        if request.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = request.client_context
        self._respond(200, request.payload, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = self.server.environment
        if self.path == f"{RUNTIME_API}/init/error":
            environment.fail_init(body)
            self._respond(202)
            return
        prefix, _, result = self.path.rpartition("/")
        request_id = prefix.rpartition("/")[2]
        if result == "error":
            accepted = environment.finish(request_id, Outcome(body, "Unhandled"))
        elif len(body) > MAXIMUM_RESPONSE:
            accepted = environment.finish(request_id, _too_large(len(body)))
        else:
            accepted = environment.finish(request_id, Outcome(body))
        self._respond(202 if accepted else 400)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: every invocation makes these calls."""

    def _respond(self, status: int, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _trace_id(request_id: str) -> str:
    return f"Root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]};Sampled=0"


def _too_large(size: int) -> Outcome:
    return Outcome.failed(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAXIMUM_RESPONSE} bytes).",
    )


def _describe_exit(status: int) -> str:
    if status < 0:
        return f"Runtime exited with error: signal: {signal.strsignal(-status) or -status}".lower().capitalize()
    return f"Runtime exited with error: exit status {status}" if status else "Runtime exited without providing a reason"


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
