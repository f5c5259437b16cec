"""The template's functions: synchronous invocations, asynchronous ones with their retries, and destinations."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.clock import Clock
from modelwatch.local.deliveries import Deliveries, Sender, Target
from modelwatch.local.errors import LocalStackError
from modelwatch.local.execution_environment import Outcome, Request
from modelwatch.local.function import LocalFunction
from modelwatch.local.function_processes import FunctionProcesses
from modelwatch.local.function_settings import EventInvokeConfig, FunctionSettings, environment_variables
from modelwatch.local.moto_patches.requests import Operation
from modelwatch.local.work import WorkInProgress

LAMBDA = "lambda.amazonaws.com"
RETRY_DELAYS = (60.0, 120.0)  # seconds before the second and third attempt of an asynchronous invocation


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
        Seconds of real time, including the start of the process if it was cold.
    payload, response : bytes
        The event, and what the handler returned or the error document.
    function_error : str or None
        ``Unhandled`` if it failed.
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


class Functions:
    """All functions of the stack, by name.

    Parameters
    ----------
    clients : AwsClients
        Assumes the functions' roles and has the emulator's URL.
    deliveries : Deliveries
        Delivers to destinations and dead-letter queues.
    folder : Path
        The folder for the functions' logs.
    retry_delay_scale : float
        The factor that the delays between attempts are multiplied by before they are waited for. An event's age is
        computed from the unscaled delays.
    record : callable
        Authorizes and records what Lambda itself calls with a function's role.
    variables : Mapping
        Environment variables of every process.
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
        record: Callable[[str, Operation], None],
        variables: Mapping[str, str],
    ) -> None:
        self._clients, self._clock, self._work, self._deliveries = clients, clock, work, deliveries
        self._record, self._variables = record, variables
        self.folder, self._retry_delay_scale = folder, retry_delay_scale
        self._processes = FunctionProcesses()
        self._functions: dict[str, LocalFunction] = {}
        self.invocations: list[Invocation] = []

    def add(self, settings: FunctionSettings) -> None:
        """Add a function; its first process starts with its first invocation."""
        self._functions[settings.name] = LocalFunction(
            settings,
            log=self.folder / f"{settings.name}.log",
            variables=lambda: self._environment_variables(settings),
            start_process=self._processes.start,
        )

    def names(self) -> list[str]:
        """Return the names of all functions."""
        return list(self._functions)

    def logs(self, name: str) -> str:
        """Return what a function's processes have printed so far."""
        return self._get(name).log.read_text("utf-8", errors="replace")

    def invoke(self, name: str, payload: bytes, *, client_context: str | None = None) -> tuple[str, Outcome]:
        """Run a function and return its request id and outcome.

        Raises
        ------
        Throttled
            All of the function's reserved concurrency is in use.
        """
        function = self._get(name)
        request = _new_request(function, payload, client_context)
        with self._work.under_way(f"invocation of {name}"):
            return request.request_id, self._attempt(function, request, "RequestResponse", 1)

    def invoke_asynchronously(self, name: str, payload: bytes, config: EventInvokeConfig) -> str:
        """Queue an asynchronous invocation and return its request id."""
        function = self._get(name)
        request = _new_request(function, payload)
        self._work.start(f"invocation of {name}", self._run_asynchronously, function, request, config)
        return request.request_id

    def close(self) -> None:
        """Kill all processes."""
        for function in self._functions.values():
            function.close()
        self._processes.close()

    def _run_asynchronously(self, function: LocalFunction, request: Request, config: EventInvokeConfig) -> None:
        settings = function.settings
        age, attempt = 0.0, 1
        while True:
            outcome = self._attempt(function, request, "Event", attempt)
            if outcome.function_error is None:
                self._send_to_destination(config.on_success, settings, request, outcome, "Success", attempt)
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
        self._send_to_destination(config.on_failure, settings, request, outcome, condition, attempt)
        self._send_dead_letter(settings, request, outcome)

    def _attempt(self, function: LocalFunction, request: Request, invocation_type: str, attempt: int) -> Outcome:
        started, timer_start = self._clock.now(), time.perf_counter()
        outcome = function.invoke(request, wait=invocation_type == "Event")
        self.invocations.append(
            Invocation(
                function_name=function.settings.name,
                request_id=request.request_id,
                invocation_type=invocation_type,
                attempt=attempt,
                started=started,
                duration=time.perf_counter() - timer_start,
                payload=request.payload,
                response=outcome.payload,
                function_error=outcome.function_error,
            )
        )
        for operation in what_lambda_calls(function.settings):
            self._record(function.settings.role_arn.rpartition("/")[2], operation)
        return outcome

    def _send_to_destination(
        self,
        destination: str | None,
        settings: FunctionSettings,
        request: Request,
        outcome: Outcome,
        condition: str,
        attempts: int,
    ) -> None:
        """Send Lambda's record of an asynchronous invocation to its destination, with the function's own role."""
        if destination is None:
            return
        response_context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
        if outcome.function_error is not None:
            response_context["functionError"] = outcome.function_error
        record = {
            "version": "1.0",
            "timestamp": _timestamp(self._clock.now()),
            "requestContext": {
                "requestId": request.request_id,
                "functionArn": f"{settings.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "requestPayload": _json_or_text(request.payload),
            "responseContext": response_context,
            "responsePayload": _json_or_text(outcome.payload),
        }
        result = "Success" if condition == "Success" else "Failure"
        self._deliveries.start(
            Target(
                destination,
                Sender(LAMBDA, settings.role_arn),
                event_bus={
                    "Source": "lambda",
                    "DetailType": f"Lambda Function Invocation Result - {result}",
                    "Resources": [f"{settings.arn}:$LATEST", destination],
                },
            ),
            json.dumps(record),
            description=f"the {result.lower()} record of {settings.name}",
        )

    def _send_dead_letter(self, settings: FunctionSettings, request: Request, outcome: Outcome) -> None:
        if settings.dead_letter_arn is None:
            return
        error = _json_or_text(outcome.payload)
        self._deliveries.start(
            Target(
                settings.dead_letter_arn,
                Sender(LAMBDA, settings.role_arn),
                attributes={
                    "RequestID": request.request_id,
                    "ErrorCode": "200",
                    "ErrorMessage": str(error.get("errorMessage") if isinstance(error, dict) else "")[:1024] or "-",
                },
            ),
            request.payload.decode("utf-8", "replace"),
            description=f"a failed event of {settings.name}",
        )

    def _environment_variables(self, settings: FunctionSettings) -> dict[str, str]:
        credentials = self._clients.assume_role(settings.role_arn, session=settings.name, assumed_by=LAMBDA)
        own = environment_variables(settings, credentials=credentials, endpoint_url=self._clients.endpoint_url)
        return {**own, **self._variables}

    def _get(self, name: str) -> LocalFunction:
        try:
            return self._functions[name]
        except KeyError:
            raise LocalStackError(
                "NoLocalCode",
                f"Function {name} is not part of the deployed template, so there is no code to run; add it there.",
            ) from None


def _new_request(function: LocalFunction, payload: bytes, client_context: str | None = None) -> Request:
    return Request(str(uuid.uuid4()), payload, function.settings.arn, client_context)


def what_lambda_calls(settings: FunctionSettings) -> Iterator[Operation]:
    """Yield what Lambda calls with a function's role to log and to trace an invocation."""
    stream = {"logGroupName": settings.log_group, "logStreamName": "local"}
    yield Operation("logs", "CreateLogStream", stream)
    yield Operation("logs", "PutLogEvents", stream)
    if settings.is_traced:
        yield Operation("xray", "PutTraceSegments")
        yield Operation("xray", "PutTelemetryRecords")


def _json_or_text(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
