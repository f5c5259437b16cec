"""Schedules and job definitions as custom resources of CloudFormation, with the properties of SageMaker's own ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from pydantic import Field

from modelwatch_core.app.sagemaker_api.serve_request import SageMakerRequest, ServeSageMakerRequest
from modelwatch_core.domain.documents import Inbound, NonEmpty, bounded_text
from modelwatch_core.domain.errors import InvalidInput, ModelwatchError
from modelwatch_core.domain.sagemaker_api.job_definitions import ARN_TYPES
from modelwatch_core.ports import CustomResourceResponses

REQUEST_TAG = "modelwatch:cloudformation:request"
"""The tag that names the request that made a resource: CloudFormation's retry of it finds what it made."""

_REPORTED = frozenset(
    {"ServiceToken", "ServiceTimeout", "EndpointName", "FailureReason", "LastMonitoringExecutionSummary"}
)
"""Properties that are none of a resource's own: SageMaker reports them."""
_LONGEST_REASON = 1500
_STATUS = "MonitoringScheduleStatus"
_STATUSES = {"Stopped": "StopMonitoringSchedule", "Scheduled": "StartMonitoringSchedule"}


class CustomResourceEvent(Inbound):
    """What CloudFormation sends, with its names."""

    request_type: Literal["Create", "Update", "Delete"] = Field(alias="RequestType")
    response_url: NonEmpty = Field(alias="ResponseURL")
    stack_id: NonEmpty = Field(alias="StackId")
    request_id: NonEmpty = Field(alias="RequestId")
    logical_resource_id: NonEmpty = Field(alias="LogicalResourceId")
    physical_resource_id: str | None = Field(default=None, alias="PhysicalResourceId")
    resource_type: NonEmpty = Field(alias="ResourceType")
    resource_properties: dict[str, Any] = Field(default_factory=dict, alias="ResourceProperties")
    old_resource_properties: dict[str, Any] = Field(default_factory=dict, alias="OldResourceProperties")

    @property
    def properties(self) -> dict[str, Any]:
        """The properties that make the resource."""
        return {name: value for name, value in self.resource_properties.items() if name not in _REPORTED}

    @property
    def old_properties(self) -> dict[str, Any]:
        """The same before the update."""
        return {name: value for name, value in self.old_resource_properties.items() if name not in _REPORTED}

    @property
    def new_name(self) -> str:
        """A name of its own, the same in each retry."""
        digest = sha256(f"{self.stack_id} {self.logical_resource_id} {self.request_id}".encode()).hexdigest()[:12]
        stack = re.sub("[^a-zA-Z0-9]+", "-", self.stack_id.split("/")[1] if "/" in self.stack_id else self.stack_id)
        return f"{stack[:24].strip('-')}-{self.logical_resource_id[:24]}-{digest}"


class _Type(NamedTuple):
    """A type of resource.

    Attributes
    ----------
    noun : str
        What its operations are called after: ``CreateMonitoringSchedule``.
    name, arn, arn_type : str
        The properties that name it, and what stands before the name in its ARN.
    """

    noun: str
    name: str
    arn: str
    arn_type: str


SCHEDULE = _Type("MonitoringSchedule", "MonitoringScheduleName", "MonitoringScheduleArn", "monitoring-schedule")
RESOURCE_TYPES: Mapping[str, _Type] = {
    "Custom::ModelwatchMonitoringSchedule": SCHEDULE,
    **{
        f"Custom::Modelwatch{kind}JobDefinition": _Type(
            f"{kind}JobDefinition", "JobDefinitionName", "JobDefinitionArn", arn_type
        )
        for kind, arn_type in ARN_TYPES.items()
    },
}


class Refused(Exception):
    """An error that SageMaker's API returns."""

    def __init__(self, error: Mapping[str, str]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


@dataclass(frozen=True, slots=True)
class ProvideCustomResource:
    """Create, update or delete a resource, and report the result to CloudFormation."""

    api: ServeSageMakerRequest
    responses: CustomResourceResponses

    def __call__(self, event: CustomResourceEvent) -> None:
        """Carry out one event. A stack without a response waits for an hour, so it gets one in any case."""
        self.responses.check(event.response_url)
        name, is_creation = None, event.request_type == "Create"
        try:
            switch = _switch_of(event)
            name = self._carried_out(event)
            if name is not None and switch is not None:
                self._switched(event, name, switch)
        except (Refused, ModelwatchError) as error:
            self._respond(event, "FAILED", name=name if is_creation else None, reason=str(error))
        except Exception:
            reason = "InternalFailure: see the log of the app's function"
            self._respond(event, "FAILED", name=name if is_creation else None, reason=reason)
            raise
        else:
            self._respond(event, "SUCCESS", name=name)

    def _carried_out(self, event: CustomResourceEvent) -> str | None:
        """Return the name of the resource that there is now."""
        kind, name = RESOURCE_TYPES[event.resource_type], self._name(event)
        if event.request_type == "Create":
            return self._create(event, kind)
        if name is None:  # its creation failed: there is nothing
            return self._create(event, kind) if event.request_type == "Update" else None
        if event.request_type == "Delete":
            return self._delete(kind, name)
        return self._update(event, kind, name)

    def _create(self, event: CustomResourceEvent, kind: _Type) -> str:
        properties = event.properties
        if kind is SCHEDULE:
            properties.pop(_STATUS, None)
        name = properties.setdefault(kind.name, event.new_name)
        made_by = {"Key": REQUEST_TAG, "Value": event.request_id}
        properties["Tags"] = [*(properties.get("Tags") or ()), made_by]
        try:
            self._ask(f"Create{kind.noun}", properties)
        except Refused as error:
            if error.code != "ResourceInUse" or made_by not in self._tags(kind, name):
                raise
        return str(name)

    def _update(self, event: CustomResourceEvent, kind: _Type, name: str) -> str:
        properties, old = event.properties, event.old_properties
        renamed = properties.get(kind.name, name) != name
        if kind is SCHEDULE and not renamed:
            config = properties.get("MonitoringScheduleConfig", {})
            if config != old.get("MonitoringScheduleConfig"):
                self._ask("UpdateMonitoringSchedule", {kind.name: name, "MonitoringScheduleConfig": config})
        elif renamed or _without_tags(properties) != _without_tags(old):
            if not renamed and kind.name in properties:
                message = f"{kind.name}: a job definition is replaced, not changed; give it another name, or none"
                raise InvalidInput("InvalidParameter", message)
            return self._create(event, kind)
        self._retag(kind, name, properties.get("Tags") or (), old.get("Tags") or ())
        return name

    def _delete(self, kind: _Type, name: str) -> str:
        try:
            self._ask(f"Delete{kind.noun}", {kind.name: name})
        except Refused as error:
            if error.code != "ResourceNotFound":
                raise
        return name

    def _switched(self, event: CustomResourceEvent, name: str, switch: str) -> None:
        """Stop or start a schedule; a replacement for which that fails is deleted.

        If the resource was being created, CloudFormation gets the ARN with the failure, and deletes the schedule. After
        a failed update it goes on with the schedule that was to be replaced, and does not know of the replacement.
        """
        try:
            self._ask(switch, {SCHEDULE.name: name})
        except Exception:
            if event.request_type == "Update" and name != self._name(event):
                self._delete(SCHEDULE, name)
            raise

    def _tags(self, kind: _Type, name: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._ask("ListTags", {"ResourceArn": self._arn(kind, name)})["Tags"]
        return found

    def _retag(self, kind: _Type, name: str, tags: Any, old: Any) -> None:
        if tags == old:
            return
        arn = self._arn(kind, name)
        if gone := {tag["Key"] for tag in old} - {tag["Key"] for tag in tags}:
            self._ask("DeleteTags", {"ResourceArn": arn, "TagKeys": sorted(gone)})
        if tags:
            self._ask("AddTags", {"ResourceArn": arn, "Tags": tags})

    def _ask(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        result = self.api(SageMakerRequest(api="sagemaker", operation=operation, parameters=parameters))
        if error := result.get("error"):
            raise Refused(error)
        response: dict[str, Any] = result["response"]
        return response

    def _arn(self, kind: _Type, name: str) -> str:
        return f"{self.api.app.arns}:{kind.arn_type}/{name}"

    def _name(self, event: CustomResourceEvent) -> str | None:
        """Return the name in an ARN that an earlier response gave, None where it gave none."""
        prefix = self._arn(RESOURCE_TYPES[event.resource_type], "")
        arn = event.physical_resource_id or ""
        return arn.removeprefix(prefix) if arn.startswith(prefix) else None

    def _respond(self, event: CustomResourceEvent, status: str, *, name: str | None = None, reason: str = "") -> None:
        kind = RESOURCE_TYPES.get(event.resource_type)
        identity = event.physical_resource_id or f"not-created/{event.logical_resource_id}"
        data = {}
        if kind and name is not None:
            identity = self._arn(kind, name)
            data = {kind.name: name, kind.arn: identity}
        document = {
            "Status": status,
            "Reason": bounded_text(reason, _LONGEST_REASON),
            "PhysicalResourceId": identity,
            "StackId": event.stack_id,
            "RequestId": event.request_id,
            "LogicalResourceId": event.logical_resource_id,
            "Data": data,
        }
        self.responses.send(event.response_url, document)


def _switch_of(event: CustomResourceEvent) -> str | None:
    """Return the operation that gives a schedule the status of its properties; None where they leave it as it is.

    Raises
    ------
    InvalidInput
        ``InvalidParameter`` for a type or a status that there is not.
    """
    if event.resource_type not in RESOURCE_TYPES:
        message = f"{event.resource_type!r} is not one of {', '.join(RESOURCE_TYPES)}"
        raise InvalidInput("InvalidParameter", message)
    status = event.properties.get(_STATUS)
    if RESOURCE_TYPES[event.resource_type] is not SCHEDULE or event.request_type == "Delete" or status is None:
        return None
    if status not in _STATUSES:
        raise InvalidInput("InvalidParameter", f"{_STATUS}: {status!r} is not one of {', '.join(_STATUSES)}")
    return _STATUSES[status]


def _without_tags(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}
