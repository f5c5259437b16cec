"""Functions as the deployed stack runs them: environment, invocation, retries, destinations, quotas."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from tests.local.conftest import START, Deployer, events_of, messages

Invoke = Callable[..., tuple[Any, str | None]]

pytestmark = pytest.mark.long_setup  # one stack for the module

RESOURCES = """
Queue: {Type: AWS::SQS::Queue}
Topic: {Type: AWS::SNS::Topic}
TopicToQueue:
  Type: AWS::SNS::Subscription
  Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn, RawMessageDelivery: true}
Bus: {Type: AWS::Events::EventBus, Properties: {Name: results}}
Plain: {Type: AWS::Serverless::Function}
Listener:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      Failure:
        Type: EventBridgeRule
        Properties:
          EventBusName: !Ref Bus
          Pattern: {source: [lambda], detail-type: [Lambda Function Invocation Result - Failure]}
ToQueue:
  Type: AWS::Serverless::Function
  Properties:
    EventInvokeConfig:
      MaximumRetryAttempts: 1
      DestinationConfig:
        OnFailure: {Type: SQS, Destination: !GetAtt Queue.Arn}
        OnSuccess: {Type: Lambda, Destination: !GetAtt Plain.Arn}
ToTopic:
  Type: AWS::Serverless::Function
  Properties:
    EventInvokeConfig: {MaximumRetryAttempts: 0, DestinationConfig: {OnFailure: {Type: SNS, Destination: !Ref Topic}}}
ToBus:
  Type: AWS::Serverless::Function
  Properties:
    EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: EventBridge, Destination: !GetAtt Bus.Arn}}}
ShortLived:
  Type: AWS::Serverless::Function
  Properties:
    EventInvokeConfig:
      MaximumEventAgeInSeconds: 100
      DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Queue.Arn}}
WithDeadLetters:
  Type: AWS::Serverless::Function
  Properties: {DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Queue.Arn}, EventInvokeConfig: {MaximumRetryAttempts: 0}}
Throttled: {Type: AWS::Serverless::Function, Properties: {ReservedConcurrentExecutions: 0}}
Lib:
  Type: AWS::Serverless::LayerVersion
  Metadata: {BuildMethod: python3.13}
  Properties: {ContentUri: function/lib}
ShowsEnvironment:
  Type: AWS::Serverless::Function
  Properties:
    InlineCode: |
      import os, layered, boto3
      def handler(event, context):
          return {**os.environ, "LAYER": layered.NAME, "CALLER": boto3.client("sts").get_caller_identity()["Arn"]}
    Handler: index.handler
    Layers: [!Ref Lib]
    MemorySize: 256
    LoggingConfig: {LogFormat: JSON, LogGroup: /mine}
    Environment: {Variables: {QUEUE: !Ref Queue, NUMBER: 5}}
"""
OUTPUTS = "\n".join(
    f"{name}: {{Value: !Ref {name}}}"
    for name in (
        *("Queue", "Plain", "Listener", "ToQueue", "ToTopic", "ToBus"),
        *("ShortLived", "WithDeadLetters", "Throttled", "ShowsEnvironment"),
    )
)


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    deploy_once.write("X: {}")
    library = deploy_once._folder / "function" / "lib"
    library.mkdir()
    (library / "layered.py").write_text("NAME = 'from the layer'\n")
    return deploy_once(RESOURCES, Outputs=OUTPUTS)


@pytest.fixture(autouse=True)
def _clear_queue(stack: LocalStack) -> None:
    messages(stack, stack.outputs["Queue"])


def send(stack: LocalStack, name: str, event: Any) -> str:
    response = stack.client("lambda").invoke(
        FunctionName=stack.outputs[name], InvocationType="Event", Payload=json.dumps(event)
    )
    assert response["StatusCode"] == 202
    return response["ResponseMetadata"]["RequestId"]


def test_an_invocation_returns_what_the_handler_returned(stack: LocalStack, invoke: Invoke) -> None:
    name = stack.outputs["Plain"]
    response, error = invoke(stack, name, {"n": 1})
    assert error is None
    assert response["event"] == {"n": 1}
    assert response["name"] == name
    assert stack.invocations[-1].request_id == response["request_id"]
    assert 'event {"n": 1}' in stack.logs(name)


def test_a_failed_invocation_has_an_error_header_and_an_error_document(stack: LocalStack, invoke: Invoke) -> None:
    response, error = invoke(stack, stack.outputs["Plain"], {"fail": True})
    assert error == "Unhandled"
    assert (response["errorType"], response["errorMessage"]) == ("ValueError", "failed on request")


def test_a_function_has_lambdas_variables_its_own_its_layers_and_its_own_role(
    stack: LocalStack, invoke: Invoke
) -> None:
    name = stack.outputs["ShowsEnvironment"]
    seen, _ = invoke(stack, name)
    expected = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/mine",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_CONFIG_FILE": os.devnull,  # otherwise SDKs would find the operator's through the user database
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "_HANDLER": "index.handler",
        "QUEUE": stack.outputs["Queue"],
        "NUMBER": "5",
        "LAYER": "from the layer",
    }
    assert {key: seen.get(key) for key in expected} == expected
    role = next(call.role for call in stack.calls if call.action == "GetCallerIdentity")
    assert "ShowsEnvironmentRole" in role
    assert role in seen["CALLER"]
    assert "HOME" not in seen


def test_a_failed_event_is_retried_and_then_reaches_its_queue_with_lambdas_record(stack: LocalStack) -> None:
    request_id = send(stack, "ToQueue", {"fail": True})
    stack.settle()
    attempts = [invocation.attempt for invocation in stack.invocations if invocation.request_id == request_id]
    assert attempts == [1, 2]
    (message,) = messages(stack, stack.outputs["Queue"])
    record = json.loads(message["Body"])
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{stack.outputs['ToQueue']}:$LATEST"
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": arn,
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 2,
    }
    assert record["version"] == "1.0"
    assert record["timestamp"] == "2026-01-05T09:30:00.000Z"
    assert record["requestPayload"] == {"fail": True}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorMessage"] == "failed on request"
    sender = [call.role for call in stack.calls if call.action == "SendMessage"][-1]
    assert "ToQueueRole" in sender


def test_a_successful_event_reaches_its_success_destination(stack: LocalStack) -> None:
    request_id = send(stack, "ToQueue", {"ok": True})
    stack.settle()
    (record,) = [
        event
        for event in events_of(stack, stack.outputs["Plain"])
        if event.get("requestContext", {}).get("requestId") == request_id
    ]
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"]["event"] == {"ok": True}
    assert messages(stack, stack.outputs["Queue"]) == []


def test_a_failed_event_reaches_a_topic(stack: LocalStack) -> None:
    send(stack, "ToTopic", {"fail": True})
    stack.settle()
    (message,) = messages(stack, stack.outputs["Queue"])
    assert json.loads(message["Body"])["requestContext"]["approximateInvokeCount"] == 1


def test_a_failed_event_reaches_a_bus_after_three_attempts(stack: LocalStack) -> None:
    request_id = send(stack, "ToBus", {"fail": True})
    stack.settle()
    (event,) = [
        event
        for event in events_of(stack, stack.outputs["Listener"])
        if event["detail"]["requestContext"]["requestId"] == request_id
    ]
    assert event["source"] == "lambda"
    assert event["resources"][0] == event["detail"]["requestContext"]["functionArn"]
    assert event["detail"]["requestContext"]["approximateInvokeCount"] == 3


def test_an_event_that_is_too_old_is_not_retried(stack: LocalStack) -> None:
    # The second attempt is after 1 minute; the third would be after 3 minutes, more than the 100 s that are allowed.
    send(stack, "ShortLived", {"fail": True})
    stack.settle()
    (message,) = messages(stack, stack.outputs["Queue"])
    context = json.loads(message["Body"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 2)


def test_a_dead_letter_queue_receives_the_event_itself(stack: LocalStack) -> None:
    request_id = send(stack, "WithDeadLetters", {"fail": True})
    stack.settle()
    (message,) = messages(stack, stack.outputs["Queue"])
    assert json.loads(message["Body"]) == {"fail": True}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "failed on request"}


def test_a_function_without_free_reserved_concurrency_is_throttled(stack: LocalStack, invoke: Invoke) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(stack, stack.outputs["Throttled"])
    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"Payload": b'"' + b"x" * 6_291_456 + b'"'}, "RequestTooLargeException"),
        ({"Payload": b'"' + b"x" * 1_048_576 + b'"', "InvocationType": "Event"}, "RequestTooLargeException"),
        ({"Payload": b"not json"}, "InvalidRequestContentException"),
        ({"FunctionName": "missing"}, "ResourceNotFoundException"),
    ],
)
def test_an_invalid_invocation_is_rejected_as_lambda_does(
    stack: LocalStack, options: dict[str, Any], code: str
) -> None:
    before = len(stack.invocations)
    with pytest.raises(ClientError) as caught:
        stack.client("lambda").invoke(**({"FunctionName": stack.outputs["Plain"]} | options))
    assert caught.value.response["Error"]["Code"] == code
    assert len(stack.invocations) == before


def test_a_dry_run_runs_nothing(stack: LocalStack) -> None:
    before = len(stack.invocations)
    response = stack.client("lambda").invoke(FunctionName=stack.outputs["Plain"], InvocationType="DryRun")
    assert response["StatusCode"] == 204
    assert len(stack.invocations) == before


def test_invocations_are_recorded_with_the_time_of_the_stacks_clock(stack: LocalStack, invoke: Invoke) -> None:
    invoke(stack, stack.outputs["Plain"])
    assert stack.invocations[-1].started == START
