"""What the template must hold, asserted on what SAM makes of it."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import reduce
from textwrap import indent
from urllib.parse import urlsplit

import pytest
from moto.events.models import EventPattern
from pydantic import TypeAdapter, ValidationError
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from modelwatch_core import wiring
from modelwatch_core.domain.documents import SageMakerName
from modelwatch_core.domain.events import AnalysisEnded
from modelwatch_core.domain.lambda_invocation import InvocationFailed
from modelwatch_core.domain.report_links import console_page
from tests.core.test_port_contracts import execution
from tests.documents import blocks
from tests.repository import ROOT

TEMPLATE = ROOT / "template.yaml"


@pytest.fixture(scope="module")
def source() -> dict:
    return yaml_parse(TEMPLATE.read_text())


@pytest.fixture(scope="module")
def resources() -> dict[str, dict]:
    template = yaml_parse(TEMPLATE.read_text())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "ContentUri" in properties:
            properties["ContentUri"] = "s3://code/layer"
        if properties.get("PackageType") == "Image":
            properties["ImageUri"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/analyzer:v1"
        elif "CodeUri" in properties:
            properties["CodeUri"] = "s3://code/function"
    translated = Translator({}, Parser()).translate(template, parameter_values={})
    return translated["Resources"]


def of_type(resources: dict[str, dict], kind: str) -> dict[str, dict]:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def statements(resources: dict[str, dict]):
    for logical_name, resource in resources.items():
        properties = resource.get("Properties", {})
        of_a_role = resource["Type"] == "AWS::IAM::Policy"
        name = properties["Roles"][0]["Ref"] if of_a_role else logical_name
        documents = [
            policy.get("PolicyDocument", {}) for policy in properties.get("Policies", []) if "Fn::If" not in policy
        ]
        if of_a_role or resource["Type"] == "AWS::IAM::ManagedPolicy":
            documents.append(properties["PolicyDocument"])
        for document in documents:
            for statement in document.get("Statement", []):
                yield name, statement.get("Fn::If", [None, statement])[1]


def test_every_function_has_a_log_group_that_expires_and_a_way_out_for_failures(resources):
    functions = of_type(resources, "AWS::Lambda::Function")
    assert len(functions) == 9
    failures = of_type(resources, "AWS::Lambda::EventInvokeConfig")
    covered = {config["Properties"]["FunctionName"]["Ref"] for config in failures.values()}
    assert covered == set(functions)
    for config in failures.values():
        assert config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
    for name, function in functions.items():
        group = resources[function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_every_role_takes_the_permissions_boundary(resources):
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert role["Properties"]["PermissionsBoundary"]["Fn::If"][0] == "HasBoundary", name


def test_no_statement_allows_everything_of_a_service_or_on_everything(resources):
    for name, statement in statements(resources):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions), name
        if statement["Resource"] == "*":
            # APIs that know no resources: two look, two trace, one logs in to pull images, and the one that writes is
            # bounded by its namespace.
            if actions in (
                ["ecr:GetAuthorizationToken"],
                ["sagemaker:ListEndpointConfigs", "sagemaker:ListEndpoints"],
                ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
            ):
                continue
            assert actions == ["cloudwatch:PutMetricData"], name
            namespaces = {"cloudwatch:namespace": {"Fn::Sub": "${MetricNamespacePrefix}/*"}}
            assert statement["Condition"]["StringLike"] == namespaces


def test_events_can_only_be_put_with_our_source_and_by_the_analyzer_only_the_ends_of_analyses(resources):
    found = [(name, s) for name, s in statements(resources) if s["Action"] == "events:PutEvents"]
    by_the_analyzer = [s["Condition"] for name, s in found if name == "AnalyzerRole"]
    assert by_the_analyzer == [
        {"StringEquals": {"events:source": source, "events:detail-type": detail_type}}
        for source, detail_type in (
            ("modelwatch", AnalysisEnded.detail_type),
            ("lambda", InvocationFailed.detail_type),  # written by Lambda, with the role of the function
        )
    ]
    others = [s["Condition"] for name, s in found if name != "AnalyzerRole"]
    assert others == [{"StringEquals": {"events:source": "modelwatch"}}] * 6


def test_each_end_of_a_run_that_is_read_has_a_rule(resources):
    rules = [resource for name, resource in resources.items() if name.startswith("FinishExecution")]
    patterns = [rule["Properties"]["EventPattern"] for rule in rules if rule["Type"] == "AWS::Events::Rule"]
    assert sorted(name for pattern in patterns for name in pattern["detail-type"]) == sorted(wiring.ENDS)


def test_each_function_writes_to_its_own_log_group_only(resources):
    granted = {
        name: statement["Resource"]
        for name, statement in statements(resources)
        if name not in ("JobRole", "SparkRole") and any(action.startswith("logs:") for action in statement["Action"])
    }
    assert granted == {
        f"{function}Role": {"Fn::GetAtt": [f"{function}Logs", "Arn"]}
        for function in of_type(resources, "AWS::Lambda::Function")
    }


def test_roles_have_no_policies_but_those_of_the_template(resources):
    attached = [
        policy.get("Fn::If", [None, policy])[1]["Ref"]
        for role in of_type(resources, "AWS::IAM::Role").values()
        for policy in role["Properties"].get("ManagedPolicyArns", [])
    ]
    assert set(attached) == set(of_type(resources, "AWS::IAM::ManagedPolicy"))


def test_each_function_has_a_role_that_lambda_alone_takes(resources):
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        assert function["Properties"]["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        (trusted,) = resources[f"{name}Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_a_role_can_be_passed_to_the_scheduler_or_to_jobs_only(resources):
    passing = [
        (name, s["Resource"], s["Condition"]) for name, s in statements(resources) if s["Action"] == "iam:PassRole"
    ]
    to = {
        who: {"StringEquals": {"iam:PassedToService": f"{who}.amazonaws.com"}}
        for who in ("scheduler", "sagemaker", "emr-serverless")
    }
    of_ticks, of_jobs = {"Fn::GetAtt": ["ScheduleRole", "Arn"]}, {"Fn::GetAtt": ["JobRole", "Arn"]}
    assert passing == [
        ("RunJobs", of_jobs, to["sagemaker"]),
        ("RunJobs", {"Ref": "ProcessingRoleArns"}, to["sagemaker"]),
        ("RunSpark", {"Fn::GetAtt": ["SparkRole", "Arn"]}, to["emr-serverless"]),
        *((name, of_ticks, to["scheduler"]) for name in ("ManageMonitorsRole", "FollowEndpointsRole", "ReconcileRole")),
    ]


def test_functions_that_start_or_stop_analyses_run_jobs_and_write_only_what_jobs_are_given(resources):
    run_jobs = {
        name
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        if {"Ref": "RunJobs"} in role["Properties"].get("ManagedPolicyArns", [])
    }
    starters = {"CreateBaselineRole", "LaunchExecutionRole", "FollowEndpointsRole", "ReconcileRole"}
    assert run_jobs == starters
    of_jobs = [statement for name, statement in statements(resources) if name == "RunJobs"]
    (written,) = [s["Resource"]["Fn::Sub"][0] for s in of_jobs if s["Action"] == "s3:PutObject"]
    assert written.endswith(":s3:::${Bucket}/processing-jobs/*")
    (jobs,) = [s["Resource"]["Fn::Sub"] for s in of_jobs if "sagemaker:CreateProcessingJob" in s["Action"]]
    assert jobs.endswith(":processing-job/*")


def test_job_runs_are_started_asked_after_and_cancelled_in_the_application_of_the_deployment_alone(resources):
    granted = {}
    for name, statement in statements(resources):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        of_spark = {action.partition(":")[2] for action in actions if action.startswith("emr-serverless:")}
        if of_spark:
            granted.setdefault(name, set()).update(of_spark)
            runs = {"Fn::Sub": "${SparkApplication.Arn}/jobruns/*"}
            whole = {"Fn::GetAtt": ["SparkApplication", "Arn"]}
            assert statement["Resource"] == (whole if of_spark == {"StartJobRun"} else runs)
    assert granted == {
        "RunSpark": {"StartJobRun", "TagResource"},
        "ManageMonitorsRole": {"CancelJobRun"},
        "CreateBaselineRole": {"CancelJobRun"},
        "FinishExecutionRole": {"GetJobRun"},
        "ReconcileRole": {"CancelJobRun", "GetJobRun"},
    }
    starters = {
        name
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        if "RunSpark" in json.dumps(role["Properties"].get("ManagedPolicyArns", []))
    }
    assert starters == {"CreateBaselineRole", "ReconcileRole"}


def test_without_packages_for_spark_there_is_no_application_and_no_role_for_it(source, resources):
    assert source["Parameters"]["SparkPackagesUri"]["Default"] == ""
    of_spark = {name for name, resource in resources.items() if resource.get("Condition") == "HasSpark"}
    assert of_spark == {"SparkApplication", "SparkRole", "SparkLogs", "RunSpark"}
    stop = resources["SparkApplication"]["Properties"]["AutoStopConfiguration"]
    assert stop == {"Enabled": True, "IdleTimeoutMinutes": 5}  # what idles is not paid for
    state = resources["FinishExecutionJobRunEnded"]["Properties"]["State"]
    assert state == {"Fn::If": ["HasSpark", "ENABLED", "DISABLED"]}


def test_endpoints_can_be_made_and_deleted_under_the_names_of_temporary_ones_only(resources):
    changes = {"CreateEndpoint", "CreateEndpointConfig", "AddTags", "DeleteEndpoint", "DeleteEndpointConfig"}
    roles = set()
    for name, statement in statements(resources):
        if name != "RunJobs" and changes & {str(action).removeprefix("sagemaker:") for action in statement["Action"]}:
            roles.add(name)
            names = [arn["Fn::Sub"].rpartition(":")[2] for arn in statement["Resource"]]
            assert names == ["endpoint/modelwatch-temporary-*", "endpoint-config/modelwatch-temporary-*"], name
    makers = {"CreateBaselineRole", "LaunchExecutionRole", "FollowEndpointsRole", "ReconcileRole"}
    assert roles == makers | {"FinishExecutionRole", "ManageMonitorsRole"}


def test_services_act_for_this_account_only(resources):
    allowed = [
        statement
        for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy")
        for resource in of_type(resources, kind).values()
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert [statement["Condition"] for statement in allowed] == [
        {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    ]
    (trusted,) = resources["ScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"},
        "aws:SourceArn": {"Fn::GetAtt": ["Schedules", "Arn"]},
    }


def test_whoever_invokes_a_function_does_so_for_one_rule_of_this_account(resources):
    permissions = of_type(resources, "AWS::Lambda::Permission")
    rules = set(of_type(resources, "AWS::Events::Rule"))
    assert len(permissions) == len(rules) == 12
    bound = [permission["Properties"]["SourceArn"]["Fn::GetAtt"] for permission in permissions.values()]
    assert {rule for rule, _ in bound} == rules
    assert all(permission["Properties"]["Principal"] == "events.amazonaws.com" for permission in permissions.values())


def test_the_role_of_the_analyzer_touches_no_data_and_may_only_take_the_one_that_does(resources):
    granted = {
        action: statement["Resource"]
        for name, statement in statements(resources)
        if name == "AnalyzerRole"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert granted["sts:AssumeRole"] == {"Fn::GetAtt": ["AnalysisRole", "Arn"]}
    assert not [action for action in granted if action.partition(":")[0] in {"s3", "sagemaker", "iam", "lambda"}]
    assert resources["AnalyzerRole"]["Properties"]["ManagedPolicyArns"] == [
        {"Fn::If": ["HasKey", {"Ref": "UseKey"}, {"Ref": "AWS::NoValue"}]}
    ]


def test_only_lambda_the_scheduler_jobs_and_the_analyzer_take_roles(resources):
    trusted = {
        name: json.dumps(statement["Principal"]).replace("[", "").replace("]", "")
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    }
    assert trusted.pop("ScheduleRole") == '{"Service": "scheduler.amazonaws.com"}'
    assert trusted.pop("AnalysisRole") == '{"AWS": {"Fn::GetAtt": "AnalyzerRole", "Arn"}}'
    assert trusted.pop("JobRole") == '{"Service": "sagemaker.amazonaws.com"}'
    assert trusted.pop("SparkRole") == '{"Service": "emr-serverless.amazonaws.com"}'
    assert set(trusted.values()) == {'{"Service": "lambda.amazonaws.com"}'}


def test_arns_are_of_the_partition_of_the_deployment(resources):
    """``arn:*:`` where a partition cannot be put in; 62 of AWS's managed policies have it too (moto 5.2.5)."""
    of_one = re.compile(r"arn:aws[a-z-]*:")
    assert of_one.findall(json.dumps(resources)) == []
    code = [path for folder in ("layers", "functions", "analyzer_container") for path in (ROOT / folder).rglob("*.py")]
    assert code
    assert [path.name for path in code if of_one.search(path.read_text(encoding="utf-8"))] == []


def test_the_link_to_the_dashboard_leads_to_the_console_of_the_partition(source):
    page = "s3://b/report.html"
    regions = {"aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
    consoles = {partition: urlsplit(console_page(page, region)).hostname for partition, region in regions.items()}
    known = {
        partition: f"{regions[partition]}.{of['Domain']}" for partition, of in source["Mappings"]["Consoles"].items()
    }
    assert known == consoles
    assert source["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"][0].startswith("https://${Domain}/cloudwatch/")


def test_every_star_in_a_policy_denies_or_says_why():
    lines = TEMPLATE.read_text().splitlines()
    star = re.compile(r"""(Resource|Principal|Action): ("\*"|"?\w+:\*)""")
    stars = [number for number, line in enumerate(lines) if star.search(line)]
    assert len(stars) >= 6
    for number in stars:
        statement = "\n".join(lines[number - 3 : number])
        assert "Effect: Deny" in statement or "#" in lines[number], f"line {number + 1} says * without a reason"


def test_everything_that_is_kept_can_be_kept_under_a_key_of_ones_own(resources):
    with_key = {
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::Events::EventBus": "KmsKeyIdentifier",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::Scheduler::Schedule": "KmsKeyArn",
        "AWS::Lambda::Function": "KmsKeyArn",
        "AWS::Logs::LogGroup": "KmsKeyId",
    }
    for kind, name in with_key.items():
        found = of_type(resources, kind)
        assert found
        for resource in found.values():
            assert resource["Properties"][name]["Fn::If"][0] == "HasKey", kind
    assert resources["ManageMonitors"]["Properties"]["Environment"]["Variables"]["SCHEDULES_KEY_ARN"] == {
        "Ref": "KmsKeyArn"
    }


def test_a_deployment_that_fails_at_first_leaves_nothing_and_a_later_deletion_keeps_the_data(resources):
    policies = {name: resource.get("DeletionPolicy", "Delete") for name, resource in resources.items()}
    kept = {name: policy for name, policy in policies.items() if policy != "Delete"}
    assert kept == {"Ledger": "RetainExceptOnCreate", "Results": "RetainExceptOnCreate"}


def test_uploads_that_were_begun_and_never_ended_are_removed(resources):
    rules = resources["Results"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]


def test_the_analyzer_fits_the_quota_of_a_new_account(source):
    # Lambda's documentation, "Configure Lambda function memory": new accounts may be limited to 3,008 MB.
    assert source["Parameters"]["AnalyzerMemory"]["Default"] <= 3008


def test_nothing_is_public_and_everything_insists_on_tls(resources):
    bucket = resources["Results"]["Properties"]["PublicAccessBlockConfiguration"]
    assert set(bucket.values()) == {True}
    for name in ("ResultsPolicy", "DeadLettersPolicy"):
        denied = [s for s in resources[name]["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_every_rule_and_schedule_retries_and_then_keeps_what_it_could_not_deliver(resources):
    targets = [t for rule in of_type(resources, "AWS::Events::Rule").values() for t in rule["Properties"]["Targets"]]
    targets += [s["Properties"]["Target"] for s in of_type(resources, "AWS::Scheduler::Schedule").values()]
    assert len(targets) == 14
    for target in targets:
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def test_every_role_that_scheduler_takes_is_bound_to_this_account_and_can_use_the_key_of_the_queue(resources):
    targets = [s["Properties"]["Target"] for s in of_type(resources, "AWS::Scheduler::Schedule").values()]
    assert {json.dumps(target["RoleArn"]) for target in targets} == {'{"Fn::GetAtt": ["ScheduleRole", "Arn"]}'}
    of_the_role = [s for name, s in statements(resources) if name == "ScheduleRole"]
    may_invoke = [s["Resource"] for s in of_the_role if s["Action"] == "lambda:InvokeFunction"]
    assert [arn["Fn::GetAtt"][0] for arn in may_invoke] == ["LaunchExecution", "Reconcile"]
    assert all(target["Arn"] in may_invoke for target in targets)


# What each use case's stores call, see adapters/aws/*_table.py; test_least_privilege.py shows that each is needed.
@pytest.mark.parametrize(
    ("function", "needs"),
    [
        ("ManageMonitors", {"BatchGetItem", "GetItem", "PutItem", "DeleteItem", "Query", "UpdateItem"}),
        ("CreateBaseline", {"GetItem", "PutItem"}),
        ("LaunchExecution", {"BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"}),
        ("FinishExecution", {"BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem"}),
        ("FollowEndpoints", {"BatchGetItem", "GetItem", "PutItem", "DeleteItem", "Query"}),
        ("RouteAlerts", {"BatchGetItem", "GetItem", "PutItem", "DeleteItem", "Query", "UpdateItem"}),
        ("ShowMonitors", {"BatchGetItem", "GetItem", "Query"}),
        ("Reconcile", {"ConditionCheckItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"}),
    ],
)
def test_each_function_may_do_to_the_ledger_what_its_use_case_does_and_no_more(resources, function, needs):
    allowed = {
        action.removeprefix("dynamodb:")
        for name, statement in statements(resources)
        if name == f"{function}Role" and isinstance(statement["Action"], list)
        for action in statement["Action"]
        if action.startswith("dynamodb:")
    }
    assert allowed == needs


def test_no_monitor_can_take_the_name_of_a_schedule_of_the_app_itself(resources):
    schedules = of_type(resources, "AWS::Scheduler::Schedule")
    assert schedules
    for schedule in schedules.values():
        properties = schedule["Properties"]
        assert properties["GroupName"] == {"Ref": "Schedules"}
        with pytest.raises(ValidationError):
            TypeAdapter(SageMakerName).validate_python(properties["Name"])


def test_alarms_notify_people(resources):
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    further = {"Fn::Join": [",", {"Ref": "AlarmActionArns"}]}
    both = {"Fn::Split": [",", {"Fn::Join": [",", [{"Ref": "AlertTopic"}, further]]}]}
    for alarm in alarms.values():  # alerts have no way but the topic, so what is wrong with it needs another
        assert alarm["Properties"]["AlarmActions"] == {"Fn::If": ["HasAlarmActions", both, [{"Ref": "AlertTopic"}]]}
    watched = {
        metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"]
        for metric in alarms["FunctionErrorsAlarm"]["Properties"]["Metrics"]
        if "MetricStat" in metric
    }
    assert watched == set(of_type(resources, "AWS::Lambda::Function"))


def rules_that_match(resources: dict[str, dict], event: dict) -> set[str]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:modelwatch-Analyzer-EXAMPLE"
    matching = set()
    for name, rule in of_type(resources, "AWS::Events::Rule").items():
        pattern = json.dumps(rule["Properties"]["EventPattern"]).replace(
            '{"Fn::GetAtt": ["Analyzer", "Arn"]}', f'"{arn}"'
        )
        of_spark = '{"Fn::If": ["HasSpark", {"Ref": "SparkApplication"}, "none"]}'
        pattern = pattern.replace(of_spark, '"00f1982r1uukb925"')
        pattern = pattern.replace('{"Ref": "AWS::AccountId"}', '"123456789012"')
        pattern = pattern.replace('{"Ref": "AWS::Region"}', '"us-east-1"')
        if EventPattern.load(pattern).matches_event(event):
            matching.add(name)
    return matching


@pytest.mark.parametrize(
    ("sample", "rules"),
    [
        ("outbound/analysis-ended.with-violations", {"FinishExecutionAnalysisEnded"}),
        ("inbound/finish_execution.analyzer_failed", {"FinishExecutionAnalyzerFailed"}),
        ("outbound/execution-ended.with-violations", {"RouteAlertsExecutionEnded", "ShowMonitorsExecutionEnded"}),
        ("outbound/execution-ended.failed", {"RouteAlertsExecutionEnded", "ShowMonitorsExecutionEnded"}),
        ("outbound/execution-ended.completed", {"RouteAlertsExecutionEnded", "ShowMonitorsExecutionEnded"}),
        ("outbound/alert-raised.with-violations", {"RouteAlertsAlertRaised"}),
        ("outbound/alerts-waiting.people", {"RouteAlertsAlertRaised"}),
        ("outbound/schedule-silent.first", {"RouteAlertsAlertRaised"}),
        ("inbound/finish_execution.job_ended", {"FinishExecutionJobEnded"}),
        ("inbound/finish_execution.job_run_ended", {"FinishExecutionJobRunEnded"}),
        ("inbound/follow_endpoints.in_service", {"FollowEndpointsEndpointChanged"}),
        ("inbound/follow_endpoints.updated", {"FollowEndpointsWatchedEndpoint"}),
        ("inbound/follow_endpoints.deleted", {"FollowEndpointsWatchedEndpoint"}),
        ("inbound/follow_endpoints.failed", {"FollowEndpointsWatchedEndpoint"}),
        ("inbound/launch_execution.batch_written", {"LaunchExecutionBatchWritten"}),
        ("inbound/create_baseline.training_completed", {"CreateBaselineTrainingCompleted"}),
        ("inbound/create_baseline.model_approved", {"CreateBaselineModelApproved"}),
    ],
)
def test_each_event_reaches_the_functions_that_it_is_for_and_no_other(resources, sample, rules):
    event = json.loads((ROOT / "events" / f"{sample}.json").read_text())
    assert rules_that_match(resources, event) == rules


@pytest.mark.parametrize(
    ("sample", "change"),
    [
        ("finish_execution.job_run_ended", {"state": "CANCELLING"}),
        ("finish_execution.job_run_ended", {"applicationId": "00f1cbsc6anuij25"}),  # of somebody else's
        ("follow_endpoints.updated", {"EndpointStatus": "UPDATING"}),
        ("follow_endpoints.in_service", {"EndpointStatus": "CREATING"}),
        ("launch_execution.batch_written", {"TransformJobStatus": "InProgress"}),
        ("create_baseline.training_completed", {"TrainingJobStatus": "InProgress"}),
        ("create_baseline.model_approved", {"ModelApprovalStatus": "PendingManualApproval"}),
    ],
)
def test_events_of_what_has_not_ended_reach_no_function(resources, sample, change):
    event = json.loads((ROOT / "events/inbound" / f"{sample}.json").read_text())
    event["detail"] |= change
    assert rules_that_match(resources, event) == set()


@pytest.mark.parametrize("elsewhere", [{"region": "eu-west-1"}, {"account": "210987654321"}])
def test_jobs_of_another_region_or_account_whose_events_are_forwarded_are_none_of_ours(resources, elsewhere):
    event = json.loads((ROOT / "events/inbound/finish_execution.job_ended.json").read_text())
    assert rules_that_match(resources, event | elsewhere) == set()


def test_baselines_are_made_by_a_rule_that_is_off_until_its_user_switches_it_on(source, resources):
    assert source["Parameters"]["BaselineRule"]["Default"] == "Disabled"
    rules = of_type(resources, "AWS::Events::Rule")
    states = {name: rule["Properties"].get("State", "ENABLED") for name, rule in rules.items()}
    switched = {"Fn::If": ["MakesBaselines", "ENABLED", "DISABLED"]}
    assert {name for name, state in states.items() if state == switched} == {
        "CreateBaselineTrainingCompleted",
        "CreateBaselineModelApproved",
    }
    states.pop("FinishExecutionJobRunEnded")
    assert {json.dumps(state) for state in states.values() if state != switched} == {'"ENABLED"'}


def test_the_dashboard_is_json_and_shows_every_alarm_every_function_and_metrics_that_are_published(resources):
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    (alarms,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert set(alarms) == {f"${{{name}.Arn}}" for name in of_type(resources, "AWS::CloudWatch::Alarm")}
    shown = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    functions = {metric[3] for metric in shown if metric[:2] == ["AWS/Lambda", "Errors"]}
    assert functions == {f"${{{name}}}" for name in of_type(resources, "AWS::Lambda::Function")}
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("functions/*/app.py"))
    code += (ROOT / "layers/core/modelwatch_core/adapters/aws/metric_sink.py").read_text(encoding="utf-8")
    own = {metric[1] for metric in shown if metric[0] == "Modelwatch"}
    assert [name for name in sorted(own) if f'"{name}"' not in code] == []


def test_the_age_of_waiting_events_is_watched_of_all_functions_but_the_one_that_is_called(resources):
    metrics = resources["EventAgeAlarm"]["Properties"]["Metrics"]
    watched = [metric["MetricStat"]["Metric"] for metric in metrics if "MetricStat" in metric]
    assert {metric["MetricName"] for metric in watched} == {"AsyncEventAge"}
    functions = {metric["Dimensions"][0]["Value"]["Ref"] for metric in watched}
    assert functions == set(of_type(resources, "AWS::Lambda::Function")) - {"ManageMonitors"}


def test_every_function_folder_is_deployed(source):
    deployed = {r["Properties"].get("CodeUri") for r in source["Resources"].values() if "CodeUri" in r["Properties"]}
    assert deployed == {f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/app.py")}


@pytest.mark.parametrize("schedule_name", ["a", "hourly", "a-name-of-sixty-three-characters-" + "x" * 30])
def test_the_function_that_starts_executions_may_stop_jobs_of_their_names_and_no_others(resources, schedule_name):
    found = [each for role, each in statements(resources) if role == "LaunchExecutionRole" and stops_jobs(each)]
    (pattern,) = (each["Resource"]["Fn::Sub"].rpartition("/")[2] for each in found)
    assert fnmatchcase(execution(name=schedule_name).processing_job_name, pattern)
    # Job names of SageMaker's own monitoring and training, as its documentation has them.
    for other in ("model-monitoring-202005062300-f0dbb0c5ba9a5b8d1bb1a8a4", "xgboost-2026-11-29-10-00-00-123", "first"):
        assert not fnmatchcase(other, pattern)


def test_functions_that_stop_baselining_jobs_may_stop_those_with_the_tag_of_the_deployment_and_no_others(resources):
    by_tag = {"StringEquals": {"aws:ResourceTag/modelwatch:owner": {"Ref": "Ledger"}}}
    found = {role: each.get("Condition") for role, each in statements(resources) if stops_jobs(each)}
    assert found == dict.fromkeys(("ManageMonitorsRole", "CreateBaselineRole", "ReconcileRole"), by_tag) | {
        "LaunchExecutionRole": None
    }


def stops_jobs(statement: dict) -> bool:
    return statement["Action"] == "sagemaker:StopProcessingJob"


def test_the_rule_of_the_page_about_alerts_matches_critical_alerts_and_says_what_is_there():
    (block,) = (text for language, text in blocks("docs/alerts.md") if language == "yaml" and "AlertsToSlack" in text)
    rule = yaml_parse("Resources:\n" + indent(block, "  "))["Resources"]["AlertsToSlack"]["Properties"]
    pattern = EventPattern.load(json.dumps(rule["EventPattern"]))
    event = json.loads((ROOT / "events/outbound/alert-raised.with-violations.json").read_text())
    assert not pattern.matches_event(event)  # a warning
    event["detail"]["alert"]["severity"] = "critical"
    assert pattern.matches_event(event)
    assert not pattern.matches_event(event | {"replay-name": "again"})
    transformer = rule["Targets"][0]["InputTransformer"]
    text = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        value = reduce(lambda found, key: found[key], path.removeprefix("$.").split("."), event)
        text = text.replace(f"<{name}>", str(value))
    assert json.loads(text) == {"text": "InAlert: violations of hourly"}
