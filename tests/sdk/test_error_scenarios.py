"""The error scenarios of the specification, each provoked, its message read and its advice followed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from modelwatch.model_monitor import (
    CronExpressionGenerator,
    DataCaptureConfig,
    DefaultModelMonitor,
    EndpointInput,
    ModelMonitor,
    ModelQualityMonitor,
    MonitoringOutput,
)
from tests.sdk.specified_app import ROLE, SpecifiedApp, running

pytestmark = pytest.mark.slow

CSV = {"csv": {"header": True}}
DATASET = "s3://my-bucket/training-data/baseline.csv"
HOURLY = CronExpressionGenerator.hourly()


@pytest.fixture(scope="module")
def app() -> Iterator[SpecifiedApp]:
    with running() as specified:
        yield specified


@pytest.fixture
def monitor() -> Iterator[DefaultModelMonitor]:
    """A monitor whose schedule goes with the test."""
    made = DefaultModelMonitor(ROLE)
    yield made
    remove_schedule(made)


def remove_schedule(monitor: ModelMonitor) -> None:
    if monitor.monitoring_schedule_name:
        monitor.delete_monitoring_schedule()


def this_hour(app: SpecifiedApp) -> datetime:
    return app.stack.now.replace(minute=0, second=0, microsecond=0)


def pass_an_hour(app: SpecifiedApp) -> None:
    """Go to where the window of this hour has been analysed."""
    app.stack.advance_to(this_hour(app) + timedelta(hours=1, minutes=30))


def results(name: str) -> MonitoringOutput:
    return MonitoringOutput(destination=f"s3://my-bucket/scenarios/{name}")


def capturing() -> DataCaptureConfig:
    return DataCaptureConfig(True, destination_s3_uri="s3://my-bucket/data-capture", csv_content_types=["text/csv"])


def test_1_no_data_captured(app: SpecifiedApp, monitor: DefaultModelMonitor):
    """Cause: capture not enabled, or endpoint not invoked. Solution: enable data capture, verify traffic."""
    app.builder.deploy("quiet", DataCaptureConfig(False, destination_s3_uri="s3://my-bucket/none"))
    app.stack.settle()
    with pytest.raises(
        ValueError, match="endpoint quiet does not capture its data; update it with a DataCaptureConfig"
    ):
        monitor.create_monitoring_schedule("quiet", "quiet", results("1"), schedule_cron_expression=HOURLY)
    capturing().apply("quiet", logs=False)
    monitor.create_monitoring_schedule("quiet", "quiet", results("1"), schedule_cron_expression=HOURLY)
    pass_an_hour(app)
    with pytest.raises(WaiterError, match="NoData"):
        monitor.latest_monitoring_job.wait(logs=False)
    runtime = app.stack.client("sagemaker-runtime")
    for row in range(20):
        runtime.invoke_endpoint(EndpointName="quiet", Body=f"{row},2\n".encode(), ContentType="text/csv")
    pass_an_hour(app)
    monitor.latest_monitoring_job.wait(logs=False)
    assert monitor.latest_monitoring_statistics().body_dict["dataset"]["item_count"] == 20


def test_2_baseline_generation_failed(app: SpecifiedApp, monitor: DefaultModelMonitor):
    """Cause: invalid dataset format or insufficient data. Solution: check the format, ensure more than 100 samples."""
    with pytest.raises(RuntimeError, match=r"OtherFormat: baseline\.csv seems to be comma-separated text"):
        monitor.suggest_baseline(DATASET, {"json": {"lines": True}}, "s3://my-bucket/scenarios/2", logs=False)
    with pytest.raises(ValueError, match="UnsupportedFormat: there is no reader for the format 'cvs'"):
        monitor.suggest_baseline(DATASET, {"cvs": {"header": True}}, "s3://my-bucket/scenarios/2", wait=False)
    app.put("my-bucket", "few.csv", "score,income", [])
    with pytest.raises(RuntimeError, match="EmptyDataset: the dataset has no rows: it needs at least one row"):
        monitor.suggest_baseline("s3://my-bucket/few.csv", CSV, "s3://my-bucket/scenarios/2", logs=False)
    monitor.suggest_baseline(DATASET, CSV, "s3://my-bucket/scenarios/2", logs=False)
    assert monitor.baseline_statistics().body_dict["dataset"]["item_count"] == 500


def test_3_ground_truth_not_found(app: SpecifiedApp):
    """Cause: labels not uploaded for the period. Solution: upload ground truth before monitoring runs."""
    monitor = ModelQualityMonitor(ROLE)
    monitor.create_monitoring_schedule(
        "labelled",
        EndpointInput("my-endpoint", inference_attribute="0"),
        "s3://my-bucket/scenario-labels",
        "Regression",
        results("3"),
        schedule_cron_expression=HOURLY,
    )
    hour = this_hour(app)
    app.capture("my-endpoint", hour, income_factor=1.0)
    pass_an_hour(app)
    failed = monitor.latest_monitoring_job
    with pytest.raises(WaiterError, match=r"no labels were found .* in s3://my-bucket/scenario-labels/.* Upload them"):
        failed.wait(logs=False)
    label = {"data": "0.5", "encoding": "CSV"}
    labels = [{"groundTruthData": label, "eventMetadata": {"eventId": str(i)}, "eventVersion": "0"} for i in range(300)]
    body = "\n".join(map(json.dumps, labels)).encode()
    key = f"scenario-labels/{hour:%Y/%m/%d/%H}/labels.jsonl"
    app.stack.client("s3").put_object(Bucket="my-bucket", Key=key, Body=body)
    again = monitor.run(scheduled_time=failed.scheduled_time, backfill=True)
    app.stack.settle()
    again.wait(logs=False)
    assert again.statistics().body_dict["dataset"]["item_count"] == 300
    remove_schedule(monitor)


def test_4_monitoring_execution_failed(app: SpecifiedApp, monitor: DefaultModelMonitor):
    """Cause: insufficient permissions or invalid baseline. Solution: check permissions, validate baseline URIs."""
    app.stack.client("s3").create_bucket(Bucket="not-listed")
    with pytest.raises(ValueError, match="MonitoredBuckets"):
        monitor.create_monitoring_schedule(
            "unfit", "my-endpoint", results("4"), constraints="s3://not-listed/constraints.json"
        )
    with pytest.raises(ValueError, match=r"BaselineNotFound: there is no baseline file s3://my-bucket/none/c.json"):
        monitor.create_monitoring_schedule(
            "unfit", "my-endpoint", results("4"), constraints="s3://my-bucket/none/c.json"
        )
    monitor.suggest_baseline(DATASET, CSV, "s3://my-bucket/scenarios/4-baseline", logs=False)
    monitor.create_monitoring_schedule("unfit", "my-endpoint", results("4"), schedule_cron_expression=HOURLY)
    s3, place = app.stack.client("s3"), {"Bucket": "my-bucket", "Key": "scenarios/4-baseline/constraints.json"}
    kept = s3.get_object(**place)["Body"].read()
    s3.delete_object(**place)
    app.capture("my-endpoint", this_hour(app), income_factor=1.0)
    pass_an_hour(app)
    failed = monitor.latest_monitoring_job
    with pytest.raises(
        WaiterError, match=r"s3://my-bucket/scenarios/4-baseline/constraints.json; was it moved or deleted"
    ):
        failed.wait(logs=False)
    s3.put_object(**place, Body=kept)
    again = monitor.run(scheduled_time=failed.scheduled_time, backfill=True)
    app.stack.settle()
    again.wait(logs=False)


def found(monitor: DefaultModelMonitor) -> list[Any]:
    return [row[:2] for row in monitor.latest_monitoring_constraint_violations().table()]


def test_5_too_many_violations(app: SpecifiedApp, monitor: DefaultModelMonitor):
    """Cause: model or data degradation. Solution: investigate the cause, retrain: the new data is the new baseline."""
    monitor.suggest_baseline(DATASET, CSV, "s3://my-bucket/scenarios/5-baseline", logs=False)
    monitor.create_monitoring_schedule("degraded", "my-endpoint", results("5"), schedule_cron_expression=HOURLY)
    app.capture("my-endpoint", this_hour(app), income_factor=3.0)
    pass_an_hour(app)
    assert found(monitor) == [("income", "baseline_drift_check")]
    app.put("my-bucket", "retrained.csv", "score,income,kind", app._captured_rows(500, income_factor=3.0))
    monitor.suggest_baseline("s3://my-bucket/retrained.csv", CSV, "s3://my-bucket/scenarios/5-retrained", logs=False)
    monitor.update_monitoring_schedule(
        constraints="s3://my-bucket/scenarios/5-retrained/constraints.json",
        statistics="s3://my-bucket/scenarios/5-retrained/statistics.json",
    )
    app.capture("my-endpoint", this_hour(app), income_factor=3.0)
    pass_an_hour(app)
    assert found(monitor) == []


def test_6_schedule_not_triggering(app: SpecifiedApp, monitor: DefaultModelMonitor):
    """Cause: incorrect cron expression or schedule disabled. Solution: verify the format, check the status."""
    with pytest.raises(ValueError, match="InvalidScheduleExpression"):
        monitor.create_monitoring_schedule("silent", "my-endpoint", results("6"), schedule_cron_expression="0 * * * *")
    monitor.create_monitoring_schedule("silent", "my-endpoint", results("6"), schedule_cron_expression=HOURLY)
    monitor.stop_monitoring_schedule()
    app.capture("my-endpoint", this_hour(app), income_factor=1.0)
    pass_an_hour(app)
    assert monitor.list_executions() == []
    assert monitor.describe_schedule()["MonitoringScheduleStatus"] == "Stopped"
    monitor.start_monitoring_schedule()
    app.capture("my-endpoint", this_hour(app), income_factor=1.0)
    pass_an_hour(app)
    assert [each.monitoring_execution_status for each in monitor.list_executions()] == ["Completed"]
