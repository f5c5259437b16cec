"""Scheduler validates its schedules, and the stack can read all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from modelwatch.local.moto_patches.scheduler import enabled_schedules
from tests.local.conftest import SCHEDULER_ROLE, Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

RESOURCES = (
    SCHEDULER_ROLE
    + """
Fn: {Type: AWS::Serverless::Function}
Group: {Type: AWS::Scheduler::ScheduleGroup}
"""
)
OUTPUTS = """
Role: {Value: !GetAtt Role.Arn}
FnArn: {Value: !GetAtt Fn.Arn}
Group: {Value: !Ref Group}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs=OUTPUTS)


@pytest.fixture(autouse=True)
def _begin_empty(stack: LocalStack) -> None:
    stack.invocations.clear()


def test_the_expression_of_an_updated_schedule_is_checked(stack: LocalStack) -> None:
    client = stack.client("scheduler")
    settings = {
        "Name": "s",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"]},
    }
    client.create_schedule(ScheduleExpression="rate(1 day)", **settings)
    with pytest.raises(ClientError, match="rate"):
        client.update_schedule(ScheduleExpression="rate(1 age)", **settings)
    client.delete_schedule(Name="s")


def test_a_schedule_recreated_under_its_name_counts_from_its_recreation(stack: LocalStack) -> None:
    client = stack.client("scheduler")
    settings = {
        "Name": "again",
        "ScheduleExpression": "rate(10 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"]},
    }
    begin = stack.now
    client.create_schedule(**settings)
    stack.advance(timedelta(minutes=4))
    client.delete_schedule(Name="again")
    client.create_schedule(**settings)
    stack.advance(timedelta(minutes=11))
    client.delete_schedule(Name="again")
    assert [invocation.started - begin for invocation in stack.invocations] == [timedelta(minutes=14)]


def test_a_listed_schedule_has_every_field_of_its_definition(stack: LocalStack) -> None:
    stack.client("scheduler").create_schedule(
        Name="complete",
        GroupName=stack.outputs["Group"],
        ScheduleExpression="cron(0 8 ? * MON *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        StartDate=stack.now + timedelta(days=1),
        EndDate=stack.now + timedelta(days=2),
        ActionAfterCompletion="DELETE",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"], "Input": "{}"},
    )
    (schedule,) = [found for found in enabled_schedules("us-east-1") if found.name == "complete"]
    stack.client("scheduler").delete_schedule(Name="complete", GroupName=stack.outputs["Group"])
    assert (schedule.group, schedule.expression) == (stack.outputs["Group"], "cron(0 8 ? * MON *)")
    assert (schedule.timezone, schedule.deletes_itself) == ("Europe/Berlin", True)
    second = stack.now.replace(microsecond=0)
    assert (schedule.start, schedule.end) == (second + timedelta(days=1), second + timedelta(days=2))
    assert schedule.target["Input"] == "{}"
