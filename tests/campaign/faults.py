"""What goes wrong with one call of AWS: before it has an effect, or after it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse

from tests.campaign.plan import Plan
from tests.campaign.simulation import Killed, Simulation


class Fault(StrEnum):
    """A way in which a call fails."""

    THROTTLED = "throttled"
    ERROR = "returned 500"
    TIMED_OUT = "timed out"
    RESET = "connection reset"
    SLOW = "slow"
    KILLED = "process killed"


_BEFORE = (Fault.THROTTLED, Fault.ERROR, Fault.TIMED_OUT, Fault.RESET, Fault.SLOW)
_AFTER = (Fault.ERROR, Fault.TIMED_OUT, Fault.RESET, Fault.SLOW)
_READ_TIMEOUT = 20.0  # seconds: that of wiring's clients
_SEVERAL = 0.15
"""The share of faults that also meet the retries of the same call, which are as many as botocore makes."""

THROTTLING: dict[str, tuple[int, str]] = {
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "s3": (503, "SlowDown"),
    "eventbridge": (400, "ThrottlingException"),
    "sns": (400, "Throttling"),
    "lambda": (429, "TooManyRequestsException"),
    "sqs": (400, "ThrottlingException"),
    "sagemaker": (400, "ThrottlingException"),
    "sts": (400, "Throttling"),
}
"""The status and code by which each service throttles; the others return 503 without a body."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of AWS by a process."""

    function: str
    service: str
    operation: str
    url: str


class Faults:
    """Draws what goes wrong with each call, and counts it."""

    def __init__(self, plan: Plan, simulation: Simulation) -> None:
        self._plan, self._simulation = plan, simulation
        self._random: Random = plan.random
        self._again: dict[Call, tuple[Fault, bool, int]] = {}
        self.counts: Counter[Fault] = Counter()
        self.during_outages = 0
        self.places_of_kills: set[tuple[str, str, str]] = set()

    def draw(self, call: Call) -> tuple[Fault | None, bool]:
        """Return what goes wrong with a call, and whether that is after its effect."""
        now = self._simulation.now
        if self._plan.is_away(call.service, now):
            self.during_outages += 1
            return self._random.choice((Fault.ERROR, Fault.TIMED_OUT, Fault.RESET)), False
        if not self._plan.is_faulty(now):
            return None, False
        fault, is_after = self._drawn(call)
        if fault is not None:
            self.counts[fault] += 1
        if fault is Fault.KILLED:
            self.places_of_kills.add((call.function, call.operation, "after" if is_after else "before"))
        return fault, is_after

    def _drawn(self, call: Call) -> tuple[Fault | None, bool]:
        if call in self._again:
            fault, is_after, left = self._again.pop(call)
            if left:
                self._again[call] = fault, is_after, left - 1
            return fault, is_after
        chance = self._random.random()
        is_after = self._random.random() < 0.5
        if chance < self._plan.kills_a_call:
            return Fault.KILLED, is_after
        if chance > self._plan.kills_a_call + self._plan.faults_a_call:
            return None, False
        fault = self._random.choice(_AFTER if is_after else _BEFORE)
        if fault is not Fault.SLOW and self._random.random() < _SEVERAL:
            self._again[call] = fault, is_after, 2
        return fault, is_after

    def happen(self, fault: Fault, call: Call) -> AWSResponse | None:
        """Raise what the caller sees of a fault, or return it; None where it only sees that it took long."""
        random, wait = self._random, self._simulation.wait
        if fault is Fault.KILLED:
            raise Killed(f"killed at {call.operation}")
        if fault is Fault.SLOW:
            wait(random.uniform(1, _READ_TIMEOUT))
            return None
        if fault is Fault.TIMED_OUT:
            wait(_READ_TIMEOUT)
            raise ReadTimeoutError(endpoint_url=call.url)
        if fault is Fault.RESET:
            if random.random() < 0.5:
                raise ConnectionClosedError(endpoint_url=call.url)
            raise EndpointConnectionError(endpoint_url=call.url)
        if fault is Fault.THROTTLED and call.service in THROTTLING:
            return _refusal(call, *THROTTLING[call.service])
        return _response(call, random.choice((500, 502, 503)), b"", {})


def _refusal(call: Call, status: int, code: str) -> AWSResponse:
    if call.service in ("s3", "sns"):
        error = f"<Error><Code>{code}</Code><Message>Slow down</Message></Error>"
        body = error if call.service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return _response(call, status, body.encode(), {"content-type": "text/xml"})
    body = json.dumps({"__type": code, "message": "Rate exceeded"})
    return _response(call, status, body.encode(), {"content-type": "application/json", "x-amzn-errortype": code})


def _response(call: Call, status: int, body: bytes, headers: dict[str, str]) -> AWSResponse:
    return AWSResponse(call.url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]  # botocore has no types


def response_of(url: str, document: object, headers: dict[str, str] | None = None, status: int = 200) -> AWSResponse:
    """Return the response of a service that responds in JSON."""
    body = json.dumps(document).encode()
    return AWSResponse(url, status, {"content-type": "application/json", **(headers or {})}, MockRawResponse(body))  # type: ignore[arg-type]  # botocore has no types
