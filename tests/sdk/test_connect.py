"""SageMaker's clients through ``connect``, over the use cases in memory; all responses are of botocore's shapes."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from modelwatch.sagemaker import OPERATIONS, connect
from modelwatch_core.app.sagemaker_api.serve_request import CREATE_PROCESSING_JOB
from modelwatch_core.app.sagemaker_api.serve_request import OPERATIONS as SERVED
from tests.core.world import DRIFT, TEN, World
from tests.sdk.connected import (
    ANALYZER,
    CLARIFY,
    CLUSTER,
    CONSTRAINTS,
    ENDPOINT,
    OUTPUTS,
    ROLE,
    STATISTICS,
    WorldApp,
    connected,
    definition,
    inline,
    processing_job,
    schedule,
)

KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
ARNS = "arn:aws:sagemaker:us-east-1:123456789012"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def app(world) -> WorldApp:
    return WorldApp(world)


@pytest.fixture
def client(app, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return connected(app)


def of_kind(client: Any, verb: str, kind: str) -> Any:
    words = {"DataQuality": "data_quality", "ModelQuality": "model_quality", "ModelBias": "model_bias"}
    name = words.get(kind, "model_explainability")
    return getattr(client, f"list_{name}_job_definitions" if verb == "list" else f"{verb}_{name}_job_definition")


def without_metadata(response: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in response.items() if name != "ResponseMetadata"}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_unknown_drift_measure_is_refused_by_definitions_schedules_and_baselining_jobs(client, world):
    unknown = {"comparison_method": "Horoscope"}
    specification = definition()["DataQualityAppSpecification"] | {"Environment": unknown}
    world.objects.kept["s3://data/train.csv"] = b"a\n1\n"
    for refused in (
        lambda: client.create_data_quality_job_definition(**definition(DataQualityAppSpecification=specification)),
        lambda: client.create_monitoring_schedule(
            MonitoringScheduleName="hourly",
            MonitoringScheduleConfig={
                "MonitoringJobDefinition": inline(Environment=unknown),
                "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            },
        ),
        lambda: client.create_processing_job(**processing_job(Environment=processing_job()["Environment"] | unknown)),
    ):
        with pytest.raises(ClientError, match="comparison_method: must be one of Calibrated, Simple, Robust, "):
            refused()
    assert (world.schedules.kept, world.jobs.kept) == ({}, {})


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_is_described_as_it_was_sent_and_gone_once_it_is_deleted(client, world, kind):
    sent = definition(kind)
    tagged = sent | {"Tags": [{"Key": "team", "Value": "ml"}]}
    arn = of_kind(client, "create", kind)(**tagged)["JobDefinitionArn"]
    described = of_kind(client, "describe", kind)(JobDefinitionName="definition")
    made = {"JobDefinitionArn": arn, "CreationTime": world.clock.now()}
    assert without_metadata(described) == sent | made
    (summary,) = of_kind(client, "list", kind)()["JobDefinitionSummaries"]
    assert (summary["MonitoringJobDefinitionArn"], summary["EndpointName"]) == (arn, "mortgages")
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ml"}]
    of_kind(client, "delete", kind)(JobDefinitionName="definition")
    with pytest.raises(client.exceptions.ResourceNotFound):
        of_kind(client, "describe", kind)(JobDefinitionName="definition")


@pytest.mark.parametrize("kind", KINDS)
def test_a_schedule_with_a_definition_is_described_as_it_was_sent(client, world, kind):
    world.objects.kept["s3://results/analysis_config.json"] = b"{}"
    of_kind(client, "create", kind)(**definition(kind))
    sent = schedule(MonitoringType=kind)
    arn = client.create_monitoring_schedule(**sent, Tags=[{"Key": "a", "Value": "b"}])["MonitoringScheduleArn"]
    assert arn == f"{ARNS}:monitoring-schedule/hourly"
    described = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    assert described["MonitoringScheduleConfig"] == sent["MonitoringScheduleConfig"]
    assert (described["MonitoringType"], described["MonitoringScheduleStatus"]) == (kind, "Scheduled")
    assert (described["EndpointName"], described["CreationTime"]) == ("mortgages", world.clock.now())
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    kept = world.schedules.get("hourly")
    assert (kept.monitoring_type, kept.baseline.constraints_s3_uri) == (kind, CONSTRAINTS)
    assert (kept.processing.role_arn, kept.processing.instance_type) == (ROLE, "ml.m5.xlarge")


def test_a_definition_is_kept_while_a_schedule_has_it_and_free_after_an_update(client, world):
    for name in ("definition", "second"):
        client.create_data_quality_job_definition(**definition(name=name))
    client.create_monitoring_schedule(**schedule())
    with pytest.raises(client.exceptions.ResourceInUse, match="hourly"):
        client.delete_data_quality_job_definition(JobDefinitionName="definition")
    config = {"MonitoringJobDefinitionName": "second", "MonitoringType": "DataQuality"}
    client.update_monitoring_schedule(MonitoringScheduleName="hourly", MonitoringScheduleConfig=config)
    client.delete_data_quality_job_definition(JobDefinitionName="definition")
    with pytest.raises(client.exceptions.ResourceInUse):
        client.delete_data_quality_job_definition(JobDefinitionName="second")
    # Three of the SDK's four kinds update without ScheduleConfig: the expression stays.
    described = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")["MonitoringScheduleConfig"]
    assert described == config | {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}}
    assert world.schedules.get("hourly").schedule_expression == "cron(0 * ? * * *)"
    client.delete_monitoring_schedule(MonitoringScheduleName="hourly")
    client.delete_data_quality_job_definition(JobDefinitionName="second")


def test_an_update_takes_back_what_the_new_definition_does_not_say(client, world):
    client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    bare = definition(name="bare")
    del bare["DataQualityBaselineConfig"]
    client.create_data_quality_job_definition(**bare)
    config = {"MonitoringJobDefinitionName": "bare", "MonitoringType": "DataQuality"}
    client.update_monitoring_schedule(MonitoringScheduleName="hourly", MonitoringScheduleConfig=config)
    assert world.schedules.get("hourly").baseline is None


def test_an_inline_definition_is_translated_and_described_as_it_was_sent(client, world):
    watched = ENDPOINT | {"StartTimeOffset": "-PT2H", "EndTimeOffset": "-PT1H", "ProbabilityThresholdAttribute": 0.5}
    config = {"MonitoringJobDefinition": inline(MonitoringInputs=[{"EndpointInput": watched}])}
    client.create_monitoring_schedule(MonitoringScheduleName="daily", MonitoringScheduleConfig=config)
    described = client.describe_monitoring_schedule(MonitoringScheduleName="daily")
    assert described["MonitoringScheduleConfig"] == config
    kept = world.schedules.get("daily")
    assert kept.schedule_expression == "cron(0 0 ? * * *)"
    assert (kept.environment, kept.publish_cloudwatch_metrics) == ({"decimal": "."}, False)
    assert kept.endpoint_input.start_time_offset == timedelta(hours=-2)
    assert kept.endpoint_input.probability_threshold_attribute == 0.5


def test_what_is_empty_or_what_every_run_has_is_as_if_it_were_not_given(client, world):
    both = '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}'
    everywhere = {"dataset_source": "/opt/ml/processing/input/endpoint", "output_path": "/opt/ml/processing/output"}
    cluster = {"ClusterConfig": CLUSTER["ClusterConfig"] | {"VolumeKmsKeyId": ""}}

    def create(name: str, dataset_format: str) -> None:
        given = inline(
            Environment=everywhere | {"dataset_format": dataset_format, "decimal": "."},
            MonitoringOutputConfig=OUTPUTS | {"KmsKeyId": ""},
            MonitoringResources=cluster,
        )
        config = {"MonitoringJobDefinition": given, "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}}
        client.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=config)

    create("hourly", both)
    kept = world.schedules.get("hourly")
    assert kept.environment == {"decimal": "."}
    assert (kept.processing.output_kms_key, kept.processing.volume_kms_key) == (None, None)
    with pytest.raises(ClientError, match="dataset_format: the app sets it for every run"):
        create("responses", both.replace('"endpointInput", ', ""))
    world.objects.kept["s3://data/train.csv"] = b"a,b\n1,2\n"
    outputs = processing_job()["ProcessingOutputConfig"] | {"KmsKeyId": ""}
    client.create_processing_job(**processing_job("made", ProcessingOutputConfig=outputs, ProcessingResources=cluster))
    assert world.jobs.get("made").processing.output_kms_key is None


def test_batch_transform_jobs_are_watched(client, world):
    watched = {
        "DataCapturedDestinationS3Uri": "https://captures.s3.us-east-1.amazonaws.com/transform",
        "DatasetFormat": {"Csv": {"Header": True}},
        "LocalPath": "/opt/ml/processing/input",
    }
    client.create_data_quality_job_definition(**definition(DataQualityJobInput={"BatchTransformInput": watched}))
    client.create_monitoring_schedule(**schedule())
    kept = world.schedules.get("hourly").batch_transform_input
    assert kept.data_captured_destination_s3_uri == "s3://captures/transform"
    assert kept.dataset_format == {"csv": {"header": True}}
    described = client.describe_data_quality_job_definition(JobDefinitionName="definition")
    assert described["DataQualityJobInput"] == {"BatchTransformInput": watched}


def test_an_inline_update_that_gives_the_constraints_as_statistics_keeps_both(client, world):
    """SageMaker's SDK 2.257.7 and 3.27.0 do so where the caller gives no constraints."""
    config = {"MonitoringJobDefinition": inline()}
    client.create_monitoring_schedule(MonitoringScheduleName="daily", MonitoringScheduleConfig=config)
    updated = inline(BaselineConfig={"StatisticsResource": {"S3Uri": CONSTRAINTS}}, Environment={"decimal": ","})
    config = {"MonitoringJobDefinition": updated}
    client.update_monitoring_schedule(MonitoringScheduleName="daily", MonitoringScheduleConfig=config)
    kept = world.schedules.get("daily")
    assert (kept.baseline.constraints_s3_uri, kept.baseline.statistics_s3_uri) == (CONSTRAINTS, STATISTICS)
    assert kept.environment == {"decimal": ","}


def test_a_change_by_the_apps_own_api_is_described_in_place_of_what_was_sent(client, world):
    client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    world.manage("UpdateMonitoringSchedule", monitoring_schedule_name="hourly", output_s3_uri="s3://results/other")
    config = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")["MonitoringScheduleConfig"]
    (output,) = config["MonitoringJobDefinition"]["MonitoringOutputConfig"]["MonitoringOutputs"]
    assert output["S3Output"]["S3Uri"] == "s3://results/other"
    client.delete_data_quality_job_definition(JobDefinitionName="definition")


def test_what_the_apps_own_api_made_is_shown_in_sagemakers_shapes(client, world):
    world.has_schedule("own")
    assert client.describe_monitoring_schedule(MonitoringScheduleName="own")["EndpointName"] == "mortgages"
    world.has_captures()
    world.tick(name="own")
    (summary,) = client.list_monitoring_executions()["MonitoringExecutionSummaries"]
    name = summary["ProcessingJobArn"].partition("processing-job/")[2]
    assert client.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"


def test_a_baseline_is_made_and_named_by_its_job(client, world):
    world.objects.kept["s3://data/train.csv"] = b"a,b\n1,2\n"
    arn = client.create_processing_job(**processing_job())["ProcessingJobArn"]
    assert arn == f"{ARNS}:processing-job/baseline"
    described = client.describe_processing_job(ProcessingJobName="baseline")
    assert {name: described[name] for name in processing_job()} == processing_job()
    assert described["ProcessingJobStatus"] == "InProgress"
    assert world.jobs.get("baseline").dataset_format == {"csv": {"header": True, "output_columns_position": "START"}}
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    by_job = definition(DataQualityBaselineConfig={"BaseliningJobName": "baseline"})
    client.create_data_quality_job_definition(**by_job)
    with pytest.raises(client.exceptions.ConflictException, match="has not ended"):
        client.create_monitoring_schedule(**schedule())
    world.objects.kept |= {f"s3://results/made/{name}.json": b"{}" for name in ("constraints", "statistics")}
    client.create_monitoring_schedule(**schedule())
    kept = world.schedules.get("hourly").baseline
    assert kept.uris == ("s3://results/made/constraints.json", "s3://results/made/statistics.json")
    (summary,) = client.list_processing_jobs(NameContains="base")["ProcessingJobSummaries"]
    assert summary["ProcessingJobArn"] == arn
    client.stop_processing_job(ProcessingJobName="baseline")
    stopped = client.describe_processing_job(ProcessingJobName="baseline")
    assert (stopped["ProcessingJobStatus"], "ProcessingEndTime" in stopped) == ("Stopped", True)


def test_a_script_of_a_baseline_is_found_below_the_folder_of_its_input(client, world):
    world.objects.kept |= {"s3://data/train.csv": b"a\n1\n", "s3://code/x/pre.py": b""}
    asked = processing_job()
    place = "/opt/ml/processing/input/record_preprocessor_script_input"
    script = {"S3Uri": "s3://code/x", "LocalPath": place, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    asked["ProcessingInputs"] += [{"InputName": "record_preprocessor_script_input", "S3Input": script}]
    asked["Environment"]["record_preprocessor_script"] = f"{place}/pre.py"
    client.create_processing_job(**asked)
    assert world.jobs.get("baseline").record_preprocessor_source_uri == "s3://code/x/pre.py"


def clarify_job(config: dict[str, Any], world: World) -> dict[str, Any]:
    world.objects.kept |= {
        "s3://data/train.csv": b"1,2\n",
        "s3://results/made/analysis_config.json": json.dumps(config).encode(),
    }
    transport = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    places = {
        "dataset": ("s3://data/train.csv", "/opt/ml/processing/input/data"),
        "analysis_config": ("s3://results/made/analysis_config.json", "/opt/ml/processing/input/config"),
    }
    inputs = [
        {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": path} | transport}
        for name, (uri, path) in places.items()
    ]
    return processing_job(AppSpecification={"ImageUri": CLARIFY}, ProcessingInputs=inputs, Environment={})


@pytest.mark.parametrize(
    ("methods", "kind"),
    [({"pre_training_bias": {}, "report": {}}, "ModelBias"), ({"shap": {}, "report": {}}, "ModelExplainability")],
)
def test_the_methods_of_a_clarify_job_say_which_monitor_its_baseline_is_of(client, world, methods, kind):
    config = {"dataset_type": "text/csv", "headers": ["a", "b"], "methods": methods}
    config["predictor"] = {"model_name": "scorer", "instance_type": "ml.m5.large", "initial_instance_count": 1}
    client.create_processing_job(**clarify_job(config, world))
    job = world.jobs.get("baseline")
    assert (job.monitoring_type, job.dataset_format) == (kind, {"csv": {"header": False}})


@pytest.mark.parametrize(("headers", "found"), [(None, "prediction"), (["label", "prediction"], "1")])
def test_predictions_of_a_clarify_job_are_the_column_that_it_names(client, world, headers, found):
    config = {"methods": {"post_training_bias": {}}, "predicted_label": "prediction"}
    config |= {"headers": headers} if headers else {}
    client.create_processing_job(**clarify_job(config, world))
    assert world.jobs.get("baseline").inference_attribute == found


def test_a_clarify_job_of_two_kinds_is_refused_with_what_to_do(client, world):
    asked = clarify_job({"methods": {"shap": {}, "pre_training_bias": {}}}, world)
    with pytest.raises(ClientError, match="make a job for each") as refused:
        client.create_processing_job(**asked)
    assert code(refused) == "ValidationException"


def executed(client: Any, world: World) -> str:
    """Return the name of the job of an execution that is running."""
    client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    world.has_captures()
    world.tick()
    (summary,) = client.list_monitoring_executions(MonitoringScheduleName="hourly")["MonitoringExecutionSummaries"]
    assert (summary["MonitoringExecutionStatus"], summary["ScheduledTime"]) == ("InProgress", TEN)
    return str(summary["ProcessingJobArn"].partition("processing-job/")[2])


def test_an_execution_has_a_job_that_ends_as_completed_where_it_found_violations(client, world):
    name = executed(client, world)
    assert client.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"
    world.finish(world.ends(world.executions()[0], DRIFT))
    job = client.describe_processing_job(ProcessingJobName=name)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "CompletedWithViolations: done")
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://results/monitoring/mortgages/hourly/2026/11/22/10"
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in job["ProcessingInputs"]}
    assert inputs == {"monitoring_input": "s3://captures/live", "constraints": CONSTRAINTS}
    assert job["MonitoringScheduleArn"] == f"{ARNS}:monitoring-schedule/hourly"
    assert job["AppSpecification"]["ImageUri"] == ANALYZER
    asked = {"MonitoringScheduleName": "hourly", "StatusEquals": "CompletedWithViolations"}
    assert len(client.list_monitoring_executions(**asked)["MonitoringExecutionSummaries"]) == 1
    described = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    last = described["LastMonitoringExecutionSummary"]
    assert last["MonitoringExecutionStatus"] == "CompletedWithViolations"
    # Its schedule may be deleted: the job is still known.
    client.delete_monitoring_schedule(MonitoringScheduleName="hourly")
    assert client.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Completed"


def test_an_execution_is_stopped_by_the_name_of_its_job(client, world):
    name = executed(client, world)
    client.stop_processing_job(ProcessingJobName=name)
    assert client.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="ended already"):
        client.stop_processing_job(ProcessingJobName=name)


def test_lists_have_pages_filters_and_orders(client, world):
    client.create_data_quality_job_definition(**definition())
    client.create_data_quality_job_definition(**definition(name="other"))
    for number in range(5):
        client.create_monitoring_schedule(**schedule(f"schedule-{number}"))
    client.create_monitoring_schedule(**schedule("else", MonitoringJobDefinitionName="other"))
    pages = client.get_paginator("list_monitoring_schedules")
    asked = {"NameContains": "schedule", "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}
    found = [each for page in pages.paginate(**asked) for each in page["MonitoringScheduleSummaries"]]
    assert [each["MonitoringScheduleName"] for each in found] == [f"schedule-{number}" for number in range(5)]
    (other,) = client.list_monitoring_schedules(MonitoringJobDefinitionName="other")["MonitoringScheduleSummaries"]
    assert (other["MonitoringScheduleName"], other["MonitoringJobDefinitionName"]) == ("else", "other")
    after = world.clock.now() + timedelta(seconds=1)
    assert client.list_monitoring_schedules(CreationTimeAfter=after)["MonitoringScheduleSummaries"] == []
    assert len(client.list_monitoring_schedules(CreationTimeBefore=after)["MonitoringScheduleSummaries"]) == 6
    assert client.list_monitoring_schedules(StatusEquals="Failed")["MonitoringScheduleSummaries"] == []
    (first,) = client.list_data_quality_job_definitions(MaxResults=1)["JobDefinitionSummaries"]
    assert first["MonitoringJobDefinitionName"] == "other"  # the latest first, then by name


def test_a_schedule_is_stopped_started_and_deleted(client):
    client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    for call, status in ((client.stop_monitoring_schedule, "Stopped"), (client.start_monitoring_schedule, "Scheduled")):
        call(MonitoringScheduleName="hourly")
        described = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")
        assert described["MonitoringScheduleStatus"] == status
    client.delete_monitoring_schedule(MonitoringScheduleName="hourly")
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_monitoring_schedule(MonitoringScheduleName="hourly")


def test_a_schedule_that_runs_now_is_described_as_such(client, world):
    client.create_data_quality_job_definition(**definition())
    times = {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    sent = schedule(ScheduleConfig={"ScheduleExpression": "NOW"} | times)
    client.create_monitoring_schedule(**sent)
    described = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    assert described["MonitoringScheduleConfig"] == sent["MonitoringScheduleConfig"]
    assert world.schedules.get("hourly").expression.is_due_after(world.clock.now())


def test_tags_of_schedules_and_definitions_change_and_nothing_else_does(client):
    definition_arn = client.create_data_quality_job_definition(**definition())["JobDefinitionArn"]
    sent = schedule()
    schedule_arn = client.create_monitoring_schedule(**sent)["MonitoringScheduleArn"]
    for arn in (definition_arn, schedule_arn):
        client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        client.delete_tags(ResourceArn=arn, TagKeys=["a"])
        assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    described = client.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    assert described["MonitoringScheduleConfig"] == sent["MonitoringScheduleConfig"]


def test_alerts_of_a_schedule_are_listed_and_changed_with_both_numbers(client):
    client.create_data_quality_job_definition(**definition())
    created = client.create_monitoring_schedule(**schedule())
    (first, *others) = client.list_monitoring_alerts(MonitoringScheduleName="hourly")["MonitoringAlertSummaries"]
    assert (first["MonitoringAlertName"], first["AlertStatus"]) == ("violations", "OK")
    assert [each["MonitoringAlertName"] for each in others] == ["failed-executions", "no-data", "not-fired"]
    assert first["Actions"] == {"ModelDashboardIndicator": {"Enabled": True}}
    numbers = {"DatapointsToAlert": 2, "EvaluationPeriod": 3}
    changed = client.update_monitoring_alert(
        MonitoringScheduleName="hourly", MonitoringAlertName="violations", **numbers
    )
    assert changed["MonitoringScheduleArn"] == created["MonitoringScheduleArn"]
    (first, *_) = client.list_monitoring_alerts(MonitoringScheduleName="hourly")["MonitoringAlertSummaries"]
    assert {name: first[name] for name in numbers} == numbers
    assert client.list_monitoring_alert_history()["MonitoringAlertHistory"] == []


def test_alerts_are_listed_by_pages(client):
    client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    paginator = client.get_paginator("list_monitoring_alerts")
    for size in (1, 3, 4, 5):
        pages = paginator.paginate(MonitoringScheduleName="hourly", PaginationConfig={"PageSize": size})
        found = [[each["MonitoringAlertName"] for each in page["MonitoringAlertSummaries"]] for page in pages]
        assert [name for page in found for name in page] == ["violations", "failed-executions", "no-data", "not-fired"]
        assert max(map(len, found)) <= size


@pytest.mark.parametrize("operation", [name for name in SERVED if "next_token" in SERVED[name].request.model_fields])
def test_every_list_refuses_a_token_that_it_did_not_give(client, operation):
    client.create_data_quality_job_definition(**definition())
    arn = client.create_monitoring_schedule(**schedule())["MonitoringScheduleArn"]
    named = {"ListTags": {"ResourceArn": arn}, "ListMonitoringAlerts": {"MonitoringScheduleName": "hourly"}}
    with pytest.raises(ClientError, match=r"ValidationException.*next_token"):
        getattr(client, xform_name(operation))(**named.get(operation, {}), NextToken="forged")


@pytest.mark.parametrize(
    ("changes", "expected", "message"),
    [
        ({"MonitoringAlertName": "any"}, "ResourceNotFound", "there is no alert any; each schedule has violations"),
        ({"DatapointsToAlert": 4}, "ValidationException", "datapoints_to_alert 4 is more than evaluation_period 3"),
        ({"MonitoringAlertName": "not-fired"}, "ValidationException", "not_fired_after_hours"),
    ],
)
def test_a_change_of_an_alert_that_could_never_be_on_or_is_none_is_refused(client, changes, expected, message):
    client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    asked = {"MonitoringAlertName": "violations", "DatapointsToAlert": 2, "EvaluationPeriod": 3} | changes
    with pytest.raises(ClientError, match=message) as refused:
        client.update_monitoring_alert(MonitoringScheduleName="hourly", **asked)
    assert code(refused) == expected


@pytest.mark.parametrize(
    ("call", "given", "found"),
    [
        ("list_monitoring_schedules", {"MaxResults": 1000}, "MaxResults"),
        ("list_monitoring_schedules", {"SortBy": "Nonsense"}, "SortBy"),
        ("describe_monitoring_schedule", {"MonitoringScheduleName": "bad name!!"}, "MonitoringScheduleName"),
        ("create_monitoring_schedule", schedule(ScheduleConfig={"ScheduleExpression": "hourly"}), "hourly|schedule"),
        ("create_monitoring_schedule", schedule(MonitoringJobDefinition=inline()), "not both"),
        ("create_data_quality_job_definition", definition(DataQualityJobInput={}), "endpoint_input"),
        ("create_processing_job", processing_job(Environment={"note": "x" * 257}), "at most 256"),
    ],
)
def test_what_botocore_lets_pass_and_sagemaker_refuses_is_refused(client, call, given, found):
    client.create_data_quality_job_definition(**definition())
    with pytest.raises(ClientError, match=found) as refused:
        getattr(client, call)(**given)
    assert code(refused) == "ValidationException"


def test_names_that_are_taken_and_things_that_are_not_there_have_sagemakers_errors(client):
    client.create_data_quality_job_definition(**definition())
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_data_quality_job_definition(**definition())
    client.create_monitoring_schedule(**schedule())
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_monitoring_schedule(**schedule())
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.create_monitoring_schedule(**schedule("another", MonitoringJobDefinitionName="missing"))
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.list_monitoring_executions(MonitoringScheduleName="missing")


@pytest.mark.parametrize(
    ("call", "given", "asked"),
    [
        ("describe_endpoint", {"EndpointName": "live"}, []),
        ("create_processing_job", processing_job(AppSpecification={"ImageUri": "my/image:1"}), []),
        ("describe_processing_job", {"ProcessingJobName": "another"}, ["DescribeProcessingJob"]),
        ("list_tags", {"ResourceArn": f"{ARNS}:endpoint/live"}, ["ListTags"]),
    ],
)
def test_what_the_app_does_not_have_goes_on_to_aws(client, app, call, given, asked):
    with pytest.raises((NoCredentialsError, EndpointConnectionError)):
        getattr(client, call)(**given)
    assert app.asked == asked


class Broken:
    """An app whose function fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def sagemaker(self, _operation: str, _parameters: dict[str, Any]) -> Any:
        raise self.error


def test_a_failure_of_the_app_is_an_error_of_the_client(monkeypatch):
    client = boto3.Session(region_name="us-east-1").client("sagemaker")
    broken = Broken(ClientError({"Error": {"Code": "InternalFailure", "Message": "it broke"}}, "x"))
    connect(client, app=broken)  # type: ignore[arg-type]  # a stand-in
    with pytest.raises(ClientError, match="it broke") as failed:
        client.describe_monitoring_schedule(MonitoringScheduleName="hourly")
    assert (code(failed), failed.value.response["ResponseMetadata"]["HTTPStatusCode"]) == ("InternalFailure", 500)


def test_a_session_is_connected_once_however_often_it_is_asked(app):
    session = boto3.Session(region_name="us-east-1")
    connect(session, app=app)
    connect(session, app=app)
    session.client("sagemaker").list_monitoring_alert_history()
    assert app.asked == ["ListMonitoringAlertHistory"]


def test_the_default_session_and_sessions_of_sagemakers_sdk_are_connected(app, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    connect(app=app)
    boto3.client("sagemaker").list_monitoring_alert_history()
    session = boto3.Session()
    of_the_sdk = SimpleNamespace(boto_session=session, sagemaker_client=session.client("sagemaker"))
    connect(of_the_sdk, app=app)
    of_the_sdk.sagemaker_client.list_monitoring_alert_history()
    assert len(app.asked) == 2


def test_every_operation_of_the_app_is_one_of_sagemakers_and_is_connected(client):
    names = set(client.meta.service_model.operation_names)
    assert set(OPERATIONS) <= names
    assert {*SERVED, CREATE_PROCESSING_JOB} == set(OPERATIONS)
