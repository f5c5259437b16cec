"""Rules and topics: what they deliver to which targets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer, events_of, messages

pytestmark = pytest.mark.long_setup  # one stack for the module

RESOURCES = """
Queue: {Type: AWS::SQS::Queue}
DeadLetters: {Type: AWS::SQS::Queue}
Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: The model watch}}
Bus: {Type: AWS::Events::EventBus, Properties: {Name: custom}}
Bucket:
  Type: AWS::S3::Bucket
  Properties: {NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
WithoutEvents: {Type: AWS::S3::Bucket}
Listener:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      OnDefault:
        Type: EventBridgeRule
        Properties: {Pattern: {source: [a.test], detail: {size: [{numeric: [">", 5]}]}}}
      OnCustom: {Type: EventBridgeRule, Properties: {EventBusName: !Ref Bus, Pattern: {source: [a.test]}}}
      Objects: {Type: EventBridgeRule, Properties: {Pattern: {source: [aws.s3]}}}
      Published: {Type: SNS, Properties: {Topic: !Ref Topic}}
Transformed:
  Type: AWS::Events::Rule
  Properties:
    EventPattern: {source: [b.test]}
    Targets:
      - Id: queue
        Arn: !GetAtt Queue.Arn
        InputTransformer: {InputPathsMap: {size: $.detail.size}, InputTemplate: '{"size": <size>}'}
      - {Id: topic, Arn: !Ref Topic, InputPath: $.detail}
      - {Id: logs, Arn: !Sub "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Logs}"}
Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /events}}
Disabled:
  Type: AWS::Events::Rule
  Properties: {State: DISABLED, EventPattern: {source: [a.test]}, Targets: [{Id: q, Arn: !GetAtt Queue.Arn}]}
Forward:
  Type: AWS::Events::Rule
  Properties: {EventPattern: {source: [c.test]}, Targets: [{Id: bus, Arn: !GetAtt Bus.Arn}]}
OnCustomToo:
  Type: AWS::Events::Rule
  Properties: {EventBusName: !Ref Bus, EventPattern: {source: [c.test]}, Targets: [{Id: q, Arn: !GetAtt Queue.Arn}]}
Undeliverable:
  Type: AWS::Events::Rule
  Properties:
    EventPattern: {source: [d.test]}
    Targets:
      - Id: nowhere
        Arn: !Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:nowhere"
        DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}
      - {Id: missing, Arn: !Sub "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:missing"}
Mail: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: one@example.org}}
Json:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref Topic, Protocol: email-json, Endpoint: two@example.org, FilterPolicy: {kind: [json]}}
Sms:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref Topic, Protocol: sms, Endpoint: "+15555550100", FilterPolicy: {kind: [sms]}}
"""
OUTPUTS = "\n".join(
    f"{name}: {{Value: !Ref {name}}}"
    for name in ("Queue", "DeadLetters", "Topic", "Bucket", "WithoutEvents", "Listener")
)


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs=OUTPUTS)


@pytest.fixture(autouse=True)
def _begin_empty(stack: LocalStack) -> None:
    for name in ("Queue", "DeadLetters"):
        messages(stack, stack.outputs[name])
    stack.mails.clear()
    stack.undelivered.clear()
    stack.invocations.clear()


def put(stack: LocalStack, source: str, *, bus: str = "default", **detail: Any) -> str:
    response = stack.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "Test", "Detail": json.dumps(detail), "EventBusName": bus}]
    )
    stack.settle()
    return response["Entries"][0]["EventId"]


def received(stack: LocalStack) -> list[Any]:
    return events_of(stack, stack.outputs["Listener"])


def test_a_rule_delivers_only_what_matches_its_pattern(stack: LocalStack) -> None:
    event_id = put(stack, "a.test", size=6)
    put(stack, "a.test", size=5)
    put(stack, "elsewhere", size=6)
    assert received(stack) == [
        {
            "version": "0",
            "id": event_id,
            "detail-type": "Test",
            "source": "a.test",
            "account": "123456789012",
            "time": "2026-01-05T09:30:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {"size": 6},
        }
    ]


def test_a_rule_of_a_custom_bus_receives_events_of_that_bus_only(stack: LocalStack) -> None:
    put(stack, "a.test", bus="custom", size=1)
    assert [event["detail"] for event in received(stack)] == [{"size": 1}]


def test_a_disabled_rule_delivers_nothing(stack: LocalStack) -> None:
    put(stack, "a.test", size=6)
    assert messages(stack, stack.outputs["Queue"]) == []


def test_each_target_gets_its_own_input(stack: LocalStack) -> None:
    event_id = put(stack, "b.test", size=7, word="x")
    (message,) = messages(stack, stack.outputs["Queue"])
    assert json.loads(message["Body"]) == {"size": 7}
    (sns_event,) = received(stack)
    assert json.loads(sns_event["Records"][0]["Sns"]["Message"]) == {"size": 7, "word": "x"}
    (logged,) = stack.client("logs").get_log_events(logGroupName="/events", logStreamName=event_id)["events"]
    assert json.loads(logged["message"])["detail"] == {"size": 7, "word": "x"}


def test_a_rule_forwards_to_another_bus(stack: LocalStack) -> None:
    put(stack, "c.test", size=8)
    (message,) = messages(stack, stack.outputs["Queue"])
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("c.test", "Test", {"size": 8})


def test_what_a_rule_cannot_deliver_reaches_its_dead_letter_queue_or_is_recorded_as_undelivered(
    stack: LocalStack,
) -> None:
    put(stack, "d.test", size=9)
    (letter,) = messages(stack, stack.outputs["DeadLetters"])
    assert json.loads(letter["Body"])["detail"] == {"size": 9}
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["RULE_ARN"].startswith("arn:aws:events:us-east-1:123456789012:rule/")
    assert attributes["TARGET_ARN"].endswith(":nowhere")
    assert "NonExistentQueue" in attributes["ERROR_CODE"]
    (undelivered,) = stack.undelivered
    assert undelivered.target.endswith(":function:missing")
    assert "ResourceNotFoundException" in undelivered.reason


def test_a_bucket_emits_events_if_the_template_enables_them(stack: LocalStack) -> None:
    s3 = stack.client("s3")
    for name in ("Bucket", "WithoutEvents"):
        s3.put_object(Bucket=stack.outputs[name], Key="a b/c.csv", Body=b"1,2")
    s3.delete_object(Bucket=stack.outputs["Bucket"], Key="a b/c.csv")
    stack.settle()
    events = received(stack)
    assert sorted((event["detail-type"], event["detail"]["reason"]) for event in events) == [
        ("Object Created", "PutObject"),
        ("Object Deleted", "DeleteObject"),
    ]
    created = next(event for event in events if event["detail-type"] == "Object Created")
    assert created["time"] == "2026-01-05T09:30:00Z"
    assert created["detail"]["bucket"] == {"name": stack.outputs["Bucket"]}
    assert (created["detail"]["object"]["key"], created["detail"]["object"]["size"]) == ("a b/c.csv", 3)
    assert len({event["id"] for event in events}) == 2


def test_a_message_arrives_as_mail_in_the_format_of_sns(stack: LocalStack) -> None:
    stack.client("sns").publish(TopicArn=stack.outputs["Topic"], Subject="Drift in income", Message="Größe: 3 → 5")
    stack.settle()
    (mail,) = stack.mails
    assert mail["From"] == "The model watch <no-reply@sns.amazonaws.com>"
    assert (mail["To"], mail["Subject"]) == ("one@example.org", "Drift in income")
    assert mail.get_content().startswith("Größe: 3 → 5\n")
    assert stack.outputs["Topic"] in mail.get_content()


def test_a_filter_policy_selects_messages_and_mail_may_be_json(stack: LocalStack) -> None:
    attributes = {"kind": {"DataType": "String", "StringValue": "json"}}
    stack.client("sns").publish(TopicArn=stack.outputs["Topic"], Message="m", MessageAttributes=attributes)
    stack.settle()
    by_address = {mail["To"]: mail for mail in stack.mails}
    assert by_address.keys() == {"one@example.org", "two@example.org"}
    document, _ = json.JSONDecoder().raw_decode(by_address["two@example.org"].get_content())
    assert (document["Message"], document["TopicArn"]) == ("m", stack.outputs["Topic"])
    assert by_address["one@example.org"]["Subject"] == "AWS Notification Message"


def test_a_subscribed_function_receives_the_record_of_sns(stack: LocalStack) -> None:
    response = stack.client("sns").publish(TopicArn=stack.outputs["Topic"], Subject="s", Message="m")
    stack.settle()
    (event,) = received(stack)
    record = event["Records"][0]
    assert record["EventSource"] == "aws:sns"
    assert (record["Sns"]["MessageId"], record["Sns"]["Subject"], record["Sns"]["Message"]) == (
        response["MessageId"],
        "s",
        "m",
    )


def test_a_message_of_an_unsupported_protocol_is_recorded_as_undelivered(stack: LocalStack) -> None:
    attributes = {"kind": {"DataType": "String", "StringValue": "sms"}}
    stack.client("sns").publish(TopicArn=stack.outputs["Topic"], Message="m", MessageAttributes=attributes)
    stack.settle()
    assert [undelivered.reason for undelivered in stack.undelivered] == ["the local stack does not deliver by sms"]


def test_subscriptions_are_confirmed(stack: LocalStack) -> None:
    sns = stack.client("sns")
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=stack.outputs["Topic"])["Subscriptions"]
    assert {subscription["Protocol"] for subscription in subscriptions} == {"email", "email-json", "sms", "lambda"}
    assert all(subscription["SubscriptionArn"].startswith("arn:aws:sns:") for subscription in subscriptions)


def test_every_call_is_recorded_with_its_caller(stack: LocalStack) -> None:
    stack.calls.clear()
    put(stack, "a.test", size=6)
    stack.client("sns").publish(TopicArn=stack.outputs["Topic"], Message="m")
    stack.settle()
    recorded = [(call.service, call.action, call.role, call.status) for call in stack.calls]
    assert ("events", "PutEvents", "operator", 200) in recorded
    assert ("lambda", "Invoke", "events.amazonaws.com", 202) in recorded
    assert ("lambda", "Invoke", "sns.amazonaws.com", 202) in recorded
    assert ("sns", "Publish", "operator", 200) in recorded
