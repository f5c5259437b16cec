"""Every place where the stack reaches into moto's private parts, and nothing else.

moto is pinned to one version exactly; each seam has a test in tests/local/test_seams.py. What moto does on its own is
said beside each seam.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import moto.awslambda.models as lambda_models
import moto.cloudformation.parsing as cloudformation
import moto.events.models as events_models
import moto.s3.models as s3_models
import moto.s3.notifications as s3_notifications
import moto.sagemaker.models as sagemaker_models
import moto.scheduler.models as scheduler_models
import moto.sns.models as sns_models
from botocore.exceptions import UnknownServiceError
from moto.awslambda.exceptions import LambdaClientError
from moto.core.common_models import CloudFormationModel
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import unix_time
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.sagemaker.exceptions import ValidationError as SageMakerValidationError
from moto.scheduler.exceptions import ScheduleGroupNotFound
from moto.scheduler.exceptions import ValidationException as SchedulerValidationException
from moto.sts.models import sts_backends
from werkzeug.exceptions import HTTPException

from modelwatch.local.errors import LocalStackError
from modelwatch.local.event_rules import MatchedRule
from modelwatch.local.schedule_expressions import next_due
from modelwatch.local.scheduler import Schedule, ScheduledRule

MOTO_VERSION = "5.2.5"
ACCOUNT = "123456789012"
INVOCATION_HEADER = "x-local-invocation-id"  # moto makes up every answer's request id after its services are done
_BOTO_NAMES = {"monitoring": "cloudwatch"}  # where the name in a signature is not the service's name


@dataclass(frozen=True, slots=True)
class InvokeRequest:
    """A call of Lambda's Invoke.

    ``invocation_type`` is RequestResponse, Event or DryRun. ``config`` is the function's EventInvokeConfig as the
    API describes it, or empty.
    """

    function_name: str
    payload: bytes
    invocation_type: str
    client_context: str | None
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InvokeAnswer:
    """What Invoke answers."""

    request_id: str
    payload: bytes = b""
    function_error: str | None = None


class InvokeRefused(Exception):
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
    """A resource that moto's CloudFormation does not know and that was created through its service."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the stack does in moto's place.

    Attributes
    ----------
    now : callable
        The stack's clock.
    invoke : callable
        Runs a function; raises `InvokeRefused`.
    event : callable
        Takes a rule that matched and the event.
    notify : callable
        Takes a message for a subscription whose protocol moto does not deliver.
    create : callable
        Takes a resource's type, its logical id, a name to use where the template gives none, and its resolved
        properties; returns None where the type is left to moto.
    created : callable
        Takes the type, the physical id and the resolved properties of what moto created.
    failed : callable
        Takes a logical id and why it did not come to exist.
    skipped : callable
        Takes a logical id whose condition does not hold.
    creates : callable
        Says whether `create` knows a type.
    endpoint : callable
        Takes the name of a SageMaker endpoint that was created.
    """

    now: Callable[[], datetime]
    invoke: Callable[[InvokeRequest], InvokeAnswer]
    event: Callable[[MatchedRule, dict[str, Any]], None]
    notify: Callable[[Notification], None]
    create: Callable[[str, str, str, dict[str, Any]], CreatedResource | None]
    created: Callable[[str, str, dict[str, Any]], None]
    failed: Callable[[str, str], None]
    skipped: Callable[[str], None]
    creates: Callable[[str], bool]
    endpoint: Callable[[str], None]


def check_version() -> None:
    """Refuse a moto whose private interfaces were not tried."""
    if (found := version("moto")) != MOTO_VERSION:
        raise LocalStackError(
            "WrongEmulator",
            f"The local stack was made for moto {MOTO_VERSION}, this is {found}. Mend it with: "
            f"pip install 'moto[server]=={MOTO_VERSION}'.",
        )


@contextmanager
def installed(hooks: Hooks) -> Iterator[None]:
    """Replace what the stack replaces in moto, for as long as the block lasts."""
    replaced = []
    try:
        for owner, name, value in _replacements(hooks):
            replaced.append((owner, name, owner.__dict__[name]))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(replaced):
            setattr(owner, name, value)


def _replacements(hooks: Hooks) -> list[tuple[Any, str, Any]]:
    return [
        *_cloudformation(hooks),
        *_events(hooks),
        *_s3(hooks),
        *_scheduler(hooks),
        *_sagemaker(hooks),
        (lambda_models.LambdaFunction, "invoke", _invoke(hooks)),
        (sns_models.Subscription, "publish", _publish(hooks)),
        (sns_models.Subscription, "__init__", _confirmed(sns_models.Subscription.__init__)),
    ]


# CloudFormation: moto skips types it does not know, stops at the first failure, keeps a null in a list where
# AWS::NoValue stood, gives a few resources themselves for their Ref, and drops properties without a word.


class _TaughtResource(CloudFormationModel):  # type: ignore[misc]
    """What a created resource looks like to moto's Ref and Fn::GetAtt."""

    def __init__(self, created: CreatedResource) -> None:
        self.physical_resource_id = created.physical_id
        self._attributes = created.attributes

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003 - get_cfn_attribute refuses unknown ones
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name in self._attributes:
            return self._attributes[attribute_name]
        raise LocalStackError("UnknownAttribute", f"The local stack gives no attribute {attribute_name}.")

    def is_created(self) -> bool:
        return True


def _cloudformation(hooks: Hooks) -> list[tuple[Any, str, Any]]:
    creation = _Creation(hooks)
    return [
        (cloudformation, "clean_json", creation.clean_json),
        (cloudformation, "resource_class_from_type", creation.resource_class_from_type),
        (cloudformation, "parse_and_create_resource", creation.parse_and_create_resource),
    ]


class _Creation:
    """moto's creation of a stack's resources, with the stack's own in between."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._clean = cloudformation.clean_json
        self._class_of = cloudformation.resource_class_from_type
        self._create = cloudformation.parse_and_create_resource
        self._failed: set[str] = set()

    def clean_json(self, value: Any, resources: Any) -> Any:
        """Resolve the intrinsic functions in a value."""
        if isinstance(value, list):
            return [item for item in self._clean(value, resources) if item is not None]
        needed = _referenced(value)
        try:
            return _physical_id(self._clean(value, resources))
        finally:
            if needed in self._failed:
                raise LocalStackError("Needed", f"it needs {needed}")

    def resource_class_from_type(self, kind: str) -> Any:
        """Return the class that answers Fn::GetAtt for a type."""
        return _TaughtResource if self._hooks.creates(kind) else self._class_of(kind)

    def parse_and_create_resource(
        self, logical_id: str, document: dict[str, Any], resources: Any, account_id: str, region_name: str
    ) -> Any:
        """Create one resource; one failure must not hide the next."""
        condition = document.get("Condition")
        if condition and not resources.lazy_condition_map[condition]:
            self._hooks.skipped(logical_id)
            return None
        if logical_id in self._failed:
            return None
        try:
            resource = self._create_one(logical_id, document, resources, account_id, region_name)
            reason = "the local stack does not know this type"
        except Exception as error:
            resource, reason = None, error.message if isinstance(error, LocalStackError) else str(error)
        if resource is None:
            self._failed.add(logical_id)
            self._hooks.failed(logical_id, reason)
        return resource

    def _create_one(
        self, logical_id: str, document: dict[str, Any], resources: Any, account_id: str, region_name: str
    ) -> Any:
        kind = document["Type"]
        properties = self.clean_json(document.get("Properties", {}), resources)
        name = cloudformation.generate_resource_name(kind, resources["AWS::StackName"], logical_id)
        taught = self._hooks.create(kind, logical_id, name, properties)
        if taught is not None:
            resource: Any = _TaughtResource(taught)
            resource.cf_resource_type, resource.logical_resource_id = kind, logical_id
            return resource
        if kind not in cloudformation.get_model_map():
            return None
        resource = self._create(logical_id, document, resources, account_id, region_name)
        self._hooks.created(kind, _physical_id(resource), properties)
        return resource


_PHYSICAL_ID = {events_models.EventBus: "name", lambda_models.LayerVersion: "arn"}


def _physical_id(resource: Any) -> Any:
    """Return what Ref gives of a resource, where moto has forgotten to say; anything else as it is."""
    attribute = _PHYSICAL_ID.get(type(resource), "physical_resource_id")
    return getattr(resource, attribute, "") if isinstance(resource, CloudFormationModel) else resource


def _referenced(value: Any) -> str | None:
    """Return the logical id that a Ref or Fn::GetAtt names."""
    if not isinstance(value, dict):
        return None
    if "Fn::GetAtt" in value:
        return str(value["Fn::GetAtt"][0])
    reference = value.get("Ref")
    return reference if isinstance(reference, str) else None


# EventBridge: moto cannot deliver to Lambda or SNS, ignores Input and InputPath, delivers from disabled rules, lets
# a rule that only has a schedule match everything, and gives the time as a number.


def _events(hooks: Hooks) -> list[tuple[Any, str, Any]]:
    def send_to_targets(rule: Any, original_event: Mapping[str, Any], transform_input: bool = True) -> None:  # noqa: ARG001
        event = {key: value for key, value in original_event.items() if key != "ingestion-time"}
        if not isinstance(event["time"], str):
            event["time"] = datetime.fromtimestamp(float(event["time"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        has_pattern = bool(rule.event_pattern.get_pattern())
        if rule.state == "ENABLED" and has_pattern and rule.event_pattern.matches_event(event):
            hooks.event(_matched(rule), event)

    return [
        (events_models.Rule, "send_to_targets", send_to_targets),
        (events_models, "unix_time", lambda moment=None: unix_time(moment or hooks.now().replace(tzinfo=None))),
    ]


def _to_default_bus(event: dict[str, Any]) -> None:
    bus = events_models.events_backends[event["account"]][event["region"]].event_buses["default"]
    for rule in list(bus.rules.values()):
        rule.send_to_targets(event)


def _matched(rule: Any) -> MatchedRule:
    return MatchedRule(rule.name, rule.arn, tuple(dict(target) for target in rule.targets))


# S3: moto's EventBridge events carry a constant id and a number for a time, go to every bus, and report tags that
# nobody set. It announces new buckets, which S3 does not.


def _s3(hooks: Hooks) -> list[tuple[Any, str, Any]]:
    def send_event_bridge_message(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        reason = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
        if reason.startswith("ObjectTagging:Put") and not _tags(account_id, bucket, key):
            return
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": s3_notifications._detail_type(event_name),  # noqa: SLF001 - a seam
            "source": "aws.s3",
            "account": account_id,
            "time": hooks.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": bucket.region_name,
            "resources": [bucket.arn],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket.name},
                "object": {
                    "key": key.name,
                    "size": key.size,
                    "etag": key.etag.strip('"'),
                    "sequencer": uuid.uuid4().hex[:18].upper(),
                    **({"version-id": key.version_id} if bucket.is_versioned else {}),
                },
                "request-id": uuid.uuid4().hex[:16].upper(),
                "requester": account_id,
                "source-ip-address": "127.0.0.1",
                "reason": _S3_REASONS.get(reason, reason.partition(":")[2]),
            },
        }
        _to_default_bus(event)

    return [
        (s3_notifications, "_send_event_bridge_message", send_event_bridge_message),
        (s3_models, "events_send_notification", lambda **_: None),
        (s3_models.FakeBucket, "get_permission", _bucket_permission(s3_models.FakeBucket.get_permission)),
    ]


def _bucket_permission(get_permission: Callable[..., Any]) -> Callable[..., Any]:
    """Let what goes over loopback count as sent by TLS: moto does not look at the conditions of a bucket policy."""

    def get_permission_over_loopback(bucket: Any, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return get_permission(bucket, action, resource)
        document = json.loads(bucket.policy)
        document["Statement"] = [s for s in document["Statement"] if not _is_about_tls(s)]
        as_sent = SimpleNamespace(policy=json.dumps(document).encode())
        return get_permission(as_sent, action, resource)

    return get_permission_over_loopback


def _is_about_tls(statement: Mapping[str, Any]) -> bool:
    condition = json.dumps(statement.get("Condition", {})).replace('"false"', "false")
    return statement["Effect"] == "Deny" and condition == '{"Bool": {"aws:SecureTransport": false}}'


_S3_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
}


def _tags(account_id: str, bucket: Any, key: Any) -> dict[str, str]:
    backend = s3_models.s3_backends[account_id][bucket.partition]
    return dict(backend.tagger.get_tag_dict_for_resource(key.arn))


# Scheduler: moto never fires, takes any expression and any group, and compares a start date with the machine's clock.


def _scheduler(hooks: Hooks) -> list[tuple[Any, str, Any]]:
    init = scheduler_models.Schedule.__init__
    create = scheduler_models.EventBridgeSchedulerBackend.create_schedule
    update = scheduler_models.EventBridgeSchedulerBackend.update_schedule

    def check(expression: str, timezone: str | None) -> None:
        try:
            next_due(expression, hooks.now(), anchor=hooks.now(), timezone=timezone or "UTC")
        except LocalStackError as error:
            raise SchedulerValidationException(f"Invalid Schedule Expression {expression}. {error.message}") from error

    def checked_init(self: Any, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        self.modelwatch_identity = str(uuid.uuid4())

    def create_schedule(self: Any, **named: Any) -> Any:
        check(named["schedule_expression"], named["schedule_expression_timezone"])
        if (named["group_name"] or "default") not in self.schedule_groups:
            raise ScheduleGroupNotFound(named["group_name"])
        return create(self, **named)

    def update_schedule(self: Any, **named: Any) -> Any:
        check(named["schedule_expression"], named["schedule_expression_timezone"])
        return update(self, **named)

    def validate_start_date(_: Any, start_date: Any) -> Any:
        if start_date is not None and hooks.now().timestamp() - float(start_date) > 300:
            raise SchedulerValidationException("The StartDate you specify cannot be earlier than 5 minutes ago.")
        return start_date

    return [
        (scheduler_models.Schedule, "__init__", checked_init),
        (scheduler_models.Schedule, "_validate_start_date", validate_start_date),
        (scheduler_models.EventBridgeSchedulerBackend, "create_schedule", create_schedule),
        (scheduler_models.EventBridgeSchedulerBackend, "update_schedule", update_schedule),
    ]


def enabled_schedules(region: str) -> list[Schedule | ScheduledRule]:
    """Return every enabled schedule, and every enabled rule that has a schedule expression."""
    groups = scheduler_models.scheduler_backends[ACCOUNT][region].schedule_groups
    schedules = [
        Schedule(
            identity=schedule.modelwatch_identity,
            arn=schedule.arn,
            name=schedule.name,
            group=group.name,
            expression=schedule.schedule_expression,
            timezone=schedule.schedule_expression_timezone,
            target=schedule.target,
            start=_moment(schedule.start_date),
            end=_moment(schedule.end_date),
            deletes_itself=schedule.action_after_completion == "DELETE",
        )
        for group in list(groups.values())
        for schedule in list(group.schedules.values())
        if schedule.state == "ENABLED"
    ]
    rules = events_models.events_backends[ACCOUNT][region].event_buses["default"].rules
    return schedules + [
        ScheduledRule(f"{rule.arn}#{id(rule)}", _matched(rule), rule.scheduled_expression, ACCOUNT, region)
        for rule in list(rules.values())
        if rule.scheduled_expression and rule.state == "ENABLED"
    ]


def _moment(epoch: Any) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(float(epoch), UTC)


# Lambda: moto runs functions in Docker.


class _Refused(LambdaClientError):  # type: ignore[misc]
    def __init__(self, refused: InvokeRefused) -> None:
        self.code = refused.status
        super().__init__(refused.code, refused.message)


def _invoke(hooks: Hooks) -> Callable[..., str | bytes]:
    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str | bytes:
        payload = body.encode() if isinstance(body, str) else (body or b"")
        # Whoever calls from within moto (S3's and Logs' notifications) gives no headers, and does not wait in AWS.
        default = "RequestResponse" if hasattr(request_headers, "environ") else "Event"
        configs = self.event_invoke_config
        try:
            answer = hooks.invoke(
                InvokeRequest(
                    self.function_name,
                    payload or b"{}",
                    request_headers.get("X-Amz-Invocation-Type", default),
                    request_headers.get("X-Amz-Client-Context"),
                    configs[-1].response() if configs else {},
                )
            )
        except InvokeRefused as refused:
            raise _Refused(refused) from refused
        if answer.function_error is not None:
            response_headers["x-amz-function-error"] = answer.function_error
        response_headers[INVOCATION_HEADER] = answer.request_id
        response_headers["x-amz-executed-version"] = "$LATEST"
        return answer.payload

    return invoke


# SNS: moto accepts subscriptions of protocol email and drops their messages; its hand-over to Lambda lacks attributes.


def _publish(hooks: Hooks) -> Callable[..., None]:
    original = sns_models.Subscription.publish

    def publish(
        self: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        message_structure: str | None = None,
        **named: Any,
    ) -> None:
        if self.protocol in ("sqs", "http", "https"):
            original(
                self,
                message,
                message_id,
                subject=subject,
                message_attributes=message_attributes,
                message_structure=message_structure,
                **named,
            )
            return
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = self._parse_message_structure(message, self.protocol)
        hooks.notify(
            Notification(
                protocol=self.protocol,
                endpoint=self.endpoint,
                subscription_arn=self.arn,
                topic_arn=self.topic.arn,
                display_name=self.topic.display_name,
                message_id=message_id,
                subject=subject,
                message=message,
                attributes=message_attributes or {},
            )
        )

    return publish


def _confirmed(init: Callable[..., None]) -> Callable[..., None]:
    def init_confirmed(self: Any, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        self.confirmed = True

    return init_confirmed


# SageMaker: moto describes an endpoint's data capture with the words of its configuration, which DescribeEndpoint
# does not have, so the sampling percentage and the status are lost. It makes an endpoint anew under a name that is
# taken, deletes one that is still being created, and tells nobody.


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A SageMaker endpoint: ``models`` are the names of its variants' models, by variant."""

    status: str
    models: Mapping[str, str]


def _sagemaker(hooks: Hooks) -> list[tuple[Any, str, Any]]:
    backend = sagemaker_models.SageMakerModelBackend
    create, create_config, delete = backend.create_endpoint, backend.create_endpoint_config, backend.delete_endpoint

    def create_endpoint(self: Any, endpoint_name: str, *arguments: Any, **named: Any) -> Any:
        if endpoint_name in self.endpoints:
            arn = self.endpoints[endpoint_name].arn
            raise SageMakerValidationError(message=f'Cannot create already existing endpoint "{arn}".')
        endpoint = create(self, endpoint_name, *arguments, **named)
        hooks.endpoint(endpoint_name)
        return endpoint

    def create_endpoint_config(self: Any, endpoint_config_name: str, *arguments: Any, **named: Any) -> Any:
        if endpoint_config_name in self.endpoint_configs:
            arn = self.endpoint_configs[endpoint_config_name].endpoint_config_arn
            raise SageMakerValidationError(message=f'Cannot create already existing endpoint configuration "{arn}".')
        return create_config(self, endpoint_config_name, *arguments, **named)

    def delete_endpoint(self: Any, endpoint_name: str) -> None:
        endpoint = self.endpoints.get(endpoint_name)
        if endpoint is not None and endpoint.endpoint_status == "Creating":
            raise SageMakerValidationError(message=f'Cannot update in-progress endpoint "{endpoint.arn}".')
        delete(self, endpoint_name)

    return [
        (backend, "create_endpoint", create_endpoint),
        (backend, "create_endpoint_config", create_endpoint_config),
        (backend, "delete_endpoint", delete_endpoint),
        (sagemaker_models.FakeEndpoint, "response_object", _describe_endpoint()),
    ]


def endpoint_of(name: str, region: str) -> Endpoint | None:
    """Return an endpoint, or None."""
    backend = sagemaker_models.sagemaker_backends[ACCOUNT][region]
    endpoint = backend.endpoints.get(name)
    config = endpoint and backend.endpoint_configs.get(endpoint.endpoint_config_name)
    if not endpoint:
        return None
    variants = config.production_variants if config else []
    return Endpoint(endpoint.endpoint_status, {one["VariantName"]: one.get("ModelName", "") for one in variants})


def change_endpoint(
    name: str, region: str, status: str, *, told: str, now: datetime, failure_reason: str | None = None
) -> None:
    """Give an endpoint, if it is still there, another status, and put the event of it on the default bus.

    Parameters
    ----------
    status : str
        As DescribeEndpoint says it, for instance ``InService``.
    told : str
        The same as events say it, for instance ``IN_SERVICE``.
    """
    endpoint = sagemaker_models.sagemaker_backends[ACCOUNT][region].endpoints.get(name)
    if endpoint is None:
        return
    endpoint.failure_reason, endpoint.endpoint_status = failure_reason, status
    endpoint.last_modified_time = datetime.now(UTC).replace(tzinfo=None)
    variants = [
        {"DesiredWeight": one.get("DesiredWeight", 1.0), "DesiredInstanceCount": one.get("DesiredInstanceCount", 1)}
        for one in endpoint.production_variants
    ]
    detail = {
        "EndpointName": name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.endpoint_config_name,
        "ProductionVariants": variants,
        "EndpointStatus": told,
        "CreationTime": 1000 * unix_time(endpoint.creation_time),
        "LastModifiedTime": 1000 * unix_time(endpoint.last_modified_time),
        "Tags": {tag["Key"]: tag["Value"] for tag in endpoint.tags},
    }
    _to_default_bus(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "SageMaker Endpoint State Change",
            "source": "aws.sagemaker",
            "account": ACCOUNT,
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [endpoint.arn],
            "detail": detail,
        }
    )


def _describe_endpoint() -> property:
    original = sagemaker_models.FakeEndpoint.response_object.fget

    def response_object(self: Any) -> dict[str, Any]:
        response: dict[str, Any] = original(self)
        given = response.pop("DataCaptureConfig", None)
        if given:
            enabled = str(given.get("EnableCapture", False)).lower() == "true"
            response["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled else "Stopped",
                "CurrentSamplingPercentage": given["InitialSamplingPercentage"],
                "DestinationS3Uri": given["DestinationS3Uri"],
                "KmsKeyId": given.get("KmsKeyId", ""),
            }
        return response

    return property(response_object)


# The request itself: moto's router knows which operation of which service it means.


def operation_of(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return the service and the action of a request, ``?`` where it matches none."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = authorization.partition("Credential=")[2].split(",")[0].split("/")
    signing_name = scope[3] if len(scope) == 5 else "s3"
    service = _BOTO_NAMES.get(signing_name, signing_name)
    if service == "sagemaker" and environ["PATH_INFO"].endswith("invocations"):
        service = "sagemaker-runtime"  # signed by the name of another service
    try:
        operation, _ = get_service_router(service).match(Request(dict(environ)))
    except (HTTPException, NotImplementedError, UnknownServiceError):
        return service, "?"
    return service, operation.name


def role_of(access_key_id: str | None) -> str | None:
    """Return the name of the role that a key was given out for, by anybody who assumed one."""
    if access_key_id is None:
        return None
    for partitions in list(sts_backends.values()):
        for backend in list(partitions.values()):
            if role := backend.get_assumed_role_from_access_key(access_key_id):
                return str(role.role_arn).rpartition("/")[2]
    return None


# IAM: moto knows the policies that AWS manages only if it loads all of them, at each start.


@cache
def _managed_policies() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))


def managed_policy_arns() -> dict[str, str]:
    """Return the ARN of each policy that AWS manages, by name."""
    return {name: f"arn:aws:iam::aws:policy{policy['Path']}{name}" for name, policy in _managed_policies().items()}


def know_managed_policy(arn: str) -> None:
    """Have the emulator's IAM know one policy that AWS manages."""
    name = arn.rpartition("/")[2]
    if arn.startswith("arn:aws:iam::aws:policy/") and name in _managed_policies():
        known = iam_backends[ACCOUNT]["aws"].managed_policies
        known.setdefault(arn, AWSManagedPolicy.from_data(name, ACCOUNT, "us-east-1", _managed_policies()[name]))


def forget_everything() -> None:
    """Empty every service."""
    moto_api_backend.reset()
