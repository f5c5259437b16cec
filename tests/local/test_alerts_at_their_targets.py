"""What arrives where alerts go: queues and a mail address of topics, and functions, of the local stack."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import quote_plus

import pytest
from botocore.awsrequest import AWSResponse

from modelwatch.local import LocalStack
from modelwatch_core.adapters.aws.alert_functions import AlertFunctions
from modelwatch_core.adapters.aws.sns_topic import SnsJsonTopics, SnsTopics
from modelwatch_core.domain.alerts import alert_key
from modelwatch_core.domain.events import Emitted
from tests.core.world import World
from tests.local.conftest import Deployer, events_of, messages

pytestmark = pytest.mark.long_setup

SCHEDULES, VIOLATIONS = 100, 500
THROTTLED_CALLS = 12
RESOURCES = """
People: {Type: AWS::SNS::Topic}
Tickets: {Type: AWS::SNS::Topic}
Busy: {Type: AWS::SNS::Topic}
Gone: {Type: AWS::SNS::Topic}
PeopleQueue: {Type: AWS::SQS::Queue}
TicketsQueue: {Type: AWS::SQS::Queue}
BusyQueue: {Type: AWS::SQS::Queue}
PeopleToQueue:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref People, Protocol: sqs, Endpoint: !GetAtt PeopleQueue.Arn, RawMessageDelivery: true}
PeopleToMail:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref People, Protocol: email, Endpoint: on-call@example.com}
TicketsToQueue:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref Tickets, Protocol: sqs, Endpoint: !GetAtt TicketsQueue.Arn, RawMessageDelivery: true}
BusyToQueue:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref Busy, Protocol: sqs, Endpoint: !GetAtt BusyQueue.Arn, RawMessageDelivery: true}
Pager: {Type: AWS::Serverless::Function, Properties: {EventInvokeConfig: {MaximumRetryAttempts: 0}}}
Failing: {Type: AWS::Serverless::Function, Properties: {EventInvokeConfig: {MaximumRetryAttempts: 0}}}
"""
NAMES = ("People", "Tickets", "Busy", "Gone", "PeopleQueue", "TicketsQueue", "BusyQueue", "Pager", "Failing")
CODE = """
def handler(event, context):
    if "Failing" in context.function_name:
        raise ValueError("of the user's own")
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    outputs = "\n".join(f"{name}: {{Value: !Ref {name}}}" for name in NAMES)
    return deploy_once(RESOURCES, code=CODE, Outputs=outputs)


def test_every_alert_arrives_once_at_every_healthy_target_and_what_is_broken_is_reported(stack):
    outputs, world = stack.outputs, World()
    named = [
        *({"type": "sns-json", "address": outputs[name]} for name in ("Tickets", "Busy", "Gone")),
        *({"type": "lambda", "address": outputs[name]} for name in ("Pager", "Failing")),
        {"type": "lambda", "address": "no-such-function"},
        {"type": "sns", "address": outputs["People"]},
    ]
    listed = [each["address"] for each in named]
    sns, throttled = throttling(stack, outputs["Busy"])
    world.targets.clear()
    world.targets |= {
        "sns": lambda: SnsTopics(sns, listed),
        "sns-json": lambda: SnsJsonTopics(sns, listed),
        "lambda": lambda: AlertFunctions(stack.client("lambda"), listed),
    }
    sns.delete_topic(TopicArn=outputs["Gone"])
    world.has_captures()
    for number in range(SCHEDULES):
        world.has_schedule(name := f"schedule-{number:03}", alert_targets=named)
        found = VIOLATIONS if number == 0 else 1
        world.finish(world.ends(world.tick(name=name), *(drift(n) for n in range(found))))
    keys = {f"{alert_key(event)}#violations-InAlert" for event in world.announcements}
    reports = delivered_with_retries(world)
    stack.settle()

    arrived = {name: arrivals(stack, f"{name}Queue") for name in ("People", "Tickets", "Busy")}
    for name in ("Pager", "Failing"):  # what fails in a function is reported to its owner, by Lambda
        arrived[name] = events_of(stack, outputs[name])
    for name, alerts in arrived.items():
        assert Counter(alert["alertKey"] for alert in alerts) == Counter(keys), name
    assert len(stack.mails) <= 5 + -(-(SCHEDULES - 5) // 20)  # SNS suspends whom it sends more than ten in a second
    assert len(throttled) == THROTTLED_CALLS
    (large,) = (each for each in arrived["Tickets"] if each["monitoringScheduleName"] == "schedule-000")
    assert (large["violationCount"], len(large["violations"])) == (VIOLATIONS, 20)
    assert {target: len(found) for target, found in reports.items()} == {
        "sns-json:" + outputs["Gone"]: SCHEDULES,
        "lambda:no-such-function": SCHEDULES,
    }


def drift(number: int) -> dict[str, str]:
    sentence = "Baseline drift distance: 0.5 exceeds threshold: 0.1"
    return {
        "feature_name": f"feature-{number}",
        "constraint_check_type": "baseline_drift_check",
        "description": sentence,
    }


def throttling(stack: LocalStack, topic: str) -> tuple[Any, list[str]]:
    """Return a client of SNS that throttles the first calls for a topic, and the calls that it has throttled."""
    client, refused = stack.client("sns"), list[str]()

    def refuse(request: Any, **_: object) -> AWSResponse | None:
        if quote_plus(topic) not in str(request.body) or len(refused) == THROTTLED_CALLS:
            return None
        refused.append(request.url)
        error = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
        return AWSResponse(request.url, 400, {}, BytesIO(error))

    client.meta.events.register("before-send.sns.Publish", refuse)
    return client, refused


def delivered_with_retries(world: World) -> dict[str, set[str]]:
    """Deliver as the rules and Lambda do, three times at most, and return what each target has not taken in the end."""
    refused: list[Emitted] = []
    for _ in range(3):
        world.clock.pass_by(timedelta(minutes=3))  # a claim whose sender failed is given back at once
        world.bus.published += refused
        refused = [event for event, _ in world.attempt()]
        world.reconcile()  # whose sweep has sent what still waits
    left: dict[str, set[str]] = {}
    for event in refused:
        left.setdefault(str(event.target), set()).add(event.alert.key)
    return left


def arrivals(stack: LocalStack, queue: str) -> list[dict[str, Any]]:
    """Return the alerts of all messages in a queue."""
    bodies = [json.loads(message["Body"]) for message in messages(stack, stack.outputs[queue])]
    return [alert for body in bodies for alert in body.get("alerts", [body])]
