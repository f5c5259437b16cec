"""No role is granted what it does not need: every part of every policy is needed by a call that was seen.

One pass through the local stack takes every function along the ways on which it calls AWS, faults included. Then each
action and resource of each statement of each role is taken away in turn, and at least one call of the role must be
refused without it. And for each condition what it forbids is tried, and must be refused because of it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from modelwatch.local import LocalStack
from modelwatch.local.app_files import JOB_IMAGE, program_of_the_analyzer
from modelwatch.local.iam_policies import Permission, Statement, allows
from modelwatch.local.moto_patches.iam import arn_of, statements_of, trust_of
from modelwatch_core.domain.temporary_endpoint import temporary_endpoint_name
from tests.app.deployed_app import HOUR, START, App, started
from tests.app.test_job_runs import ENDLESS, PACKAGES, STAND_IN, asked, give_packages, request_of
from tests.app.test_template import resources, source
from tests.app.test_temporary_endpoints import CONFIG, capture, explained, left, make_endpoint, silence
from tests.local.model_server import Container
from tests.repository import ROOT

__all__ = ["resources", "source"]  # fixtures

pytestmark = [pytest.mark.long_setup, pytest.mark.slow]

OWN_TOPIC, NO_TOPIC = (f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("own", "none"))
NO_FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:none"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1f0e9d8c-0000-4000-8000-000000000000"
NINE = START.replace(minute=0) + HOUR
BEFORE_TEN = NINE + timedelta(minutes=50)
TICK = timedelta(minutes=7)  # after the hour, between two sweeps: the lease of this template is a second

JOBS = "arn:aws:sagemaker:us-east-1:123456789012:processing-job"
_STOPS = f"{JOBS}/*-{'?' * 12}-{'?' * 12} of the statement for sagemaker:StopProcessingJob"
_STOPS_OWN = f"{JOBS}/* of the statement for sagemaker:StopProcessingJob"
UNSEEN = (
    # Where an upload fails half-way, see ``test_an_upload_that_fails_leaves_no_parts`` of the port contracts.
    "AnalysisRole: s3:AbortMultipartUpload",
    "JobRole: s3:AbortMultipartUpload",
    # SageMaker itself pulls images with the role of a job, and lists what it downloads.
    "JobRole: ecr:",
    "JobRole: arn:aws:ecr:",
    "JobRole: *",
    "JobRole: s3:ListBucket",
    "JobRole: arn:*:s3:::",
    # EMR Serverless itself looks for the log group and its streams.
    "SparkRole: s3:AbortMultipartUpload",
    "SparkRole: logs:DescribeLogGroups",
    "SparkRole: logs:DescribeLogStreams",
    "SparkRole: arn:aws:logs:us-east-1:123456789012:log-group:* of the statement for logs:DescribeLogGroups",
    # An alert that waited, since more came in a second than people take, see tests/core/test_alerts.py.
    "RouteAlertsRole: dynamodb:DeleteItem",
    # A baseline that is stopped in the moment in which its run starts, see tests/core/test_hosts.py.
    "ReconcileRole: emr-serverless:CancelJobRun",
    "CreateBaselineRole: emr-serverless:CancelJobRun",
    "CreateBaselineRole: arn:aws:emr-serverless:",
    "CreateBaselineRole: sagemaker:StopProcessingJob",
    f"CreateBaselineRole: {_STOPS_OWN}",
    # An execution that is stopped in the moment in which its job starts, see tests/core/test_hosts.py.
    "LaunchExecutionRole: sagemaker:StopProcessingJob",
    f"LaunchExecutionRole: {_STOPS}",
    # A job whose end is lost and that stored none, or whose schedule is deleted: tests/core/test_processing_jobs.py.
    "ReconcileRole: sagemaker:DescribeProcessingJob",
    "ReconcileRole: sagemaker:StopProcessingJob",
    f"ReconcileRole: {_STOPS_OWN}",
    # A job of that name which is there already, see tests/core/test_processing_jobs.py.
    "CreateBaselineRole: sagemaker:DescribeProcessingJob",
    "LaunchExecutionRole: sagemaker:DescribeProcessingJob",
    "FollowEndpointsRole: sagemaker:DescribeProcessingJob",
    # Schedules that an earlier version wrote are all read, and get their places: tests/core/test_ledger_repair.py.
    "LaunchExecutionRole: arn:aws:dynamodb:us-east-1:123456789012:table/modelwatch-Ledger/index/listing",
    "ReconcileRole: dynamodb:ConditionCheckItem",
    # A manifest of batch transform jobs, for an explanation of these in a job.
    "FollowEndpointsRole: s3:GetObject",
    "FollowEndpointsRole: arn:*:s3:::",
    "FollowEndpointsRole: arn:aws:s3:::modelwatch-results",
)
"""What is needed, and cannot be seen here."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[LocalStack]:
    template = with_a_short_lease(tmp_path_factory.mktemp("app"))
    further = {
        "AlertTopicArns": f"{OWN_TOPIC},{NO_TOPIC}",
        "AlertFunctionArns": NO_FUNCTION,
        "KmsKeyArn": KEY,
        "OutputBuckets": "outputs",
        "BaselineRule": "Enabled",
        "JobImageUri": JOB_IMAGE,
        "SparkPackagesUri": PACKAGES,
    }
    with Container() as container, started(template, BEFORE_TEN, **further) as stack:
        Pass(explained(stack, container), container).everything()
        yield stack


def with_a_short_lease(folder: Path) -> Path:
    for name in ("functions", "layers", "analyzer_container"):
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "template.yaml").read_text()
    (folder / "template.yaml").write_text(text.replace('ANALYSIS_LEASE_SECONDS: "5400"', 'ANALYSIS_LEASE_SECONDS: "1"'))
    return folder / "template.yaml"


class Pass:
    """A long day of the app; each part takes the next hours."""

    def __init__(self, app: App, container: Container) -> None:
        self.app, self.stack, self.container = app, app.stack, container
        self.buckets = (app.stack.outputs["ResultsBucketName"], "outputs", "captures")
        app.s3.create_bucket(Bucket="outputs")
        self._hours = (NINE + number * HOUR for number in count())

    def everything(self) -> None:
        self.schedules_are_found_by_what_they_watch()
        self.files_are_in_either_bucket()
        self.alerts_reach_their_targets()
        self.reports_are_lost()
        self.an_end_is_lost()
        for bucket in self.buckets:
            self.explain_with_the_configuration_in(bucket)
        self.an_endpoint_fails()
        with self.events_of_endpoints_lost():
            self.a_person_stops_an_execution()
            self.the_sweep_starts_what_waits()
            self.the_sweep_makes_an_endpoint()
        self.an_event_makes_an_endpoint()
        self.analyses_run_in_jobs()
        self.baselines_are_made_on_spark()
        self.a_configuration_is_deleted()
        self.orphans_are_deleted()
        self.the_sweep_follows_a_change()
        self.a_watched_endpoint_is_looked_at()
        self.a_batch_is_written()
        self.a_model_is_approved()
        self.events_come_twice()
        self.what_is_given_up_is_delivered_again()

    def schedules_are_found_by_what_they_watch(self) -> None:
        """Note what the first sweep of an hour notes, and it is not always the hour's first minutes."""
        places = {"pk": {"S": "SCHEDULES"}, "sk": {"S": "PLACES"}, "complete": {"BOOL": True}}
        self.stack.client("dynamodb").put_item(TableName=self.stack.outputs["LedgerTableName"], Item=places)

    def files_are_in_either_bucket(self) -> None:
        for number, bucket in enumerate(self.buckets):
            self.app.s3.put_object(Bucket=bucket, Key="config.json", Body=json.dumps(CONFIG).encode())
            features = self.app.s3.get_object(Bucket="captures", Key="features.csv")["Body"].read()
            self.app.s3.put_object(Bucket=bucket, Key="features.csv", Body=features)
            self.app.call(
                "CreateBaselineFunction",
                {
                    "baselining_job_name": f"explained-{number}",
                    "monitoring_type": "ModelExplainability",
                    "baseline_dataset_s3_uri": f"s3://{bucket}/features.csv",
                    "dataset_format": {"csv": {"header": True}},
                    "analysis_config": f"s3://{bucket}/config.json",
                },
            )
            missing = {"constraints_s3_uri": f"s3://{bucket}/missing.json"}
            with pytest.raises(RuntimeError, match="BaselineNotFound"):
                self.app.make_schedule(baseline=missing)
        self.stack.settle()

    def explain_with_the_configuration_in(self, bucket: str, **changes: object) -> None:
        """Make, or change, the schedule of the hours below."""
        folder = f"s3://{self.stack.outputs['ResultsBucketName']}/baselining/first"
        asked = {
            "monitoring_schedule_name": "explained",
            "monitoring_type": "ModelExplainability",
            "schedule_expression": "cron(0 * ? * * *)",
            "endpoint_input": {"endpoint_name": "loans"},
            "baseline": {"constraints_s3_uri": f"{folder}/analysis.json"},
            "analysis_config": f"s3://{bucket}/config.json",
            "start_delay_minutes": TICK.seconds // 60,
            "output_s3_uri": f"s3://{'outputs' if bucket == 'outputs' else self.buckets[0]}/monitoring",
        }
        listed = self.app.manage("ListMonitoringSchedules")["schedules"]
        operation = "UpdateMonitoringSchedule" if listed else "CreateMonitoringSchedule"
        self.app.manage(operation, **(asked | changes))
        hour = self.explained_hour()
        assert (self.status(hour), left(self.app)) == ("Completed", [])

    def an_endpoint_fails(self) -> None:
        self.stack.serve_model("scorer", "http://127.0.0.1:9/invocations")
        hour = self.explained_hour()
        assert (self.status(hour), left(self.app)) == ("Failed", [])
        self.stack.serve_model("scorer", self.container.url)

    def analyses_run_in_jobs(self) -> None:
        """Jobs that a request, a tick, an event of an endpoint and the sweep start, and one that a person stops."""
        in_a_job = {"resources": {"host": "sagemaker"}, "processing": {"tags": {"team": "credit"}}}
        dataset = {"baseline_dataset_s3_uri": "s3://captures/train.csv", "dataset_format": {"csv": {"header": True}}}
        self.app.call("CreateBaselineFunction", {"baselining_job_name": "in-a-job", **dataset, **in_a_job})
        self.stack.settle()
        self.app.make_schedule("in-jobs", compared_with="in-a-job", output_s3_uri="s3://outputs/jobs", **in_a_job)
        hour = next(self._hours)
        self.app.capture(hour)
        self.stack.advance_to(hour + HOUR + TICK)
        assert self.status(hour, "in-jobs") == "Completed"
        self.a_person_stops_a_job()
        self.app.manage("DeleteMonitoringSchedule", monitoring_schedule_name="in-jobs")
        self.explain_with_the_configuration_in(self.buckets[-1], **in_a_job)
        with self.events_of_endpoints_lost():
            self.the_sweep_makes_an_endpoint()

    def baselines_are_made_on_spark(self) -> None:
        """Runs that a request and the sweep start, whose events come or are lost, and one that a person stops."""
        give_packages(self.app)
        self.stack.run_spark(*STAND_IN)
        for number, bucket in enumerate(self.buckets):
            output = f"s3://{'outputs' if bucket == 'outputs' else self.buckets[0]}/on-spark/{number}"
            dataset = {"baseline_dataset_s3_uri": f"s3://{bucket}/features.csv", "output_s3_uri": output}
            made = asked(self.app, f"on-spark-{number}", **dataset)
            assert made["status"] == "Completed", self.stack.job_run_log(made["run"]["run_id"])
        self.moves_up("on-spark-0", "moved-up")
        with self.events_of_job_runs_lost():
            self.sweep()
        self.is_overdue("moved-up")
        self.app.s3.delete_object(Bucket=self.buckets[0], Key="on-spark/moved-up/analysis_ended.json")
        self.sweep()
        moved = self.app.manage("DescribeBaseliningJob", baselining_job_name="moved-up")
        assert (moved["host"], moved["status"]) == ("emr-serverless", "Failed")
        assert moved["outcome"]["failure_reason"].startswith("NoEndOfAnalysis")
        self.stack.run_spark(*ENDLESS)
        self.app.call("CreateBaselineFunction", request_of("stopped-on-spark"))
        self.app.manage("StopBaseliningJob", baselining_job_name="stopped-on-spark")
        self.stack.settle()

    def moves_up(self, done: str, name: str) -> None:
        """Note a job like one that is done, which outgrew its processing job."""
        table, dynamodb = self.stack.outputs["LedgerTableName"], self.stack.client("dynamodb")
        item = dynamodb.get_item(TableName=table, Key={"pk": {"S": f"BASELINE#{done}"}, "sk": {"S": "JOB"}})["Item"]
        document = json.loads(item["document"]["S"]) | {
            "baselining_job_name": name,
            "output_s3_uri": f"s3://{self.buckets[0]}/on-spark/{name}",
            "resources": None,
            "status": "InProgress",
            "host": "sagemaker",
            "moved_up_from": "sagemaker",
            "run": None,
            "outcome": None,
        }
        changed = {"pk": f"BASELINE#{name}", "document": json.dumps(document), "list": "OPEN_JOBS"}
        changed |= {"list_key": "2026-01-01T00:00:00Z"}
        dynamodb.put_item(TableName=table, Item=item | {key: {"S": value} for key, value in changed.items()})

    def is_overdue(self, name: str) -> None:
        self.stack.client("dynamodb").update_item(
            TableName=self.stack.outputs["LedgerTableName"],
            Key={"pk": {"S": f"BASELINE#{name}"}, "sk": {"S": "JOB"}},
            UpdateExpression="SET list_key = :due",
            ExpressionAttributeValues={":due": {"S": "2026-01-01T00:00:00Z"}},
        )

    def a_person_stops_a_job(self) -> None:
        """Stop an execution before its job, which a program that goes on stands for, has ended."""
        self.stack.run_image(JOB_IMAGE, sys.executable, "-c", "import time; time.sleep(600)")
        window = {"start": f"{NINE - HOUR:%Y-%m-%dT%H:%M:%SZ}", "end": f"{NINE:%Y-%m-%dT%H:%M:%SZ}"}
        self.app.capture(NINE - HOUR)
        asked = {"monitoring_schedule_name": "in-jobs", "window": window, "tick_id": "stopped"}
        self.app.call("LaunchExecutionFunction", asked)
        self.app.manage("StopMonitoringExecution", monitoring_schedule_name="in-jobs")
        self.stack.settle()
        self.stack.run_image(JOB_IMAGE, *program_of_the_analyzer())

    def a_configuration_is_deleted(self) -> None:
        for bucket in self.buckets:
            self.app.s3.delete_object(Bucket=bucket, Key="config.json")
        assert self.status(self.explained_hour()) == "Failed"

    def the_sweep_follows_a_change(self) -> None:
        """Changes that a crash left: of a schedule without a clock, and of one that was deleted."""
        (tick,) = self.ticks()
        self.stack.client("scheduler").delete_schedule(Name=tick["Name"], GroupName=tick["GroupName"])
        for name in ("explained", "deleted"):
            known = {"pk": f"SCHEDULE#{name}", "sk": "CHANGE#id#00000001", "schedule_id": "id", "list": "CHANGES"}
            item = {key: {"S": value} for key, value in (known | {"list_key": "2026-01-01T00:00:00Z"}).items()}
            table = self.stack.outputs["LedgerTableName"]
            self.stack.client("dynamodb").put_item(TableName=table, Item=item | {"version": {"N": "1"}})
        self.sweep()
        (again,) = self.ticks()
        assert (again["Target"], again["ScheduleExpression"]) == (tick["Target"], tick["ScheduleExpression"])
        assert self.app.manage("ListMonitoringSchedules", sort_by="CreationTime")["schedules"]

    def a_watched_endpoint_is_looked_at(self) -> None:
        event = json.loads((ROOT / "events/inbound/follow_endpoints.updated.json").read_text())
        event["detail"]["EndpointName"] = "loans"
        self.stack.client("lambda").invoke(FunctionName=self.function("FollowEndpoints"), Payload=json.dumps(event))
        self.stack.settle()
        seen = self.app.manage("DescribeMonitoringSchedule", monitoring_schedule_name="explained")["watched_endpoint"]
        assert seen["condition"] == "Works"

    def a_batch_is_written(self) -> None:
        assert self.app.write_batch()
        self.app.manage("DeleteMonitoringSchedule", monitoring_schedule_name="batches")

    def a_model_is_approved(self) -> None:
        sagemaker = self.stack.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName="loans")
        noted = {"modelwatch:baseline_dataset_s3_uri": "s3://captures/train.csv", "modelwatch:dataset_format": "csv"}
        sagemaker.create_model_package(
            ModelPackageGroupName="loans", ModelApprovalStatus="Approved", CustomerMetadataProperties=noted
        )
        self.stack.settle()
        job = self.app.manage("DescribeBaseliningJob", baselining_job_name="loans-1-baseline")
        assert job["status"] == "Completed"

    def events_come_twice(self) -> None:
        for name in ("Analyzer", "RouteAlerts"):
            invocation = next(one for one in self.stack.invocations if one.function_name == self.function(name))
            self.stack.client("lambda").invoke(FunctionName=invocation.function_name, Payload=invocation.payload)
        self.stack.settle()

    def alerts_reach_their_targets(self) -> None:
        assert self.app.make_baseline("quality")["status"] == "Completed"
        self.stack.client("sns").create_topic(Name="own")
        targets = [{"type": "sns", "address": topic} for topic in (OWN_TOPIC, NO_TOPIC)]
        make = partial(self.app.make_schedule, compared_with="quality", start_delay_minutes=TICK.seconds // 60)
        targets.append({"type": "lambda", "address": NO_FUNCTION})
        alarm = {"AlarmName": "own", "EvaluationPeriods": 1, "Threshold": 0, "Period": 3600, "Statistic": "Maximum"}
        self.stack.client("cloudwatch").put_metric_alarm(
            **alarm,
            ComparisonOperator="GreaterThanThreshold",
            Namespace="aws/sagemaker/Endpoints/data-metrics",
            MetricName="any",
            Dimensions=[{"Name": "Endpoint", "Value": "loans"}, {"Name": "MonitoringSchedule", "Value": "own"}],
        )
        make("own", alert_targets=[*targets, {"type": "cloudwatch-alarm", "address": "own"}])
        make("usual", output_s3_uri="s3://outputs/usual")
        hour = next(self._hours)
        self.app.capture(hour, income_factor=1000)
        self.stack.advance_to(hour + HOUR + TICK)
        for name in ("own", "usual"):
            assert self.status(hour, name) == "CompletedWithViolations"
        assert len(self.app.mails_of(hour)) == 1

    def reports_are_lost(self) -> None:
        hour = next(self._hours)
        self.app.capture(hour, income_factor=1000)
        silence(self.stack, "FinishExecutionAnalysisEnded")
        self.stack.advance_to(hour + HOUR + TICK)
        for name, bucket in (("own", self.buckets[0]), ("usual", "outputs")):
            objects = self.app.s3.list_objects_v2(Bucket=bucket)["Contents"]
            folder = f"/{name}/{hour + HOUR:%Y/%m/%d/%H}/"
            reports = {found["Key"].rpartition("/")[2]: found["Key"] for found in objects if folder in found["Key"]}
            for name_of_report in ("constraint_violations.json", "violations.json"):
                self.app.s3.delete_object(Bucket=bucket, Key=reports[name_of_report])
            detail = json.load(self.app.s3.get_object(Bucket=bucket, Key=reports["analysis_ended.json"])["Body"])
            ended = json.loads((ROOT / "events/inbound/finish_execution.analysis_ended.json").read_text())
            payload = json.dumps(ended | {"id": name, "detail": detail})
            self.stack.client("lambda").invoke(FunctionName=self.function("FinishExecution"), Payload=payload)
            assert self.status(hour, name) == "Failed"
        self.rule("FinishExecutionAnalysisEnded", "enable_rule")

    def an_end_is_lost(self) -> None:
        hour = next(self._hours)
        self.app.capture(hour, income_factor=1000)
        silence(self.stack, "FinishExecutionAnalysisEnded")
        self.stack.advance_to(hour + HOUR + TICK)
        time.sleep(1.1)  # until the lease is over, by the functions' own clock
        self.sweep()
        assert self.status(hour, "usual") == "CompletedWithViolations"
        self.rule("FinishExecutionAnalysisEnded", "enable_rule")
        for name in ("own", "usual"):
            self.app.manage("StopMonitoringSchedule", monitoring_schedule_name=name)
            self.app.manage("DeleteMonitoringSchedule", monitoring_schedule_name=name)

    def a_person_stops_an_execution(self) -> None:
        hour = self.explained_hour()
        self.app.manage("StopMonitoringExecution", monitoring_schedule_name="explained")
        assert (self.status(hour), left(self.app)) == ("Stopped", [])

    def the_sweep_starts_what_waits(self) -> None:
        hour = self.explained_hour()
        window = {"start": f"{hour - HOUR:%Y-%m-%dT%H:%M:%SZ}", "end": f"{hour - HOUR / 2:%Y-%m-%dT%H:%M:%SZ}"}
        asked = {"monitoring_schedule_name": "explained", "window": window, "tick_id": "again"}
        (launched,) = self.app.call("LaunchExecutionFunction", asked).values()
        assert launched["monitoring_execution_status"] == "Pending"
        for _ in range(3):  # the first analysis; the endpoint of the one that waited for it; that one's analysis
            self.sweep()
        (one_off,) = [one for one in self.executions() if one["window"] == window]
        assert (self.status(hour), one_off["monitoring_execution_status"]) == ("Completed", "Completed")
        assert left(self.app) == []

    def the_sweep_makes_an_endpoint(self) -> None:
        hour = self.explained_hour()
        self.lose_the_endpoint()
        self.sweep()  # makes it
        self.sweep()  # starts the analysis
        assert (self.status(hour), left(self.app)) == ("Completed", [])

    def an_event_makes_an_endpoint(self) -> None:
        with self.events_of_endpoints_lost():
            hour = self.explained_hour()
        name = self.lose_the_endpoint()
        event = json.loads((ROOT / "events/inbound/follow_endpoints.in_service.json").read_text())
        event["detail"]["EndpointName"] = name
        self.stack.client("lambda").invoke(FunctionName=self.function("FollowEndpoints"), Payload=json.dumps(event))
        self.stack.settle()
        assert (self.status(hour), left(self.app)) == ("Completed", [])

    def orphans_are_deleted(self) -> None:
        orphan = partial(temporary_endpoint_name, self.stack.outputs["LedgerTableName"])
        make_endpoint(self.stack, orphan("execution/explained/one"))
        assert left(self.app) == []
        with self.events_of_endpoints_lost():
            make_endpoint(self.stack, orphan("execution/explained/another"))
            self.sweep()
        assert left(self.app) == []

    def what_is_given_up_is_delivered_again(self) -> None:
        for name in self.stack.functions:
            payload = "0" if "Reconcile" in name else "{}"  # none of which is an event of ours
            self.stack.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=payload)
        (tick,) = self.ticks()
        target = tick["Target"] | {"Input": "not JSON"}
        rest = {name: tick[name] for name in ("GroupName", "FlexibleTimeWindow")}
        self.stack.client("scheduler").create_schedule(
            Name="unreadable", ScheduleExpression="rate(1 minutes)", Target=target, **rest
        )
        self.stack.advance(timedelta(minutes=1))
        self.stack.client("scheduler").delete_schedule(Name="unreadable", GroupName=tick["GroupName"])
        self.app.call("ReconcileFunction", {"redeliver": "everything"})
        self.stack.settle()

    def explained_hour(self) -> datetime:
        hour = next(self._hours)
        capture(self.app, hour)
        self.stack.advance_to(hour + HOUR + TICK)
        return hour

    def sweep(self) -> None:
        self.app.call("ReconcileFunction", {})
        self.stack.settle()

    def status(self, hour: datetime, name: str = "explained") -> str:
        return self.app.execution(hour + HOUR, name)["monitoring_execution_status"]

    def executions(self) -> list[dict]:
        return self.app.manage("ListMonitoringExecutions", monitoring_schedule_name="explained")["executions"]

    def lose_the_endpoint(self) -> str:
        """Delete the endpoint that an analysis waits for, as if it had never been made, an hour after it was noted."""
        name, sagemaker, table = left(self.app)[0], self.stack.client("sagemaker"), self.stack.client("dynamodb")
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
        key = {
            "TableName": self.stack.outputs["LedgerTableName"],
            "Key": {"pk": {"S": f"DEFERRED#{name}"}, "sk": {"S": "ANALYSIS"}},
        }
        document = json.loads(table.get_item(**key)["Item"]["document"]["S"])
        document["creation_time"] = f"{datetime.fromisoformat(document['creation_time']) - HOUR / 2:%Y-%m-%dT%H:%M:%SZ}"
        table.update_item(
            **key, UpdateExpression="SET document = :d", ExpressionAttributeValues={":d": {"S": json.dumps(document)}}
        )
        return name

    def function(self, name: str) -> str:
        (found,) = [each for each in self.stack.functions if name in each]
        return found

    def ticks(self) -> list[dict]:
        scheduler = self.stack.client("scheduler")
        listed = scheduler.list_schedules(NamePrefix="explained")["Schedules"]
        return [scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]) for one in listed]

    @contextmanager
    def events_of_endpoints_lost(self) -> Iterator[None]:
        events = self.stack.client("events")
        (name,) = [one["Name"] for one in events.list_rules()["Rules"] if "EndpointChanged" in one["Name"]]
        events.disable_rule(Name=name)
        yield
        events.enable_rule(Name=name)

    @contextmanager
    def events_of_job_runs_lost(self) -> Iterator[None]:
        events = self.stack.client("events")
        (name,) = [one["Name"] for one in events.list_rules()["Rules"] if "JobRunEnded" in one["Name"]]
        events.disable_rule(Name=name)
        yield
        events.enable_rule(Name=name)

    def rule(self, name: str, change: str) -> None:
        events, bus = self.stack.client("events"), self.stack.outputs["EventBusName"]
        (rule,) = [one["Name"] for one in events.list_rules(EventBusName=bus)["Rules"] if name in one["Name"]]
        getattr(events, change)(Name=rule, EventBusName=bus)


def roles(stack: LocalStack) -> dict[str, str]:
    """The logical name of each role of the template, and the name that it was deployed with."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceType"] == "AWS::IAM::Role"
    }


def calls_of(stack: LocalStack, role: str) -> list[Permission]:
    return list({str(one): one for call in stack.calls if call.role == role for one in call.needed}.values())


def parts(statements: list[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """Each action and each resource of each statement, and the statements without it."""
    for place, statement in enumerate(statements):
        others = [*statements[:place], *statements[place + 1 :]]
        for element, beside in (("Action", "Resource"), ("Resource", "Action")):
            listed = statement[element] if isinstance(statement[element], list) else [statement[element]]
            for one in listed:
                rest = [each for each in listed if each != one]
                without = [*others, {**statement, element: rest}] if rest else others
                yield f"{one} of the statement for {statement[beside]}", without


def test_no_call_was_refused(stack):
    assert {f"{call.role}: {call.refused}" for call in stack.calls if call.refused} == set()
    assert stack.undelivered == []


def test_without_any_action_or_resource_of_any_statement_a_call_of_its_role_is_refused(stack):
    unneeded = {
        re.sub(r"(modelwatch-Ledger)-\w+", r"\1", f"{role}: {part}")
        for role, name in roles(stack).items()
        for calls in [calls_of(stack, name)]
        for part, without in parts(statements_of(name) or [])
        if all(allows(without, call) for call in calls)
    }
    assert sorted(part for part in unneeded if not part.startswith(UNSEEN)) == []
    assert [known for known in UNSEEN if not any(part.startswith(known) for part in unneeded)] == []  # no exception


def test_every_role_of_the_template_was_used(stack):
    assert {role for role, name in roles(stack).items() if not calls_of(stack, name)} == set()


@dataclass(frozen=True)
class Asked:
    """A request that policies allow, for one that a condition forbids to be made of it.

    Attributes
    ----------
    principal : str, optional
        Who asks, for the policy of a resource.
    """

    statements: list[Statement]
    permission: Permission
    principal: str | None = None

    def is_allowed(self, statements: list[Statement] | None = None, **context: list[str]) -> bool:
        changed = {**self.permission.context, **context}
        asked = replace(self.permission, context={key: values for key, values in changed.items() if values})
        return allows(self.statements if statements is None else statements, asked, principal=self.principal)


def conditions(statements: list[Statement]) -> Iterator[tuple[int, str, str]]:
    """Yield the place of each statement with a condition, its operator and its key."""
    for place, statement in enumerate(statements):
        for operator, of_key in statement.get("Condition", {}).items():
            yield from ((place, operator, key) for key in of_key)


def without(statements: list[Statement], place: int, operator: str, key: str) -> list[Statement]:
    """Return statements of which one lacks one condition; a Deny that is left without any is gone."""
    statement = statements[place]
    rest = {name: value for name, value in statement["Condition"][operator].items() if name != key}
    others = [*statements[:place], *statements[place + 1 :]]
    if statement["Effect"] == "Deny" and not rest:
        return others
    return [*others, {**statement, "Condition": {**statement["Condition"], operator: rest}}]


def what_conditions_forbid(asked: Asked) -> Iterator[tuple[str, str]]:
    """Try what each condition on a request forbids, and yield it by its statement and its key.

    Fails where something is not refused, or not because of the condition.
    """
    assert asked.is_allowed()
    for place, operator, key in conditions(asked.statements):
        statement = asked.statements[place]
        if statement["Effect"] == "Allow" and not allows([statement], asked.permission, principal=asked.principal):
            continue  # of another request
        wrong = statement["Condition"][operator][key] if statement["Effect"] == "Deny" else "forbidden"
        forbidden = {key.lower(): [str(wrong).lower()]}
        assert not asked.is_allowed(**forbidden), f"{key} of {statement} does not forbid {forbidden}"
        freed = without(asked.statements, place, operator, key)
        assert asked.is_allowed(freed, **forbidden), f"{key} of {statement} is not what forbids {forbidden}"
        if statement["Effect"] == "Allow" and not operator.startswith("ForAllValues"):
            assert not asked.is_allowed(**{key.lower(): []}), f"{key} of {statement} may be absent"
        yield json.dumps(statement), key


def asked_of_roles(stack: LocalStack) -> Iterator[Asked]:
    for name in roles(stack).values():
        yield from (Asked(statements_of(name) or [], call) for call in calls_of(stack, name))


def asked_of_resources(stack: LocalStack) -> Iterator[Asked]:
    """Yield requests that policies of resources allow; the emulator does not ask these policies itself."""
    scheduler = stack.client("scheduler")
    (group,) = [one["Arn"] for one in scheduler.list_schedule_groups()["ScheduleGroups"] if one["Name"] != "default"]
    account = {"aws:sourceaccount": ["123456789012"]}
    role = arn_of(roles(stack)["ScheduleRole"])
    assert role
    fires = Permission("sts:AssumeRole", "*", {**account, "aws:sourcearn": [group]})
    yield Asked(trust_of(role), fires, "scheduler.amazonaws.com")
    queue = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["DeadLettersUrl"], AttributeNames=["Policy", "QueueArn"]
    )["Attributes"]
    gives_up = Permission("sqs:SendMessage", queue["QueueArn"], {**account, "aws:securetransport": ["true"]})
    yield Asked(json.loads(queue["Policy"])["Statement"], gives_up, "events.amazonaws.com")
    bucket = stack.outputs["ResultsBucketName"]
    policy = json.loads(stack.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    reads = Permission("s3:GetObject", f"arn:aws:s3:::{bucket}/a", {"aws:securetransport": ["true"]})
    owner = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}  # as its own role would
    yield Asked([*policy, owner], reads, "anybody")


def keys_of_conditions(template: object) -> set[str]:
    if isinstance(template, list):
        return {key for each in template for key in keys_of_conditions(each)}
    if not isinstance(template, dict):
        return set()
    own = template["Condition"] if "Effect" in template and "Condition" in template else {}
    return {key for of_key in own.values() for key in of_key} | keys_of_conditions(list(template.values()))


def test_what_each_condition_forbids_is_refused_because_of_it(stack, resources):
    asked = [*asked_of_roles(stack), *asked_of_resources(stack)]
    tried = {condition for one in asked for condition in what_conditions_forbid(one)}
    there = {(json.dumps(one.statements[place]), key) for one in asked for place, _, key in conditions(one.statements)}
    assert tried == there
    assert {key for _, key in tried} == keys_of_conditions(resources)


@pytest.mark.parametrize(
    ("role", "service", "method", "arguments"),
    [
        ("ManageMonitorsRole", "events", "put_events", {"Source": "lambda", "DetailType": "Analysis Ended"}),
        ("AnalyzerRole", "events", "put_events", {"Source": "modelwatch", "DetailType": "Execution Ended"}),
        ("AnalyzerRole", "dynamodb", "get_item", {"Key": {"pk": {"S": "SCHEDULE#usual"}, "sk": {"S": "SCHEDULE"}}}),
        ("FinishExecutionRole", "cloudwatch", "put_metric_data", {"Namespace": "Modelwatch", "MetricData": []}),
        ("AnalyzerRole", "s3", "get_object", {"Bucket": "captures", "Key": "train.csv"}),
        ("ManageMonitorsRole", "sagemaker", "stop_processing_job", {"ProcessingJobName": "somebody-elses"}),
        ("LaunchExecutionRole", "sagemaker", "stop_processing_job", {"ProcessingJobName": "somebody-elses"}),
        ("ReconcileRole", "sagemaker", "stop_processing_job", {"ProcessingJobName": "model-training-20261129"}),
        ("ManageMonitorsRole", "emr-serverless", "cancel_job_run", {"applicationId": "another", "jobRunId": "1"}),
    ],
)
def test_a_role_that_tries_what_is_forbidden_is_refused(stack, role, service, method, arguments):
    if service == "events":
        arguments = {"Entries": [{**arguments, "Detail": "{}", "EventBusName": stack.outputs["EventBusName"]}]}
    if service == "dynamodb":
        arguments = {**arguments, "TableName": stack.outputs["LedgerTableName"]}
    assumed = stack.client("sts").assume_role(RoleArn=arn_of(roles(stack)[role]), RoleSessionName="tries")
    keys = [assumed["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    client = boto3.Session(*keys, region_name=stack.region).client(service, endpoint_url=stack.endpoint_url)
    with pytest.raises(ClientError, match="is not authorized to perform"):
        getattr(client, method)(**arguments)
    stack.calls.pop()  # it was no call of the app
