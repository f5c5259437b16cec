"""Delivers messages to targets: attempts, retries, dead-letter queues, and a list of what was not delivered."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from modelwatch.local.aws_clients import AwsClients
from modelwatch.local.clock import Clock
from modelwatch.local.work import WorkInProgress

logger = logging.getLogger(__name__)

_LONGEST_DELAY = 600.0  # seconds between two attempts
_THROTTLING = {"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"}


@dataclass(frozen=True, slots=True)
class Sender:
    """The principal that delivers: a service, or a role that the service assumes."""

    principal: str
    role_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a message.

    Attributes
    ----------
    attributes : Mapping
        Message attributes, for queues and topics.
    sqs, event_bus : Mapping
        The SqsParameters of a queue (MessageGroupId), and the Source, DetailType and Resources of an event.
    """

    arn: str
    sender: Sender
    attributes: Mapping[str, str] = field(default_factory=dict)
    sqs: Mapping[str, str] = field(default_factory=dict)
    event_bus: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to retry; the defaults are EventBridge's."""

    maximum_attempts: int = 185
    maximum_age: float = 86_400.0  # seconds

    @classmethod
    def from_target(cls, target: Mapping[str, Any]) -> RetryPolicy:
        """Return the policy that a rule's or a schedule's target describes."""
        policy = target.get("RetryPolicy") or {}
        members = {"MaximumRetryAttempts": "maximum_attempts", "MaximumEventAgeInSeconds": "maximum_age"}
        return cls(**{name: policy[member] for member, name in members.items() if member in policy})


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The queue for undeliverable messages, who sends to it, and the attributes that are added to those of the error.

    Scheduler sends with the role of the schedule, EventBridge as itself even where the target has a role.
    """

    arn: str
    sender: Sender
    attributes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_target(cls, target: Mapping[str, Any], sender: Sender, **attributes: str) -> DeadLetterQueue | None:
        """Return the queue that a rule's or a schedule's target names, if it names one."""
        arn = target.get("DeadLetterConfig", {}).get("Arn")
        return cls(arn, sender, attributes) if arn else None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that reached neither its target nor a dead-letter queue."""

    time: datetime
    description: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed, and whether a retry may succeed."""

    code: str
    message: str
    is_transient: bool

    def attributes(self) -> dict[str, str]:
        """Return the attributes of a dead letter that describe it."""
        return {"ERROR_CODE": self.code, "ERROR_MESSAGE": self.message or "-"}

    def exhausted(self, retry: RetryPolicy, *, retries: int, age: float) -> dict[str, str] | None:
        """Return None if a retry is due, else the attributes of a dead letter that say why there is none."""
        if not self.is_transient:
            return {}
        if retries >= retry.maximum_attempts:
            return {"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"}
        if age > retry.maximum_age:
            return {"EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds"}
        return None


class Deliveries:
    """Sends messages in the background.

    Parameters
    ----------
    retry_delay_scale : float
        The factor that the delays between attempts are multiplied by before they are waited for.
    """

    def __init__(self, *, clients: AwsClients, clock: Clock, work: WorkInProgress, retry_delay_scale: float) -> None:
        self._clients, self._clock, self._work, self._scale = clients, clock, work, retry_delay_scale
        self.undelivered: list[Undelivered] = []

    def start(
        self,
        target: Target,
        body: str,
        *,
        description: str,
        retry: RetryPolicy | None = None,
        dead_letter_queue: DeadLetterQueue | None = None,
    ) -> None:
        """Start the delivery of a message to a target."""
        self._work.start(
            f"delivery of {description} to {target.arn}",
            self._deliver,
            target,
            body,
            description,
            retry or RetryPolicy(),
            dead_letter_queue,
        )

    def record_undelivered(self, description: str, target: str, reason: str) -> None:
        """Record that a message reached neither its target nor a dead-letter queue."""
        logger.warning("%s did not reach %s: %s", description, target, reason)
        self.undelivered.append(Undelivered(self._clock.now(), description, target, reason))

    def _deliver(
        self,
        target: Target,
        body: str,
        description: str,
        retry: RetryPolicy,
        dead_letter_queue: DeadLetterQueue | None,
    ) -> None:
        age = 0.0
        for retries in count():
            failure = self._attempt(target, body)
            if failure is None:
                return
            delay = min(2.0**retries, _LONGEST_DELAY)
            exhausted = failure.exhausted(retry, retries=retries, age=age + delay)
            if exhausted is not None:
                attributes = failure.attributes() | exhausted | {"RETRY_ATTEMPTS": str(retries)}
                self._send_dead_letter(target, body, description, dead_letter_queue, attributes)
                return
            age += delay
            if not self._work.pause(delay * self._scale):
                return

    def _send_dead_letter(
        self,
        target: Target,
        body: str,
        description: str,
        queue: DeadLetterQueue | None,
        attributes: dict[str, str],
    ) -> None:
        if queue is None:
            self.record_undelivered(
                description, target.arn, f"{attributes['ERROR_CODE']}: {attributes['ERROR_MESSAGE']}"
            )
            return
        attributes |= {"TARGET_ARN": target.arn, **queue.attributes}
        failure = self._attempt(Target(queue.arn, queue.sender, attributes=attributes), body)
        if failure is not None:
            self.record_undelivered(description, queue.arn, f"{failure.code}: {failure.message}")

    def _attempt(self, target: Target, body: str) -> _Failure | None:
        service = target.arn.split(":")[2]
        if service not in _SENDERS:
            return _Failure("UnknownTarget", f"the local stack does not deliver to {service}", is_transient=False)
        try:
            _SENDERS[service](self._client(target.sender, service), target, body)
        except ClientError as error:
            code = error.response["Error"].get("Code", "Unknown")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            message = error.response["Error"].get("Message", "")
            return _Failure(code, message, is_transient=status >= 500 or code in _THROTTLING)
        except BotoCoreError as error:
            return _Failure(type(error).__name__, str(error), is_transient=True)
        return None

    def _client(self, sender: Sender, service: str) -> Any:
        if sender.role_arn is None:
            return self._clients.for_principal(sender.principal, service)
        return self._clients.for_role(sender.role_arn, service, assumed_by=sender.principal)


def can_deliver_to(arn: str) -> bool:
    """Return whether the stack can deliver to the target with this ARN."""
    parts = arn.split(":")
    return len(parts) > 2 and parts[2] in _SENDERS


def _send_to_function(client: Any, target: Target, body: str) -> None:
    client.invoke(FunctionName=target.arn, InvocationType="Event", Payload=body.encode())


def _send_to_queue(client: Any, target: Target, body: str) -> None:
    account, name = target.arn.split(":")[4:6]
    client.send_message(
        QueueUrl=f"{client.meta.endpoint_url}/{account}/{name}",
        MessageBody=body,
        MessageAttributes=_message_attributes(target),
        **target.sqs,
    )


def _send_to_topic(client: Any, target: Target, body: str) -> None:
    client.publish(TopicArn=target.arn, Message=body, MessageAttributes=_message_attributes(target))


def _send_to_bus(client: Any, target: Target, body: str) -> None:
    entry = {"EventBusName": target.arn, "Detail": body, **target.event_bus}
    response = client.put_events(Entries=[entry])
    if response["FailedEntryCount"]:
        failed = response["Entries"][0]
        raise ClientError({"Error": {"Code": failed["ErrorCode"], "Message": failed["ErrorMessage"]}}, "PutEvents")


def _send_to_log_group(client: Any, target: Target, body: str) -> None:
    group = target.arn.split(":")[6]
    stream = json.loads(body).get("id", "event") if body.startswith("{") else "event"
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(datetime.now(UTC).timestamp() * 1000)
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": body}])


_SENDERS = {
    "lambda": _send_to_function,
    "sqs": _send_to_queue,
    "sns": _send_to_topic,
    "events": _send_to_bus,
    "logs": _send_to_log_group,
}


def _message_attributes(target: Target) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in target.attributes.items()}
