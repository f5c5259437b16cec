"""Messages on their way to a target: attempts, retries, dead-letter queues, and a list of what reached nobody."""

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
    """Who delivers: a service principal, or a role that the service assumes."""

    principal: str
    role_arn: str | None = None

    @classmethod
    def role(cls, role_arn: str | None, *, assumed_by: str) -> Sender:
        """Return a sender with a role's credentials, or the service itself where no role is given."""
        return cls(assumed_by, role_arn)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes.

    Attributes
    ----------
    attributes : Mapping
        Message attributes, for queues and topics.
    sqs, event_bus : Mapping
        ``SqsParameters`` (MessageGroupId), and the entry's Source, DetailType and Resources.
    """

    arn: str
    sender: Sender
    attributes: Mapping[str, str] = field(default_factory=dict)
    sqs: Mapping[str, str] = field(default_factory=dict)
    event_bus: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to try. EventBridge's defaults."""

    maximum_attempts: int = 185
    maximum_age: float = 86_400.0  # seconds

    @classmethod
    def of(cls, target: Mapping[str, Any]) -> RetryPolicy:
        """Return the policy that a rule's or a schedule's target describes."""
        given = target.get("RetryPolicy") or {}
        members = {"MaximumRetryAttempts": "maximum_attempts", "MaximumEventAgeInSeconds": "maximum_age"}
        return cls(**{name: given[member] for member, name in members.items() if member in given})


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The queue for what cannot be delivered, and what its messages say beside the error."""

    arn: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that reached neither its target nor a dead-letter queue."""

    time: datetime
    what: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed, and whether another one may not."""

    code: str
    message: str
    may_pass: bool

    def attributes(self) -> dict[str, str]:
        """Return what a dead letter says of it."""
        return {"ERROR_CODE": self.code, "ERROR_MESSAGE": self.message or "-"}

    def ends(self, retry: RetryPolicy, *, retries: int, age: float) -> dict[str, str] | None:
        """Return None where a retry is due, else what a dead letter says of the end of trying."""
        if not self.may_pass:
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
        What the seconds between attempts are multiplied with before they are waited for.
    """

    def __init__(self, *, clients: AwsClients, clock: Clock, work: WorkInProgress, retry_delay_scale: float) -> None:
        self._clients, self._clock, self._work, self._scale = clients, clock, work, retry_delay_scale
        self.undelivered: list[Undelivered] = []

    def start(
        self,
        target: Target,
        body: str,
        *,
        what: str,
        retry: RetryPolicy | None = None,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        """Deliver a message to a target; return at once."""
        self._work.start(
            f"delivery of {what} to {target.arn}",
            self._deliver,
            target,
            body,
            what,
            retry or RetryPolicy(),
            dead_letters,
        )

    def give_up(self, what: str, target: str, reason: str) -> None:
        """Note that a message reached nobody."""
        logger.warning("%s did not reach %s: %s", what, target, reason)
        self.undelivered.append(Undelivered(self._clock.now(), what, target, reason))

    def _deliver(
        self, target: Target, body: str, what: str, retry: RetryPolicy, dead_letters: DeadLetters | None
    ) -> None:
        age = 0.0
        for retries in count():
            failure = self._try(target, body)
            if failure is None:
                return
            delay = min(2.0**retries, _LONGEST_DELAY)
            end = failure.ends(retry, retries=retries, age=age + delay)
            if end is not None:
                self._bury(
                    target, body, what, dead_letters, failure.attributes() | end | {"RETRY_ATTEMPTS": str(retries)}
                )
                return
            age += delay
            if not self._work.pause(delay * self._scale):
                return

    def _bury(
        self, target: Target, body: str, what: str, dead_letters: DeadLetters | None, attributes: dict[str, str]
    ) -> None:
        if dead_letters is None:
            self.give_up(what, target.arn, f"{attributes['ERROR_CODE']}: {attributes['ERROR_MESSAGE']}")
            return
        attributes |= {"TARGET_ARN": target.arn, **dead_letters.attributes}
        failure = self._try(Target(dead_letters.arn, Sender(target.sender.principal), attributes=attributes), body)
        if failure is not None:
            self.give_up(what, dead_letters.arn, f"{failure.code}: {failure.message}")

    def _try(self, target: Target, body: str) -> _Failure | None:
        service = target.arn.split(":")[2]
        if service not in _SEND:
            return _Failure("UnknownTarget", f"the local stack does not deliver to {service}", may_pass=False)
        try:
            _SEND[service](self._client(target.sender, service), target, body)
        except ClientError as error:
            code = error.response["Error"].get("Code", "Unknown")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            message = error.response["Error"].get("Message", "")
            return _Failure(code, message, may_pass=status >= 500 or code in _THROTTLING)
        except BotoCoreError as error:
            return _Failure(type(error).__name__, str(error), may_pass=True)
        return None

    def _client(self, sender: Sender, service: str) -> Any:
        if sender.role_arn is None:
            return self._clients.of_principal(sender.principal, service)
        return self._clients.of_role(sender.role_arn, service, assumed_by=sender.principal)


def can_deliver_to(arn: str) -> bool:
    """Return whether the stack knows how to deliver to what the ARN names."""
    parts = arn.split(":")
    return len(parts) > 2 and parts[2] in _SEND


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
    answer = client.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        failed = answer["Entries"][0]
        raise ClientError({"Error": {"Code": failed["ErrorCode"], "Message": failed["ErrorMessage"]}}, "PutEvents")


def _send_to_log_group(client: Any, target: Target, body: str) -> None:
    group = target.arn.split(":")[6]
    stream = json.loads(body).get("id", "event") if body.startswith("{") else "event"
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(datetime.now(UTC).timestamp() * 1000)
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": body}])


_SEND = {
    "lambda": _send_to_function,
    "sqs": _send_to_queue,
    "sns": _send_to_topic,
    "events": _send_to_bus,
    "logs": _send_to_log_group,
}


def _message_attributes(target: Target) -> dict[str, dict[str, str]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in target.attributes.items()}
