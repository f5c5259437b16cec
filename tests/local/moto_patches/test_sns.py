"""SNS subscriptions are confirmed at once."""

from __future__ import annotations

import pytest

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once("Queue: {Type: AWS::SQS::Queue}")


def test_a_new_subscription_is_confirmed(stack: LocalStack) -> None:
    sns = stack.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.org")["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "false"
