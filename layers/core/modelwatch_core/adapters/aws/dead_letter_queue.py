"""``DeadLetters`` in SQS."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.dead_letters import DeadLetter

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient
    from types_boto3_sqs.client import SQSClient

_TIMES = ("time", "scheduled_time")
"""Where a payload has its time: events of EventBridge, and our ticks."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The queue in which EventBridge, Scheduler and Lambda put what they gave up, each in its own form."""

    queue: SQSClient
    functions: LambdaClient
    queue_url: str
    function_names: Collection[str]

    def waiting(self, *, most: int) -> Iterator[DeadLetter | None]:
        """Yield the letters in the queue, once each; None for one that no function of this app can be given."""
        seen: set[str] = set()
        while len(seen) < most:
            with aws_errors("receiving dead letters"):
                answer = self.queue.receive_message(
                    QueueUrl=self.queue_url,
                    MaxNumberOfMessages=10,
                    AttributeNames=["SentTimestamp"],
                    MessageAttributeNames=["All"],
                )
            fresh = [message for message in answer.get("Messages", ()) if message["MessageId"] not in seen]
            if not fresh:
                return
            for message in fresh:
                seen.add(message["MessageId"])
                letter = _letter(message)
                yield letter if letter and self._may_deliver(letter) else None

    def _may_deliver(self, letter: DeadLetter) -> bool:
        return letter.function_arn.rpartition(":function:")[2] in self.function_names

    def deliver(self, letter: DeadLetter) -> None:
        """Invoke the letter's function with it, then delete it: a crash between the two delivers it twice."""
        with aws_errors(f"delivering a dead letter to {letter.function_arn}"):
            self.functions.invoke(
                FunctionName=letter.function_arn, InvocationType="Event", Payload=json.dumps(letter.payload).encode()
            )
            self.queue.delete_message(QueueUrl=self.queue_url, ReceiptHandle=letter.receipt)


def _letter(message: Mapping[str, Any]) -> DeadLetter | None:
    try:
        body = json.loads(message["Body"])
        if "requestPayload" in body:  # Lambda's record of an asynchronous invocation
            payload, function_arn = body["requestPayload"], body["requestContext"]["functionArn"]
        else:  # from EventBridge or Scheduler, which put where it was for beside it
            payload, function_arn = body, message["MessageAttributes"]["TARGET_ARN"]["StringValue"]
        sent = int(message["Attributes"]["SentTimestamp"]) / 1000
        return DeadLetter(
            receipt=message["ReceiptHandle"],
            function_arn=function_arn.removesuffix(":$LATEST"),
            payload=payload,
            given_up_at=datetime.fromtimestamp(sent, UTC),
            happened_at=next((payload[name] for name in _TIMES if name in payload), None),
        )
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError):
        return None
