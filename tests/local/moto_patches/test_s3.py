"""S3 emits the events that AWS emits, and no others."""

from __future__ import annotations

import json

import pytest

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer, events_of

pytestmark = pytest.mark.xdist_group("local_patches_s3")  # one stack for the module

RESOURCES = """
Bucket:
  Type: AWS::S3::Bucket
  Properties: {NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
Fn:
  Type: AWS::Serverless::Function
  Properties:
    Events: {Objects: {Type: EventBridgeRule, Properties: {Pattern: {source: [aws.s3]}}}}
"""
OUTPUTS = """
Bucket: {Value: !Ref Bucket}
Fn: {Value: !Ref Fn}
FnArn: {Value: !GetAtt Fn.Arn}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs=OUTPUTS)


@pytest.fixture(autouse=True)
def _begin_empty(stack: LocalStack) -> None:
    stack.invocations.clear()


def test_tags_are_reported_only_if_somebody_set_them(stack: LocalStack) -> None:
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.outputs["Bucket"], Key="plain", Body=b"")
    s3.put_object_tagging(Bucket=stack.outputs["Bucket"], Key="plain", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    stack.settle()
    detail_types = sorted(event["detail-type"] for event in events_of(stack, stack.outputs["Fn"]))
    assert detail_types == ["Object Created", "Object Tags Added"]


def test_a_new_bucket_emits_no_event(stack: LocalStack) -> None:
    stack.client("s3").create_bucket(Bucket="another")
    stack.settle()
    assert stack.invocations == []


def test_a_function_called_by_an_s3_notification_runs_asynchronously(stack: LocalStack) -> None:
    s3 = stack.client("s3")
    s3.create_bucket(Bucket="direct")
    s3.put_bucket_notification_configuration(
        Bucket="direct",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": stack.outputs["FnArn"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket="direct", Key="k", Body=b"")
    stack.settle()
    (invocation,) = stack.invocations
    assert invocation.invocation_type == "Event"
    assert json.loads(invocation.payload)["Records"][0]["s3"]["object"]["key"] == "k"
