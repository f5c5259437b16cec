"""Custom resources of CloudFormation, over the use cases in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from modelwatch.local.sam_template import read_template
from modelwatch_core.adapters.aws.stack_responses import StackResponses
from modelwatch_core.app import manage_monitors
from modelwatch_core.app.sagemaker_api.custom_resources import (
    RESOURCE_TYPES,
    CustomResourceEvent,
    ProvideCustomResource,
)
from modelwatch_core.domain.errors import InvalidInput, NotReady, Upstream
from tests.core.in_memory import MemoryResponses
from tests.core.world import World
from tests.repository import ROOT
from tests.sdk.connected import definition, inline, schedule

URL = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x?signed"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/my_monitors/1234"
SCHEDULE, DEFINITION = "Custom::ModelwatchMonitoringSchedule", "Custom::ModelwatchDataQualityJobDefinition"


class Stack:
    """Sends events as CloudFormation does: each value is a text."""

    def __init__(self, world: World) -> None:
        self.world, self.responses = world, MemoryResponses()
        self.provide = ProvideCustomResource(world.serve_sagemaker, self.responses)
        self.requests = 0

    def sends(self, request_type: str, resource_type: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.requests += 1
        event = {
            "RequestType": request_type,
            "ResponseURL": URL,
            "StackId": STACK,
            "RequestId": f"request-{self.requests}",
            "LogicalResourceId": "Mine",
            "ResourceType": resource_type,
            "ResourceProperties": {"ServiceToken": "arn"} | as_texts(properties),
        } | more
        self.provide(CustomResourceEvent.model_validate(event))
        return self.responses.sent[-1]


def as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_texts(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stack(world) -> Stack:
    return Stack(world)


def unnamed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        name: each for name, each in properties.items() if name not in ("JobDefinitionName", "MonitoringScheduleName")
    }


def test_a_definition_and_its_schedule_are_made_replaced_and_deleted(stack, world):
    before = unnamed(definition())
    made = stack.sends("Create", DEFINITION, before)
    assert made["Status"] == "SUCCESS", made
    name = made["Data"]["JobDefinitionName"]
    assert name.startswith("my-monitors-Mine-")
    config = schedule()["MonitoringScheduleConfig"] | {"MonitoringJobDefinitionName": name}
    hourly = stack.sends("Create", SCHEDULE, {"MonitoringScheduleName": "hourly", "MonitoringScheduleConfig": config})
    assert hourly["PhysicalResourceId"] == "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule/hourly"

    # A definition that changes is another one; CloudFormation deletes the old one once the schedule has the new one.
    after = before | {"StoppingCondition": {"MaxRuntimeInSeconds": 900}}
    identity = {"PhysicalResourceId": made["PhysicalResourceId"], "OldResourceProperties": as_texts(before)}
    replaced = stack.sends("Update", DEFINITION, after, **identity)
    assert replaced["PhysicalResourceId"] != made["PhysicalResourceId"]
    refused = stack.sends("Delete", DEFINITION, before, PhysicalResourceId=made["PhysicalResourceId"])
    assert (refused["Status"], "hourly" in refused["Reason"]) == ("FAILED", True)
    new = config | {"MonitoringJobDefinitionName": replaced["Data"]["JobDefinitionName"]}
    named = {"MonitoringScheduleName": "hourly"}
    identity = {
        "PhysicalResourceId": hourly["PhysicalResourceId"],
        "OldResourceProperties": as_texts(named | {"MonitoringScheduleConfig": config}),
    }
    updated = stack.sends("Update", SCHEDULE, named | {"MonitoringScheduleConfig": new}, **identity)
    assert updated["PhysicalResourceId"] == hourly["PhysicalResourceId"]
    assert world.schedules.get("hourly").processing.max_runtime_in_seconds == 900
    deleted = stack.sends("Delete", DEFINITION, before, PhysicalResourceId=made["PhysicalResourceId"])
    assert deleted["Status"] == "SUCCESS"
    for kind, identity in ((SCHEDULE, hourly), (DEFINITION, replaced)):
        gone = stack.sends("Delete", kind, {}, PhysicalResourceId=identity["PhysicalResourceId"])
        assert gone["Status"] == "SUCCESS"
    assert (world.schedules.kept, world.definitions.kept) == ({}, {})


@pytest.mark.parametrize("named", [True, False])
def test_a_creation_that_is_retried_finds_what_it_made(stack, world, named):
    properties = {"MonitoringScheduleConfig": {"MonitoringJobDefinition": inline()}}
    properties |= {"MonitoringScheduleName": "daily"} if named else {}
    first = stack.sends("Create", SCHEDULE, properties, RequestId="same")
    again = stack.sends("Create", SCHEDULE, properties, RequestId="same")
    assert first == again
    assert (first["Status"], len(world.schedules.kept)) == ("SUCCESS", 1)


def test_what_others_made_is_neither_taken_over_nor_deleted_after_a_failed_creation(stack, world):
    world.has_schedule("hourly")
    properties = {"MonitoringScheduleName": "hourly", "MonitoringScheduleConfig": {"MonitoringJobDefinition": inline()}}
    failed = stack.sends("Create", SCHEDULE, properties)
    assert (failed["Status"], "ResourceInUse" in failed["Reason"]) == ("FAILED", True)
    cleaned = stack.sends("Delete", SCHEDULE, properties, PhysicalResourceId=failed["PhysicalResourceId"])
    assert cleaned["Status"] == "SUCCESS"
    assert "hourly" in world.schedules.kept


def test_a_schedule_is_renamed_by_replacement_stopped_and_tagged(stack, world):
    config = {"MonitoringJobDefinition": inline()}
    before = {"MonitoringScheduleConfig": config, "MonitoringScheduleName": "a", "Tags": [{"Key": "x", "Value": "1"}]}
    made = stack.sends("Create", SCHEDULE, before)
    identity = {"PhysicalResourceId": made["PhysicalResourceId"], "OldResourceProperties": as_texts(before)}
    stopped = before | {"MonitoringScheduleStatus": "Stopped", "Tags": [{"Key": "y", "Value": "2"}]}
    assert stack.sends("Update", SCHEDULE, stopped, **identity)["Status"] == "SUCCESS"
    kept = world.schedules.get("a")
    assert kept.monitoring_schedule_status == "Stopped"
    assert {"x", "y"} & kept.processing.tags.keys() == {"y"}
    renamed = stack.sends("Update", SCHEDULE, before | {"MonitoringScheduleName": "b"}, **identity)
    assert renamed["PhysicalResourceId"].endswith("/b")
    assert set(world.schedules.kept) == {"a", "b"}  # CloudFormation deletes the first


def cannot_be_stopped(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def conflict(*_: object) -> None:
        raise NotReady("ChangedMeanwhile", "another process wrote it")

    operations = {**manage_monitors.OPERATIONS}
    operations["StopMonitoringSchedule"] = (operations["StopMonitoringSchedule"][0], conflict)
    monkeypatch.setattr(manage_monitors, "OPERATIONS", operations)


STOPPED = {"MonitoringScheduleStatus": "Stopped", "MonitoringScheduleConfig": {"MonitoringJobDefinition": inline()}}


def test_a_schedule_that_cannot_be_stopped_is_deleted_by_the_rollback_of_its_creation(stack, world, monkeypatch):
    cannot_be_stopped(stack, monkeypatch)
    failed = stack.sends("Create", SCHEDULE, STOPPED | {"MonitoringScheduleName": "a"})
    assert (failed["Status"], "ChangedMeanwhile" in failed["Reason"]) == ("FAILED", True)
    assert set(world.schedules.kept) == {"a"}
    rolled_back = stack.sends("Delete", SCHEDULE, STOPPED, PhysicalResourceId=failed["PhysicalResourceId"])
    assert (rolled_back["Status"], world.schedules.kept) == ("SUCCESS", {})


def test_a_replacement_that_cannot_be_stopped_is_deleted_and_the_schedule_before_it_stays(stack, world, monkeypatch):
    before = STOPPED | {"MonitoringScheduleName": "a"}
    made = stack.sends("Create", SCHEDULE, before)
    cannot_be_stopped(stack, monkeypatch)
    identity = {"PhysicalResourceId": made["PhysicalResourceId"], "OldResourceProperties": as_texts(before)}
    failed = stack.sends("Update", SCHEDULE, STOPPED | {"MonitoringScheduleName": "b"}, **identity)
    assert (failed["Status"], failed["PhysicalResourceId"]) == ("FAILED", made["PhysicalResourceId"])
    assert set(world.schedules.kept) == {"a"}


@pytest.mark.parametrize("status", ["stopped", "Paused", "Pending"])
def test_a_status_that_there_is_not_is_refused_before_anything_is_made(stack, world, status):
    failed = stack.sends("Create", SCHEDULE, STOPPED | {"MonitoringScheduleStatus": status})
    assert failed["Reason"] == (
        f"InvalidParameter: MonitoringScheduleStatus: '{status}' is not one of Stopped, Scheduled"
    )
    assert world.schedules.kept == {}


@pytest.mark.parametrize(
    ("resource_type", "properties", "found"),
    [
        ("Custom::Another", {}, "is not one of"),
        (SCHEDULE, {"MonitoringScheduleConfig": {}}, "MonitoringJobDefinition"),
        (DEFINITION, {"JobDefinitionName": "x"}, "AppSpecification"),
        (DEFINITION, definition(Unknown="x"), "Unknown"),
    ],
)
def test_what_is_wrong_fails_the_stack_with_its_reason(stack, resource_type, properties, found):
    failed = stack.sends("Create", resource_type, properties)
    assert (failed["Status"], found in failed["Reason"]) == ("FAILED", True), failed


def test_a_definition_that_is_named_is_not_changed_in_place(stack):
    before = definition()
    made = stack.sends("Create", DEFINITION, before)
    identity = {"PhysicalResourceId": made["PhysicalResourceId"], "OldResourceProperties": as_texts(before)}
    failed = stack.sends("Update", DEFINITION, before | {"StoppingCondition": {"MaxRuntimeInSeconds": 900}}, **identity)
    assert (failed["Status"], "another name" in failed["Reason"]) == ("FAILED", True)


def test_a_bug_gets_a_response_before_it_is_raised(stack, monkeypatch):
    def breaks(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(stack.world.schedules, "get", breaks)
    properties = {"MonitoringScheduleName": "a", "MonitoringScheduleConfig": {"MonitoringJobDefinition": inline()}}
    with pytest.raises(RuntimeError):
        stack.sends("Create", SCHEDULE, properties)
    assert stack.responses.sent[-1]["Status"] == "FAILED"


class Http:
    """Responds to every request with one status."""

    def __init__(self, status: int) -> None:
        self.status, self.asked = status, []

    def request(self, method: str, url: str, **more: Any) -> Any:
        self.asked.append((method, url, json.loads(more["body"]), more["redirect"]))
        return urllib3.HTTPResponse(status=self.status)


def test_the_response_is_put_at_the_url_of_cloudformation():
    http = Http(200)
    StackResponses(http).send(URL, {"Status": "SUCCESS"})
    assert http.asked == [("PUT", URL, {"Status": "SUCCESS"}, False)]
    with pytest.raises(Upstream, match="HTTP 403"):
        StackResponses(Http(403)).send(URL, {})


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        "https://x.s3.amazonaws.com/",
        "https://example.com/",
        "http://127.0.0.1:4566/bucket/key?signed",
        "https://cloudformation-custom-resource-response-x.s3.amazonaws.com.example.com/",
        "https://169.254.169.254/",
    ],
)
def test_no_other_server_is_called(url):
    http = Http(200)
    with pytest.raises(InvalidInput, match="ResponseURL"):
        StackResponses(http).send(url, {})
    assert http.asked == []


def test_the_resources_of_the_example_are_taken(stack):
    resources = read_template(ROOT / "docs/examples/monitors.yaml")["Resources"]
    stack.world.objects.kept |= {f"s3://results/{name}.json": b"{}" for name in ("constraints", "statistics")}
    made = {}
    for name, resource in resources.items():
        assert resource["Type"] in RESOURCE_TYPES
        properties = resolved(resource["Properties"], made)
        response = stack.sends("Create", resource["Type"], properties, LogicalResourceId=name)
        assert response["Status"] == "SUCCESS", response
        made[name] = response["Data"]


def resolved(value: Any, made: dict[str, dict[str, str]]) -> Any:
    """Return properties with what the example's parameters and attributes would be."""
    parameters = {"Bucket": "results", "EndpointName": "mortgages", "RoleArn": "arn:aws:iam::123456789012:role/Monitor"}
    match value:
        case {"Ref": name}:
            return parameters.get(name, "arn:aws:lambda:us-east-1:123456789012:function:manage")
        case {"Fn::GetAtt": [name, attribute]}:
            return made[name][attribute]
        case {"Fn::Sub": text}:
            for name, given in parameters.items():
                text = text.replace(f"${{{name}}}", given)
            return text
        case dict():
            return {name: resolved(each, made) for name, each in value.items()}
        case list():
            return [resolved(each, made) for each in value]
    return value
