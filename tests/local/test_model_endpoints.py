"""SageMaker endpoints whose models are served by somebody: their life, their events, and calls of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer, events_of
from tests.local.model_server import Container

pytestmark = pytest.mark.xdist_group("local_endpoints")  # one stack for the module

RESOURCES = """
Ears:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      Endpoints:
        Type: EventBridgeRule
        Properties:
          Pattern:
            source: [aws.sagemaker]
            detail-type: [SageMaker Endpoint State Change]
            detail: {EndpointName: [{prefix: model-}]}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs="Ears: {Value: !Ref Ears}")


@pytest.fixture
def container() -> Iterator[Container]:
    with Container() as container:
        yield container


@pytest.fixture
def endpoint(stack: LocalStack, container: Container, request: pytest.FixtureRequest) -> Iterator[str]:
    """An endpoint of a model that the container serves, with the test's own name."""
    stack.invocations.clear()
    name = f"model-{abs(hash(request.node.name)) % 10**9}"
    sagemaker = stack.client("sagemaker")
    make_config(stack, name)
    stack.serve_model(name, container.url)
    yield name
    stack.settle()
    if name in [found["EndpointName"] for found in sagemaker.list_endpoints()["Endpoints"]]:
        sagemaker.delete_endpoint(EndpointName=name)


def make_config(stack: LocalStack, name: str) -> None:
    sagemaker = stack.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/model"
    sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": "i"}, ExecutionRoleArn=role)
    variant = {"VariantName": "All", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def create(stack: LocalStack, name: str) -> None:
    stack.client("sagemaker").create_endpoint(
        EndpointName=name, EndpointConfigName=name, Tags=[{"Key": "team", "Value": "loans"}]
    )


def status(stack: LocalStack, name: str) -> str:
    return str(stack.client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"])


def call(stack: LocalStack, name: str, body: bytes = b"1\n2\n", **more: Any) -> Any:
    return stack.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, **more)


def told(stack: LocalStack) -> list[dict[str, Any]]:
    return [event["detail"] for event in events_of(stack, stack.outputs["Ears"])]


def test_a_call_reaches_the_container_and_its_answer_comes_back(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    create(stack, endpoint)
    stack.settle()
    answer = call(stack, endpoint, ContentType="text/csv", Accept="text/plain", InferenceId="42", CustomAttributes="a")
    assert answer["Body"].read() == b"2.0\n4.0\n"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/csv", "All")
    ((headers, body),) = container.requests
    assert body == b"1\n2\n"
    sent = {name.lower(): value for name, value in headers.items()}
    assert (sent["content-type"], sent["accept"]) == ("text/csv", "text/plain")
    assert (sent["x-amzn-sagemaker-inference-id"], sent["x-amzn-sagemaker-custom-attributes"]) == ("42", "a")
    assert "authorization" not in sent
    made = stack.calls[-1]
    assert (made.service, made.action, made.status) == ("sagemaker-runtime", "InvokeEndpoint", 200)


def test_bytes_that_are_no_text_arrive_as_they_are(stack: LocalStack, container: Container, endpoint: str) -> None:
    create(stack, endpoint)
    stack.settle()
    container.fault = (400, "no")
    with pytest.raises(ClientError):
        call(stack, endpoint, bytes(range(256)), ContentType="application/x-npy")
    assert container.requests[0][1] == bytes(range(256))


@pytest.mark.parametrize(("status", "kind"), [(500, "server"), (404, "client")])
def test_an_error_of_the_container_is_a_model_error(
    stack: LocalStack, container: Container, endpoint: str, status: int, kind: str
) -> None:
    create(stack, endpoint)
    stack.settle()
    container.fault = (status, "no such feature")
    with pytest.raises(ClientError) as caught:
        call(stack, endpoint)
    answer = caught.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (status, "no such feature")
    assert f"Received {kind} error ({status})" in answer["Error"]["Message"]


def test_a_body_over_the_limit_is_refused_before_the_container_sees_it(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    create(stack, endpoint)
    stack.settle()
    with pytest.raises(ClientError, match=r"\(413\).*exceeded 6291456 bytes"):
        call(stack, endpoint, b"1" * 6_291_457)
    assert container.requests == []
    container.fault = (400, "seen")
    with pytest.raises(ClientError, match="seen"):
        call(stack, endpoint, b"1" * 6_291_456)


def test_an_endpoint_that_is_not_there_is_a_validation_error(stack: LocalStack) -> None:
    with pytest.raises(ClientError, match="Endpoint nobody of account 123456789012 not found") as caught:
        call(stack, "nobody")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_model_that_is_served_nowhere_is_said_to_be_so(stack: LocalStack) -> None:
    make_config(stack, "elsewhere")
    create(stack, "elsewhere")
    assert status(stack, "elsewhere") == "InService"
    with pytest.raises(ClientError, match="serve_model"):
        call(stack, "elsewhere")


def test_an_endpoint_is_creating_until_its_container_is_ready_and_rules_hear_of_each_change(
    stack: LocalStack, container: Container, endpoint: str
) -> None:
    container.ready = False
    create(stack, endpoint)
    assert status(stack, endpoint) == "Creating"
    with pytest.raises(ClientError, match="not found"):
        call(stack, endpoint)
    with pytest.raises(ClientError, match="in-progress"):
        stack.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    container.ready = True
    stack.settle()
    assert status(stack, endpoint) == "InService"
    heard = told(stack)
    assert {event["EndpointStatus"] for event in heard} == {"CREATING", "IN_SERVICE"}
    assert {event["EndpointName"] for event in heard} == {endpoint}
    assert heard[0]["Tags"] == {"team": "loans"}
    assert heard[0]["EndpointConfigName"] == endpoint
    assert abs(heard[0]["CreationTime"] / 1000 - time.time()) < 600


def test_an_endpoint_whose_container_is_not_there_fails(stack: LocalStack, endpoint: str) -> None:
    stack.serve_model(endpoint, "http://127.0.0.1:9/invocations")
    create(stack, endpoint)
    stack.settle()
    described = stack.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    assert described["EndpointStatus"] == "Failed"
    assert "ping health check" in described["FailureReason"]
    assert "FAILED" in {event["EndpointStatus"] for event in told(stack)}


def test_names_are_taken_once(stack: LocalStack, endpoint: str) -> None:
    create(stack, endpoint)
    with pytest.raises(ClientError, match="already existing endpoint "):
        create(stack, endpoint)
    variant = {"VariantName": "All", "ModelName": endpoint, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="already existing endpoint configuration"):
        stack.client("sagemaker").create_endpoint_config(EndpointConfigName=endpoint, ProductionVariants=[variant])
