"""Resource types that moto's CloudFormation lacks, created through their services, and properties that it drops.

CloudFormation's property names are the parameter names of its services, with few exceptions. Each type here names the
operation that creates it and the names that differ. Values are converted to the types that the operation expects, and
a property that it does not have is an error, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwatch.local.custom_resources import CustomResource, is_custom
from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import CreatedResource
from modelwatch.local.moto_patches.iam import register_managed_policy

ClientOf = Callable[[str], Any]
Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Operation:
    """The operation that creates a resource.

    Attributes
    ----------
    name_member : str
        The parameter with its name; a generated name is used if the template gives none.
    reference : str
        What ``Ref`` returns: a member of the response or of the parameters.
    attributes : Mapping
        What ``Fn::GetAtt`` returns: the member of the response or of the parameters for each attribute.
    renamed : Mapping
        The parameter names of properties whose names differ.
    """

    service: str
    method: str
    name_member: str = ""
    reference: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def create(self, client_of: ClientOf, name: str, properties: Properties) -> CreatedResource:
        client = client_of(self.service)
        operation = client.meta.method_to_api_mapping[self.method]
        shape = client.meta.service_model.operation_model(operation).input_shape
        if shape.members.get("Tags") is not None and shape.members["Tags"].type_name == "map":
            properties = _with_tag_map(properties)
        parameters = conform(
            {self.renamed.get(member, member): value for member, value in properties.items()}, shape, path=operation
        )
        if self.name_member:
            parameters.setdefault(self.name_member, name)
        values = {**parameters, **getattr(client, self.method)(**parameters)}
        return CreatedResource(
            str(values[self.reference]) if self.reference else name,
            {attribute: str(values[member]) for attribute, member in self.attributes.items() if member in values},
        )


_OPERATIONS = {
    "AWS::EMRServerless::Application": _Operation(
        "emr-serverless",
        "create_application",
        "name",
        "applicationId",
        {"ApplicationId": "applicationId", "Arn": "arn"},
    ),
    "AWS::Scheduler::ScheduleGroup": _Operation(
        "scheduler", "create_schedule_group", "Name", "Name", {"Arn": "ScheduleGroupArn"}
    ),
    "AWS::Scheduler::Schedule": _Operation("scheduler", "create_schedule", "Name", "Name", {"Arn": "ScheduleArn"}),
    "AWS::CloudWatch::CompositeAlarm": _Operation("cloudwatch", "put_composite_alarm", "AlarmName", "AlarmName"),
    "AWS::Lambda::EventInvokeConfig": _Operation("lambda", "put_function_event_invoke_config"),
    "AWS::Lambda::Alias": _Operation("lambda", "create_alias", "", "AliasArn", {"AliasArn": "AliasArn"}),
    "AWS::Lambda::Url": _Operation(
        "lambda",
        "create_function_url_config",
        "",
        "FunctionArn",
        {"FunctionUrl": "FunctionUrl", "FunctionArn": "FunctionArn"},
        {"TargetFunctionArn": "FunctionName"},
    ),
    "AWS::Logs::MetricFilter": _Operation("logs", "put_metric_filter", "filterName", "filterName"),
    "AWS::Events::EventBusPolicy": _Operation("events", "put_permission", "StatementId", "StatementId"),
}


def _alarm(client_of: ClientOf, name: str, properties: Properties) -> CreatedResource:
    created = _Operation("cloudwatch", "put_metric_alarm", "AlarmName", "AlarmName").create(client_of, name, properties)
    alarms = client_of("cloudwatch").describe_alarms(AlarmNames=[created.physical_id])["MetricAlarms"]
    return CreatedResource(created.physical_id, {"Arn": alarms[0]["AlarmArn"]})


def _subscription(client_of: ClientOf, _: str, properties: Properties) -> CreatedResource:
    remaining = dict(properties)
    topic, protocol, endpoint = remaining.pop("TopicArn"), remaining.pop("Protocol"), remaining.pop("Endpoint")
    attributes = {
        member: value if isinstance(value, str) else json.dumps(value)
        for member, value in remaining.items()
        if member != "Region"
    }
    response = client_of("sns").subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
    )
    return CreatedResource(response["SubscriptionArn"])


def _topic_policy(client_of: ClientOf, name: str, properties: Properties) -> CreatedResource:
    for topic in properties["Topics"]:
        client_of("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(properties["PolicyDocument"])
        )
    return CreatedResource(name)


def _queue_policy(client_of: ClientOf, name: str, properties: Properties) -> CreatedResource:
    for queue in properties["Queues"]:
        client_of("sqs").set_queue_attributes(
            QueueUrl=queue, Attributes={"Policy": json.dumps(properties["PolicyDocument"])}
        )
    return CreatedResource(name)


def _bucket_policy(client_of: ClientOf, _: str, properties: Properties) -> CreatedResource:
    bucket = properties["Bucket"]
    client_of("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"]))
    return CreatedResource(bucket)


_CREATORS: dict[str, Callable[[ClientOf, str, Properties], CreatedResource]] = {
    **{resource_type: operation.create for resource_type, operation in _OPERATIONS.items()},
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
# moto supports these types, but they would have no effect here.
_NOT_SUPPORTED = {
    "AWS::Lambda::EventSourceMapping": "the local stack does not poll queues and streams for functions",
    "AWS::CloudFormation::Stack": "the local stack does not deploy nested stacks",
}


def can_create(resource_type: str) -> bool:
    """Return whether `create` supports a resource type."""
    return resource_type in _CREATORS or is_custom(resource_type)


def create(client_of: ClientOf, resource_type: str, name: str, properties: Properties) -> CreatedResource | None:
    """Create a resource through its service.

    Parameters
    ----------
    client_of : callable
        Returns the boto3 client of a service.
    resource_type : str
        For example ``AWS::Scheduler::Schedule``.
    name : str
        The name to use if its properties give none.
    properties : dict
        Its properties, resolved.

    Returns
    -------
    CreatedResource or None
        None if moto creates resources of this type itself.
    """
    if resource_type in _NOT_SUPPORTED:
        raise LocalStackError("NotRunLocally", _NOT_SUPPORTED[resource_type])
    if is_custom(resource_type):
        return CustomResource(client_of, resource_type, name, properties).create()
    creator = _CREATORS.get(resource_type)
    return None if creator is None else creator(client_of, name, properties)


def complete(client_of: ClientOf, resource_type: str, physical_id: str, properties: Properties) -> None:
    """Set the properties that moto dropped from a resource that it created."""
    if resource_type in _COMPLETERS:
        _COMPLETERS[resource_type](client_of, physical_id, properties)


def _complete_bucket(client_of: ClientOf, bucket: str, properties: Properties) -> None:
    s3 = client_of("s3")
    notifications = properties.get("NotificationConfiguration", {}).keys()
    if notifications - {"EventBridgeConfiguration"}:
        raise LocalStackError(
            "NotRunLocally", "the local stack delivers S3 notifications to EventBridge only; remove the others"
        )
    if notifications:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
    for member, method in {
        "OwnershipControls": "put_bucket_ownership_controls",
        "PublicAccessBlockConfiguration": "put_public_access_block",
        "VersioningConfiguration": "put_bucket_versioning",
    }.items():
        if member in properties:
            operation = s3.meta.service_model.operation_model(s3.meta.method_to_api_mapping[method])
            value = conform(properties[member], operation.input_shape.members[member], path=f"{bucket}.{member}")
            getattr(s3, method)(Bucket=bucket, **{member: value})


def _complete_table(client_of: ClientOf, table: str, properties: Properties) -> None:
    dynamodb = client_of("dynamodb")
    if time_to_live := properties.get("TimeToLiveSpecification"):
        enabled = _to_bool(time_to_live["Enabled"])
        dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": time_to_live["AttributeName"]},
        )
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        enabled = _to_bool(recovery["PointInTimeRecoveryEnabled"])
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
        )


def _complete_role(client_of: ClientOf, role: str, properties: Properties) -> None:
    for arn in properties.get("ManagedPolicyArns", []):
        register_managed_policy(arn)
        client_of("iam").attach_role_policy(RoleName=role, PolicyArn=arn)


_COMPLETERS: dict[str, Callable[[ClientOf, str, Properties], None]] = {
    "AWS::S3::Bucket": _complete_bucket,
    "AWS::DynamoDB::Table": _complete_table,
    "AWS::IAM::Role": _complete_role,
}


def conform(value: Any, shape: Any, *, path: str) -> Any:
    """Convert a property's value to the type of an operation's parameter.

    Templates often contain numbers and booleans as text.

    Raises
    ------
    LocalStackError
        ``UnknownProperty`` for a member that the operation does not have.
    """
    if shape.type_name == "structure":
        # CloudFormation's properties start with a capital letter; the parameters of some services do not.
        members = {name: name if name in shape.members else name[0].lower() + name[1:] for name in value}
        unknown = sorted(name for name, member in members.items() if member not in shape.members)
        if unknown:
            raise LocalStackError(
                "UnknownProperty", f"{path} has no parameter {', '.join(unknown)}; check the spelling"
            )
        return {
            member: conform(value[name], shape.members[member], path=f"{path}.{member}")
            for name, member in members.items()
        }
    if shape.type_name == "list":
        return [conform(item, shape.member, path=path) for item in value]
    if shape.type_name == "map":
        return {key: conform(item, shape.value, path=path) for key, item in value.items()}
    convert = _CONVERTERS.get(shape.type_name)
    return value if convert is None else convert(value)


def _to_bool(value: Any) -> bool:
    return str(value).lower() == "true"


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "boolean": _to_bool,
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": _to_text,
}


def _with_tag_map(properties: Properties) -> Properties:
    tags = properties.get("Tags")
    if isinstance(tags, list):
        return {**properties, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}
    return properties
