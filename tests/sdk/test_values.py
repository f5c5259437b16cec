"""What is checked, and how it is written, without an app."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwatch import model_monitor as mm
from modelwatch.clarify import (
    BiasConfig,
    ClarifyShapBaselineConfig,
    DataConfig,
    ModelConfig,
    ModelPredictedLabelConfig,
    SHAPConfig,
)
from modelwatch.model_monitor.dataset_format import as_app_reads_it
from modelwatch.model_monitor.execution_requests import backfill_requests
from modelwatch.model_monitor.monitor import ModelMonitor
from modelwatch.model_monitor.monitoring_config import monitoring_config_document
from modelwatch.model_monitor.schedule_parameters import Files, schedule_parameters
from modelwatch.s3 import S3Downloader, S3Uploader
from modelwatch_analyzer.data_quality.monitoring_config import suggested_config
from modelwatch_analyzer.distances.distribution_constraints import DistributionConstraints
from modelwatch_core.domain.windows import ScheduleExpression
from tests.shell.fake_app import FakeApp, execution

CAPTURED = "s3://my-bucket/data-capture"
ENDPOINT = mm.EndpointInput("my-endpoint")
DRIFT = mm.DataQualityDistributionConstraints


def test_the_expressions_are_those_of_sagemaker():
    # sagemaker 2.257.7, sagemaker/model_monitor/cron_expression_generator.py
    cron = mm.CronExpressionGenerator
    assert cron.hourly() == "cron(0 * ? * * *)"
    assert cron.daily() == "cron(0 0 ? * * *)"
    assert cron.daily(23) == "cron(0 23 ? * * *)"
    assert cron.daily_every_x_hours(6) == "cron(0 0/6 ? * * *)"
    assert cron.daily_every_x_hours(hour_interval=7, starting_hour=5) == "cron(0 5/7 ? * * *)"
    assert cron.now() == "NOW"


@given(hour=st.integers(1, 24), start=st.integers(0, 23))
def test_every_expression_is_one_that_the_app_reads(hour: int, start: int):
    text = mm.CronExpressionGenerator.daily_every_x_hours(hour, start)
    assert ScheduleExpression(text).text == text


@pytest.mark.parametrize("hour", [0, 25, -1])
def test_an_interval_that_never_fires_is_refused(hour: int):
    with pytest.raises(ValueError, match="from 1 to 24"):
        mm.CronExpressionGenerator.daily_every_x_hours(hour)


def test_data_capture_is_written_as_sagemaker_takes_it():
    config = mm.DataCaptureConfig(True, 20, CAPTURED, "key", ["REQUEST"], ["text/csv"], ["application/json"])
    assert config._to_request_dict() == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": CAPTURED,
        "KmsKeyId": "key",
        "CaptureOptions": [{"CaptureMode": "Input"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }


def test_inputs_and_outputs_are_written_as_sagemaker_takes_them():
    endpoint = mm.EndpointInput("e", "/opt/in", features_attribute="f", start_time_offset="-PT2H")
    assert endpoint._to_request_dict() == {
        "EndpointInput": {
            "EndpointName": "e",
            "LocalPath": "/opt/in",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "FeaturesAttribute": "f",
            "StartTimeOffset": "-PT2H",
        }
    }
    transform = mm.BatchTransformInput(CAPTURED, "/opt/in", mm.MonitoringDatasetFormat.csv(header=False))
    assert transform._to_request_dict()["BatchTransformInput"]["DatasetFormat"] == {"Csv": {"Header": False}}
    assert mm.MonitoringOutput("/opt/out", CAPTURED)._to_request_dict() == {
        "S3Output": {"S3Uri": CAPTURED, "LocalPath": "/opt/out", "S3UploadMode": "EndOfJob"}
    }
    network = mm.NetworkConfig(True, ["sg-1"], ["subnet-1"])
    assert mm.NetworkConfig.from_request_dict(network._to_request_dict()) == network


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"csv": {"header": True, "separator": ","}}, {"csv": {"header": True, "separator": ","}}),
        (mm.MonitoringDatasetFormat.csv(), {"csv": {"header": True}}),
        (mm.MonitoringDatasetFormat.json(lines=False), {"json": {"lines": False}}),
        (mm.MonitoringDatasetFormat.parquet(), {"parquet": {}}),
        (mm.DatasetFormat.sagemaker_capture_json(), {"sagemakerCaptureJson": {}}),
        (mm.DatasetFormat.json(), {"json": {"lines": True}}),
    ],
)
def test_both_spellings_of_a_format_are_read(written: dict[str, Any], read: dict[str, Any]):
    assert as_app_reads_it(written) == read


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "sampling above 100": (lambda: mm.DataCaptureConfig(True, 101, CAPTURED), ValueError, "from 0 to 100, not 101"),
    "sampling below 0": (lambda: mm.DataCaptureConfig(True, -1, CAPTURED), ValueError, "from 0 to 100"),
    "sampling by text": (lambda: mm.DataCaptureConfig(True, "20", CAPTURED), TypeError, "must be an int"),
    "a mode of capture": (lambda: mm.DataCaptureConfig(True, 1, CAPTURED, None, ["ALL"]), ValueError, "REQUEST"),
    "no destination": (lambda: mm.DataCaptureConfig(True), TypeError, "destination_s3_uri must be a str"),
    "a switch by number": (lambda: mm.DataCaptureConfig(1, 1, CAPTURED), TypeError, "must be True or False"),
    "a name": (lambda: mm.EndpointInput("bad name"), ValueError, "letters, digits and hyphens"),
    "an input mode": (lambda: mm.EndpointInput("e", s3_input_mode="Stream"), ValueError, "File, Pipe"),
    "an offset": (lambda: mm.EndpointInput("e", end_time_offset="1h"), ValueError, "ISO 8601"),
    "a folder as source": (lambda: mm.MonitoringOutput(CAPTURED), ValueError, "give it as destination="),
    "a folder": (lambda: mm.MonitoringOutput("/o", "my-bucket/x"), ValueError, "not an S3 URI"),
    "an upload mode": (lambda: mm.MonitoringOutput("/o", CAPTURED, "Never"), ValueError, "EndOfJob, Continuous"),
    "two formats": (lambda: mm.BatchTransformInput(CAPTURED, "/i", {"a": {}, "b": {}}), ValueError, "exactly one"),
    "half a VPC": (lambda: mm.NetworkConfig(subnets=["s"]), ValueError, "both security_group_ids and subnets"),
    "instances by text": (lambda: ModelMonitor("r", "2"), TypeError, "instance_count must be an int"),
    "no instances": (lambda: ModelMonitor("r", 0), ValueError, "from 1 to 100"),
    "a day and more": (lambda: ModelMonitor(max_runtime_in_seconds=86_401), ValueError, "from 1 to 86,400"),
    "tags": (lambda: ModelMonitor(tags=[{"Name": "a"}]), ValueError, '"Key"'),
    "an unknown argument": (lambda: ModelMonitor(instances=2), TypeError, "instances"),
    "a topic": (lambda: mm.MonitoringAlertActions().add_sns_topic("topic"), ValueError, "ARN of an SNS topic"),
    "a function": (lambda: mm.MonitoringAlertActions().add_lambda("f"), ValueError, "ARN of a Lambda function"),
    "an indicator": (lambda: mm.ModelDashboardIndicatorAction("yes"), TypeError, "enabled must be True or False"),
    "no outcome": (lambda: mm.BiasAnalysisConfig(facet_name="sex"), ValueError, "label_values_or_threshold"),
    "an outcome by text": (lambda: mm.BiasAnalysisConfig("10", "sex"), TypeError, r"a list, not str; write \['10'\]"),
    "a group by text": (lambda: mm.BiasAnalysisConfig([1], "sex", "male"), TypeError, "facet_values_or_threshold must"),
    "a group by number": (lambda: mm.BiasAnalysisConfig([1], "sex", 0), TypeError, "a list, not int"),
    "headers by text": (lambda: mm.BiasAnalysisConfig([1], "a", headers="a,b"), TypeError, "headers must be a list"),
    "a type by text": (
        lambda: mm.DataCaptureConfig(True, 1, CAPTURED, csv_content_types="text/csv"),
        TypeError,
        "csv_content_types must be a list",
    ),
    "subnets by text": (lambda: mm.NetworkConfig(False, "sg-1", "subnet-1"), TypeError, "security_group_ids must be"),
    "an entrypoint by text": (lambda: ModelMonitor(entrypoint="python"), TypeError, "entrypoint must be a list"),
    "a long name": (lambda: mm.EndpointInput("a-" * 32 + "a"), ValueError, "1 to 63 letters"),
    "values for no facet": (lambda: BiasConfig([1], ["a", "b"], [[0]]).get_config(), ValueError, "a list for each"),
    "an aggregation": (lambda: SHAPConfig(agg_method="max"), ValueError, "mean_abs"),
    "no model": (ModelConfig, ValueError, "either model_name or endpoint_name"),
    "a dataset type": (lambda: DataConfig(CAPTURED, CAPTURED, dataset_type="text"), ValueError, "text/csv"),
    "a switch": (lambda: mm.DataQualityMonitoringConfig(emit_metrics="on"), ValueError, "'Enabled' or 'Disabled'"),
    "a switch by word": (lambda: mm.Constraints({}).set_monitoring("Disabled"), TypeError, "must be True or False"),
    "a share": (lambda: mm.DataQualityMonitoringConfig(datatype_check_threshold=2), ValueError, "or equal to 1"),
    "a measure": (lambda: DRIFT(comparison_method="Cosine"), ValueError, "must be one of Calibrated"),
    "a threshold by text": (lambda: DRIFT(comparison_threshold="0.1"), ValueError, "should be a valid number"),
    "no threshold at all": (lambda: DRIFT(comparison_threshold=float("inf")), ValueError, "a finite number"),
    "drift by number": (lambda: monitoring_config_document({"distribution_constraints": 1}), TypeError, "not int"),
    "a bucket to read": (lambda: S3Downloader.read_file("s3://my-bucket"), ValueError, "URI of a file in it"),
    "a bucket to write": (lambda: S3Uploader.upload_bytes(b"", "s3://my-bucket/"), ValueError, "URI of a file in it"),
    "no URI to read": (lambda: S3Downloader.read_file("my-bucket/key"), ValueError, "not an S3 URI"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_right_is_refused_where_it_is_given(wrong: str):
    call, kind, message = WRONG[wrong]
    with pytest.raises(kind, match=message):
        call()


def test_a_configuration_may_be_that_of_a_constraints_file():
    suggested = suggested_config(DistributionConstraints()).model_dump(mode="json", exclude_none=True)
    assert {"datatype_check_threshold", "domain_content_threshold"} < suggested.keys()
    assert "minimum_effect" in suggested["distribution_constraints"]
    assert monitoring_config_document(suggested) == suggested
    # SageMaker's SDK v2 has None for what is not given
    assert monitoring_config_document(mm.DataQualityMonitoringConfig(distribution_constraints=None)) == {}


DAY = datetime(2026, 11, 20, tzinfo=UTC)
CALLS: dict[str, tuple[Any, type[Exception], str]] = {
    "no input": (lambda m: m.create_monitoring_schedule("s"), ValueError, "either endpoint_input or batch"),
    "two inputs": (
        lambda m: m.create_monitoring_schedule(
            "s", ENDPOINT, batch_transform_input=mm.BatchTransformInput(CAPTURED, "/i", {"csv": {}})
        ),
        ValueError,
        "either endpoint_input or batch",
    ),
    "transform jobs as an endpoint": (
        lambda m: m.create_monitoring_schedule("s", mm.BatchTransformInput(CAPTURED, "/i", {"csv": {}})),
        TypeError,
        "by keyword, batch_transform_input=",
    ),
    "a number as an endpoint": (
        lambda m: m.create_monitoring_schedule("s", 3),
        TypeError,
        "endpoint_input must be an EndpointInput, not int",
    ),
    "a bad name": (lambda m: m.create_monitoring_schedule("a_b", ENDPOINT), ValueError, "monitor_schedule_name"),
    "v2's order": (lambda m: m.create_monitoring_schedule(ENDPOINT), TypeError, "by keyword, endpoint_input="),
    "no schedule": (lambda m: m.describe_schedule(), ValueError, "has no schedule yet"),
    "no baseline": (lambda m: m.suggested_constraints(), ValueError, "call suggest_baseline"),
    "a table as a dataset": (
        lambda m: m.suggest_baseline(np.array([[1], [2]]), {"csv": {}}),
        TypeError,
        "baseline_dataset must be a str, not ndarray",
    ),
    "constraints as statistics": (
        lambda m: m.create_monitoring_schedule("s", ENDPOINT, statistics=mm.Constraints({})),
        TypeError,
        "statistics must be a Statistics, not Constraints",
    ),
    "no dataset": (lambda m: m.suggest_baseline(None, {"csv": {}}), ValueError, "baseline_dataset"),
    "an option that there is not": (
        lambda m: m.create_monitoring_schedule("s", ENDPOINT, colour=3),
        TypeError,
        r"^create_monitoring_schedule\(\) got an unexpected keyword argument 'colour'",
    ),
    "a change that there is not": (
        lambda m: m.update_monitoring_schedule("s", colour=None),
        TypeError,
        r"^update_monitoring_schedule\(\) got an unexpected keyword argument 'colour'",
    ),
    "a sort": (lambda m: m.list_executions("s", sort_by="Name"), ValueError, "CreationTime, ScheduledTime, Status"),
    "an order": (lambda m: m.list_executions("s", sort_order="Down"), ValueError, "Ascending, Descending"),
    "a status": (lambda m: m.list_executions("s", status_equals="Good"), ValueError, "CompletedWithViolations"),
    "a day by text": (lambda m: m.backfill("2026-11-20", "2026-11-21", "s"), TypeError, "start must be a datetime"),
    "a time by text": (
        lambda m: m.run(scheduled_time="2026-11-20T08:00:00Z", schedule_name="s"),
        TypeError,
        "scheduled_time must be a datetime, not str",
    ),
    "a day for a time": (
        lambda m: m.run(scheduled_time=DAY.date(), schedule_name="s"),
        TypeError,
        "scheduled_time must be a datetime, not date",
    ),
    "a window of numbers": (
        lambda m: m.create_monitoring_schedule(
            "s", ENDPOINT, schedule_cron_expression="NOW", data_analysis_start_time=1, data_analysis_end_time="-PT0H"
        ),
        TypeError,
        "data_analysis_start_time must be a datetime, not int",
    ),
    "too many at once": (lambda m: m.backfill(DAY, DAY, "s", max_parallel=99), ValueError, "from 1 to 16"),
    "too many": (lambda m: m.list_executions("s", max_results=101), ValueError, "from 1 to 100"),
}


@pytest.mark.parametrize("wrong", CALLS)
def test_a_call_that_cannot_be_right_reaches_no_app(wrong: str):
    call, kind, message = CALLS[wrong]
    with pytest.raises(kind, match=message):
        call(mm.DefaultModelMonitor())


def test_times_are_taken_as_datetimes_and_utc_where_they_have_no_zone():
    app = FakeApp(
        ListMonitoringAlertHistory={"alert_history": [], "next_token": None},
        DescribeMonitoringSchedule={"monitoring_schedule_name": "s", "start_delay_minutes": 5},
        LaunchExecution=execution(9),
    )
    monitor = mm.DefaultModelMonitor(sagemaker_session=app)
    monitor.monitoring_schedule_name = "s"
    monitor.list_monitoring_alert_history(
        creation_time_before=DAY.replace(tzinfo=None), creation_time_after="2026-01-01"
    )
    asked = app.parameters("ListMonitoringAlertHistory")
    assert (asked["creation_time_before"], asked["creation_time_after"]) == ("2026-11-20T00:00:00+00:00", "2026-01-01")
    monitor.run(scheduled_time=DAY.replace(tzinfo=None))
    assert app.parameters("LaunchExecution")["scheduled_time"] == "2026-11-20T00:05:00+00:00"
    with pytest.raises(TypeError, match="creation_time_after must be a datetime, not date"):
        monitor.list_monitoring_alert_history(creation_time_after=DAY.date())


def test_an_update_changes_nothing_else_of_how_jobs_run_and_a_refused_one_nothing_of_the_monitor():
    processing = {"role_arn": "arn:aws:iam::123456789012:role/of-the-schedule", "volume_size_in_gb": 100}
    processing |= {"instance_type": "ml.m5.4xlarge", "tags": {"team": "ml"}}
    app = FakeApp(
        DescribeMonitoringSchedule={"processing": processing},
        UpdateMonitoringSchedule=[{"monitoring_schedule_name": "s"}] * 2 + [ValueError("InvalidParameter")],
    )
    monitor = mm.DefaultModelMonitor("arn:aws:iam::123456789012:role/of-the-monitor", sagemaker_session=app)
    monitor.update_monitoring_schedule("s", instance_count=2)
    assert app.parameters("UpdateMonitoringSchedule")["processing"] == processing | {"instance_count": 2}
    assert monitor.instance_count == 2
    monitor.update_monitoring_schedule("s", tags={})
    assert app.parameters("UpdateMonitoringSchedule")["processing"] == processing | {"tags": {}}
    with pytest.raises(ValueError, match="InvalidParameter"):
        monitor.update_monitoring_schedule("s", volume_size_in_gb=50)
    assert monitor.volume_size_in_gb == 30


def test_tags_may_be_objects_of_sagemakers_sdk():
    tags = [SimpleNamespace(key="team", value="ml"), {"Key": "cost", "Value": "1"}]
    assert ModelMonitor(tags=tags).tags == {"team": "ml", "cost": "1"}


def test_an_integer_may_be_one_of_numpy():
    assert mm.CronExpressionGenerator.daily(np.int64(5)) == "cron(0 5 ? * * *)"
    assert SHAPConfig(num_samples=np.int64(20)).num_samples == 20
    for number in (np.float64(5), np.True_):
        with pytest.raises(TypeError, match="hour must be an int, not "):
            mm.CronExpressionGenerator.daily(number)


def test_model_quality_says_what_it_needs():
    monitor = mm.ModelQualityMonitor()
    with pytest.raises(ValueError, match="needs ground_truth_input and problem_type"):
        monitor.create_monitoring_schedule("s", ENDPOINT)
    with pytest.raises(ValueError, match="needs problem_type and ground_truth_attribute"):
        monitor.suggest_baseline("s3://my-bucket/d.csv", {"csv": {}})
    config = {"problem_type": "Regression", "label": "y"}
    with pytest.raises(ValueError, match="analysis_config has label, and may have problem_type"):
        monitor.suggest_baseline("s3://my-bucket/d.csv", {"csv": {}}, analysis_config=config)
    with pytest.raises(ValueError, match="give problem_type once"):
        monitor.suggest_baseline(
            "s3://my-bucket/d.csv", {"csv": {}}, "Regression", analysis_config={"problem_type": "Regression"}
        )


def test_run_baseline_names_what_the_container_is_started_with():
    app = FakeApp(CreateBaseliningJob={})
    monitor = mm.ModelMonitor(image_uri="mine:1", entrypoint=["python", "m.py"], sagemaker_session=app)
    output = mm.MonitoringOutput("/opt/ml/processing/made", "s3://my-bucket/baseline")
    monitor.run_baseline(["s3://my-bucket/d.csv"], output, ["--least", "5"], wait=False, job_name="mine")
    asked = app.parameters("CreateBaseliningJob")
    command = {"entrypoint": ["python", "m.py"], "arguments": ["--least", "5"]}
    assert (command | {"local_path": "/opt/ml/processing/made"}).items() <= asked.pop("processing").items()
    assert asked == {
        "image_uri": "mine:1",
        "monitoring_type": "Custom",
        "baselining_job_name": "mine",
        "baseline_dataset_s3_uri": "s3://my-bucket/d.csv",
        "dataset_format": {"csv": {"header": True}},
        "output_s3_uri": "s3://my-bucket/baseline",
        "environment": {},
    }
    # As ProcessingInput and ProcessingOutput of SageMaker's SDK
    of_v2 = SimpleNamespace(source="/opt/made", destination="s3://my-bucket/v2", s3_upload_mode="Continuous")
    monitor.run_baseline([SimpleNamespace(source="s3://my-bucket/d.csv")], of_v2, wait=False)
    asked = app.parameters("CreateBaseliningJob")
    places = {"local_path": "/opt/made", "s3_upload_mode": "Continuous"}
    assert asked["output_s3_uri"] == "s3://my-bucket/v2"
    assert places.items() <= asked["processing"].items()
    with pytest.raises(ValueError, match="baseline_inputs must name one dataset, not 2"):
        monitor.run_baseline(["s3://my-bucket/d.csv"] * 2, output)
    with pytest.raises(TypeError, match="output must be a MonitoringOutput, not EndpointInput"):
        monitor.run_baseline(["s3://my-bucket/d.csv"], mm.EndpointInput("my-endpoint"))


def test_the_analysis_configurations_are_those_of_clarify():
    # The form of analysis_config.json: smclarify 0.5 and SageMaker's developer guide, clarify-processing-job-configure.
    bias = mm.BiasAnalysisConfig([1], "gender", [0], "prediction", headers=["gender", "prediction"])
    assert bias._to_dict() == {
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "gender", "value_or_threshold": [0]}],
        "headers": ["gender", "prediction"],
        "predicted_label_name": "prediction",
    }
    assert mm.BiasAnalysisConfig(BiasConfig([1], ["a", "b"], [[0], [1]]))._to_dict()["facet"] == [
        {"name_or_index": "a", "value_or_threshold": [0]},
        {"name_or_index": "b", "value_or_threshold": [1]},
    ]
    shap = SHAPConfig(ClarifyShapBaselineConfig("text/csv", "0.5,0.3"), num_samples=10)
    config = mm.ExplainabilityAnalysisConfig(shap, ModelConfig("m", 1, "ml.m5.xlarge"), label_headers=["score"])
    assert config._to_dict() == {
        "methods": {
            "shap": {
                "baseline": {"mime_type": "text/csv", "shap_baseline": "0.5,0.3"},
                "num_samples": 10,
                "agg_method": "mean_abs",
                "use_logit": False,
                "save_local_shap_values": True,
            }
        },
        "predictor": {
            "initial_instance_count": 1,
            "model_name": "m",
            "instance_type": "ml.m5.xlarge",
            "label_headers": ["score"],
        },
    }


def test_a_target_that_is_added_twice_is_notified_once():
    actions = mm.MonitoringAlertActions()
    for _ in range(2):
        actions.add_sns_topic("arn:aws:sns:us-west-2:123:alerts")
        actions.add_cloudwatch_alarm("drift")
    assert [target["type"] for target in actions.targets] == ["sns", "cloudwatch-alarm"]


def test_an_indicator_says_whether_the_dashboard_shows_a_schedule():
    def wanted(actions: mm.MonitoringAlertActions | None) -> Any:
        return schedule_parameters(Files(None, "hourly", "DataQuality"), alert_actions=actions).get(
            "model_dashboard_indicator"
        )

    for enabled in (True, False):
        indicator = mm.ModelDashboardIndicatorAction(enabled)
        assert wanted(mm.MonitoringAlertActions(model_dashboard_indicator=indicator)) is enabled
    assert wanted(mm.MonitoringAlertActions()) is None
    with pytest.raises(TypeError, match="model_dashboard_indicator must be a ModelDashboardIndicatorAction"):
        wanted(mm.MonitoringAlertActions(model_dashboard_indicator=True))


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_a_file_has_the_content_that_it_was_read_from(body: dict[str, Any]):
    assert mm.Statistics.from_string(json.dumps(body)).body_dict == body


def test_files_are_read_from_this_machine_and_what_is_none_is_named(tmp_path: Path):
    path = tmp_path / "constraints.json"
    path.write_text('{"features": [{"name": "age"}]}')
    constraints = mm.Constraints.from_file_path(path)
    constraints.set_monitoring(False, "age")
    constraints.set_monitoring(True)
    assert constraints.body_dict == {
        "features": [{"name": "age", "monitoring_config_overrides": {"evaluate_constraints": "Disabled"}}],
        "monitoring_config": {"evaluate_constraints": "Enabled"},
    }
    with pytest.raises(ValueError, match="feature_name must be one of age"):
        constraints.set_monitoring(False, "income")
    with pytest.raises(ValueError, match=r"say where to save constraints\.json"):
        constraints.save()
    with pytest.raises(ValueError, match=r"statistics\.json is not a JSON object"):
        mm.Statistics.from_string("[]")
    with pytest.raises(ValueError, match="there is no file"):
        mm.Statistics.from_file_path(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        (mm.Statistics, "statistics"),
        (mm.Constraints, "constraints"),
        (mm.ConstraintViolations, "constraint_violations"),
    ],
)
def test_files_are_read_by_the_names_of_sdk_v2(kind: Any, prefix: str, tmp_path: Path):
    # sagemaker 2.257.7, sagemaker/model_monitor/monitoring_files.py
    path = tmp_path / "file.json"
    path.write_text("{}")
    assert kind.from_file_path(**{f"{prefix}_file_path": path}, file_name="another.json").body_dict == {}
    assert kind.from_string(**{f"{prefix}_file_string": '{"version": 0.0}'}).body_dict == {"version": 0.0}
    assert kind({}, **{f"{prefix}_file_s3_uri": "s3://b/file.json"}).file_s3_uri == "s3://b/file.json"
    with pytest.raises(ValueError, match="'file' is not an S3 URI"):
        kind.from_s3_uri(**{f"{prefix}_file_s3_uri": "file"})
    with pytest.raises(TypeError, match="unexpected keyword argument 'file_s3_url'"):
        kind({}, file_s3_url="s3://b/file.json")
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"another\.json is not a JSON object"):
        kind.from_file_path(path, file_name="another.json")


def test_files_of_a_container_have_its_names_and_are_saved_with_the_key_that_is_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(S3Downloader, "read_file", lambda *_, **__: "{}")
    app = FakeApp(CreateBaseliningJob=BASELINING | {"monitoring_type": "DataQuality"})
    monitor = mm.DefaultModelMonitor(sagemaker_session=app)
    job = monitor.suggest_baseline("s3://my-bucket/d.csv", {"csv": {}}, wait=False)
    found = [
        job.baseline_statistics("mine.json", "a-key"),
        job.suggested_constraints("mine.json", "a-key"),
        mm.MonitoringExecution(app, execution(10)).statistics("mine.json", "a-key"),
        mm.MonitoringExecution(app, execution(10)).constraint_violations("mine.json", "a-key"),
    ]
    assert {each.kms_key for each in found} == {"a-key"}
    assert {each.file_s3_uri.rpartition("/")[2] for each in found} == {"mine.json"}
    assert monitor.baseline_statistics("mine.json").file_s3_uri == found[0].file_s3_uri
    assert monitor.suggested_constraints("mine.json").file_s3_uri == found[1].file_s3_uri


BASELINING = {
    "baselining_job_name": "made",
    "monitoring_type": "ModelBias",
    "output_s3_uri": "s3://my-bucket/made",
    "status": "InProgress",
}
CREATED = {"monitoring_schedule_name": "s"}
SEX = BiasConfig([1], "sex", [0])
MODEL = ModelConfig("my-model", 1, "ml.m5.xlarge")


def test_where_a_model_has_its_predictions_is_known_to_schedules_from_the_baseline(monkeypatch: pytest.MonkeyPatch):
    # As SageMaker's SDK v2: sagemaker 2.257.7, clarify_model_monitoring.py, create_monitoring_schedule.
    monkeypatch.setattr(Files, "_exists", lambda *_: True)
    app = FakeApp(CreateBaseliningJob=BASELINING, CreateMonitoringSchedule=CREATED)
    monitor = mm.ModelBiasMonitor(sagemaker_session=app)
    data = DataConfig(
        "s3://my-bucket/d.json",
        "s3://my-bucket/made",
        label="instances[*].label",
        headers=["sex", "age", "target"],
        dataset_type="application/json",
        features="instances[*].features",
        excluded_columns=["age"],
        joinsource="id",
    )
    places = ModelPredictedLabelConfig("predictions[*].label", "predictions[*].score", 0.8)
    arguments = {"data_config": data, "bias_config": SEX, "model_config": MODEL}
    job = monitor.suggest_baseline(**arguments, model_predicted_label_config=places, wait=False)
    assert (job.job_name, monitor.latest_baselining_job_name) == ("made", "made")
    asked = app.parameters("CreateBaseliningJob")
    named = {name: value for name, value in asked.items() if name.endswith("_attribute")}
    assert named == {"probability_threshold_attribute": 0.8}  # the model is not asked, so there are no responses of it
    assert asked["analysis_config"] == {
        "features": "instances[*].features",
        "headers": ["sex", "age", "target"],
        "label": "instances[*].label",
        "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "sex", "value_or_threshold": [0]}],
        "excluded_columns": ["age"],
        "joinsource_name_or_index": "id",
    }
    monitor.create_monitoring_schedule("s", mm.EndpointInput("e", inference_attribute="[0]"))
    assert app.parameters("CreateMonitoringSchedule")["endpoint_input"] == {
        "endpoint_name": "e",
        "features_attribute": "instances[*].features",
        "inference_attribute": "[0]",
        "probability_attribute": "predictions[*].score",
        "probability_threshold_attribute": 0.8,
    }


@pytest.mark.parametrize("kind", [mm.ModelBiasMonitor, mm.ModelExplainabilityMonitor])
def test_configurations_in_the_order_of_sdk_v2_are_refused_with_the_right_one(kind: Any):
    data = DataConfig("s3://my-bucket/d.csv", "s3://my-bucket/made")
    with pytest.raises(TypeError, match="give configurations by keyword, data_config="):
        kind().suggest_baseline(data, SEX, MODEL)


@pytest.mark.parametrize("kind", [mm.ModelBiasMonitor, mm.ModelExplainabilityMonitor])
def test_a_data_config_stands_in_place_of_the_dataset_and_must_be_one(kind: Any):
    data = DataConfig("s3://my-bucket/d.csv", "s3://my-bucket/made")
    with pytest.raises(ValueError, match="give data_config, or baseline_dataset"):
        kind().suggest_baseline("s3://my-bucket/d.csv", data_config=data)
    with pytest.raises(TypeError, match="data_config must be a DataConfig, not dict"):
        kind().suggest_baseline(data_config={})


def test_an_index_is_one_of_the_responses_and_a_name_that_of_a_column():
    app = FakeApp(CreateBaseliningJob=BASELINING)
    data = DataConfig("s3://my-bucket/d.csv", "s3://my-bucket/made", label="y", predicted_label="p")
    monitor = mm.ModelBiasMonitor(sagemaker_session=app)

    def asked(model: ModelConfig | None) -> Any:
        predicted = ModelPredictedLabelConfig(label=0, probability="score")
        monitor.suggest_baseline(
            data_config=data,
            bias_config=SEX,
            model_config=model,
            model_predicted_label_config=predicted,
            wait=False,
        )
        request = app.parameters("CreateBaseliningJob")
        assert request["analysis_config"]["predicted_label"] == "p"
        return {name: value for name, value in request.items() if name.endswith("_attribute")}

    assert asked(None) == {"inference_attribute": "0", "probability_attribute": "score"}
    assert asked(MODEL) == {"probability_attribute": "score"}
    assert asked(replace(MODEL, accept_type="application/jsonlines")) == {}  # such responses have names


@pytest.mark.parametrize(
    "wrong", [{"bias_config": "sex"}, {"model_config": "my-model"}, {"model_predicted_label_config": "score"}]
)
def test_configurations_of_another_type_are_refused_by_name(wrong: dict[str, Any]):
    data = DataConfig("s3://my-bucket/d.csv", "s3://my-bucket/made")
    with pytest.raises(TypeError, match=f"{next(iter(wrong))} must be a "):
        mm.ModelBiasMonitor().suggest_baseline(**{"data_config": data, "bias_config": SEX} | wrong)


def test_requests_are_read_by_a_schedule_as_the_dataset_of_what_is_explained(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Files, "_exists", lambda *_: True)
    app = FakeApp(CreateBaseliningJob=BASELINING, CreateMonitoringSchedule=CREATED)
    monitor = mm.ModelExplainabilityMonitor(sagemaker_session=app)
    model = ModelConfig(
        "my-model",
        1,
        "ml.m5.xlarge",
        custom_attributes="a=b",
        target_model="one.tar.gz",
        accelerator_type="ml.eia2.medium",
        endpoint_name_prefix="mine",
    )
    data = DataConfig("s3://b-1/d.jsonl", "s3://b-1/made", dataset_type="application/jsonlines", features="x")
    monitor.suggest_baseline(data_config=data, explainability_config=SHAPConfig(), model_config=model, wait=False)
    config = app.parameters("CreateBaseliningJob")["analysis_config"]
    assert config["features"] == "x"
    assert config["predictor"] == {
        "model_name": "my-model",
        "initial_instance_count": 1,
        "instance_type": "ml.m5.xlarge",
        "custom_attributes": "a=b",
        "target_model": "one.tar.gz",
        "accelerator_type": "ml.eia2.medium",
        "endpoint_name_prefix": "mine",
    }
    monitor.create_monitoring_schedule("s", "my-endpoint")
    endpoint = {"endpoint_name": "my-endpoint", "features_attribute": "x"}
    assert app.parameters("CreateMonitoringSchedule")["endpoint_input"] == endpoint


def test_constraints_of_the_latest_baseline_bring_its_statistics():
    app = FakeApp(
        CreateBaseliningJob=BASELINING | {"monitoring_type": "ModelQuality"}, CreateMonitoringSchedule=CREATED
    )
    monitor = mm.ModelQualityMonitor(sagemaker_session=app)
    monitor.suggest_baseline(
        "s3://my-bucket/d.csv",
        {"csv": {}},
        "Regression",
        inference_attribute="p",
        ground_truth_attribute="y",
        wait=False,
    )

    def baseline(constraints: Any) -> Any:
        labels = "s3://my-bucket/labels"
        monitor.create_monitoring_schedule("s", "my-endpoint", labels, "Regression", constraints=constraints)
        return app.parameters("CreateMonitoringSchedule")["baseline"]

    own = "s3://my-bucket/made/constraints.json"
    both = {"constraints_s3_uri": own, "statistics_s3_uri": "s3://my-bucket/made/statistics.json"}
    assert baseline(own) == baseline(mm.Constraints({}, own)) == both
    another = "s3://my-bucket/another/constraints.json"
    assert baseline(another) == {"constraints_s3_uri": another}


def test_violations_of_every_kind_are_a_table():
    found = mm.ConstraintViolations(
        {
            "violations": [
                {"feature_name": "age", "constraint_check_type": "completeness_check", "description": "half"},
                {
                    "metric_name": "DI",
                    "facet": "sex",
                    "facet_value": "1",
                    "constraint_check_type": "c",
                    "description": "d",
                },
            ]
        }
    )
    assert found.table() == [("age", "completeness_check", "half"), ("DI of sex = 1", "c", "d")]
    assert len(found) == 2
    assert mm.ConstraintViolations({"violations": []})


def test_a_backfill_asks_for_the_times_of_the_years_that_an_expression_is_bound_to():
    schedule = {
        "monitoring_schedule_name": "s",
        "schedule_expression": "cron(0 12 1 1 ? 2026)",
        "start_delay_minutes": 5,
    }
    requests = backfill_requests(schedule, DAY - timedelta(days=1000), DAY)
    assert [each["scheduled_time"] for each in requests] == ["2026-01-01T12:05:00+00:00"]
