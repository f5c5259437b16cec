"""Lambda, EventBridge and Scheduler: how often and when they deliver, and where what they give up goes.

Sources:

- Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": an invocation that fails
  is repeated after one minute, and again after two more; while Lambda itself cannot run it, it is tried again after 1 s
  and up to 5 min, for as long as MaximumEventAgeInSeconds says; a queue may give an invocation more than once; what is
  given up goes to the failure destination.
- EventBridge User Guide, "How EventBridge retries delivering events", and Scheduler User Guide, "Configuring a
  dead-letter queue": exponential backoff until the policy of the target is exhausted, then the dead-letter queue. How
  long the waits are is not documented; they double from a second here, which exhausts eight retries in four minutes.
- What a service puts into a queue that is away is lost (Lambda: DestinationDeliveryFailures; EventBridge:
  InvocationsFailedToBeSentToDlq).
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, cast

from modelwatch.local.deliveries import DeadLetterQueue, RetryPolicy, Target
from modelwatch.local.event_rules import deliver_event
from modelwatch_core import wiring
from modelwatch_core.domain.documents import iso_utc
from tests.campaign import newer_version
from tests.campaign.plan import Plan
from tests.campaign.simulation import Process, Simulation
from tests.campaign.template import QUEUE_URL, deployment, function_arn

_RETRY_AFTER = (60.0, 120.0)  # seconds
_LONGEST_BACKOFF = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Ended:
    """An end that an analysis reported where the app can find it.

    Attributes
    ----------
    moment : datetime
        When.
    status : str
    """

    moment: datetime
    status: str


@dataclass(slots=True)
class GivenUp:
    """What a service gave up.

    Attributes
    ----------
    kind : str
        A tick, a sweep, or the type of an event.
    concerns : str
        What it was about.
    function : str
        Which function it was for.
    is_lost : bool
        Whether where it should have gone was away.
    """

    number: str
    kind: str
    concerns: str
    function: str
    is_lost: bool


@dataclass(slots=True)
class Log:
    """What really happened, by which the records are judged.

    Attributes
    ----------
    ended : dict of str to Ended
        By the subject of the analysis.
    announced : dict of str to list
        When each execution was announced, and as what.
    alerts, uncertain_alerts : Counter of str
        How often SNS took each alert, by its key; and how often the sender of one could not know, or note, that it did.
    redelivered : Counter of tuple
        What the sweep delivered again, by kind and what it concerns.
    prevented : set of str
        The subjects of analyses that Lambda gave up, or whose end was neither stored nor delivered.
    deliveries : int
        How many events, ticks and sweeps came to a function.
    """

    ended: dict[str, Ended] = field(default_factory=dict)
    announced: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    alerts: Counter[str] = field(default_factory=Counter)
    uncertain_alerts: Counter[str] = field(default_factory=Counter)
    given_up: list[GivenUp] = field(default_factory=list)
    redelivered: Counter[tuple[str, str]] = field(default_factory=Counter)
    prevented: set[str] = field(default_factory=set)
    deliveries: int = 0
    lost_before_delivery: int = 0
    delivered_thrice: int = 0


@dataclass(slots=True)
class _Invocation:
    function: str
    payload: dict[str, Any]
    request_id: str
    since: datetime
    attempts: int = 0
    waits: int = 0
    condition: str = "RetriesExhausted"


class Services:
    """Delivers.

    Parameters
    ----------
    handlers : mapping of str to callable
        What each function does with a payload and the id of its request.
    """

    def __init__(
        self, plan: Plan, simulation: Simulation, handlers: Mapping[str, Callable[[dict[str, Any], str], object]]
    ) -> None:
        self._plan, self._simulation, self._handlers = plan, simulation, handlers
        self.log = Log()

    @cached_property
    def _queue(self) -> Any:
        return wiring._session().client("sqs")

    # ------------------------------------------------------------ Lambda
    def invoke(self, function: str, payload: dict[str, Any]) -> str:
        """Take an asynchronous invocation, and return the id of its request."""
        request_id = str(uuid.UUID(int=self._plan.random.getrandbits(128)))
        is_repeated = self._plan.is_faulty(self._simulation.now) and self._plan.random.random() < 0.02
        for _ in range(2 if is_repeated else 1):
            invocation = _Invocation(function, payload, request_id, self._simulation.now)
            self._simulation.after(self._plan.delay(self._simulation.now), partial(self._run, invocation))
        return request_id

    def _run(self, invocation: _Invocation) -> None:
        function, now = deployment().functions[invocation.function], self._simulation.now
        if (now - invocation.since).total_seconds() > function.longest_age:
            invocation.condition = "EventAgeExceeded"
            self._give_up_invocation(invocation)
            return
        if self._plan.is_away("lambda", now):
            self._simulation.after(min(2.0**invocation.waits, _LONGEST_BACKOFF), lambda: self._run(invocation))
            invocation.waits += 1
            return
        invocation.attempts += 1
        is_newer = self._plan.is_newer(now)
        deadline = now + timedelta(seconds=function.timeout)
        concerns = what_concerns(invocation.payload)
        process = Process(invocation.function, concerns, deadline, self._plan.skew(now), is_newer=is_newer)
        payload = newer_version.unmarked_event(invocation.payload) if is_newer else invocation.payload
        handler = self._handlers[invocation.function]
        self._simulation.start(
            process,
            lambda: handler(payload, invocation.request_id),
            lambda error: self._ended(invocation, process, error),
        )

    def _ended(self, invocation: _Invocation, process: Process, error: BaseException | None) -> None:
        if error is None:
            return
        for key in process.sent:
            self.log.uncertain_alerts[key] += 1
        if invocation.attempts > deployment().functions[invocation.function].retries:
            self._give_up_invocation(invocation)
        else:
            self._simulation.after(_RETRY_AFTER[invocation.attempts - 1], lambda: self._run(invocation))

    def _give_up_invocation(self, invocation: _Invocation) -> None:
        record = {
            "version": "1.0",
            "timestamp": iso_utc(self._simulation.now),
            "requestContext": {
                "requestId": invocation.request_id,
                "functionArn": f"{function_arn(invocation.function)}:$LATEST",
                "condition": invocation.condition,
                "approximateInvokeCount": invocation.attempts,
            },
            "requestPayload": invocation.payload,
        }
        if ":sqs:" in deployment().functions[invocation.function].destination:
            self._bury(record, {}, invocation.function, invocation.payload)
            return
        subject = invocation.payload["subject"]
        self.log.prevented.add(subject)
        if self._plan.is_away("eventbridge", self._simulation.now):
            kind = "Lambda Function Invocation Result - Failure"
            self.log.given_up.append(GivenUp("-", kind, subject, "FinishExecution", is_lost=True))
        else:
            self.put_event("lambda", "Lambda Function Invocation Result - Failure", record)

    def _bury(self, body: object, attributes: Mapping[str, str], function: str, payload: Mapping[str, Any]) -> None:
        is_lost = self._plan.is_away("sqs", self._simulation.now)
        number = "-" if is_lost else self._send(body, attributes)
        self.log.given_up.append(GivenUp(number, kind_of(payload), what_concerns(payload), function, is_lost))

    def _send(self, body: object, attributes: Mapping[str, str]) -> str:
        sent = self._queue.send_message(
            QueueUrl=QUEUE_URL,
            MessageBody=json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
        return str(sent["MessageId"])

    # ------------------------------------------------------------ EventBridge and Scheduler
    def put_event(self, source: str, detail_type: str, detail: dict[str, Any], by: Process | None = None) -> None:
        """Take an event, and deliver it to the targets of the rules that it matches."""
        event = {
            "version": "0",
            "id": str(uuid.UUID(int=self._plan.random.getrandbits(128))),
            "detail-type": detail_type,
            "source": source,
            "account": "123456789012",
            "time": iso_utc(self._simulation.now),
            "region": "us-east-1",
            "resources": [],
            "detail": detail,
        }
        if detail_type == "Execution Ended":
            end = (self._simulation.now, str(detail["monitoring_execution_status"]))
            self.log.announced[what_concerns(event)].append(end)
        copies = self._plan.copies(detail_type, self._simulation.now)
        if by is not None and by.function == "Analyzer":
            self._note_reported_end(detail["subject"], detail["outcome"]["status"], copies)
        for rule in deployment().rules:
            if rule.matches(event):
                self._count(copies)
                for _ in range(copies):
                    deliver_event(cast("Any", self), rule.matched, event)

    def _note_reported_end(self, subject: str, status: str, copies: int) -> None:
        if copies:
            self.note_end(subject, status)
        elif subject not in self.log.ended:
            self.log.prevented.add(subject)

    def note_end(self, subject: str, status: str) -> None:
        """Note that the app can find how an analysis ended."""
        self.log.ended.setdefault(subject, Ended(self._simulation.now, status))

    def start(
        self,
        target: Target,
        body: str,
        *,
        description: str,  # noqa: ARG002 - as the local stack's deliveries are called
        retry: RetryPolicy | None = None,
        dead_letter_queue: DeadLetterQueue | None = None,
    ) -> None:
        """Deliver to a function, as ``modelwatch.local.deliveries`` does: of a rule or a schedule."""
        payload = json.loads(body)
        copies = 1
        if (kind := kind_of(payload)) in ("tick", "sweep"):
            copies = self._plan.copies(kind, self._simulation.now)
            if self._plan.is_away("scheduler", self._simulation.now):
                copies = 0
            self._count(copies)
        for _ in range(copies):
            delay = self._plan.delay(self._simulation.now)
            self._deliver_after(delay, target, payload, retry or RetryPolicy(), dead_letter_queue, 0)

    def _count(self, copies: int) -> None:
        self.log.lost_before_delivery += copies == 0
        self.log.delivered_thrice += copies == 3

    def _deliver_after(
        self,
        delay: float,
        target: Target,
        payload: dict[str, Any],
        retry: RetryPolicy,
        queue: DeadLetterQueue | None,
        retries: int,
    ) -> None:
        def deliver() -> None:
            function = target.arn.rpartition(":")[2]
            if not self._plan.is_away("lambda", self._simulation.now):
                self.log.deliveries += 1
                self.invoke(function, payload)
            elif retries < retry.maximum_attempts and 2.0**retries < retry.maximum_age:
                self._deliver_after(2.0**retries, target, payload, retry, queue, retries + 1)
            elif queue is not None:
                self._bury(payload, {"TARGET_ARN": target.arn, **queue.attributes}, function, payload)

        self._simulation.after(delay, deliver)


def kind_of(payload: Mapping[str, Any]) -> str:
    """Return what a function is invoked with: a tick, a sweep, an analysis, or the type of an event."""
    if "detail-type" in payload:
        return str(payload["detail-type"])
    if "tick_id" in payload:
        return "tick"
    return "analysis" if "subject" in payload else "sweep"


def what_concerns(payload: Mapping[str, Any]) -> str:
    """Return what a payload is about: the subject of an execution, the key of an alert, a tick."""
    match payload:
        case {"detail": {"subject": subject}} | {"detail": {"requestPayload": {"subject": subject}}}:
            return str(subject)
        case {"detail": {"alert": {"key": key}}}:
            return str(key).partition("#")[0]
        case {"detail": {"schedule_id": schedule, "window": window, "attempt": attempt}}:
            return f"execution/{schedule}/{window['start']}/{window['end']}/{attempt}"
        case {"detail": {"EndpointName": name}}:
            return str(name)
        case {"detail": {"target": {"type": kind, "address": address}}}:
            return f"what waits for {kind}:{address}"
        case {"subject": subject}:
            return str(subject)
        case {"monitoring_schedule_name": name, "scheduled_time": time}:
            return f"{name} at {time}"
    return "-"
