"""Bias in the deployed app: an hour in which approvals shift against a group is reported, with its interval."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta

import pytest

from tests.app.deployed_app import HOUR, App, started

pytestmark = pytest.mark.long_setup

NAME = "fair-lending"
UNLABELLED = "fair-responses"
ROWS = 600
LATER = timedelta(minutes=6)
CONFIG = {
    "version": "1.0",
    "headers": ["sex", "income", "approved"],
    "label": "approved",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
    "group_variable": "income",
}


@pytest.fixture(scope="module")
def app():
    with started() as stack:
        yield App(stack)
        assert not [call for call in stack.calls if call.refused]


def applicants(seed: str, *, shifted: bool) -> list[tuple[str, int, float, int]]:
    """Draw sex, income, the model's score and the truth; when shifted, women's scores are lower than their chances."""
    drawn, rows = random.Random(seed), []
    for _ in range(ROWS):
        sex, income, chance = drawn.choice("FM"), drawn.randrange(4), drawn.random()
        score = chance * 0.6 if shifted and sex == "F" else chance
        rows.append((sex, income, round(score, 4), int(drawn.random() < chance)))
    return rows


@pytest.fixture(scope="module")
def baseline(app: App) -> dict:
    lines = ["sex,income,score,approved", *(",".join(map(str, row)) for row in applicants("past", shifted=False))]
    app.s3.put_object(Bucket="captures", Key="past.csv", Body="\n".join(lines).encode())
    app.call(
        "CreateBaselineFunction",
        {
            "baselining_job_name": NAME,
            "monitoring_type": "ModelBias",
            "analysis_config": {name: value for name, value in CONFIG.items() if name != "headers"},
            "baseline_dataset_s3_uri": "s3://captures/past.csv",
            "dataset_format": {"csv": {"header": True}},
            "probability_attribute": "score",
        },
    )
    app.stack.settle()
    job = app.manage("DescribeBaseliningJob", baselining_job_name=NAME)
    assert job["status"] == "Completed", job
    app.make_schedule(
        NAME,
        monitoring_type="ModelBias",
        analysis_config=CONFIG,
        ground_truth_input="s3://captures/labels",
        publish_feature_metrics=True,
        baseline={"constraints_s3_uri": f"{job['output_s3_uri']}/analysis.json"},
        endpoint_input={
            "endpoint_name": "loans",
            "data_captured_destination_s3_uri": "s3://captures/live",
            "probability_attribute": "0",
        },
        output_s3_uri=f"s3://{app.stack.outputs['ResultsBucketName']}/{NAME}",
    )
    app.make_schedule(
        UNLABELLED,
        monitoring_type="ModelBias",
        analysis_config=CONFIG,
        baseline={"constraints_s3_uri": f"{job['output_s3_uri']}/analysis.json"},
        endpoint_input={
            "endpoint_name": "loans",
            "data_captured_destination_s3_uri": "s3://captures/live",
            "probability_attribute": "0",
        },
        output_s3_uri=f"s3://{app.stack.outputs['ResultsBucketName']}/{UNLABELLED}",
    )
    return job


def an_hour(app: App, *, shifted: bool, schedule: str = NAME) -> dict:
    """Let an hour's predictions be captured and labelled, and return a schedule's execution."""
    hour: datetime = app.stack.now.replace(minute=0, second=0, microsecond=0)
    captures, labels = [], []
    for number, (sex, income, score, approved) in enumerate(applicants("an hour", shifted=shifted)):
        event = {"eventId": f"{hour:%d%H}-{number}", "inferenceTime": f"{hour + timedelta(seconds=number):%FT%TZ}"}
        sides = {
            "endpointInput": {"data": f"{sex},{income}", "encoding": "CSV", "mode": "INPUT"},
            "endpointOutput": {"data": str(score), "encoding": "CSV", "mode": "OUTPUT"},
        }
        captures.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        truth = {"groundTruthData": {"data": str(approved), "encoding": "CSV"}, "eventVersion": "0"}
        labels.append(json.dumps(truth | {"eventMetadata": {"eventId": event["eventId"]}}))
    for key, lines in (
        (f"live/loans/AllTraffic/{hour:%Y/%m/%d/%H}/00-00-000-a.jsonl", captures),
        (f"labels/{hour:%Y/%m/%d/%H}/3000.jsonl", labels),
    ):
        app.s3.put_object(Bucket="captures", Key=key, Body="\n".join(lines).encode())
    app.stack.advance_to(hour + HOUR + LATER)
    return app.execution(hour + HOUR, schedule)


def test_an_hour_like_the_baseline_is_fine(app, baseline):
    execution = an_hour(app, shifted=False)
    assert execution["monitoring_execution_status"] == "Completed", execution
    assert execution["outcome"]["ground_truth"]["matched"] == ROWS


def test_an_hour_in_which_approvals_shift_is_a_violation_beyond_chance(app, baseline):
    execution = an_hour(app, shifted=True)
    assert execution["monitoring_execution_status"] == "CompletedWithViolations", execution
    violations = app.report(execution, "constraint_violations.json")["violations"]
    shifted = {violation["metric_name"]: violation for violation in violations}
    assert {"DPPL", "BA", "RD"} <= shifted.keys()
    assert (shifted["DPPL"]["facet"], shifted["DPPL"]["facet_value"]) == ("sex", "F")
    assert "Chance does not explain the difference from the baseline's" in shifted["DPPL"]["description"]
    stage = app.report(execution, "analysis.json")["post_training_bias_metrics"]
    metrics = {metric["name"]: metric for metric in stage["facets"]["sex"][0]["metrics"]}
    assert metrics["DPPL"]["interval"][0] > 0
    mails = [mail for mail in app.stack.mails if NAME in mail["Subject"]]
    assert any("DPPL" in mail.get_content() for mail in mails)


def test_a_schedule_without_ground_truth_watches_the_predictions_and_stores_nothing_merged(app, baseline):
    execution = an_hour(app, shifted=True, schedule=UNLABELLED)
    assert execution["monitoring_execution_status"] == "CompletedWithViolations", execution
    assert execution["outcome"]["ground_truth"] is None
    violations = app.report(execution, "constraint_violations.json")["violations"]
    assert {violation["metric_name"] for violation in violations} == {"CDDPL", "DPPL"}
    warnings = app.report(execution, "analysis_summary.json")["warnings"]
    (warning,) = [each for each in warnings if each.startswith("there are no labels")]
    assert "the baseline's AD, BA, " in warning
    results = app.s3.list_objects_v2(Bucket=app.stack.outputs["ResultsBucketName"], Prefix=f"{UNLABELLED}/")
    assert not [entry["Key"] for entry in results["Contents"] if "/merge/" in entry["Key"]]


def test_metrics_go_where_dashboards_of_sagemaker_look_for_them(app, baseline):
    an_hour(app, shifted=False)
    found = app.stack.client("cloudwatch").list_metrics(Namespace="aws/sagemaker/Endpoints/bias-metrics")["Metrics"]
    dimensions = {
        tuple((each["Name"], each["Value"]) for each in metric["Dimensions"])
        for metric in found
        if metric["MetricName"] == "bias_metric_DPPL"
        and {"Name": "MonitoringSchedule", "Value": NAME} in metric["Dimensions"]
    }
    assert dimensions == {
        (("Endpoint", "loans"), ("MonitoringSchedule", NAME)),
        (
            ("Endpoint", "loans"),
            ("MonitoringSchedule", NAME),
            ("BiasStage", "Post-Training"),
            ("Label", "approved"),
            ("LabelValue", "1"),
            ("Facet", "sex"),
            ("FacetValue", "F"),
        ),
    }
