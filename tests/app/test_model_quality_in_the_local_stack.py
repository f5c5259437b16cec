"""Model quality in the deployed app: predictions of an hour meet labels that come later, for every problem type."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

import pytest

from tests.app.deployed_app import HOUR, App, started

pytestmark = pytest.mark.long_setup

REQUESTS = count(1)
LATER = timedelta(minutes=6)
ROWS = 300
COLOURS = ("blue", "green", "red")


class Problem(NamedTuple):
    """What a model returns, and what turns out to be true, when it is good and when it is not."""

    problem_type: str
    draw: Callable[[random.Random, bool], tuple[str, str]]
    baseline: dict
    watched: dict
    worst: str


def binary(drawn: random.Random, good: bool) -> tuple[str, str]:
    probability = drawn.random()
    truth = drawn.random() < (probability if good else 0.5)
    return f"{probability:.4f}", str(int(truth))


def multiclass(drawn: random.Random, good: bool) -> tuple[str, str]:
    predicted = drawn.choice(COLOURS)
    return predicted, predicted if drawn.random() < (0.9 if good else 0.4) else drawn.choice(COLOURS)


def regression(drawn: random.Random, good: bool) -> tuple[str, str]:
    predicted = drawn.gauss(100, 20)
    return f"{predicted:.3f}", f"{predicted + drawn.gauss(0, 2 if good else 15):.3f}"


PROBLEMS = {
    "binary": Problem(
        "BinaryClassification",
        binary,
        {"probability_attribute": "response", "probability_threshold_attribute": 0.5},
        {"probability_attribute": "0", "probability_threshold_attribute": 0.5},
        "auc",
    ),
    "multiclass": Problem(
        "MulticlassClassification",
        multiclass,
        {"inference_attribute": "response"},
        {"inference_attribute": "0"},
        "accuracy",
    ),
    "regression": Problem(
        "Regression", regression, {"inference_attribute": "response"}, {"inference_attribute": "0"}, "rmse"
    ),
}


@pytest.fixture(scope="module")
def app():
    with started() as stack:
        yield App(stack)
        assert not [call for call in stack.calls if call.refused]


class Hours(NamedTuple):
    """What every model went through: an hour that was bad, whose labels tarry, and a good one, labelled in time."""

    bad: datetime
    labels: dict[str, list[tuple[str, str]]]

    @property
    def good(self) -> datetime:
        return self.bad + HOUR


@pytest.fixture(scope="module")
def hours(app) -> Hours:
    """Both hours, after which every model's schedule has run twice."""
    for name, problem in PROBLEMS.items():
        watch(app, name, problem)
    bad = app.stack.now.replace(minute=0, second=0, microsecond=0) + HOUR
    hours = Hours(bad, {name: capture(app, name, problem, bad, good=False) for name, problem in PROBLEMS.items()})
    app.stack.advance_to(hours.good + LATER)
    for name, problem in PROBLEMS.items():
        label(app, name, hours.good + HOUR / 2, capture(app, name, problem, hours.good, good=True))
    app.stack.advance_to(hours.good + HOUR + LATER)
    return hours


def watch(app: App, name: str, problem: Problem) -> None:
    """Make a baseline, and an hourly schedule."""
    drawn = random.Random(1)
    lines = [",".join(problem.draw(drawn, True)) for _ in range(1000)]
    app.s3.put_object(Bucket="captures", Key=f"{name}.csv", Body="\n".join(["response,truth", *lines]).encode())
    app.call(
        "CreateBaselineFunction",
        {
            "baselining_job_name": name,
            "monitoring_type": "ModelQuality",
            "problem_type": problem.problem_type,
            "baseline_dataset_s3_uri": f"s3://captures/{name}.csv",
            "dataset_format": {"csv": {"header": True}},
            "ground_truth_attribute": "truth",
            **problem.baseline,
        },
    )
    app.stack.settle()
    job = app.manage("DescribeBaseliningJob", baselining_job_name=name)
    assert job["status"] == "Completed", job
    app.make_schedule(
        name,
        monitoring_type="ModelQuality",
        problem_type=problem.problem_type,
        ground_truth_input=f"s3://captures/{name}-labels",
        baseline={"constraints_s3_uri": f"{job['output_s3_uri']}/constraints.json"},
        endpoint_input={
            "endpoint_name": "loans",
            "data_captured_destination_s3_uri": f"s3://captures/{name}",
            **problem.watched,
        },
        output_s3_uri=f"s3://{app.stack.outputs['ResultsBucketName']}/{name}",
    )


def capture(app: App, name: str, problem: Problem, hour: datetime, *, good: bool) -> list[tuple[str, str]]:
    """Capture an hour's responses, and return the label of each inference id."""
    drawn = random.Random(f"{hour}{good}")
    lines, labels = [], []
    for number in range(ROWS):
        response, truth = problem.draw(drawn, good)
        moment = hour + timedelta(seconds=number)
        inference_id = f"{hour:%H}-{number}"
        output = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": response, "encoding": "CSV"}
        event = {"eventId": f"e-{inference_id}", "inferenceId": inference_id}
        event["inferenceTime"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        record = {"captureData": {"endpointOutput": output}, "eventMetadata": event, "eventVersion": "0"}
        lines.append(json.dumps(record))
        labels.append((inference_id, truth))
    key = f"{name}/loans/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-a.jsonl"
    app.s3.put_object(Bucket="captures", Key=key, Body="\n".join(lines).encode())
    return labels


def label(app: App, name: str, collected: datetime, labels: list[tuple[str, str]]) -> None:
    lines = [
        json.dumps(
            {
                "groundTruthData": {"data": truth, "encoding": "CSV"},
                "eventMetadata": {"eventId": inference_id},
                "eventVersion": "0",
            }
        )
        for inference_id, truth in labels
    ]
    key = f"{name}-labels/{collected:%Y/%m/%d/%H/%M%S}.jsonl"
    app.s3.put_object(Bucket="captures", Key=key, Body="\n".join(lines).encode())


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_hour_is_judged_when_its_labels_are_there_and_again_when_more_of_them_come(app, hours, name):
    model, labels = PROBLEMS[name], hours.labels[name]
    end = hours.bad + HOUR
    unlabelled = app.execution(end, name)
    assert unlabelled["monitoring_execution_status"] == "Failed"
    assert unlabelled["outcome"]["failure_reason"].startswith("GroundTruthNotFound: no labels were found")

    label(app, name, end + timedelta(minutes=1), labels[: ROWS - 60])
    run_again(app, name, end)
    second = last_attempt(app, name, end)
    assert second["monitoring_execution_status"] == "CompletedWithViolations", second
    counts = second["outcome"]["ground_truth"]
    assert (counts["predictions"], counts["matched"], counts["unlabelled"]) == (ROWS, ROWS - 60, 60)
    assert counts["late"] == ROWS - 60
    violations = app.report(second, "constraint_violations.json")["violations"]
    assert model.worst in {violation["metric_name"] for violation in violations}
    statistics = app.report(second, "statistics.json")
    assert statistics["dataset"]["item_count"] == ROWS - 60

    label(app, name, end + timedelta(minutes=2), labels[ROWS - 60 :])
    run_again(app, name, end)
    third = last_attempt(app, name, end)
    assert (third["attempt"], third["outcome"]["ground_truth"]["matched"]) == (3, ROWS)
    assert any(model.worst in change for change in third["outcome"]["changes"]), third["outcome"]["changes"]
    mail = next(mail for mail in app.stack.mails if f"{name} at" in mail["Subject"] and "attempt 3" in mail["Subject"])
    assert third["outcome"]["changes"][0] in mail.get_content().replace("\n", " ").replace("  ", " ")

    merged = list(merged_records(app, name, hours.bad))
    assert len(merged) == ROWS
    assert {record["eventMetadata"]["inferenceId"]: record["groundTruthData"]["data"] for record in merged} == dict(
        labels
    )
    assert model.worst in metrics_published(app, name)


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_hour_of_a_model_as_good_as_its_baseline_completes_with_much_the_same_metric(app, hours, name):
    execution = app.execution(hours.good + HOUR, name)
    assert execution["monitoring_execution_status"] in ("Completed", "CompletedWithViolations"), execution
    baseline = app.report({"output_s3_uri": baseline_folder(app, name)}, "statistics.json")
    current = app.report(execution, "statistics.json")
    (kind,) = (key for key in current if key.endswith("_metrics"))
    values = [document[kind][PROBLEMS[name].worst]["value"] for document in (baseline, current)]
    assert values[1] == pytest.approx(values[0], rel=0.15)


def run_again(app: App, name: str, end: datetime) -> None:
    tick = {"monitoring_schedule_name": name, "scheduled_time": f"{end:%Y-%m-%dT%H:%M:%SZ}", "backfill": True}
    app.call("LaunchExecutionFunction", tick | {"tick_id": f"by hand at {app.stack.now}, {next(REQUESTS)}"})
    app.stack.settle()


def last_attempt(app: App, name: str, end: datetime) -> dict:
    found = app.manage("ListMonitoringExecutions", monitoring_schedule_name=name)["executions"]
    attempts = [each for each in found if each["scheduled_time"] == f"{end:%Y-%m-%dT%H:%M:%SZ}"]
    return max(attempts, key=lambda each: each["attempt"])


def baseline_folder(app: App, name: str) -> str:
    return app.manage("DescribeBaseliningJob", baselining_job_name=name)["output_s3_uri"]


def merged_records(app: App, name: str, hour: datetime) -> Iterator[dict]:
    bucket = app.stack.outputs["ResultsBucketName"]
    prefix = f"{name}/merge/loans/AllTraffic/{hour:%Y/%m/%d/%H}/"
    for stored in app.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
        for line in app.s3.get_object(Bucket=bucket, Key=stored["Key"])["Body"].read().splitlines():
            yield json.loads(line)


def metrics_published(app: App, name: str) -> set[str]:
    found = app.stack.client("cloudwatch").list_metrics(Namespace="aws/sagemaker/Endpoints/model-metrics")["Metrics"]
    return {
        metric["MetricName"]
        for metric in found
        if {"Name": "MonitoringSchedule", "Value": name} in metric["Dimensions"]
    }
