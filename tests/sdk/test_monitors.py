"""The life of a monitor, against the app in the local stack."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from modelwatch.app_client import AppClient, app_client
from modelwatch.clarify import BiasConfig, DataConfig, ModelConfig, ModelPredictedLabelConfig, SHAPConfig
from modelwatch.model_monitor import (
    BatchTransformInput,
    BiasAnalysisConfig,
    ConstraintViolations,
    CronExpressionGenerator,
    DataCaptureConfig,
    DataQualityDistributionConstraints,
    DataQualityMonitoringConfig,
    DatasetFormat,
    DefaultModelMonitor,
    EndpointInput,
    ModelBiasMonitor,
    ModelExplainabilityMonitor,
    ModelQualityMonitor,
    MonitoringExecution,
    MonitoringOutput,
    NetworkConfig,
)
from modelwatch.s3 import S3Downloader, S3Uploader
from tests.sdk.connected import definition
from tests.sdk.specified_app import ROLE, START, SpecifiedApp, running

pytestmark = pytest.mark.slow

CSV = {"csv": {"header": True}}
OUTPUT = MonitoringOutput(destination="s3://my-bucket/results")
DATASET = "s3://my-bucket/training-data/baseline.csv"
HOURLY = CronExpressionGenerator.hourly()


@pytest.fixture(scope="module")
def app() -> Iterator[SpecifiedApp]:
    with running() as specified:
        yield specified


@pytest.fixture(scope="module")
def monitor(app: SpecifiedApp) -> DefaultModelMonitor:
    """A monitor with a baseline and a schedule that has run for two hours, the second of them with a fault."""
    network = NetworkConfig(True, ["sg-1"], ["subnet-1"])
    made = DefaultModelMonitor(
        ROLE, env={"decimal": "."}, tags=[{"Key": "team", "Value": "ml"}], network_config=network, base_job_name="loans"
    )
    made.suggest_baseline(DATASET, CSV, "s3://my-bucket/hourly", logs=False)
    made.create_monitoring_schedule("hourly", "my-endpoint", OUTPUT, schedule_cron_expression=HOURLY)
    for hour, factor in ((0, 1.0), (1, 3.0)):
        app.capture("my-endpoint", START.replace(minute=0) + timedelta(hours=hour), income_factor=factor)
    app.stack.advance_to(START + timedelta(hours=1, minutes=45))
    return made


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return refused.value.response["Error"]["Code"]


def test_a_schedule_without_files_of_its_own_uses_the_latest_baseline_of_its_monitor(monitor: DefaultModelMonitor):
    definition = monitor.describe_schedule()["MonitoringScheduleConfig"]["MonitoringJobDefinition"]
    assert definition["BaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": "s3://my-bucket/hourly/constraints.json"},
        "StatisticsResource": {"S3Uri": "s3://my-bucket/hourly/statistics.json"},
    }


def test_a_baseline_is_described_and_read(monitor: DefaultModelMonitor):
    described = monitor.describe_latest_baselining_job()
    assert described["ProcessingJobName"].startswith("loans-")
    assert described["ProcessingJobStatus"] == "Completed"
    assert [each.destination for each in monitor.latest_baselining_job.outputs] == ["s3://my-bucket/hourly"]
    assert monitor.baseline_statistics().body_dict["dataset"]["item_count"] == 500
    names = [feature["name"] for feature in monitor.suggested_constraints().body_dict["features"]]
    assert names == ["score", "income", "kind"]


def test_warnings_of_a_baseline_are_printed_and_its_record_has_their_number_alone(app: SpecifiedApp, capsys):
    app.put("my-bucket", "few.csv", "score,kind", [(0.5, "a"), (0.7, "b"), (0.2, "a")])
    monitor = DefaultModelMonitor(ROLE)
    job = monitor.suggest_baseline("s3://my-bucket/few.csv", CSV, "s3://my-bucket/few")
    assert job is monitor.latest_baselining_job
    few = "the baseline has 3 rows: with fewer than 100, what it suggests may well be due to chance"
    assert few in job.warnings()
    assert f"Warning: {few}\n" in capsys.readouterr().out
    number = "warning" if len(job.warnings()) == 1 else "warnings"
    notice = f"the analysis has {len(job.warnings())} {number}: see its report.html"
    assert job.describe()["Modelwatch"]["outcome"]["warnings"] == [notice]
    app.stack.client("s3").delete_object(Bucket="my-bucket", Key="few/analysis_summary.json")
    assert job.warnings() == [notice]


def test_executions_are_listed_in_the_order_and_number_that_is_asked_for(monitor: DefaultModelMonitor):
    statuses = [each["MonitoringExecutionStatus"] for each in monitor.list_executions()]
    assert statuses == ["CompletedWithViolations", "Completed"]
    ascending = monitor.list_executions("hourly", sort_by="ScheduledTime", sort_order="Ascending")
    assert [each.scheduled_time.hour for each in ascending] == [9, 10]
    by_status = monitor.list_executions("hourly", sort_by="Status", sort_order="Ascending")
    assert [each.monitoring_execution_status for each in by_status] == ["Completed", "CompletedWithViolations"]
    (good,) = monitor.list_executions(status_equals="Completed", max_results=1)
    assert good.scheduled_time.hour == 9
    assert monitor.list_executions(status_equals="Failed") == []
    of_all = DefaultModelMonitor().list_executions()
    assert {each.processing_job_arn for each in ascending} <= {each.processing_job_arn for each in of_all}
    with pytest.raises(ClientError) as refused:
        monitor.list_executions("no-such-schedule")
    assert code_of(refused) == "ResourceNotFound"


def test_alerts_of_a_schedule_are_listed_with_their_history_and_changed(monitor: DefaultModelMonitor):
    (violations, *others), following = monitor.list_monitoring_alerts()
    assert (violations.alert_name, violations.alert_status, following) == ("violations", "InAlert", None)
    assert {each.alert_status for each in others} == {"OK"}
    (change,), following = monitor.list_monitoring_alert_history("violations")
    assert (change.alert_status, following) == ("InAlert", None)
    monitor.update_monitoring_alert("no-data", data_points_to_alert=2, evaluation_period=3)
    (changed,) = (each for each in monitor.list_monitoring_alerts()[0] if each.alert_name == "no-data")
    assert (changed.data_points_to_alert, changed.evaluation_period) == (2, 3)
    with pytest.raises(ValueError, match="datapoints_to_alert 3 is more than evaluation_period 2"):
        monitor.update_monitoring_alert("no-data", data_points_to_alert=3, evaluation_period=2)


def test_an_execution_tells_what_it_found_and_where(monitor: DefaultModelMonitor, capsys: pytest.CaptureFixture[str]):
    latest = monitor.latest_monitoring_job
    assert latest is not None
    latest.wait(logs=True)
    assert "execution of hourly: CompletedWithViolations: " in capsys.readouterr().out
    assert latest.output.destination == "s3://my-bucket/results/my-endpoint/hourly/2026/11/20/10"
    assert latest.violation_report_uri == f"{latest.output.destination}/constraint_violations.json"
    described = latest.describe()
    assert described["Modelwatch"]["outcome"]["violation_count"] == 1
    assert latest.processing_job_arn.endswith(f"processing-job/{described['ProcessingJobName']}")
    exit_status = described["ExitMessage"].partition(":")[0]
    assert (described["ProcessingJobStatus"], exit_status) == ("Completed", "CompletedWithViolations")
    read = {each["InputName"]: each["S3Input"]["S3Uri"] for each in described["ProcessingInputs"]}
    files = {
        "baseline": "s3://my-bucket/hourly/statistics.json",
        "constraints": "s3://my-bucket/hourly/constraints.json",
    }
    assert read == {"monitoring_input": "s3://my-bucket/data-capture", **files}
    assert MonitoringExecution.from_processing_arn(None, latest.processing_job_arn) == latest
    violations = monitor.latest_monitoring_constraint_violations()
    assert [row[:2] for row in violations.table()] == [("income", "baseline_drift_check")]
    assert monitor.latest_monitoring_statistics().body_dict["dataset"]["item_count"] == 300
    with pytest.raises(ValueError, match="ExecutionEnded"):
        latest.stop()


def test_the_results_of_an_execution_are_listed_and_downloaded_by_its_arn(monitor: DefaultModelMonitor, tmp_path: Path):
    arn = monitor.latest_monitoring_job.processing_job_arn
    assert f"{monitor.latest_monitoring_job.output.destination}/statistics.json" in S3Downloader.list(arn)
    written = S3Downloader.download(arn, tmp_path)
    assert str(tmp_path / "constraint_violations.json") in written
    read = ConstraintViolations.from_file_path(tmp_path / "constraint_violations.json")
    assert read.body_dict == json.loads(S3Downloader.read_file(f"{arn}/constraint_violations.json"))
    with pytest.raises(ValueError, match="ExecutionNotFound"):
        S3Downloader.read_file(f"{arn}-other/statistics.json")


def test_files_come_back_as_they_were_uploaded(app: SpecifiedApp, tmp_path: Path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("é")
    (tmp_path / "in" / "deep" / "b.txt").write_text("b")
    assert S3Uploader.upload(tmp_path / "in", "s3://my-bucket/up") == "s3://my-bucket/up"
    S3Uploader.upload_string_as_file_body("sibling", "s3://my-bucket/up-and-more/c.txt")
    S3Downloader.download("s3://my-bucket/up", tmp_path / "out")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.txt")}
    assert found == {"a.txt", "deep/b.txt"}
    assert (tmp_path / "out" / "a.txt").read_text() == "é"


def test_a_monitor_attaches_to_a_schedule_as_it_was_made(monitor: DefaultModelMonitor):
    attached = DefaultModelMonitor.attach("hourly")
    assert (attached.role, attached.env, attached.tags) == (ROLE, {"decimal": "."}, {"team": "ml"})
    assert attached.network_config == monitor.network_config
    assert len(attached.list_executions()) == 2
    with pytest.raises(TypeError, match="a schedule of DataQuality, not of ModelQuality"):
        ModelQualityMonitor.attach("hourly")


def test_an_update_changes_what_is_given_and_nothing_else(app: SpecifiedApp, monitor: DefaultModelMonitor):
    other = DefaultModelMonitor(ROLE, tags={"team": "ml"})
    other.create_monitoring_schedule("changing", EndpointInput("my-endpoint", inference_attribute="0"), OUTPUT)
    before = other.describe_schedule()["Modelwatch"]
    other.update_monitoring_schedule(schedule_cron_expression=HOURLY, volume_size_in_gb=50)
    after = other.describe_schedule()["Modelwatch"]
    changed = {name for name in before if before[name] != after[name]} - {
        *("version", "last_modified_time", "active_since", "definition_changed", "covered_until")
    }
    assert changed == {"schedule_expression", "processing"}
    assert after["processing"] == before["processing"] | {"volume_size_in_gb": 50}
    constraints = "s3://my-bucket/hourly/constraints.json"
    other.update_monitoring_schedule("changing", constraints=constraints)
    other.update_monitoring_schedule("changing", statistics="s3://my-bucket/hourly/statistics.json")
    assert other.describe_schedule()["Modelwatch"]["baseline"]["constraints_s3_uri"] == constraints
    transform = BatchTransformInput("s3://my-bucket/batch", "/opt/ml/processing/input", CSV)
    other.update_monitoring_schedule(batch_transform_input=transform)
    assert other.describe_schedule()["Modelwatch"]["endpoint_input"] is None
    with pytest.raises(ValueError, match="nothing to change"):
        other.update_monitoring_schedule()
    other.stop_monitoring_schedule()
    assert other.describe_schedule()["MonitoringScheduleStatus"] == "Stopped"
    other.start_monitoring_schedule()
    assert other.describe_schedule()["MonitoringScheduleStatus"] == "Scheduled"
    other.delete_monitoring_schedule()
    with pytest.raises(ClientError) as refused:
        other.delete_monitoring_schedule("changing")
    assert code_of(refused) == "ResourceNotFound"


def test_windows_are_analysed_again_by_backfill(app: SpecifiedApp, monitor: DefaultModelMonitor):
    other = DefaultModelMonitor()
    other.create_monitoring_schedule("again", "my-endpoint", schedule_cron_expression=HOURLY)
    start = START.replace(minute=0)
    for attempt in (1, 2):
        both = []
        for hour in (1, 2):  # one after another, since the second would wait for a sweep if the first is not over
            both += other.backfill(start + timedelta(hours=hour), start + timedelta(hours=hour + 1), max_parallel=2)
            app.stack.settle()
        assert [each.scheduled_time.hour for each in both] == [9, 10]
        assert [each.describe()["Modelwatch"]["attempt"] for each in both] == [attempt, attempt]
    with pytest.raises(ValueError, match="start must be before end"):
        other.backfill(start, start)


def test_a_schedule_without_baseline_says_that_it_finds_no_violations(
    app: SpecifiedApp, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        response = DefaultModelMonitor().create_monitoring_schedule("bare", EndpointInput("my-endpoint"))
    assert response["MonitoringScheduleArn"].endswith(":monitoring-schedule/bare")
    assert "find no violations" in response["Warnings"][0]
    assert "bare: there are no constraints" in caplog.text


def test_constraints_that_were_changed_and_not_saved_are_refused(monitor: DefaultModelMonitor):
    constraints = monitor.suggested_constraints()
    del constraints.body_dict["features"][0]
    other = DefaultModelMonitor()
    with pytest.raises(ValueError, match=r"constraints was changed after it was read from s3://.*save\(\)"):
        other.create_monitoring_schedule("changed", EndpointInput("my-endpoint"), constraints=constraints)
    saved = constraints.save(monitor.latest_baselining_job.constraints_uri.replace("constraints.json", "fewer"))
    other.create_monitoring_schedule("changed", EndpointInput("my-endpoint"), constraints=constraints)
    assert other.describe_schedule()["Modelwatch"]["baseline"]["constraints_s3_uri"] == saved


def test_a_configuration_goes_into_a_copy_of_the_constraints(app: SpecifiedApp, monitor: DefaultModelMonitor):
    drift = DataQualityDistributionConstraints(comparison_threshold=0.9, comparison_method="Robust")
    other = DefaultModelMonitor()
    other.create_monitoring_schedule(
        "tuned",
        EndpointInput("my-endpoint"),
        constraints=monitor.latest_baselining_job.constraints_uri,
        data_quality_monitoring_config=DataQualityMonitoringConfig(distribution_constraints=drift),
    )
    used = other.describe_schedule()["Modelwatch"]["baseline"]["constraints_s3_uri"]
    config = json.loads(S3Downloader.read_file(used))["monitoring_config"]
    suggested = monitor.suggested_constraints().body_dict["monitoring_config"]
    assert used != monitor.latest_baselining_job.constraints_uri
    assert config["distribution_constraints"]["comparison_threshold"] == 0.9
    assert config["emit_metrics"] == suggested["emit_metrics"]
    other.update_monitoring_schedule(data_quality_monitoring_config={"emit_metrics": "Disabled"})
    used = other.describe_schedule()["Modelwatch"]["baseline"]["constraints_s3_uri"]
    config |= {"emit_metrics": "Disabled"}
    assert json.loads(S3Downloader.read_file(used))["monitoring_config"] == config
    with pytest.raises(ValueError, match="InvalidScheduleExpression"):
        other.update_monitoring_schedule(schedule_cron_expression="x", data_quality_monitoring_config=suggested)
    assert json.loads(S3Downloader.read_file(used))["monitoring_config"] == config  # as before it was refused
    own = monitor.latest_baselining_job.constraints_uri
    other.update_monitoring_schedule(
        "tuned", None, None, own, data_quality_monitoring_config={"emit_metrics": "Disabled"}
    )
    used = other.describe_schedule()["Modelwatch"]["baseline"]["constraints_s3_uri"]
    changed = suggested | {"emit_metrics": "Disabled"}
    assert json.loads(S3Downloader.read_file(used))["monitoring_config"] == changed


def test_a_baseline_of_the_captures_of_a_month_is_seasonal(app: SpecifiedApp):
    for day in range(28):
        first = START.replace(hour=0, minute=0) - timedelta(days=29 - day)
        lines = []
        for hour in range(24):
            for number in range(6):
                event = {
                    "eventId": f"{day}-{hour}-{number}",
                    "inferenceTime": f"{first:%Y-%m-%d}T{hour:02}:1{number}:00Z",
                }
                busy = 40 + number if 8 <= hour < 20 else number
                sides = {
                    side: {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}
                    for side, mode, data in (
                        ("endpointInput", "INPUT", f"{busy},{number % 3}"),
                        ("endpointOutput", "OUTPUT", str(number % 2)),
                    )
                }
                lines.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        key = f"history/my-endpoint/AllTraffic/{first:%Y/%m/%d}/00/captures.jsonl"
        app.stack.client("s3").put_object(Bucket="my-bucket", Key=key, Body="\n".join(lines).encode())
    monitor = DefaultModelMonitor(ROLE)
    given = "s3://my-bucket/history/my-endpoint/AllTraffic/", DatasetFormat.sagemaker_capture_json()
    monitor.suggest_baseline(*given, "s3://my-bucket/of-month", logs=False)
    statistics = monitor.baseline_statistics().body_dict
    assert statistics["dataset"]["item_count"] == 28 * 24 * 6
    seasons = {each["name"]: each["calibration"]["seasons"] for each in statistics["features"]}
    assert {each["by"] for each in seasons.values()} == {"hour"}
    assert seasons["_c1"]["seasons"]["3"]["mean"] == 2.5  # of 0 to 5
    assert seasons["_c1"]["seasons"]["12"]["mean"] == 42.5
    monitor.suggest_baseline(*given, "s3://my-bucket/local", logs=False, time_zone="Asia/Kolkata")  # 5:30 hours ahead
    local = {
        each["name"]: each["calibration"]["seasons"] for each in monitor.baseline_statistics().body_dict["features"]
    }
    assert {each["time_zone"] for each in local.values()} == {"Asia/Kolkata"}
    assert {hour: each["mean"] for hour, each in local["_c1"]["seasons"].items()} == {
        str((int(hour) * 60 + 10 + 330) // 60 % 24): each["mean"] for hour, each in seasons["_c1"]["seasons"].items()
    }
    with pytest.raises(ValueError, match=r"InvalidSettings: time_zone: .* did you mean Asia/Kolkata"):
        monitor.suggest_baseline(*given, "s3://my-bucket/other", time_zone="Asia/Kolkatta")


def test_a_baseline_that_fails_says_why(app: SpecifiedApp, tmp_path: Path):
    path = tmp_path / "local.csv"
    path.write_text("a,a\n1,2\n")
    monitor = DefaultModelMonitor()
    with pytest.raises(RuntimeError, match="Failed: DuplicateColumn"):
        monitor.suggest_baseline(str(path), CSV, logs=False)
    assert monitor.describe_latest_baselining_job()["FailureReason"].startswith("DuplicateColumn")


def test_an_execution_that_fails_raises_a_waiter_error_with_the_reason(app: SpecifiedApp):
    monitor = DefaultModelMonitor()
    monitor.create_monitoring_schedule("idle", EndpointInput("my-endpoint"), schedule_cron_expression=HOURLY)
    (failed,) = monitor.backfill(START - timedelta(hours=5), START - timedelta(hours=4, minutes=15))
    with pytest.raises(WaiterError, match="Failed: NoData"):
        failed.wait(logs=False)
    with pytest.raises(ValueError, match=r"it is Failed\. NoData"):
        failed.constraint_violations()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an endpoint that is not there": ({"endpoint_input": "other"}, "EndpointNotFound"),
    "a file that is not there": ({"constraints": "s3://my-bucket/none.json"}, "BaselineNotFound"),
    "a folder outside": ({"output": MonitoringOutput(destination="s3://elsewhere/x")}, "OutputOutsideResults"),
    "constraints of another kind": (
        {"constraints": "s3://my-bucket/quality.json"},
        "holds constraints of ModelQuality",
    ),
    "no expression": ({"schedule_cron_expression": "every hour"}, "InvalidScheduleExpression"),
    "a script that is not there": ({"record_preprocessor_script": "none.py"}, "nor a file on this machine"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_app_refuses_is_a_value_error_and_leaves_no_schedule(app: SpecifiedApp, what: str):
    changes, message = REFUSED[what]
    quality = b'{"version": 0.0, "regression_constraints": {}}'
    app.stack.client("s3").put_object(Bucket="my-bucket", Key="quality.json", Body=quality)
    monitor = DefaultModelMonitor()
    with pytest.raises(ValueError, match=message):
        monitor.create_monitoring_schedule("refused", **({"endpoint_input": "my-endpoint"} | changes))
    with pytest.raises(ClientError) as refused:
        monitor.describe_schedule("refused")
    assert code_of(refused) == "ResourceNotFound"


def test_names_that_are_taken_are_resources_in_use(app: SpecifiedApp, monitor: DefaultModelMonitor):
    with pytest.raises(ClientError) as refused:
        monitor.create_monitoring_schedule("hourly", "my-endpoint")
    assert code_of(refused) == "ResourceInUse"
    job = monitor.latest_baselining_job.job_name
    with pytest.raises(ClientError) as refused:
        DefaultModelMonitor().suggest_baseline(DATASET, CSV, job_name=job)
    assert code_of(refused) == "ResourceInUse"


def test_a_dataset_that_is_not_there_is_refused_at_once(app: SpecifiedApp):
    with pytest.raises(ValueError, match="BaselineDatasetNotFound"):
        DefaultModelMonitor().suggest_baseline("s3://my-bucket/none.csv", CSV)


def test_a_stack_that_is_not_there_is_named(app: SpecifiedApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODELWATCH_STACK", "another")
    with pytest.raises(ValueError, match="StackNotFound: there is no stack 'another' in us-east-1"):
        DefaultModelMonitor().describe_schedule("hourly")


def test_an_app_is_found_once_for_each_session_and_stack(app: SpecifiedApp):
    session = boto3.Session()
    assert app_client(session) is app_client(session)
    assert app_client() is app_client()
    named = AppClient(session, "modelwatch")
    assert app_client(named) is named
    with pytest.raises(TypeError, match=r"must be a boto3\.Session, not str"):
        app_client("session")


def test_data_capture_of_a_live_endpoint_is_switched_on_and_undone_where_the_update_fails(app: SpecifiedApp):
    app.builder.deploy("silent", DataCaptureConfig(False, destination_s3_uri="s3://my-bucket/none"))
    sagemaker, runtime = app.stack.client("sagemaker"), app.stack.client("sagemaker-runtime")
    app.stack.settle()
    runtime.invoke_endpoint(EndpointName="silent", Body=b"1,2\n", ContentType="text/csv")
    new = DataCaptureConfig(True, 100, "s3://my-bucket/switched-on", csv_content_types=["text/csv"]).apply(
        "silent", logs=False
    )
    described = sagemaker.describe_endpoint(EndpointName="silent")
    assert (described["EndpointConfigName"], described["EndpointStatus"]) == (new, "InService")
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    runtime.invoke_endpoint(EndpointName="silent", Body=b"3,4\n", ContentType="text/csv")
    app.stack.settle()
    (captured,) = S3Downloader.list("s3://my-bucket/switched-on")
    assert json.loads(S3Downloader.read_file(captured))["captureData"]["endpointInput"]["data"] == "3,4\n"

    app.stack.serve_model("my-model", "http://127.0.0.1:1/invocations")  # nothing listens on port 1
    try:
        with pytest.raises(
            RuntimeError, match=f"not applied to silent: .* ping health check.*; it has {new} as before"
        ):
            DataCaptureConfig(True, 10, "s3://my-bucket/never").apply("silent", logs=False)
    finally:
        app.stack.serve_model("my-model", app.model_url)
    assert sagemaker.describe_endpoint(EndpointName="silent")["EndpointConfigName"] == new
    configs = sagemaker.list_endpoint_configs(NameContains="silent")["EndpointConfigs"]
    assert {each["EndpointConfigName"] for each in configs} == {"silent", new}


def test_bias_is_measured_by_the_arguments_of_sdk_v2(app: SpecifiedApp):
    monitor = ModelBiasMonitor(ROLE)
    monitor.suggest_baseline(
        data_config=DataConfig("s3://my-bucket/training-data.csv", "s3://my-bucket/bias-v2", label="label"),
        bias_config=BiasConfig([1], "gender", [0]),
        model_config=ModelConfig("my-model", 1, "ml.m5.xlarge"),
        model_predicted_label_config=ModelPredictedLabelConfig(label="prediction"),
        logs=False,
    )
    measured = monitor.suggested_constraints().body_dict
    assert {"pre_training_bias_metrics", "post_training_bias_metrics"} <= measured.keys()
    with pytest.raises(NotImplementedError, match=r"analysis\.json"):
        monitor.baseline_statistics()
    monitor.create_monitoring_schedule("bias-v2", "my-endpoint", output_s3_uri="s3://my-bucket/bias-results")
    kept = monitor.describe_schedule()["Modelwatch"]
    assert kept["analysis_config"]["facet"] == [{"name_or_index": "gender", "value_or_threshold": [0]}]
    assert kept["baseline"] == {
        "constraints_s3_uri": "s3://my-bucket/bias-v2/analysis.json",
        "statistics_s3_uri": None,
    }
    monitor.update_monitoring_schedule(analysis_config=BiasAnalysisConfig([1], "gender", [1]))
    changed = monitor.describe_schedule()["Modelwatch"]["analysis_config"]
    assert changed["facet"] == [{"name_or_index": "gender", "value_or_threshold": [1]}]


def test_a_model_is_explained_by_the_arguments_of_sdk_v2(app: SpecifiedApp):
    monitor = ModelExplainabilityMonitor(ROLE)
    monitor.suggest_baseline(
        data_config=DataConfig("s3://bucket/baseline.csv", "s3://my-bucket/shap-v2", headers=["a", "b", "c", "d"]),
        explainability_config=SHAPConfig([[0.5, 0.3, 0.2, 0.1]], num_samples=20, seed=1),
        model_config=ModelConfig("my-model", 1, "ml.m5.xlarge", content_type="text/csv", accept_type="text/csv"),
        logs=False,
    )
    explained = monitor.suggested_constraints().body_dict["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    # The model doubles the first feature, so that the others have no part in its response.
    assert set(explained) == {"a", "b", "c", "d"}
    assert explained["a"] > 0
    assert max(abs(explained[name]) for name in "bcd") < 1e-9


def test_a_schedule_that_runs_once_is_due_at_once_over_the_window_that_is_named(app: SpecifiedApp):
    monitor = DefaultModelMonitor()
    with pytest.raises(ValueError, match="needs data_analysis_start_time and data_analysis_end_time"):
        monitor.create_monitoring_schedule("once", "my-endpoint", schedule_cron_expression="NOW")
    window = {"data_analysis_start_time": "-PT2H", "data_analysis_end_time": "-PT1H"}
    with pytest.raises(ValueError, match="are for a schedule that runs NOW"):
        monitor.create_monitoring_schedule("once", "my-endpoint", schedule_cron_expression=HOURLY, **window)
    now = CronExpressionGenerator.now()
    monitor.create_monitoring_schedule("once", "my-endpoint", schedule_cron_expression=now, **window)
    # The app's clock is the machine's: the schedule is due two minutes from now, which the stack's clock never reaches.
    described = monitor.describe_schedule()
    schedule = described["MonitoringScheduleConfig"]["ScheduleConfig"]
    assert (schedule["DataAnalysisStartTime"], schedule["DataAnalysisEndTime"]) == ("-PT2H", "-PT1H")
    due = described["CreationTime"].replace(second=0) + timedelta(minutes=2)
    assert schedule["ScheduleExpression"] == f"cron({due.minute} {due.hour} {due.day} {due.month} ? {due.year})"
    begin = described["CreationTime"].replace(microsecond=0) - timedelta(hours=3)
    moments = {"data_analysis_start_time": begin, "data_analysis_end_time": (begin + timedelta(hours=1)).isoformat()}
    DefaultModelMonitor().create_monitoring_schedule("moments", "my-endpoint", schedule_cron_expression=now, **moments)
    with pytest.raises(ValueError, match="data_analysis_start_time: is neither an ISO 8601 duration such as"):
        DefaultModelMonitor().create_monitoring_schedule(
            "wrong", "my-endpoint", schedule_cron_expression=now, **(moments | {"data_analysis_start_time": "soon"})
        )


def test_an_expression_that_never_fires_again_is_refused(app: SpecifiedApp):
    with pytest.raises(ValueError, match="CronNeverFires"):
        DefaultModelMonitor().create_monitoring_schedule(
            "never", "my-endpoint", schedule_cron_expression="cron(0 0 1 1 ? 2020)"
        )


class CloudFormation:
    """Plays CloudFormation: sends events to the function that a template names, and reads the responses from S3."""

    def __init__(self, app: SpecifiedApp) -> None:
        self._s3, self._lambda, self._requests = app.stack.client("s3"), app.stack.client("lambda"), 0
        self._token = app.stack.outputs["ManageMonitorsFunctionArn"]
        self._stack = "arn:aws:cloudformation:us-east-1:123456789012:stack/my-monitors/1234"
        self._bucket = "cloudformation-custom-resource-response-useast1"
        self._s3.create_bucket(Bucket=self._bucket)

    def sends(self, request_type: str, resource_type: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        self._requests += 1
        place = {"Bucket": self._bucket, "Key": f"response-{self._requests}"}
        event = {
            "RequestType": request_type,
            "ResponseURL": f"https://{self._bucket}.s3.us-east-1.amazonaws.com/{place['Key']}",
            "StackId": self._stack,
            "RequestId": f"request-{self._requests}",
            "LogicalResourceId": resource_type.removeprefix("Custom::Modelwatch"),
            "ResourceType": resource_type,
            "ResourceProperties": {"ServiceToken": self._token} | properties,
        } | more
        invoked = self._lambda.invoke(FunctionName=self._token, Payload=json.dumps(event).encode())
        assert "FunctionError" not in invoked, invoked["Payload"].read()
        response: dict[str, Any] = json.loads(self._s3.get_object(**place)["Body"].read())
        return response


def test_custom_resources_of_cloudformation_make_change_and_delete_a_monitor_of_this_api(
    app: SpecifiedApp, monitor: DefaultModelMonitor
):
    cloudformation, kind = CloudFormation(app), "Custom::ModelwatchDataQualityJobDefinition"
    properties = {name: value for name, value in definition().items() if name != "JobDefinitionName"} | {
        "DataQualityBaselineConfig": {"ConstraintsResource": {"S3Uri": "s3://my-bucket/hourly/constraints.json"}},
        "DataQualityJobInput": {"EndpointInput": {"EndpointName": "my-endpoint", "LocalPath": "/opt/ml/input"}},
        "DataQualityJobOutputConfig": {
            "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://my-bucket/by-template", "LocalPath": "/opt/ml/output"}}]
        },
    }
    made = cloudformation.sends("Create", kind, properties)
    assert made["Status"] == "SUCCESS", made
    config = {
        "MonitoringJobDefinitionName": made["Data"]["JobDefinitionName"],
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": HOURLY},
    }
    named = {"MonitoringScheduleName": "by-template"}
    scheduled = cloudformation.sends(
        "Create", "Custom::ModelwatchMonitoringSchedule", named | {"MonitoringScheduleConfig": config}
    )
    assert scheduled["Status"] == "SUCCESS", scheduled
    attached = DefaultModelMonitor.attach("by-template")
    assert attached.describe_schedule()["Modelwatch"]["output_s3_uri"] == "s3://my-bucket/by-template"

    daily = config | {"ScheduleConfig": {"ScheduleExpression": CronExpressionGenerator.daily()}}
    identity = {"PhysicalResourceId": scheduled["PhysicalResourceId"]}
    updated = cloudformation.sends(
        "Update",
        "Custom::ModelwatchMonitoringSchedule",
        named | {"MonitoringScheduleConfig": daily},
        OldResourceProperties=named | {"MonitoringScheduleConfig": config},
        **identity,
    )
    assert updated["PhysicalResourceId"] == scheduled["PhysicalResourceId"]
    assert attached.describe_schedule()["Modelwatch"]["schedule_expression"] == CronExpressionGenerator.daily()

    refused = cloudformation.sends("Create", kind, properties | {"DataQualityJobInput": {}})
    assert (refused["Status"], "endpoint_input" in refused["Reason"]) == ("FAILED", True)
    for resource, what in ((scheduled, "Custom::ModelwatchMonitoringSchedule"), (made, kind)):
        gone = cloudformation.sends("Delete", what, {}, PhysicalResourceId=resource["PhysicalResourceId"])
        assert gone["Status"] == "SUCCESS", gone
    with pytest.raises(ClientError) as missing:
        attached.describe_schedule()
    assert code_of(missing) == "ResourceNotFound"
