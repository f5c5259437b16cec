"""DescribeEndpoint describes data capture as AWS does."""

from __future__ import annotations

import pytest

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

ROLE = "arn:aws:iam::123456789012:role/model"


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once("Queue: {Type: AWS::SQS::Queue}")


@pytest.mark.parametrize("enabled", [True, False])
def test_an_endpoint_with_data_capture_describes_it(stack: LocalStack, enabled: bool) -> None:
    client, name = stack.client("sagemaker"), f"loans-{enabled}"
    client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i"})
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        ],
        DataCaptureConfig={
            "EnableCapture": enabled,
            "InitialSamplingPercentage": 42,
            "DestinationS3Uri": "s3://bucket/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = client.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "InService"
    assert described["ProductionVariants"][0]["VariantName"] == "AllTraffic"
    assert {key: value for key, value in described["DataCaptureConfig"].items() if key != "KmsKeyId"} == {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": 42,
        "DestinationS3Uri": "s3://bucket/capture",
    }
    config = client.describe_endpoint_config(EndpointConfigName=name)["DataCaptureConfig"]
    assert config["CaptureOptions"] == [{"CaptureMode": "Input"}]


def test_an_endpoint_without_data_capture_describes_none(stack: LocalStack) -> None:
    client = stack.client("sagemaker")
    client.create_model(ModelName="bare", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i"})
    client.create_endpoint_config(
        EndpointConfigName="bare",
        ProductionVariants=[
            {"VariantName": "v", "ModelName": "bare", "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        ],
    )
    client.create_endpoint(EndpointName="bare", EndpointConfigName="bare")
    assert "DataCaptureConfig" not in client.describe_endpoint(EndpointName="bare")
