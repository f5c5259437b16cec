"""``DeadLetters`` in SQS."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from modelwatch_core.adapters.aws.translation import aws_errors
from modelwatch_core.domain.dead_letters import DeadLetter

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient
    from types_boto3_sqs.client import SQSClient
    from types_boto3_sqs.type_defs import ChangeMessageVisibilityBatchRequestEntryTypeDef

_HIDDEN_SECONDS = 300
"""How long a letter stays hidden after it was received: as long as a sweep may run. If it were shorter, the first
letters would come back before the last ones had been seen, and these never would be."""

_TIMES = ("time", "scheduled_time")
"""The fields that hold the time in a payload: of EventBridge's events, and of our ticks."""


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """The queue in which EventBridge, Scheduler and Lambda put what they gave up, each in its own form."""

    queue: SQSClient
    functions: LambdaClient
    queue_url: str
    function_names: Collection[str]

    def waiting(self, *, most: int) -> Iterator[DeadLetter | None]:
        """Yield the letters in the queue, once each; None for one that no function of this app can be given.

        What is given up meanwhile is left for the next time: a function that fails with what it is given, and gives up
        at once, would be given it again and again.
        """
        called = time.time()  # of the machine, as the queue's times are
        receipts: dict[str, str] = {}  # by the message's id
        try:
            while len(receipts) < most:
                with aws_errors("receiving dead letters"):
                    response = self.queue.receive_message(
                        QueueUrl=self.queue_url,
                        MaxNumberOfMessages=10,
                        AttributeNames=["SentTimestamp"],
                        MessageAttributeNames=["All"],
                        VisibilityTimeout=_HIDDEN_SECONDS,
                    )
                fresh = [message for message in response.get("Messages", ()) if message["MessageId"] not in receipts]
                if not fresh:
                    return
                for message in fresh:
                    receipts[message["MessageId"]] = message["ReceiptHandle"]
                    letter = _letter(message)
                    if letter and letter.given_up_at.timestamp() > called:
                        continue
                    yield letter if letter and self._may_deliver(letter) else None
        finally:
            self._show_again(list(receipts.values()))

    def _show_again(self, receipts: Sequence[str]) -> None:
        """Let the next sweep, or a person who cannot wait for it, receive what is left; what was deleted stays so."""
        for first in range(0, len(receipts), 10):
            entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[first : first + 10])
            ]
            with aws_errors("putting dead letters back"):
                self.queue.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)

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
