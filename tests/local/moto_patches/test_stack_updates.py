"""Stacks with custom resources are updated as CloudFormation's guide says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from tests.local.conftest import Deployer

pytestmark = pytest.mark.long_setup  # one stack for the module

MAKER = """
import json
import urllib3

def handler(event, context):
    properties = event["ResourceProperties"]
    fails = properties.get("Fails") == "true" and event["RequestType"] != "Delete"
    name = properties.get("Name", event["LogicalResourceId"])
    response = {
        "Status": "FAILED" if fails else "SUCCESS",
        "Reason": "as requested",
        "PhysicalResourceId": event.get("PhysicalResourceId") if event["RequestType"] == "Delete" else name,
        "Data": {"Upper": name.upper()},
    }
    urllib3.PoolManager().request("PUT", event["ResponseURL"], body=json.dumps(response))
"""


class UserStack:
    """A stack of the user's own, whose resources a function makes."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack, self._seen = stack, len(stack.invocations)
        self._token, self._client = stack.outputs["Maker"], stack.client("cloudformation")

    def thing(self, **properties: Any) -> dict[str, Any]:
        return {"Type": "Custom::Thing", "Properties": {"ServiceToken": self._token, **properties}}

    def create(self, size: str = "1", **resources: Any) -> None:
        self._client.create_stack(**self._arguments(size, resources))

    def update(self, size: str = "1", **resources: Any) -> list[tuple[str, str, str | None]]:
        """Return the requests that an update makes, with the physical ids in them."""
        self.requests()
        self._client.update_stack(**self._arguments(size, resources))
        return self.asked()

    def asked(self) -> list[tuple[str, str, str | None]]:
        return [
            (each["RequestType"], each["LogicalResourceId"], each.get("PhysicalResourceId")) for each in self.requests()
        ]

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests since the last time."""
        new = self._stack.invocations[self._seen :]
        self._seen += len(new)
        self.latest = [json.loads(each.payload) for each in new]
        return self.latest

    def described(self) -> dict[str, Any]:
        (found,) = self._client.describe_stacks(StackName="mine")["Stacks"]
        return dict(found)

    def delete(self) -> None:
        self._client.delete_stack(StackName="mine")

    def _arguments(self, size: str, resources: dict[str, Any]) -> dict[str, Any]:
        template = {"Parameters": {"Size": {"Type": "String"}}, "Resources": resources}
        parameters = [{"ParameterKey": "Size", "ParameterValue": size}]
        return {"StackName": "mine", "TemplateBody": json.dumps(template), "Parameters": parameters}


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(
        "Maker: {Type: AWS::Serverless::Function}", code=MAKER, Outputs="Maker: {Value: !GetAtt Maker.Arn}"
    )


@pytest.fixture
def mine(stack: LocalStack) -> Iterator[UserStack]:
    user = UserStack(stack)
    yield user
    user.delete()


def of_first() -> dict[str, Any]:
    """A property that refers to the resource First."""
    return {"Fn::GetAtt": ["First", "Upper"]}


def test_a_resource_whose_properties_change_is_updated_with_the_old_ones_and_others_are_not_asked(mine):
    mine.create(First=mine.thing(Color="red"), Other=mine.thing())
    mine.update(First=mine.thing(Color="blue"), Other=mine.thing())
    (request,) = mine.latest
    assert (request["RequestType"], request["PhysicalResourceId"]) == ("Update", "First")
    assert request["ResourceProperties"]["Color"] == "blue"
    assert request["OldResourceProperties"]["Color"] == "red"
    assert mine.described()["StackStatus"] == "UPDATE_COMPLETE"


def test_a_resource_is_updated_when_only_a_parameter_that_it_refers_to_changes(mine):
    things = {"First": mine.thing(Size={"Ref": "Size"}), "Other": mine.thing(Name="x")}
    mine.create(**things)
    assert mine.update("2", **things) == [("Update", "First", "First")]


def test_what_gets_another_physical_id_is_replaced_for_those_that_refer_to_it_and_then_deleted(mine):
    user = mine.thing(Of=of_first())
    mine.create(User=user, First=mine.thing(Name="a"))
    assert mine.update(User=user, First=mine.thing(Name="b")) == [
        ("Update", "First", "a"),
        ("Update", "User", "User"),
        ("Delete", "First", "a"),
    ]


def test_what_is_new_is_made_before_what_is_gone_is_deleted_unless_it_is_to_be_kept(mine):
    kept = mine.thing() | {"DeletionPolicy": "Retain"}
    mine.create(First=mine.thing(), User=mine.thing(Of=of_first()), Kept=kept)
    assert mine.update(Next=mine.thing()) == [
        ("Create", "Next", None),
        ("Delete", "User", "User"),
        ("Delete", "First", "First"),
    ]


def test_an_update_that_fails_is_undone_and_said_and_another_one_works(mine):
    first, other = mine.thing(Color="red"), mine.thing(Name="old")
    mine.create(First=first, Other=other, Last=mine.thing())
    mine.requests()
    with pytest.raises(ClientError, match="Last could not be created: as requested"):
        mine.update(
            First=mine.thing(Color="blue"), Other=mine.thing(Name="new"), More=mine.thing(), Last=mine.thing(Fails=True)
        )
    assert mine.asked() == [
        ("Update", "First", "First"),
        ("Update", "Other", "old"),
        ("Create", "More", None),
        ("Update", "Last", "Last"),
        ("Delete", "More", "More"),
        ("Delete", "Other", "new"),
        ("Update", "First", "First"),
    ]
    assert mine.described()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert mine.update(First=first, Other=other, Last=mine.thing(Name="z")) == [
        ("Update", "Last", "Last"),
        ("Delete", "Last", "Last"),
    ]


def test_what_cannot_be_updated_here_is_refused(mine):
    group = {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "one"}}
    mine.create(Group=group)
    with pytest.raises(ClientError, match="does not update resources of the type AWS::Scheduler::ScheduleGroup"):
        mine.update(Group=group | {"Properties": {"Name": "two"}})
    with pytest.raises(ClientError, match="which no update changes"):
        mine.update(Group=mine.thing())
