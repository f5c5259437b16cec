"""Resource types that moto's CloudFormation lacks, created through their services; and properties that it drops.

CloudFormation's property names are its services' parameter names, but for few; each type here says which operation
creates it, and where the names differ. Values take the types that the operation wants, and a property that it does
not know is an error, never left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelwatch.local.errors import LocalStackError
from modelwatch.local.moto_patches.hooks import CreatedResource
from modelwatch.local.moto_patches.iam import register_managed_policy

ClientOf = Callable[[str], Any]
Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Operation:
    """How one call creates one resource.

    Attributes
    ----------
    name_member : str
        The parameter that holds its name; filled with a generated name where the template gives none.
    reference : str
        What ``Ref`` gives: a member of the answer, or else of the parameters.
    attributes : Mapping
        What ``Fn::GetAtt`` gives: attribute name to member of the answer or the parameters.
    renamed : Mapping
        Property names that the operation calls otherwise.
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
        known = {**parameters, **getattr(client, self.method)(**parameters)}
        return CreatedResource(
            str(known[self.reference]) if self.reference else name,
            {attribute: str(known[member]) for attribute, member in self.attributes.items() if member in known},
        )


_OPERATIONS = {
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
    rest = dict(properties)
    topic, protocol, endpoint = rest.pop("TopicArn"), rest.pop("Protocol"), rest.pop("Endpoint")
    attributes = {
        member: value if isinstance(value, str) else json.dumps(value)
        for member, value in rest.items()
        if member != "Region"
    }
    answer = client_of("sns").subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
    )
    return CreatedResource(answer["SubscriptionArn"])


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


_RECIPES: dict[str, Callable[[ClientOf, str, Properties], CreatedResource]] = {
    **{kind: operation.create for kind, operation in _OPERATIONS.items()},
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
# moto has these types, but what they do would not happen here.
_NOT_RUN = {
    "AWS::Lambda::EventSourceMapping": "the local stack does not poll queues and streams for functions",
    "AWS::CloudFormation::Stack": "the local stack does not deploy nested stacks",
}


def is_created_here(kind: str) -> bool:
    """Return whether `create` makes resources of a type."""
    return kind in _RECIPES


def create(client_of: ClientOf, kind: str, name: str, properties: Properties) -> CreatedResource | None:
    """Create a resource through its service.

    Parameters
    ----------
    client_of : callable
        Returns the boto3 client of a service.
    kind : str
        The resource type.
    name : str
        The name it gets where its properties give none.
    properties : dict
        Its properties, resolved.

    Returns
    -------
    CreatedResource or None
        None where moto creates resources of this type itself.
    """
    if kind in _NOT_RUN:
        raise LocalStackError("NotRunLocally", _NOT_RUN[kind])
    recipe = _RECIPES.get(kind)
    return None if recipe is None else recipe(client_of, name, properties)


def complete(client_of: ClientOf, kind: str, physical_id: str, properties: Properties) -> None:
    """Give a resource that moto created the properties that moto dropped."""
    if kind in _COMPLETED:
        _COMPLETED[kind](client_of, physical_id, properties)


def _complete_bucket(client_of: ClientOf, bucket: str, properties: Properties) -> None:
    s3 = client_of("s3")
    notifications = properties.get("NotificationConfiguration", {}).keys()
    if notifications - {"EventBridgeConfiguration"}:
        raise LocalStackError("NotRunLocally", "the local stack brings S3's notifications to EventBridge only")
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
        enabled = _truth(time_to_live["Enabled"])
        dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": time_to_live["AttributeName"]},
        )
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        enabled = _truth(recovery["PointInTimeRecoveryEnabled"])
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
        )


def _complete_role(client_of: ClientOf, role: str, properties: Properties) -> None:
    for arn in properties.get("ManagedPolicyArns", []):
        register_managed_policy(arn)
        client_of("iam").attach_role_policy(RoleName=role, PolicyArn=arn)


_COMPLETED: dict[str, Callable[[ClientOf, str, Properties], None]] = {
    "AWS::S3::Bucket": _complete_bucket,
    "AWS::DynamoDB::Table": _complete_table,
    "AWS::IAM::Role": _complete_role,
}


def conform(value: Any, shape: Any, *, path: str) -> Any:
    """Give a property's value the type that an operation's parameter has.

    Templates carry numbers and truth values as text as often as not.

    Raises
    ------
    LocalStackError
        ``UnknownProperty`` for a member that the operation does not have.
    """
    if shape.type_name == "structure":
        # Some services write their parameters in lower case; CloudFormation writes all properties in upper case.
        members = {name: name if name in shape.members else name[0].lower() + name[1:] for name in value}
        unknown = sorted(name for name, member in members.items() if member not in shape.members)
        if unknown:
            raise LocalStackError("UnknownProperty", f"{path} has no {', '.join(unknown)}")
        return {
            member: conform(value[name], shape.members[member], path=f"{path}.{member}")
            for name, member in members.items()
        }
    if shape.type_name == "list":
        return [conform(item, shape.member, path=path) for item in value]
    if shape.type_name == "map":
        return {key: conform(item, shape.value, path=path) for key, item in value.items()}
    convert = _CONVERT.get(shape.type_name)
    return value if convert is None else convert(value)


def _truth(value: Any) -> bool:
    return str(value).lower() == "true"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "boolean": _truth,
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": _text,
}


def _with_tag_map(properties: Properties) -> Properties:
    tags = properties.get("Tags")
    if isinstance(tags, list):
        return {**properties, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}
    return properties
