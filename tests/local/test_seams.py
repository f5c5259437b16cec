"""Each place where the stack reaches into moto: what moto would do, mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack, LocalStackError, seams
from tests.local.conftest import Deployer, events_of

Invoke = Callable[..., tuple[Any, str | None]]

pytestmark = pytest.mark.xdist_group("local_seams")  # one stack for the module

RESOURCES = """
Bus: {Type: AWS::Events::EventBus, Properties: {Name: bus}}
Lib: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.13}, Properties: {ContentUri: function}}
Role:
  Type: AWS::IAM::Role
  Properties:
    AssumeRolePolicyDocument:
      Version: 2012-10-17
      Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
    ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
    Policies:
      - !If [Never, {PolicyName: never, PolicyDocument: {}}, !Ref AWS::NoValue]
      - PolicyName: always
        PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
Bucket:
  Type: AWS::S3::Bucket
  Properties: {NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
Fn:
  Type: AWS::Serverless::Function
  Properties:
    Role: !GetAtt Role.Arn
    Events: {Objects: {Type: EventBridgeRule, Properties: {Pattern: {source: [aws.s3]}}}}
Group: {Type: AWS::Scheduler::ScheduleGroup}
"""
OUTPUTS = """
Bus: {Value: !Ref Bus}
Lib: {Value: !Ref Lib}
Role: {Value: !GetAtt Role.Arn}
RoleName: {Value: !Ref Role}
Bucket: {Value: !Ref Bucket}
Fn: {Value: !Ref Fn}
FnArn: {Value: !GetAtt Fn.Arn}
GroupArn: {Value: !GetAtt Group.Arn}
Group: {Value: !Ref Group}
"""


@pytest.fixture(scope="module")
def stack(deploy_once: Deployer) -> LocalStack:
    return deploy_once(RESOURCES, Outputs=OUTPUTS, Conditions="Never: !Equals [a, b]")


@pytest.fixture(autouse=True)
def _begin_empty(stack: LocalStack) -> None:
    stack.invocations.clear()


def test_another_moto_than_the_one_that_was_tried_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.check_version()
    monkeypatch.setattr(seams, "version", lambda _: "5.2.6")
    with pytest.raises(LocalStackError, match=r"made for moto 5\.2\.5, this is 5\.2\.6") as caught:
        seams.check_version()
    assert caught.value.code == "WrongEmulator"


def test_everything_that_was_replaced_is_put_back() -> None:
    def nothing(*_: Any) -> None:
        return None

    hooks: Any = seams.Hooks(*[nothing] * 10)
    places = [(owner, name) for owner, name, _ in seams._replacements(hooks)]
    before = [owner.__dict__[name] for owner, name in places]
    with seams.installed(hooks):
        during = [owner.__dict__[name] for owner, name in places]
    assert all(was is not became for was, became in zip(before, during, strict=True))
    assert [owner.__dict__[name] for owner, name in places] == before


def test_cloudformation_leaves_no_hole_in_a_list_where_no_value_stood(stack: LocalStack) -> None:
    assert stack.client("iam").list_role_policies(RoleName=stack.outputs["RoleName"])["PolicyNames"] == ["always"]


def test_cloudformation_gives_names_for_references_and_attributes(stack: LocalStack) -> None:
    assert stack.outputs["Bus"] == "bus"
    assert stack.outputs["Lib"].startswith("arn:aws:lambda:us-east-1:123456789012:layer:")
    assert stack.outputs["GroupArn"].endswith(f":schedule-group/{stack.outputs['Group']}")


def test_iam_attaches_the_policies_that_aws_manages(stack: LocalStack) -> None:
    (attached,) = stack.client("iam").list_attached_role_policies(RoleName=stack.outputs["RoleName"])[
        "AttachedPolicies"
    ]
    assert attached["PolicyArn"] == "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_s3_reports_tags_only_where_somebody_set_them(stack: LocalStack) -> None:
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack.outputs["Bucket"], Key="plain", Body=b"")
    s3.put_object_tagging(Bucket=stack.outputs["Bucket"], Key="plain", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    stack.settle()
    kinds = sorted(event["detail-type"] for event in events_of(stack, stack.outputs["Fn"]))
    assert kinds == ["Object Created", "Object Tags Added"]


def test_s3_announces_no_new_buckets(stack: LocalStack) -> None:
    stack.client("s3").create_bucket(Bucket="another")
    stack.settle()
    assert stack.invocations == []


def test_functions_that_moto_calls_by_itself_run_in_the_background(stack: LocalStack) -> None:
    s3 = stack.client("s3")
    s3.create_bucket(Bucket="direct")
    s3.put_bucket_notification_configuration(
        Bucket="direct",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": stack.outputs["FnArn"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket="direct", Key="k", Body=b"")
    stack.settle()
    (done,) = stack.invocations
    assert done.invocation_type == "Event"
    assert json.loads(done.payload)["Records"][0]["s3"]["object"]["key"] == "k"


def test_scheduler_checks_an_updated_expression_too(stack: LocalStack) -> None:
    client = stack.client("scheduler")
    given = {
        "Name": "s",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"]},
    }
    client.create_schedule(ScheduleExpression="rate(1 day)", **given)
    with pytest.raises(ClientError, match="rate"):
        client.update_schedule(ScheduleExpression="rate(1 age)", **given)
    client.delete_schedule(Name="s")


def test_a_schedule_made_anew_under_its_name_counts_from_then(stack: LocalStack) -> None:
    client = stack.client("scheduler")
    given = {
        "Name": "again",
        "ScheduleExpression": "rate(10 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"]},
    }
    begin = stack.now
    client.create_schedule(**given)
    stack.advance(timedelta(minutes=4))
    client.delete_schedule(Name="again")
    client.create_schedule(**given)
    stack.advance(timedelta(minutes=11))
    client.delete_schedule(Name="again")
    assert [done.started - begin for done in stack.invocations] == [timedelta(minutes=14)]


def test_a_listed_schedule_says_all_that_the_clock_needs(stack: LocalStack) -> None:
    stack.client("scheduler").create_schedule(
        Name="whole",
        GroupName=stack.outputs["Group"],
        ScheduleExpression="cron(0 8 ? * MON *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        StartDate=stack.now + timedelta(days=1),
        EndDate=stack.now + timedelta(days=2),
        ActionAfterCompletion="DELETE",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": stack.outputs["FnArn"], "RoleArn": stack.outputs["Role"], "Input": "{}"},
    )
    (schedule,) = [found for found in seams.enabled_schedules("us-east-1") if getattr(found, "name", "") == "whole"]
    stack.client("scheduler").delete_schedule(Name="whole", GroupName=stack.outputs["Group"])
    assert isinstance(schedule, seams.Schedule)
    assert (schedule.group, schedule.expression) == (stack.outputs["Group"], "cron(0 8 ? * MON *)")
    assert (schedule.timezone, schedule.deletes_itself) == ("Europe/Berlin", True)
    second = stack.now.replace(microsecond=0)
    assert (schedule.start, schedule.end) == (second + timedelta(days=1), second + timedelta(days=2))
    assert schedule.target["Input"] == "{}"


@pytest.mark.parametrize("enabled", [True, False])
def test_sagemaker_describes_where_an_endpoint_captures(stack: LocalStack, enabled: bool) -> None:
    client, name = stack.client("sagemaker"), f"loans-{enabled}"
    client.create_model(ModelName=name, ExecutionRoleArn=stack.outputs["Role"], PrimaryContainer={"Image": "i"})
    client.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        ],
        DataCaptureConfig={
            "EnableCapture": enabled,
            "InitialSamplingPercentage": 42,
            "DestinationS3Uri": "s3://bucket/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = client.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "InService"
    assert described["ProductionVariants"][0]["VariantName"] == "AllTraffic"
    assert {key: value for key, value in described["DataCaptureConfig"].items() if key != "KmsKeyId"} == {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": 42,
        "DestinationS3Uri": "s3://bucket/capture",
    }
    config = client.describe_endpoint_config(EndpointConfigName=name)["DataCaptureConfig"]
    assert config["CaptureOptions"] == [{"CaptureMode": "Input"}]


def test_an_endpoint_without_capture_says_nothing_of_it(stack: LocalStack) -> None:
    client = stack.client("sagemaker")
    client.create_model(ModelName="bare", ExecutionRoleArn=stack.outputs["Role"], PrimaryContainer={"Image": "i"})
    client.create_endpoint_config(
        EndpointConfigName="bare",
        ProductionVariants=[
            {"VariantName": "v", "ModelName": "bare", "InstanceType": "ml.t2.medium", "InitialInstanceCount": 1}
        ],
    )
    client.create_endpoint(EndpointName="bare", EndpointConfigName="bare")
    assert "DataCaptureConfig" not in client.describe_endpoint(EndpointName="bare")


def test_a_call_of_any_protocol_is_recognised(stack: LocalStack) -> None:
    def last(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
        call(**arguments)
        return stack.calls[-1].service, stack.calls[-1].action

    client = stack.client
    assert last(client("iam").list_roles) == ("iam", "ListRoles")  # query
    assert last(client("dynamodb").list_tables) == ("dynamodb", "ListTables")  # json
    assert last(client("lambda").list_functions) == ("lambda", "ListFunctions")  # rest-json
    assert last(client("s3").list_objects_v2, Bucket=stack.outputs["Bucket"]) == ("s3", "ListObjectsV2")  # rest-xml
    metric = [{"MetricName": "m", "Value": 1.0}]
    assert last(client("cloudwatch").put_metric_data, Namespace="n", MetricData=metric) == (
        "cloudwatch",
        "PutMetricData",
    )


def test_whoever_assumes_a_role_is_known_by_it(stack: LocalStack) -> None:
    given = stack.client("sts").assume_role(RoleArn=stack.outputs["Role"], RoleSessionName="somebody")["Credentials"]
    assert seams.role_of(given["AccessKeyId"]) == stack.outputs["RoleName"]
    assert seams.role_of("AKIA0000000000000000") is None


def test_sns_takes_subscriptions_as_confirmed(stack: LocalStack) -> None:
    sns = stack.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.org")["SubscriptionArn"]
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "false"
