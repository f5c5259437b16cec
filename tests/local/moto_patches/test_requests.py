"""Every call to the emulator is recorded with its operation and with the role that made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelwatch.local import LocalStack
from modelwatch.local.moto_patches.iam import role_of
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

RESOURCES = """
Bucket: {Type: AWS::S3::Bucket}
Role:
  Type: AWS::IAM::Role
  Properties:
    AssumeRolePolicyDocument:
      Version: 2012-10-17
      Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
"""
OUTPUTS = """
Bucket: {Value: !Ref Bucket}
Role: {Value: !GetAtt Role.Arn}
RoleName: {Value: !Ref Role}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs=OUTPUTS)


def test_the_operation_of_a_call_is_recognised_in_every_protocol(stack: LocalStack) -> None:
    def recorded(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
        call(**arguments)
        return stack.calls[-1].service, stack.calls[-1].action

    client = stack.client
    assert recorded(client("iam").list_roles) == ("iam", "ListRoles")  # query
    assert recorded(client("dynamodb").list_tables) == ("dynamodb", "ListTables")  # json
    assert recorded(client("lambda").list_functions) == ("lambda", "ListFunctions")  # rest-json
    bucket = stack.outputs["Bucket"]
    assert recorded(client("s3").list_objects_v2, Bucket=bucket) == ("s3", "ListObjectsV2")  # rest-xml
    metric = [{"MetricName": "m", "Value": 1.0}]
    assert recorded(client("cloudwatch").put_metric_data, Namespace="n", MetricData=metric) == (
        "cloudwatch",
        "PutMetricData",
    )


def test_a_call_with_a_compressed_body_is_recognised(stack: LocalStack) -> None:
    metrics = [{"MetricName": f"a metric with a long name {number}", "Value": 1.0} for number in range(500)]
    stack.client("cloudwatch").put_metric_data(Namespace="n", MetricData=metrics)  # more than 10 KB are compressed
    assert (stack.calls[-1].action, stack.calls[-1].status) == ("PutMetricData", 200)


def test_the_key_of_an_assumed_role_leads_to_the_role(stack: LocalStack) -> None:
    response = stack.client("sts").assume_role(RoleArn=stack.outputs["Role"], RoleSessionName="somebody")
    assert role_of(response["Credentials"]["AccessKeyId"]) == stack.outputs["RoleName"]
    assert role_of("AKIA0000000000000000") is None  # pragma: allowlist secret (invented)
