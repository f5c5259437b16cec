"""The app in the local stack: an endpoint that speaks JSON, a preprocessor, a batch transform job."""

from __future__ import annotations

import json
import random

import pytest

from tests.app.deployed_app import HOUR, START, App, started

pytestmark = pytest.mark.long_setup

NINE = START.replace(minute=0) + HOUR
PREPROCESSOR = """
import json


def preprocess_handler(inference_record):
    features = json.loads(inference_record.endpoint_input.data)
    score = json.loads(inference_record.endpoint_output.data)["score"]
    return {"score": score, "income": features["income"] / 1000, "kind": features["kind"]}
"""


@pytest.fixture(scope="module")
def app():
    with started() as stack:
        app = App(stack)
        drawn = random.Random(1)
        rows = [
            {"score": drawn.random(), "income": drawn.gauss(50, 10), "kind": drawn.choice("abc")} for _ in range(900)
        ]
        app.s3.put_object(Bucket="captures", Key="train.jsonl", Body="\n".join(map(json.dumps, rows)).encode())
        asked = {
            "baselining_job_name": "first",
            "baseline_dataset_s3_uri": "s3://captures/train.jsonl",
            "dataset_format": {"json": {"lines": True}},
        }
        app.call("CreateBaselineFunction", asked)
        stack.settle()
        assert app.manage("DescribeBaseliningJob", baselining_job_name="first")["status"] == "Completed"
        app.rows = rows
        yield app
        assert not [call for call in stack.calls if call.refused]


def capture_json(app: App, factor: float) -> None:
    lines = []
    for number, row in enumerate(app.rows):
        part = {"observedContentType": "application/json", "encoding": "JSON"}
        features = {"income": row["income"] * factor, "kind": row["kind"]}
        data = {
            "endpointInput": part | {"mode": "INPUT", "data": json.dumps(features)},
            "endpointOutput": part | {"mode": "OUTPUT", "data": json.dumps({"score": row["score"]})},
        }
        event = {"eventId": f"e{number}", "inferenceTime": f"{NINE:%Y-%m-%dT%H}:10:00Z"}
        lines.append(json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"}))
    key = f"live/loans/AllTraffic/{NINE:%Y/%m/%d/%H}/10-00-000-a.jsonl"
    app.s3.put_object(Bucket="captures", Key=key, Body="\n".join(lines).encode())


def run(app: App, name: str) -> dict:
    tick = {"monitoring_schedule_name": name, "scheduled_time": f"{NINE + HOUR:%Y-%m-%dT%H:%M:%SZ}", "tick_id": name}
    app.call("LaunchExecutionFunction", tick)
    app.stack.settle()
    return app.execution(NINE + HOUR, name)


def test_json_payloads_are_read_by_their_names(app):
    capture_json(app, 1.0)
    app.make_schedule("json")
    execution = run(app, "json")
    assert execution["monitoring_execution_status"] == "Completed", execution
    assert execution["outcome"]["records"]["encodings"] == {"JSON": 1800}


def test_a_preprocessor_runs_before_the_analysis_and_one_that_raises_fails_it_in_its_own_words(app):
    capture_json(app, 1000.0)
    bucket = app.stack.outputs["ResultsBucketName"]
    for name, script in {"good": PREPROCESSOR, "bad": PREPROCESSOR.replace('["score"]', '["points"]')}.items():
        app.s3.put_object(Bucket=bucket, Key=f"code/{name}.py", Body=script.encode())
        app.make_schedule(name, record_preprocessor_source_uri=f"s3://{bucket}/code/{name}.py")
    assert run(app, "good")["monitoring_execution_status"] == "Completed"
    failed = run(app, "bad")
    assert failed["monitoring_execution_status"] == "Failed"
    assert failed["outcome"]["failure_reason"].startswith("PreprocessorFailed")
    assert "KeyError" in failed["outcome"]["failure_reason"]


def test_a_batch_transform_job_is_read_by_its_manifests(app):
    body = "\n".join(json.dumps(row) for row in app.rows).encode()
    app.s3.put_object(Bucket="captures", Key="raw/0.jsonl", Body=body)
    manifest = json.dumps([{"prefix": "s3://captures/raw/"}, "0.jsonl"]).encode()
    app.s3.put_object(Bucket="captures", Key=f"batch/input/{NINE:%Y/%m/%d/%H}/a.json", Body=manifest)
    app.make_schedule(
        "batch",
        endpoint_input=None,
        batch_transform_input={
            "data_captured_destination_s3_uri": "s3://captures/batch",
            "dataset_format": {"json": {"lines": True}},
        },
    )
    execution = run(app, "batch")
    assert execution["monitoring_execution_status"] == "Completed", execution
    assert execution["outcome"]["records"]["read"] == 900
