"""Attempts, retries and dead letters, with fake clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from modelwatch.local.clock import VirtualClock
from modelwatch.local.deliveries import DeadLetterQueue, Deliveries, RetryPolicy, Sender, Target
from modelwatch.local.work import WorkInProgress

EVENTS = Sender("events.amazonaws.com")
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
DEAD_LETTERS = "arn:aws:sqs:us-east-1:123456789012:dead-letters"


def error(code: str, status: int) -> ClientError:
    document: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(document, "SendMessage")


class Clients:
    """Clients of a queue that fails with each of the given errors in turn, and then accepts everything."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.sent, self.attempts = list(errors), [], 0
        self.meta = type("Meta", (), {"endpoint_url": "http://x"})

    def for_principal(self, *_: str) -> Clients:
        return self

    def send_message(self, **message: Any) -> None:
        if not message["QueueUrl"].endswith("dead-letters"):
            self.attempts += 1
            if self.errors:
                raise self.errors.pop(0)
        self.sent.append(message)


def deliver(clients: Any, **options: Any) -> Deliveries:
    work = WorkInProgress()
    deliveries = Deliveries(
        clients=clients, clock=VirtualClock(datetime(2026, 1, 5, tzinfo=UTC)), work=work, retry_delay_scale=0
    )
    deliveries.start(Target(QUEUE, EVENTS), "body", description="a message", **options)
    work.settle(timeout=10)
    return deliveries


@pytest.mark.parametrize(
    "transient",
    [error("InternalError", 500), error("ThrottlingException", 400), EndpointConnectionError(endpoint_url="http://x")],
)
def test_a_transient_error_is_retried(transient: Exception) -> None:
    clients = Clients(transient, transient)
    deliveries = deliver(clients)
    assert (clients.attempts, len(clients.sent), deliveries.undelivered) == (3, 1, [])


def test_a_permanent_error_is_not_retried_and_the_message_is_recorded_as_undelivered() -> None:
    clients = Clients(error("AccessDenied", 403))
    (undelivered,) = deliver(clients).undelivered
    assert clients.attempts == 1
    assert (undelivered.description, undelivered.target, undelivered.reason) == ("a message", QUEUE, "AccessDenied: m")


@pytest.mark.parametrize(
    ("policy", "attempts", "condition"),
    [
        (RetryPolicy(3, 86_400), 4, "MaximumRetryAttempts"),
        # Delays of 1, 2, 4 and 8 s: the fourth attempt is after 7 s, the fifth would be after 15 s.
        (RetryPolicy(185, 10), 4, "MaximumEventAgeInSeconds"),
        (RetryPolicy(0, 86_400), 1, "MaximumRetryAttempts"),
    ],
)
def test_a_dead_letter_says_why_there_were_no_more_attempts(policy: RetryPolicy, attempts: int, condition: str) -> None:
    clients = Clients(*[error("InternalError", 500)] * 20)
    deliveries = deliver(
        clients, retry=policy, dead_letter_queue=DeadLetterQueue(DEAD_LETTERS, EVENTS, {"RULE_ARN": "r"})
    )
    (letter,) = clients.sent
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert clients.attempts == attempts
    assert letter["MessageBody"] == "body"
    assert attributes == {
        "ERROR_CODE": "InternalError",
        "ERROR_MESSAGE": "m",
        "EXHAUSTED_RETRY_CONDITION": condition,
        "RETRY_ATTEMPTS": str(attempts - 1),
        "RULE_ARN": "r",
        "TARGET_ARN": QUEUE,
    }
    assert deliveries.undelivered == []


def test_a_message_to_an_unsupported_service_is_recorded_as_undelivered() -> None:
    work = WorkInProgress()
    clock = VirtualClock(datetime(2026, 1, 5, tzinfo=UTC))
    clients: Any = Clients()
    deliveries = Deliveries(clients=clients, clock=clock, work=work, retry_delay_scale=0)
    deliveries.start(Target("arn:aws:kinesis:us-east-1:1:stream/s", Sender("x")), "b", description="an event")
    work.settle(timeout=10)
    assert deliveries.undelivered[0].reason == "UnknownTarget: the local stack does not deliver to kinesis"
