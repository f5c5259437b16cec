"""The template's functions, run as processes: synchronous calls, asynchronous ones with their retries, destinations."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.clock import Clock
from modelwatch.local.deliveries import Deliveries, Sender, Target
from modelwatch.local.errors import LocalStackError
from modelwatch.local.execution_environment import RUNTIME_FOLDERS, ExecutionEnvironment, Outcome, Request
from modelwatch.local.work import WorkInProgress

LAMBDA = "lambda.amazonaws.com"
MAXIMUM_ENVIRONMENTS = 4  # of one function at a time: a laptop's worth
RETRY_DELAYS = (60.0, 120.0)  # seconds Lambda waits before the second and third attempt of an asynchronous call


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What the template says of a function.

    Attributes
    ----------
    root : Path
        Its code.
    python_path : tuple of Path
        Its layers, or what its image copies beside the entry point.
    timeout : float
        In seconds.
    reserved_concurrency : int or None
        How many invocations may run at a time.
    dead_letter_arn : str or None
        The queue or topic of its DeadLetterConfig.
    logging : Mapping
        Its LoggingConfig.
    """

    name: str
    arn: str
    role_arn: str
    handler: str
    root: Path
    python_path: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 3.0
    memory_size: int = 128
    reserved_concurrency: int | None = None
    dead_letter_arn: str | None = None
    logging: Mapping[str, str] = field(default_factory=dict)
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """What happens to an asynchronous invocation that fails, or ends well."""

    maximum_retry_attempts: int = 2
    maximum_event_age: float = 21_600.0  # seconds
    on_failure: str | None = None
    on_success: str | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One attempt to run a function.

    Attributes
    ----------
    invocation_type : str
        ``RequestResponse`` or ``Event``.
    attempt : int
        1 for the first.
    started : datetime
        On the stack's clock.
    duration : float
        Seconds of real time, with the start of the process where it was cold.
    payload, response : bytes
        The event, and what the handler returned or the error document.
    function_error : str or None
        ``Unhandled`` where it failed.
    """

    function_name: str
    request_id: str
    invocation_type: str
    attempt: int
    started: datetime
    duration: float
    payload: bytes = field(repr=False)
    response: bytes = field(repr=False)
    function_error: str | None


class Throttled(Exception):
    """All of a function's reserved concurrency is in use."""


class LocalFunction:
    """A function and its execution environments, which stay warm between invocations."""

    def __init__(self, settings: FunctionSettings, *, log: Path, variables: Callable[[], Mapping[str, str]]) -> None:
        self.settings = settings
        self.log = log
        self._variables = variables
        self._changed = threading.Condition()
        self._idle: list[ExecutionEnvironment] = []
        self._all: set[ExecutionEnvironment] = set()
        self._busy = 0
        self._closed = False
        log.touch()

    def invoke(self, request: Request, *, wait: bool) -> Outcome:
        """Run one event.

        Parameters
        ----------
        request : Request
            The event.
        wait : bool
            Whether to wait for reserved concurrency, as asynchronous calls do, rather than to be throttled.
        """
        environment = self._take(wait)
        try:
            return environment.invoke(request)
        finally:
            usable = environment.usable
            if not usable:
                environment.stop()
            with self._changed:
                self._busy -= 1
                if usable:
                    self._idle.append(environment)
                else:
                    self._all.discard(environment)
                self._changed.notify_all()

    def close(self) -> None:
        """Kill every environment."""
        with self._changed:
            self._closed = True
            environments = list(self._all)
            self._changed.notify_all()
        stoppers = [threading.Thread(target=environment.stop) for environment in environments]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()

    def _take(self, wait: bool) -> ExecutionEnvironment:
        reserved = self.settings.reserved_concurrency
        limit = MAXIMUM_ENVIRONMENTS if reserved is None else min(reserved, MAXIMUM_ENVIRONMENTS)
        with self._changed:
            if reserved == 0 or (not wait and reserved is not None and self._busy >= reserved):
                raise Throttled
            self._changed.wait_for(lambda: self._busy < limit or self._closed)
            if self._closed:
                raise LocalStackError("Closed", "The local stack was closed.")
            self._busy += 1
            if self._idle:
                return self._idle.pop()
            settings = self.settings
            environment = ExecutionEnvironment(
                settings.handler,
                root=settings.root,
                variables=self._variables(),
                timeout=settings.timeout,
                log=self.log,
            )
            self._all.add(environment)
            return environment


class Functions:
    """All functions of the stack, by name.

    Parameters
    ----------
    clients : AwsClients
        To assume roles and to reach destinations.
    retry_delay_scale : float
        What Lambda's minutes between attempts are multiplied with before they are waited for. An event's age is
        reckoned with the unscaled delays.
    """

    def __init__(
        self,
        *,
        clients: AwsClients,
        clock: Clock,
        work: WorkInProgress,
        deliveries: Deliveries,
        folder: Path,
        retry_delay_scale: float,
    ) -> None:
        self._clients, self._clock, self._work, self._deliveries = clients, clock, work, deliveries
        self.folder, self._retry_delay_scale = folder, retry_delay_scale
        self._functions: dict[str, LocalFunction] = {}
        self.invocations: list[Invocation] = []

    def add(self, settings: FunctionSettings) -> None:
        """Make a function known; its first process starts with its first invocation."""
        self._functions[settings.name] = LocalFunction(
            settings,
            log=self.folder / f"{settings.name}.log",
            variables=lambda: self._environment(settings),
        )

    def names(self) -> list[str]:
        """Return the names of all functions."""
        return list(self._functions)

    def logs(self, name: str) -> str:
        """Return what a function's processes have printed so far."""
        return self._get(name).log.read_text("utf-8", errors="replace")

    def invoke(self, name: str, payload: bytes, *, client_context: str | None = None) -> tuple[str, Outcome]:
        """Run a function and return its request id and outcome; ``Throttled`` where nothing is free."""
        request_id = str(uuid.uuid4())
        with self._work.under_way(f"invocation of {name}"):
            return request_id, self._attempt(
                name, request_id, payload, "RequestResponse", 1, client_context=client_context
            )

    def invoke_later(self, name: str, payload: bytes, config: EventInvokeConfig) -> str:
        """Queue an asynchronous invocation and return its request id."""
        request_id = str(uuid.uuid4())
        self._get(name)
        self._work.start(f"invocation of {name}", self._run_asynchronously, name, request_id, payload, config)
        return request_id

    def close(self) -> None:
        """Kill all processes."""
        for function in self._functions.values():
            function.close()

    def _run_asynchronously(self, name: str, request_id: str, payload: bytes, config: EventInvokeConfig) -> None:
        age, attempt = 0.0, 1
        while True:
            outcome = self._attempt(name, request_id, payload, "Event", attempt)
            if outcome.function_error is None:
                self._report(name, request_id, payload, outcome, "Success", attempt, config.on_success)
                return
            if attempt > config.maximum_retry_attempts:
                condition = "RetriesExhausted"
                break
            delay = RETRY_DELAYS[attempt - 1]
            age += delay
            if age > config.maximum_event_age:
                condition = "EventAgeExceeded"
                break
            if not self._work.pause(delay * self._retry_delay_scale):
                return
            attempt += 1
        self._report(name, request_id, payload, outcome, condition, attempt, config.on_failure)
        self._send_to_dead_letters(name, request_id, payload, outcome)

    def _attempt(
        self,
        name: str,
        request_id: str,
        payload: bytes,
        invocation_type: str,
        attempt: int,
        *,
        client_context: str | None = None,
    ) -> Outcome:
        function = self._get(name)
        started, clock_start = self._clock.now(), time.perf_counter()
        outcome = function.invoke(
            Request(request_id, payload, function.settings.arn, client_context), wait=invocation_type == "Event"
        )
        self.invocations.append(
            Invocation(
                function_name=name,
                request_id=request_id,
                invocation_type=invocation_type,
                attempt=attempt,
                started=started,
                duration=time.perf_counter() - clock_start,
                payload=payload,
                response=outcome.payload,
                function_error=outcome.function_error,
            )
        )
        return outcome

    def _report(
        self,
        name: str,
        request_id: str,
        payload: bytes,
        outcome: Outcome,
        condition: str,
        attempts: int,
        destination: str | None,
    ) -> None:
        """Send Lambda's record of an asynchronous invocation to its destination, with the function's own role."""
        if destination is None:
            return
        settings = self._get(name).settings
        response_context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if outcome.function_error is not None:
            response_context["functionError"] = outcome.function_error
        record = {
            "version": "1.0",
            "timestamp": _timestamp(self._clock.now()),
            "requestContext": {
                "requestId": request_id,
                "functionArn": f"{settings.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "requestPayload": _json(payload),
            "responseContext": response_context,
            "responsePayload": _json(outcome.payload),
        }
        result = "Success" if condition == "Success" else "Failure"
        self._deliveries.start(
            Target(
                destination,
                Sender.role(settings.role_arn, assumed_by=LAMBDA),
                event_bus={
                    "Source": "lambda",
                    "DetailType": f"Lambda Function Invocation Result - {result}",
                    "Resources": [f"{settings.arn}:$LATEST", destination],
                },
            ),
            json.dumps(record),
            what=f"the {result.lower()} record of {name}",
        )

    def _send_to_dead_letters(self, name: str, request_id: str, payload: bytes, outcome: Outcome) -> None:
        settings = self._get(name).settings
        if settings.dead_letter_arn is None:
            return
        message = _json(outcome.payload)
        self._deliveries.start(
            Target(
                settings.dead_letter_arn,
                Sender.role(settings.role_arn, assumed_by=LAMBDA),
                attributes={
                    "RequestID": request_id,
                    "ErrorCode": "200",
                    "ErrorMessage": str(message.get("errorMessage") if isinstance(message, dict) else "")[:1024] or "-",
                },
            ),
            payload.decode("utf-8", "replace"),
            what=f"a failed event of {name}",
        )

    def _environment(self, settings: FunctionSettings) -> dict[str, str]:
        """Return what Lambda sets, then what the template sets, then what makes it local."""
        region = settings.arn.split(":")[3]
        level = settings.logging.get("ApplicationLogLevel")
        credentials = self._clients.assume_role(settings.role_arn, session=settings.name, assumed_by=LAMBDA)
        return {
            # Without HOME, SDKs would ask the system for it, and read the operator's own files.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_size),
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": settings.logging.get("LogFormat", "Text"),
            "AWS_LAMBDA_LOG_GROUP_NAME": settings.logging.get("LogGroup", f"/aws/lambda/{settings.name}"),
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}",
            "AWS_REGION": region,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "LAMBDA_TASK_ROOT": str(settings.root),
            "LANG": "en_US.UTF-8",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "PYTHONPATH": os.pathsep.join(str(folder) for folder in (*settings.python_path, *RUNTIME_FOLDERS)),
            "TZ": ":UTC",
            "_HANDLER": settings.handler,
            **({"AWS_LAMBDA_LOG_LEVEL": level} if level else {}),
            **({"AWS_EXECUTION_ENV": f"AWS_Lambda_{settings.runtime}"} if settings.runtime else {}),
            **settings.variables,
            **credentials.environment(),
            "AWS_ENDPOINT_URL": self._clients.endpoint_url,
            "AWS_XRAY_SDK_ENABLED": "false",  # there is no daemon to send segments to
        }

    def _get(self, name: str) -> LocalFunction:
        try:
            return self._functions[name]
        except KeyError:
            raise LocalStackError(
                "NoLocalCode", f"{name} was not deployed from the template, so there is no code to run."
            ) from None


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
