"""The life of the kinds of monitor in SageMaker's Python SDK, unchanged; run by .venv-sagemaker and .venv-sagemaker3.

``make`` makes baselines and schedules, describes and changes them; ``look``, once they have run, attaches to them,
reads what they found, and removes them; ``fail`` says where the SDK itself fails. The kinds are named after it.
Each prints what it saw as JSON.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.documents import python_blocks
from tests.sagemaker_sdk.installed import IS_VERSION_3, clarify, model_monitor

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
FEATURES = ["gender", "amount"]
_CRON = model_monitor.CronExpressionGenerator
HOURLY, DAILY = _CRON.hourly(), _CRON.daily(hour=5)
WITH_HEADER = model_monitor.DatasetFormat.csv(header=True)
MODEL = clarify.ModelConfig(
    model_name="my-model",
    instance_count=1,
    instance_type="ml.m5.xlarge",
    content_type="text/csv",
    accept_type="text/csv",
)
Monitor = Any


def session() -> Any:
    """Make a session as docs/sagemaker-sdk.md does for the version of the SDK, but for its bucket."""
    names: dict[str, Any] = {}
    exec(python_blocks("docs/sagemaker-sdk.md")[IS_VERSION_3].replace("the-results-bucket", "my-bucket"), names)
    return names["session"]


def watched(**attributes: str) -> Any:
    return model_monitor.EndpointInput("my-endpoint", "/opt/ml/processing/input/endpoint", **attributes)


def where(name: str) -> dict[str, Any]:
    output = f"s3://my-bucket/results/{name}"
    return {"monitor_schedule_name": name, "output_s3_uri": output, "schedule_cron_expression": HOURLY}


def data_quality(monitor: Monitor) -> None:
    monitor.suggest_baseline("s3://my-bucket/captured.csv", WITH_HEADER, output_s3_uri="s3://my-bucket/dq", logs=False)
    monitor.create_monitoring_schedule(endpoint_input=watched(), **where("data-quality"))


def model_quality(monitor: Monitor) -> None:
    monitor.suggest_baseline(
        "s3://my-bucket/validation.csv",
        WITH_HEADER,
        problem_type="BinaryClassification",
        inference_attribute="prediction",
        ground_truth_attribute="label",
        output_s3_uri="s3://my-bucket/mq",
        wait=True,
    )
    monitor.create_monitoring_schedule(
        endpoint_input=watched(inference_attribute="0"),
        ground_truth_input="s3://my-bucket/labels",
        problem_type="BinaryClassification",
        **where("model-quality"),
    )


def bias(monitor: Monitor) -> None:
    groups = clarify.BiasConfig(label_values_or_threshold=[1], facet_name="gender", facet_values_or_threshold=[0])
    monitor.suggest_baseline(
        clarify.DataConfig(
            "s3://my-bucket/validation.csv",
            "s3://my-bucket/bias",
            label="label",
            predicted_label="prediction",
            dataset_type="text/csv",
        ),
        groups,
        MODEL,
        wait=True,
    )
    monitor.create_monitoring_schedule(
        endpoint_input=watched(inference_attribute="0"),
        ground_truth_input="s3://my-bucket/labels",
        analysis_config=model_monitor.BiasAnalysisConfig(groups, headers=[*FEATURES, "label"], label="label"),
        **where("model-bias"),
    )


def explainability(monitor: Monitor) -> None:
    shap = clarify.SHAPConfig(baseline=[[0.5, 50]], num_samples=20, agg_method="mean_abs", seed=1)
    monitor.suggest_baseline(
        clarify.DataConfig(
            "s3://my-bucket/features.csv", "s3://my-bucket/shap", headers=FEATURES, dataset_type="text/csv"
        ),
        shap,
        MODEL,
        wait=True,
    )
    monitor.create_monitoring_schedule(
        endpoint_input=watched(),
        analysis_config=model_monitor.ExplainabilityAnalysisConfig(shap, MODEL, headers=FEATURES),
        **where("model-explainability"),
    )


KINDS: dict[str, tuple[Any, Callable[[Monitor], None], dict[str, Any]]] = {
    "data-quality": (model_monitor.DefaultModelMonitor, data_quality, {"env": {"decimal": "."}}),
    "model-quality": (model_monitor.ModelQualityMonitor, model_quality, {"max_runtime_in_seconds": 900}),
    "model-bias": (model_monitor.ModelBiasMonitor, bias, {"max_runtime_in_seconds": 900}),
    "model-explainability": (model_monitor.ModelExplainabilityMonitor, explainability, {"max_runtime_in_seconds": 900}),
}


def make(name: str, sagemaker_session: Any) -> dict[str, Any]:
    monitor_class, create, changes = KINDS[name]
    monitor = monitor_class(role=ROLE, sagemaker_session=sagemaker_session)
    create(monitor)
    first = monitor.describe_schedule()["MonitoringScheduleConfig"]
    monitor.update_monitoring_schedule(schedule_cron_expression=DAILY)
    daily = monitor.describe_schedule()["MonitoringScheduleConfig"]["ScheduleConfig"]
    monitor.update_monitoring_schedule(schedule_cron_expression=HOURLY)
    monitor.update_monitoring_schedule(**changes)
    described = monitor.describe_schedule()
    config = described["MonitoringScheduleConfig"]
    return {
        "baseline": sorted(monitor.suggested_constraints().body_dict),
        "type": described["MonitoringType"],
        "status": described["MonitoringScheduleStatus"],
        "expressions": [first["ScheduleConfig"], daily, config["ScheduleConfig"]],
        "definition_replaced": config["MonitoringJobDefinitionName"] != first["MonitoringJobDefinitionName"],
    }


def look(name: str, sagemaker_session: Any) -> dict[str, Any]:
    client = sagemaker_session.sagemaker_client
    monitor = KINDS[name][0].attach(name, sagemaker_session=sagemaker_session)
    executions = monitor.list_executions()
    latest = executions[-1]
    described = latest.describe()
    if described["ProcessingJobStatus"] != "Completed":
        return {"job": described["ProcessingJobStatus"], "reason": described.get("FailureReason")}
    violations = latest.constraint_violations()
    seen = {
        "executions": len(executions),
        "job": described["ProcessingJobStatus"],
        "exit": described["ExitMessage"].partition(":")[0],
        "violations": None if violations is None else len(violations.body_dict["violations"]),
        "statistics": latest.statistics().body_dict["version"] if name == "data-quality" else None,
    }
    monitor.stop_monitoring_schedule()
    stopped = monitor.describe_schedule()["MonitoringScheduleStatus"]
    monitor.start_monitoring_schedule()
    started = monitor.describe_schedule()["MonitoringScheduleStatus"]
    monitor.delete_monitoring_schedule()
    try:
        client.describe_monitoring_schedule(MonitoringScheduleName=name)
    except client.exceptions.ResourceNotFound:
        return seen | {"statuses": [stopped, started, "deleted"]}
    return seen | {"statuses": [stopped, started, "still there"]}


def fail(name: str, sagemaker_session: Any) -> dict[str, Any]:
    """Return what the SDK itself fails with, and the function of which of its files does."""
    monitor_class, create, _ = KINDS[name]
    try:
        create(monitor_class(role=ROLE, sagemaker_session=sagemaker_session))
    except AttributeError as error:
        frames = traceback.extract_tb(error.__traceback__)
        place = [frame for frame in frames if "sagemaker/core" in Path(frame.filename).as_posix()][-1]
        return {"error": str(error), "file": Path(place.filename).name, "function": place.name}
    return {"error": None}


if __name__ == "__main__":
    do, connected = {"make": make, "look": look, "fail": fail}[sys.argv[1]], session()
    sys.stdout.write("\n" + json.dumps({name: do(name, connected) for name in sys.argv[2:]}))
