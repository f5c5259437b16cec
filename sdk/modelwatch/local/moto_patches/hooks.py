"""What the patches call in the stack, and the values that they exchange with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from modelwatch.local.event_rules import MatchedRule

ACCOUNT_ID = "123456789012"


class Replacement(NamedTuple):
    """An attribute of one of moto's modules or classes, and what takes its place.

    Attributes
    ----------
    is_new : bool
        Whether moto has no such attribute: an operation that it lacks.
    """

    owner: Any
    attribute: str
    value: Any
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class InvokeRequest:
    """A call of Lambda's Invoke.

    Attributes
    ----------
    invocation_type : str
        RequestResponse, Event or DryRun.
    config : Mapping
        The function's EventInvokeConfig as the API describes it, or empty.
    """

    function_name: str
    payload: bytes
    invocation_type: str
    client_context: str | None
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvokeResponse:
    """The response to Invoke."""

    request_id: str
    payload: bytes = b""
    function_error: str | None = None


class InvokeRejected(Exception):
    """Invoke fails before the function runs."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


@dataclass(frozen=True, slots=True)
class Notification:
    """A message for one SNS subscription."""

    protocol: str
    endpoint: str
    subscription_arn: str
    topic_arn: str
    display_name: str
    message_id: str
    subject: str | None
    message: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreatedResource:
    """A resource that moto's CloudFormation does not support and that was created through its service.

    Attributes
    ----------
    delete : callable, optional
        Deletes it, when its stack is deleted.
    update : callable, optional
        Takes other properties and returns the resource as these make it, perhaps another one.
    """

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    delete: Callable[[], None] | None = None
    update: Callable[[Mapping[str, Any]], CreatedResource] | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the stack does in moto's place.

    Attributes
    ----------
    now : callable
        Returns the time of the stack's clock.
    shift : callable
        Returns how far the functions are ahead of the machine's clock.
    invoke : callable
        Runs a function; raises `InvokeRejected`.
    event_sent : callable
        Takes an event, once for each rule of its bus.
    deliver_event : callable
        Takes a rule that matched, and the event.
    notify : callable
        Takes a message for a subscription whose protocol moto does not deliver.
    can_create : callable
        Returns whether `create_resource` supports a resource type.
    create_resource : callable
        Takes a resource's type, a name to use if the template gives none, and its resolved properties; returns None
        if moto creates this type itself.
    resource_created : callable
        Takes the type, the physical id and the resolved properties of a resource that moto created.
    resource_failed : callable
        Takes a logical id and the reason why the resource was not created; raises where nobody would read it.
    resource_skipped : callable
        Takes the logical id of a resource whose condition is false.
    endpoint_created : callable
        Takes the name of a SageMaker endpoint.
    endpoint_updated : callable
        Takes the names of an endpoint and of the endpoint configuration that it is to have.
    processing_job_created : callable
        Takes the name of a processing job, and the request that made it.
    processing_job_stopped : callable
        Takes the name of a processing job that is to stop; returns whether it was running.
    job_run_started : callable
        Takes the ids of an application of EMR Serverless and of a job run, and the request that started it.
    job_run_cancelled : callable
        Takes the id of a job run that is to be cancelled; returns whether it was going on.
    """

    now: Callable[[], datetime]
    shift: Callable[[], timedelta]
    invoke: Callable[[InvokeRequest], InvokeResponse]
    event_sent: Callable[[dict[str, Any]], None]
    deliver_event: Callable[[MatchedRule, dict[str, Any]], None]
    notify: Callable[[Notification], None]
    can_create: Callable[[str], bool]
    create_resource: Callable[[str, str, dict[str, Any]], CreatedResource | None]
    resource_created: Callable[[str, str, dict[str, Any]], None]
    resource_failed: Callable[[str, str], None]
    resource_skipped: Callable[[str], None]
    endpoint_created: Callable[[str], None]
    endpoint_updated: Callable[[str, str], None]
    processing_job_created: Callable[[str, Mapping[str, Any]], None]
    processing_job_stopped: Callable[[str], bool]
    job_run_started: Callable[[str, str, Mapping[str, Any]], None]
    job_run_cancelled: Callable[[str], bool]
