"""Attempts, their end, and dead letters; on clients that answer as they are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from modelwatch.local.clock import VirtualClock
from modelwatch.local.deliveries import DeadLetterQueue, Deliveries, RetryPolicy, Sender, Target
from modelwatch.local.work import WorkInProgress

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
LETTERS = "arn:aws:sqs:us-east-1:123456789012:letters"


def error(code: str, status: int) -> ClientError:
    document: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(document, "SendMessage")


class Clients:
    """Clients of a queue that fails with the given errors, one after another, and then takes everything."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.sent, self.attempts = list(errors), [], 0
        self.meta = type("Meta", (), {"endpoint_url": "http://x"})

    def for_principal(self, *_: str) -> Clients:
        return self

    def send_message(self, **message: Any) -> None:
        if not message["QueueUrl"].endswith("letters"):
            self.attempts += 1
            if self.errors:
                raise self.errors.pop(0)
        self.sent.append(message)


def deliver(clients: Any, **how: Any) -> Deliveries:
    work = WorkInProgress()
    deliveries = Deliveries(
        clients=clients, clock=VirtualClock(datetime(2026, 1, 5, tzinfo=UTC)), work=work, retry_delay_scale=0
    )
    deliveries.start(Target(QUEUE, Sender("events.amazonaws.com")), "body", description="a message", **how)
    work.settle(timeout=10)
    return deliveries


@pytest.mark.parametrize(
    "passing",
    [error("InternalError", 500), error("ThrottlingException", 400), EndpointConnectionError(endpoint_url="http://x")],
)
def test_what_may_pass_is_tried_again(passing: Exception) -> None:
    clients = Clients(passing, passing)
    deliveries = deliver(clients)
    assert (clients.attempts, len(clients.sent), deliveries.undelivered) == (3, 1, [])


def test_what_cannot_pass_is_tried_once_and_said_to_be_lost() -> None:
    clients = Clients(error("AccessDenied", 403))
    (lost,) = deliver(clients).undelivered
    assert clients.attempts == 1
    assert (lost.description, lost.target, lost.reason) == ("a message", QUEUE, "AccessDenied: m")


@pytest.mark.parametrize(
    ("policy", "attempts", "condition"),
    [
        (RetryPolicy(3, 86_400), 4, "MaximumRetryAttempts"),
        # Delays of 1, 2, 4, 8 s: the fourth attempt comes after 7 s, the fifth would come after 15.
        (RetryPolicy(185, 10), 4, "MaximumEventAgeInSeconds"),
        (RetryPolicy(0, 86_400), 1, "MaximumRetryAttempts"),
    ],
)
def test_a_dead_letter_says_how_trying_ended(policy: RetryPolicy, attempts: int, condition: str) -> None:
    clients = Clients(*[error("InternalError", 500)] * 20)
    deliveries = deliver(clients, retry=policy, dead_letter_queue=DeadLetterQueue(LETTERS, {"RULE_ARN": "r"}))
    (letter,) = clients.sent
    said = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert clients.attempts == attempts
    assert letter["MessageBody"] == "body"
    assert said == {
        "ERROR_CODE": "InternalError",
        "ERROR_MESSAGE": "m",
        "EXHAUSTED_RETRY_CONDITION": condition,
        "RETRY_ATTEMPTS": str(attempts - 1),
        "RULE_ARN": "r",
        "TARGET_ARN": QUEUE,
    }
    assert deliveries.undelivered == []


def test_a_target_of_a_service_that_is_not_delivered_to_is_said_to_be_lost() -> None:
    work = WorkInProgress()
    clock = VirtualClock(datetime(2026, 1, 5, tzinfo=UTC))
    clients: Any = Clients()
    deliveries = Deliveries(clients=clients, clock=clock, work=work, retry_delay_scale=0)
    deliveries.start(Target("arn:aws:kinesis:us-east-1:1:stream/s", Sender("x")), "b", description="an event")
    work.settle(timeout=10)
    assert deliveries.undelivered[0].reason == "UnknownTarget: the local stack does not deliver to kinesis"
