"""What was given up in an outage is delivered again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from modelwatch_core.adapters.aws.dead_letter_queue import DeadLetterQueue
from modelwatch_core.app.redeliver import Redeliver, Redelivery
from modelwatch_core.domain.dead_letters import DELIVERED_FOR, DeadLetter
from modelwatch_core.domain.errors import Upstream
from tests.core.in_memory import ManualClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:mw-RouteAlerts-AB12"
EVENT = {"detail-type": "Execution Ended", "time": "2026-11-22T12:00:00Z", "detail": {"x": 1}}


class Queue:
    """SQS and Lambda as far as the adapter calls them."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.invoked: list[tuple[str, Any]] = []
        self.refuses = False
        self._ids = (str(number) for number in count(1))

    def put(self, body: object, sent: datetime = NOON, **attributes: str) -> None:
        name = next(self._ids)
        self.messages[name] = {
            "MessageId": name,
            "ReceiptHandle": f"receipt-{name}",
            "Body": body if isinstance(body, str) else json.dumps(body),
            "Attributes": {"SentTimestamp": str(int(sent.timestamp() * 1000))},
            "MessageAttributes": {key: {"DataType": "String", "StringValue": text} for key, text in attributes.items()},
        }

    def receive_message(self, *, VisibilityTimeout: int = 0, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's names
        received = [message for name, message in self.messages.items() if name not in self.hidden][:10]
        if VisibilityTimeout:
            self.hidden |= {message["MessageId"] for message in received}
        return {"Messages": received}

    def change_message_visibility_batch(self, *, Entries: list[dict[str, Any]], **_: object) -> None:  # noqa: N803 - boto3's names
        assert len(Entries) <= 10
        assert {entry["VisibilityTimeout"] for entry in Entries} == {0}
        self.hidden -= {entry["ReceiptHandle"].removeprefix("receipt-") for entry in Entries}

    def delete_message(self, *, ReceiptHandle: str, **_: object) -> None:  # noqa: N803 - boto3's names
        del self.messages[ReceiptHandle.removeprefix("receipt-")]

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 - boto3's names
        if self.refuses:
            raise Upstream("ServiceNotReached", "Lambda did not respond")
        assert InvocationType == "Event"
        self.invoked.append((FunctionName, json.loads(Payload)))


@pytest.fixture
def queue() -> Queue:
    return Queue()


def redeliver(queue: Queue, now: datetime, *, everything: bool = False) -> Redelivery:
    clock = ManualClock()
    clock.moment = now
    return Redeliver(DeadLetterQueue(queue, queue, "url", ["mw-RouteAlerts-AB12"]), clock)(everything=everything)


def of_lambda(payload: object = EVENT, arn: str = f"{ARN}:$LATEST") -> dict[str, Any]:
    return {"version": "1.0", "requestContext": {"functionArn": arn}, "requestPayload": payload}


@pytest.mark.parametrize(
    ("body", "attributes", "payload"),
    [
        (of_lambda(), {}, EVENT),
        (EVENT, {"TARGET_ARN": ARN, "RULE_ARN": "arn:aws:events:::rule/r"}, EVENT),
        (
            {"monitoring_schedule_name": "s", "scheduled_time": "2026-11-22T12:00:00Z", "tick_id": "t"},
            {"TARGET_ARN": ARN, "SCHEDULE_ARN": "arn:aws:scheduler:::schedule/g/s"},
            {"monitoring_schedule_name": "s", "scheduled_time": "2026-11-22T12:00:00Z", "tick_id": "t"},
        ),
    ],
    ids=["Lambda gave up", "EventBridge gave up", "Scheduler gave up"],
)
def test_a_letter_of_each_form_goes_to_its_function_and_leaves_the_queue(queue, body, attributes, payload):
    queue.put(body, NOON, **attributes)
    assert redeliver(queue, NOON + 5 * MINUTE) == Redelivery(delivered=1)
    assert queue.invoked == [(ARN, payload)]
    assert queue.messages == {}


def test_letters_that_stay_do_not_keep_those_behind_them_and_can_be_received_again_at_once(queue):
    for number in range(25):
        queue.put(f"letter {number} for nobody")
    queue.put(of_lambda())
    assert redeliver(queue, NOON + 5 * MINUTE) == Redelivery(delivered=1, kept=25)
    assert (len(queue.messages), queue.hidden) == (25, set())


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("no JSON", {}),
        ("[]", {}),
        ({"x": 1}, {}),
        (of_lambda(arn="arn:aws:lambda:us-east-1:123456789012:function:another-app"), {}),
        (of_lambda(arn=ARN.replace("RouteAlerts", "Reconcile")), {}),
        (of_lambda(payload="text"), {}),
        (of_lambda(payload={"time": "soon"}), {}),
        (EVENT, {"TARGET_ARN": "arn:aws:sqs:us-east-1:123456789012:mw-queue"}),
    ],
)
def test_a_letter_for_no_function_of_the_app_stays_and_keeps_no_other(queue, body, attributes):
    queue.put(body, NOON, **attributes)
    queue.put(of_lambda())
    assert redeliver(queue, NOON + 5 * MINUTE, everything=True) == Redelivery(delivered=1, kept=1)
    assert list(queue.messages) == ["1"]


def test_what_cannot_be_delivered_stays_and_is_reported(queue):
    queue.put(of_lambda())
    queue.refuses = True
    assert redeliver(queue, NOON + 5 * MINUTE).failures == ("ServiceNotReached: Lambda did not respond",)
    assert len(queue.messages) == 1


def test_a_queue_that_does_not_respond_is_reported_and_is_no_end_of_the_sweep(queue):
    def away(**_):
        raise Upstream("ServiceNotReached", "SQS did not respond")

    queue.receive_message = away
    assert redeliver(queue, NOON) == Redelivery(failures=("ServiceNotReached: SQS did not respond",))


def test_a_person_may_deliver_what_is_too_old_or_has_no_time(queue):
    queue.put(of_lambda())
    queue.put(of_lambda({"baselining_job_name": "b"}))
    later = NOON + DELIVERED_FOR + MINUTE
    assert redeliver(queue, later) == Redelivery(kept=2)
    assert redeliver(queue, later, everything=True) == Redelivery(delivered=2)


@pytest.mark.parametrize("number", [10, 11, 35])
def test_all_letters_are_looked_at_once(queue, number):
    for place in range(number):
        queue.put(of_lambda(EVENT | {"id": place}))
    assert redeliver(queue, NOON + 5 * MINUTE) == Redelivery(delivered=number)
    assert sorted(payload["id"] for _, payload in queue.invoked) == list(range(number))


def test_what_is_given_up_again_at_once_waits_for_the_next_sweep(queue):
    delivered = queue.invoke

    def invoke(**arguments: Any) -> None:
        delivered(**arguments)
        queue.put(of_lambda(), datetime.now(UTC) + MINUTE)

    queue.invoke = invoke
    queue.put(of_lambda())
    queue.put(of_lambda())
    assert redeliver(queue, NOON, everything=True) == Redelivery(delivered=2)
    assert (len(queue.messages), queue.hidden) == (2, set())


def deliveries(outage: timedelta, gives_up_after: timedelta = 3 * MINUTE) -> Iterator[timedelta]:
    """Yield when a letter of noon is delivered, by sweeps each 5 minutes, until its function works."""
    given_up = NOON + gives_up_after
    now = NOON
    while now < NOON + timedelta(days=2):
        now += 5 * MINUTE
        if now < given_up:
            continue
        letter = DeadLetter(receipt="r", function_arn=ARN, payload=EVENT, given_up_at=given_up, happened_at=NOON)
        if letter.is_due(now):
            yield now - NOON
            if now > NOON + outage:
                return
            given_up = now + gives_up_after


@pytest.mark.parametrize("hours", [0, 0.2, 1, 3, 6, 8])
def test_a_delivery_survives_an_outage_and_comes_within_a_third_of_its_length(hours):
    outage = timedelta(hours=hours)
    *_, last = deliveries(outage)
    assert outage < last <= outage * 4 / 3 + 10 * MINUTE


def test_what_always_fails_is_delivered_few_times_and_then_left_to_people():
    times = list(deliveries(timedelta(days=99)))
    assert 10 < len(times) < 40
    assert times[-1] <= DELIVERED_FOR
