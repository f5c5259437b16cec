"""Calls of a function's role are allowed by its policies or refused, as by IAM."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelwatch.local import LocalStack
from modelwatch.local.iam_policies import Permission, UnknownCondition, allows
from modelwatch.local.iam_requests import Region, needed
from modelwatch.local.moto_patches.requests import Operation
from tests.local.conftest import Deployer

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}
GET = Permission("s3:GetObject", "arn:aws:s3:::data/a/b.csv")


@pytest.mark.parametrize(
    ("statements", "permission", "allowed"),
    [
        ([], GET, False),
        ([ALLOW], GET, True),
        ([ALLOW], Permission("s3:PutObject", GET.resource), False),
        ([ALLOW], Permission("s3:GetObject", "arn:aws:s3:::database/a"), False),
        ([ALLOW | {"Action": "S3:GETOBJECT"}], GET, True),  # actions ignore case, resources do not
        ([ALLOW | {"Resource": "arn:aws:s3:::DATA/*"}], GET, False),
        ([ALLOW | {"Action": ["s3:List*", "s3:Get?bject"]}], GET, True),
        ([ALLOW | {"Resource": "arn:aws:s3:::data/[a]/b.csv"}], GET, False),  # brackets are no wildcard
        ([ALLOW | {"Resource": "arn:aws:s3:::data/${*}"}], GET, False),  # a wildcard as a character
        (
            [ALLOW | {"Resource": "arn:aws:s3:::data/${*}${?}${$}"}],
            Permission("s3:GetObject", "arn:aws:s3:::data/*?$"),
            True,
        ),
        ([ALLOW, ALLOW | {"Effect": "Deny", "Resource": "*"}], GET, False),
        ([ALLOW, ALLOW | {"Effect": "Deny", "Resource": "arn:aws:s3:::data/c*"}], GET, True),
        ([{"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}], GET, True),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::data/*"}], GET, False),
    ],
)
def test_a_deny_wins_one_allow_is_enough_and_nothing_is_allowed_by_itself(statements, permission, allowed) -> None:
    assert allows(statements, permission) is allowed


@pytest.mark.parametrize(
    ("condition", "found", "allowed"),
    [
        ({"StringEquals": {"events:Source": "modelwatch"}}, ["modelwatch"], True),
        ({"StringEquals": {"events:source": "modelwatch"}}, ["Modelwatch"], False),
        ({"StringEquals": {"events:source": ["a", "modelwatch"]}}, ["modelwatch"], True),
        ({"StringEquals": {"events:source": "modelwatch"}}, [], False),
        ({"StringEqualsIfExists": {"events:source": "modelwatch"}}, [], True),
        ({"StringNotEquals": {"events:source": "modelwatch"}}, ["other"], True),
        ({"StringNotEquals": {"events:source": ["other", "modelwatch"]}}, ["other"], False),
        ({"StringLike": {"events:source": "model*"}}, ["modelwatch"], True),
        ({"ForAllValues:StringLike": {"events:source": "a*"}}, ["a1", "a2"], True),
        ({"ForAllValues:StringLike": {"events:source": "a*"}}, ["a1", "b2"], False),
        ({"ForAllValues:StringLike": {"events:source": "a*"}}, [], True),
        ({"ForAnyValue:StringLike": {"events:source": "a*"}}, ["a1", "b2"], True),
        ({"ForAnyValue:StringLike": {"events:source": "a*"}}, [], False),
        ({"Bool": {"events:source": True}}, ["true"], True),
        ({"StringEquals": {"events:source": "a", "events:other": "b"}}, ["a"], False),  # all keys must hold
    ],
)
def test_conditions_hold_as_iam_says(condition, found, allowed) -> None:
    """IAM user guide: "IAM JSON policy elements: Condition operators", "Multivalued context keys"."""
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": condition}
    assert allows([statement], Permission("events:PutEvents", "*", {"events:source": found})) is allowed


def test_a_condition_that_is_not_known_is_an_error_and_no_permission() -> None:
    statement = ALLOW | {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}}
    with pytest.raises(UnknownCondition, match="DateGreaterThan"):
        allows([statement], GET)


TRUST = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/one"}, "Action": "sts:AssumeRole"}
ASSUME = Permission("sts:AssumeRole", "*")


@pytest.mark.parametrize(
    ("statement", "principal", "allowed"),
    [
        (TRUST, "arn:aws:iam::123456789012:role/one", True),
        (TRUST, "arn:aws:iam::123456789012:role/other", False),
        (TRUST | {"Principal": {"Service": ["a.amazonaws.com", "b.amazonaws.com"]}}, "b.amazonaws.com", True),
        (TRUST | {"Principal": {"Service": "a.amazonaws.com"}}, "b.amazonaws.com", False),
        (TRUST | {"Principal": "*"}, "b.amazonaws.com", True),
    ],
)
def test_the_policy_of_a_resource_is_for_the_principals_that_it_names(statement, principal, allowed) -> None:
    assert allows([statement], ASSUME, principal=principal) is allowed


def test_each_event_item_and_passed_role_needs_a_permission_of_its_own() -> None:
    region = Region("eu-west-1")
    entries = [
        {"Source": "a", "DetailType": "A", "EventBusName": "own"},
        {"Source": "b", "DetailType": "B", "EventBusName": "arn:aws:events:eu-west-1:123456789012:event-bus/other"},
    ]
    assert needed(Operation("events", "PutEvents", {"Entries": entries}), region) == [
        Permission(
            "events:PutEvents",
            f"arn:aws:events:eu-west-1:123456789012:event-bus/{bus}",
            {"events:source": [source], "events:detail-type": [source.upper()]},
        )
        for bus, source in (("own", "a"), ("other", "b"))
    ]
    made = {"Name": "n", "GroupName": "g", "Target": {"RoleArn": "arn:aws:iam::123456789012:role/fire"}}
    assert needed(Operation("scheduler", "CreateSchedule", made), region) == [
        Permission("scheduler:CreateSchedule", "arn:aws:scheduler:eu-west-1:123456789012:schedule/g/n"),
        Permission("iam:PassRole", made["Target"]["RoleArn"], {"iam:passedtoservice": ["scheduler.amazonaws.com"]}),
    ]
    tagged = {"EndpointName": "Mine", "EndpointConfigName": "Config", "Tags": [{"Key": "a", "Value": "b"}]}
    assert [permission.action for permission in needed(Operation("sagemaker", "CreateEndpoint", tagged), region)] == [
        "sagemaker:CreateEndpoint",
        "sagemaker:AddTags",
    ] * 2


KEY = "arn:aws:kms:us-east-1:123456789012:key/own"
RESOURCES = """
Data: {Type: AWS::S3::Bucket}
Kept:
  Type: AWS::S3::Bucket
  Properties:
    BucketEncryption:
      ServerSideEncryptionConfiguration:
        - ServerSideEncryptionByDefault:
            {SSEAlgorithm: "aws:kms", KMSMasterKeyID: "arn:aws:kms:us-east-1:123456789012:key/own"}
Logs: {Type: AWS::Logs::LogGroup}
Table:
  Type: AWS::DynamoDB::Table
  Properties:
    BillingMode: PAY_PER_REQUEST
    AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
    KeySchema: [{AttributeName: id, KeyType: HASH}]
Topic: {Type: AWS::SNS::Topic}
Fn:
  Type: AWS::Serverless::Function
  Properties:
    LoggingConfig: {LogGroup: !Ref Logs}
    Policies:
      - Version: 2012-10-17
        Statement:
          - {Effect: Allow, Action: [s3:PutObject, s3:GetObject], Resource: !Sub "${Data.Arn}/mine/*"}
          - {Effect: Allow, Action: s3:PutObject, Resource: !Sub "${Kept.Arn}/*"}
          - {Effect: Allow, Action: sts:AssumeRole, Resource: "*"}
          - Effect: Allow
            Action: "dynamodb:*Item"
            Resource: !GetAtt Table.Arn
            Condition: {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["mine#*"]}}
          - Effect: Allow
            Action: cloudwatch:PutMetricData
            Resource: "*"
            Condition: {StringEquals: {"cloudwatch:namespace": mine}}
"""
ROLES = """
Trusting:
  Type: AWS::IAM::Role
  Properties:
    AssumeRolePolicyDocument:
      Statement: [{Effect: Allow, Principal: {AWS: !GetAtt FnRole.Arn}, Action: sts:AssumeRole}]
    Policies: &reads
      - PolicyName: reads
        PolicyDocument:
          Statement:
            - {Effect: Allow, Action: [s3:GetObject, s3:ListBucket], Resource: [!GetAtt Data.Arn, !Sub "${Data.Arn}/*"]}
Distrustful:
  Type: AWS::IAM::Role
  Properties:
    AssumeRolePolicyDocument:
      Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
    Policies: *reads
"""
CALLS = """
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        session = boto3
        if "assumed" in event:
            found = boto3.client("sts").assume_role(**event["assumed"], RoleSessionName="own")["Credentials"]
            session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        getattr(session.client(event["service"]), event["method"])(**event["arguments"])
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return None
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    names = ("Fn", "Data", "Kept", "Table", "Topic", "Logs")
    outputs = [f"{name}: {{Value: !Ref {name}}}" for name in names]
    outputs += [f"{name}: {{Value: !GetAtt {name}.Arn}}" for name in ("Trusting", "Distrustful")]
    return deploy_once(RESOURCES + ROLES, code=CALLS, Outputs="\n".join(outputs))


def called(stack: LocalStack, **event: Any) -> list[str] | None:
    payload = json.dumps(event)
    for name, value in stack.outputs.items():
        payload = payload.replace(f"{{{name}}}", value)
    response = stack.client("lambda").invoke(FunctionName=stack.outputs["Fn"], Payload=payload)
    body: list[str] | None = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, body
    return body


@pytest.mark.long_setup  # one stack for the module
@pytest.mark.parametrize(
    ("service", "method", "granted", "other", "code", "missing"),
    [
        (
            "s3",
            "put_object",
            {"Bucket": "{Data}", "Key": "mine/a", "Body": "x"},
            {"Bucket": "{Data}", "Key": "other/a", "Body": "x"},
            "AccessDenied",
            "s3:PutObject on arn:aws:s3:::{Data}/other/a",
        ),
        (
            "dynamodb",
            "put_item",
            {"TableName": "{Table}", "Item": {"id": {"S": "mine#1"}}},
            {"TableName": "{Table}", "Item": {"id": {"S": "other#1"}}},
            "AccessDeniedException",
            "dynamodb:PutItem on arn:aws:dynamodb:us-east-1:123456789012:table/{Table}, dynamodb:leadingkeys = other#1",
        ),
        (
            "cloudwatch",
            "put_metric_data",
            {"Namespace": "mine", "MetricData": [{"MetricName": "m", "Value": 1}]},
            {"Namespace": "other", "MetricData": [{"MetricName": "m", "Value": 1}]},
            "AccessDeniedException",
            "cloudwatch:PutMetricData on *, cloudwatch:namespace = other",
        ),
        (
            "s3",
            "get_object",
            None,
            {"Bucket": "{Data}", "Key": "mine/missing"},  # S3 says that it is missing to those who may list
            "AccessDenied",
            "s3:ListBucket on arn:aws:s3:::{Data}",
        ),
        (
            "s3",
            "put_object",
            None,
            {"Bucket": "{Kept}", "Key": "a", "Body": "x"},
            "AccessDenied",
            f"kms:GenerateDataKey on {KEY}, kms:viaservice = s3.us-east-1.amazonaws.com",
        ),
        ("sns", "publish", None, {"TopicArn": "{Topic}", "Message": "m"}, "AccessDenied", "sns:Publish on {Topic}"),
        ("sqs", "list_queues", None, {}, "AccessDeniedException", "sqs:ListQueues on *"),
    ],
)
def test_a_function_may_call_what_its_role_is_granted_and_nothing_else(
    stack: LocalStack, service, method, granted, other, code, missing
) -> None:
    for name, value in stack.outputs.items():
        missing = missing.replace(f"{{{name}}}", value)
    if granted is not None:
        assert called(stack, service=service, method=method, arguments=granted) is None
    response = called(stack, service=service, method=method, arguments=other)
    assert response is not None
    assert response[0] == code
    assert response[1].endswith(f"is not authorized to perform {missing}")
    assert [call.refused for call in stack.calls if call.refused][-1] == missing


@pytest.mark.long_setup
def test_lambda_logs_an_invocation_with_the_role_of_the_function(stack: LocalStack) -> None:
    stack.client("lambda").invoke(FunctionName=stack.outputs["Fn"], Payload="{}")
    logged = [call for call in stack.calls if call.service == "logs"]
    stream = f"arn:aws:logs:us-east-1:123456789012:log-group:{stack.outputs['Logs']}:log-stream:local"
    assert {(call.action, str(call.needed[0])) for call in logged} == {
        (action, f"logs:{action} on {stream}") for action in ("CreateLogStream", "PutLogEvents")
    }
    assert not [call for call in stack.calls if call.service == "xray"]  # it is not traced


SESSION = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::{Data}/mine/*"},
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": "arn:aws:s3:::{Data}",
                "Condition": {"StringLike": {"s3:prefix": "mine/*"}},
            },
        ],
    }
)
OBJECT = {"Bucket": "{Data}", "Key": "mine/a"}


@pytest.mark.long_setup
@pytest.mark.parametrize(
    ("method", "arguments", "missing"),
    [
        ("get_object", OBJECT, None),
        ("list_objects_v2", {"Bucket": "{Data}", "Prefix": "mine/"}, None),
        ("get_object", OBJECT | {"Key": "other/a"}, "s3:GetObject on arn:aws:s3:::{Data}/other/a"),
        ("put_object", OBJECT, "s3:PutObject on arn:aws:s3:::{Data}/mine/a"),  # by the policy, but not by the role
        ("list_objects_v2", {"Bucket": "{Data}"}, "s3:ListBucket on arn:aws:s3:::{Data}"),
        ("get_object", OBJECT | {"Key": "mine/missing"}, "s3:ListBucket on arn:aws:s3:::{Data}"),
    ],
)
def test_a_session_may_do_what_its_role_and_its_policy_both_allow(
    stack: LocalStack, method, arguments, missing
) -> None:
    stack.client("s3").put_object(Bucket=stack.outputs["Data"], Key="mine/a", Body=b"x")
    assumed = {"RoleArn": "{Trusting}", "Policy": SESSION}
    response = called(stack, assumed=assumed, service="s3", method=method, arguments=arguments)
    if missing is None:
        assert response is None
    else:
        assert response is not None
        assert response[1].partition(" to perform ")[2] == missing.replace("{Data}", stack.outputs["Data"])


@pytest.mark.long_setup
def test_a_role_is_assumed_by_those_that_it_trusts_only(stack: LocalStack) -> None:
    assumed = {"RoleArn": "{Distrustful}"}
    response = called(stack, assumed=assumed, service="s3", method="get_object", arguments=OBJECT)
    assert response is not None
    assert response[1].endswith(f"is not authorized to perform sts:AssumeRole on {stack.outputs['Distrustful']}")
