"""A template is deployed completely or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack, LocalStackError
from modelwatch.local.app_files import find_template
from tests.local.conftest import START, Deployer

Invoke = Callable[..., tuple[Any, str | None]]


def refusal(deploy: Deployer, resources: str, **sections: str) -> LocalStackError:
    with pytest.raises(LocalStackError) as caught:
        deploy(resources, **sections)
    return caught.value


def test_a_refusal_names_every_resource_that_cannot_be_created_and_why(deploy: Deployer) -> None:
    error = refusal(
        deploy,
        """
        Fine: {Type: AWS::SQS::Queue}
        Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: x, ProtocolType: HTTP}}
        Unheard: {Type: AWS::Made::Up}
        Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: https://example.org}}
        Custom: {Type: Custom::Thing, Properties: {ServiceToken: arn}}
        Tick: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 fortnight), Targets: []}}
        Elsewhere:
          Type: AWS::Events::Rule
          Properties:
            EventPattern: {source: [x]}
            Targets: [{Id: a, Arn: !Sub "arn:aws:states:${AWS::Region}:${AWS::AccountId}:stateMachine:m"}]
        Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {Threshhold: 1}}
        Needs: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Alarm}}
        """,
    )
    assert error.code == "NotDeployed"
    reasons = {line.split()[0]: line.split(": ", 1)[1] for line in error.message.splitlines()[1:]}
    assert reasons == {
        "Api": "the local stack does not support this resource type",
        "Unheard": "the local stack does not support this resource type",
        "Nested": "the local stack does not deploy nested stacks",
        "Custom": "An error occurred (ResourceNotFoundException) when calling the Invoke operation: "
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:arn",
        "Tick": "'rate(1 fortnight)' is not rate(value minutes|hours|days).",
        "Elsewhere": "the local stack cannot deliver to arn:aws:states:us-east-1:123456789012:stateMachine:m",
        "Alarm": "PutMetricAlarm has no parameter Threshhold; check the spelling",
        "Needs": "depends on Alarm, which was not created",
    }


def test_after_a_refusal_another_stack_can_start(deploy: Deployer) -> None:
    refusal(deploy, "Unheard: {Type: AWS::Made::Up}")
    stack = deploy("Queue: {Type: AWS::SQS::Queue}", Outputs="Queue: {Value: !GetAtt Queue.QueueName}")
    assert stack.outputs["Queue"].startswith("modelwatch-Queue-")


def test_a_resource_whose_condition_is_false_is_not_created(deploy: Deployer) -> None:
    stack = deploy(
        """
        Always: {Type: AWS::SQS::Queue}
        Never: {Type: AWS::Made::Up, Condition: Wanted}
        """,
        Parameters="Want: {Type: String, Default: 'no'}",
        Conditions="Wanted: !Equals [!Ref Want, 'yes']",
    )
    summaries = stack.client("cloudformation").list_stack_resources(StackName="modelwatch")["StackResourceSummaries"]
    assert [summary["LogicalResourceId"] for summary in summaries if summary["LogicalResourceId"]] == ["Always"]


def test_parameters_conditions_and_intrinsic_functions_are_resolved(deploy: Deployer) -> None:
    stack = deploy(
        """
        Bus: {Type: AWS::Events::EventBus, Properties: {Name: !Sub "${AWS::StackName}-${Stage}"}}
        Queue:
          Type: AWS::SQS::Queue
          Properties: {QueueName: !If [Long, !Join ["-", [a, !Select [1, !Ref Names], long]], !Ref AWS::NoValue]}
        """,
        Parameters="""
        Stage: {Type: String, Default: dev}
        Names: {Type: CommaDelimitedList, Default: "x,y"}
        """,
        Conditions="Long: !Not [!Equals [!Ref Stage, prod]]",
        Outputs="""
        Bus: {Value: !Ref Bus}
        BusArn: {Value: !GetAtt Bus.Arn}
        Queue: {Value: !GetAtt Queue.QueueName}
        Split: {Value: !Join ["|", !Split [",", !Join [",b-", !Ref Names]]]}
        Partition: {Value: !Sub "arn:${AWS::Partition}:s3:::x"}
        """,
        options={"parameters": {"Stage": "test"}},
    )
    assert stack.outputs == {
        "Bus": "modelwatch-test",
        "BusArn": "arn:aws:events:us-east-1:123456789012:event-bus/modelwatch-test",
        "Queue": "a-y-long",
        "Split": "x|b-y",
        "Partition": "arn:aws:s3:::x",
    }


def test_what_moto_drops_from_a_template_is_deployed(deploy: Deployer) -> None:
    stack = deploy(
        """
        Table:
          Type: AWS::DynamoDB::Table
          Properties:
            BillingMode: PAY_PER_REQUEST
            AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
            KeySchema: [{AttributeName: pk, KeyType: HASH}]
            TimeToLiveSpecification: {AttributeName: expires_at, Enabled: "true"}
            PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}
        Bucket:
          Type: AWS::S3::Bucket
          Properties:
            PublicAccessBlockConfiguration: {BlockPublicAcls: "true", RestrictPublicBuckets: true}
            OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
            VersioningConfiguration: {Status: Enabled}
        Policy:
          Type: AWS::S3::BucketPolicy
          Properties: {Bucket: !Ref Bucket, PolicyDocument: {Version: 2012-10-17, Statement: []}}
        Queue: {Type: AWS::SQS::Queue}
        QueuePolicy:
          Type: AWS::SQS::QueuePolicy
          Properties:
            Queues: [!Ref Queue]
            PolicyDocument:
              Version: 2012-10-17
              Statement: [{Effect: Allow, Principal: "*", Action: "sqs:SendMessage", Resource: !GetAtt Queue.Arn}]
        Topic: {Type: AWS::SNS::Topic}
        TopicPolicy:
          Type: AWS::SNS::TopicPolicy
          Properties: {Topics: [!Ref Topic], PolicyDocument: {Version: 2012-10-17, Statement: []}}
        Alarm:
          Type: AWS::CloudWatch::Alarm
          Properties:
            Namespace: AWS/SQS
            MetricName: ApproximateNumberOfMessagesVisible
            Dimensions: [{Name: QueueName, Value: !GetAtt Queue.QueueName}]
            Statistic: Maximum
            Period: "300"
            EvaluationPeriods: 1
            Threshold: "0.5"
            ComparisonOperator: GreaterThanThreshold
            AlarmActions: [!Ref Topic]
        Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x, RetentionInDays: 7}}
        Filter:
          Type: AWS::Logs::MetricFilter
          Properties:
            LogGroupName: !Ref Logs
            FilterPattern: ERROR
            MetricTransformations: [{MetricName: errors, MetricNamespace: x, MetricValue: "1"}]
        Fn:
          Type: AWS::Serverless::Function
          Properties:
            Policies: [AWSLambdaBasicExecutionRole]
            EventInvokeConfig: {MaximumRetryAttempts: "1", MaximumEventAgeInSeconds: 600}
            FunctionUrlConfig: {AuthType: AWS_IAM}
        Group: {Type: AWS::Scheduler::ScheduleGroup, Properties: {Tags: [{Key: a, Value: b}]}}
        """,
        Outputs="""
        Table: {Value: !Ref Table}
        Bucket: {Value: !Ref Bucket}
        Queue: {Value: !Ref Queue}
        Topic: {Value: !Ref Topic}
        Alarm: {Value: !Ref Alarm}
        AlarmArn: {Value: !GetAtt Alarm.Arn}
        Fn: {Value: !Ref Fn}
        Role: {Value: !Ref FnRole}
        Group: {Value: !Ref Group}
        GroupArn: {Value: !GetAtt Group.Arn}
        """,
    )
    out, client = stack.outputs, stack.client
    ttl = client("dynamodb").describe_time_to_live(TableName=out["Table"])["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    backups = client("dynamodb").describe_continuous_backups(TableName=out["Table"])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client("s3").get_bucket_versioning(Bucket=out["Bucket"])["Status"] == "Enabled"
    block = client("s3").get_public_access_block(Bucket=out["Bucket"])["PublicAccessBlockConfiguration"]
    assert block["BlockPublicAcls"] is True
    assert "2012-10-17" in client("s3").get_bucket_policy(Bucket=out["Bucket"])["Policy"]
    queue = client("sqs").get_queue_attributes(QueueUrl=out["Queue"], AttributeNames=["Policy"])["Attributes"]
    assert json.loads(queue["Policy"])["Statement"][0]["Action"] == "sqs:SendMessage"
    topic = client("sns").get_topic_attributes(TopicArn=out["Topic"])["Attributes"]
    assert json.loads(topic["Policy"]) == {"Version": "2012-10-17", "Statement": []}
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=[out["Alarm"]])["MetricAlarms"]
    assert (alarm["AlarmArn"], alarm["Period"], alarm["Threshold"]) == (out["AlarmArn"], 300, 0.5)
    assert alarm["AlarmActions"] == [out["Topic"]]
    assert client("logs").describe_metric_filters(logGroupName="/x")["metricFilters"][0]["filterPattern"] == "ERROR"
    config = client("lambda").get_function_event_invoke_config(FunctionName=out["Fn"])
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 600)
    assert client("lambda").get_function_url_config(FunctionName=out["Fn"])["AuthType"] == "AWS_IAM"
    attached = client("iam").list_attached_role_policies(RoleName=out["Role"])["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AWSLambdaBasicExecutionRole"]
    assert client("scheduler").get_schedule_group(Name=out["Group"])["Arn"] == out["GroupArn"]


def test_an_image_function_runs_its_entry_point_with_the_packages_that_the_image_copies(
    deploy: Deployer, invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "app.py").write_text(
        "from carried import NAME\ndef handler(event, context): return [NAME, context.function_name]\n"
    )
    (tmp_path / "image" / "Dockerfile").write_text(
        "FROM x\nCOPY libs/carried ${LAMBDA_TASK_ROOT}/carried\nCOPY image/app.py ./\n"
    )
    (tmp_path / "libs" / "carried").mkdir(parents=True)
    (tmp_path / "libs" / "carried" / "__init__.py").write_text("NAME = 'carried'\n")
    stack = deploy(
        """
        Image:
          Type: AWS::Serverless::Function
          IgnoreGlobals: [Runtime, Handler, CodeUri]
          Metadata: {DockerContext: ., Dockerfile: image/Dockerfile}
          Properties: {PackageType: Image, ImageConfig: {Command: [app.handler]}}
        """,
        Outputs="Image: {Value: !Ref Image}",
    )
    assert invoke(stack, stack.outputs["Image"]) == (["carried", stack.outputs["Image"]], None)


def test_only_one_stack_runs_at_a_time(deploy: Deployer) -> None:
    deploy("Queue: {Type: AWS::SQS::Queue}")
    assert refusal(deploy, "Queue: {Type: AWS::SQS::Queue}").code == "AlreadyRunning"


def test_a_stack_starts_empty_after_another(deploy: Deployer, tmp_path: Path) -> None:
    template = deploy.write("Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}")
    for _ in range(2):
        with LocalStack(template, start=START) as stack:
            queue = stack.client("sqs").get_queue_url(QueueName="q")["QueueUrl"]
            assert "Messages" not in stack.client("sqs").receive_message(QueueUrl=queue)
            stack.client("sqs").send_message(QueueUrl=queue, MessageBody="left behind")
            stack.client("s3").create_bucket(Bucket="left-behind")
            assert stack.calls
            assert stack.mails == []


def test_a_taken_port_is_an_error_with_its_number(deploy: Deployer, tmp_path: Path) -> None:
    template = deploy.write("Queue: {Type: AWS::SQS::Queue}")
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option in ("port", "smtp_port"):
            with pytest.raises(LocalStackError) as caught:
                LocalStack(template, start=START, **{option: port}).start()
            assert caught.value.code == "PortTaken"
            assert str(port) in caught.value.message


def test_an_operation_that_the_emulator_lacks_is_an_error_that_names_it(deploy: Deployer) -> None:
    stack = deploy("Queue: {Type: AWS::SQS::Queue}")
    with pytest.raises(ClientError, match="The emulator cannot handle events ListEndpoints"):
        stack.client("events").list_endpoints()
    assert stack.calls[-1].status == 501


def test_two_writers_under_one_condition_never_both_succeed(deploy: Deployer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    stack = deploy(
        """
        Table:
          Type: AWS::DynamoDB::Table
          Properties:
            TableName: t
            BillingMode: PAY_PER_REQUEST
            AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
            KeySchema: [{AttributeName: pk, KeyType: HASH}]
        """
    )
    client = stack.client("dynamodb")

    def claim(number: int) -> bool:
        try:
            client.put_item(
                TableName="t", Item={"pk": {"S": str(number // 8)}}, ConditionExpression="attribute_not_exists(pk)"
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(160))) == 20


def test_the_apps_own_template_deploys_completely_and_every_function_loads(invoke: Invoke) -> None:
    with LocalStack(find_template(), parameters={"NotificationEmail": "a@example.org"}, start=START) as stack:
        assert stack.functions
        for name in stack.functions:
            response, error = invoke(stack, name, {})
            # The functions may refuse an empty event, but they must be loaded to do so.
            assert error is None or not response["errorType"].startswith(("Runtime.", "Sandbox.")), response
        stack.settle()


def test_calls_are_recorded_with_the_time_of_the_stacks_clock(deploy: Deployer) -> None:
    stack = deploy("Queue: {Type: AWS::SQS::Queue}")
    stack.advance_to(datetime(2026, 3, 1, tzinfo=UTC))
    stack.client("s3").list_buckets()
    assert (stack.calls[-1].time, stack.calls[-1].action) == (datetime(2026, 3, 1, tzinfo=UTC), "ListBuckets")
