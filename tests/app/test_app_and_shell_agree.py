"""The same folder, analysed by the app and on the shell: the same reports, for every format."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from modelwatch.cli.commands import app as shell
from tests.app.deployed_app import HOUR, START, App, started

pytestmark = pytest.mark.long_setup

NINE = START.replace(minute=0) + HOUR
FOLDER = f"{NINE:%Y/%m/%d/%H}"
PAYLOADS = {"CSV": "text/csv", "JSON": "application/json"}


def drawn_rows(seed: int) -> list[dict]:
    drawn = random.Random(seed)
    return [
        {"score": round(drawn.random(), 3), "income": round(drawn.gauss(50, 10), 2), "kind": drawn.choice("abc")}
        for _ in range(600)
    ]


def to_csv(rows: list[dict]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row.values() for row in rows)
    return text.getvalue()


def payload(fields: dict, encoding: str) -> dict:
    if encoding == "BASE64":
        text = json.dumps(fields).encode()
        return {"encoding": encoding, "data": base64.b64encode(text).decode(), "observedContentType": "a/b+json"}
    text = to_csv([fields]).rstrip() if encoding == "CSV" else json.dumps(fields)
    return {"encoding": encoding, "data": text, "observedContentType": PAYLOADS[encoding]}


def captured(rows: list[dict], request: str, response: str) -> bytes:
    lines = []
    for number, row in enumerate(rows):
        features = {name: value for name, value in row.items() if name != "score"}
        data = {
            "endpointInput": payload(features, request) | {"mode": "INPUT"},
            "endpointOutput": payload({"score": row["score"]}, response) | {"mode": "OUTPUT"},
        }
        # The first and the last record lie outside the window.
        minute = {0: -1, len(rows) - 1: 60}.get(number, 10)
        moment = (NINE + minute * HOUR / 60).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {"eventId": f"e{number}", "inferenceTime": moment}
        lines.append(json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"}))
    return ("\n".join([*lines, '{"captureData": '])).encode()


def as_parquet(rows: list[dict]) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(rows).write_parquet(content)
    return content.getvalue()


TRANSFORMED = {
    "csv": (lambda rows: to_csv(rows).encode(), {"csv": {"header": False}}, ["csv", "--no-header"]),
    "jsonlines": (lambda rows: "\n".join(map(json.dumps, rows)).encode(), {"json": {"lines": True}}, ["jsonlines"]),
    "json": (lambda rows: json.dumps(rows).encode(), {"json": {"lines": False}}, ["json"]),
    "parquet": (as_parquet, {"parquet": {}}, ["parquet"]),
}


@pytest.fixture(scope="module")
def app():
    with started() as stack:
        app = App(stack)
        body = "\n".join(map(json.dumps, drawn_rows(1))).encode()
        app.s3.put_object(Bucket="captures", Key="train.jsonl", Body=body)
        asked = {
            "baselining_job_name": "first",
            "baseline_dataset_s3_uri": "s3://captures/train.jsonl",
            "dataset_format": {"json": {"lines": True}},
        }
        app.call("CreateBaselineFunction", asked)
        stack.settle()
        yield app
        assert not [call for call in stack.calls if call.refused]


def run(app: App, name: str, **changes: object) -> dict:
    app.make_schedule(name, **changes)
    tick = {"monitoring_schedule_name": name, "scheduled_time": f"{NINE + HOUR:%Y-%m-%dT%H:%M:%SZ}", "tick_id": name}
    app.call("LaunchExecutionFunction", tick)
    app.stack.settle()
    return app.execution(NINE + HOUR, name)


def on_the_shell(app: App, source: Path, tmp_path: Path, *arguments: str) -> dict:
    """Return the reports that the shell writes of the same data, by name."""
    for name in ("statistics.json", "constraints.json"):
        key = f"baselining/first/{name}"
        app.s3.download_file(app.stack.outputs["ResultsBucketName"], key, str(tmp_path / name))
    options = {
        "--data": source,
        "--statistics": tmp_path / "statistics.json",
        "--constraints": tmp_path / "constraints.json",
        "--output": tmp_path / "out",
        "--start": NINE.isoformat(),
        "--end": (NINE + HOUR).isoformat(),
        "--looks-per-month": 720,  # as the app says of a schedule that fires each hour
    }
    flat = [str(part) for option in options.items() for part in option]
    result = CliRunner().invoke(shell, ["check", "data-quality", *flat, *arguments])
    assert result.exit_code in (0, 1), result.output
    return {path.name: json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json")}


def assert_same_reports(app: App, execution: dict, shell_reports: dict) -> None:
    assert execution["monitoring_execution_status"] in ("Completed", "CompletedWithViolations"), execution
    for name in ("statistics.json", "constraint_violations.json"):
        assert app.report(execution, name) == shell_reports[name]
    assert (
        app.report(execution, "analysis_summary.json")["records"] == shell_reports["analysis_summary.json"]["records"]
    )


@pytest.mark.parametrize(
    ("request_encoding", "response_encoding"),
    [("CSV", "CSV"), ("JSON", "JSON"), ("JSON", "CSV"), ("CSV", "JSON"), ("BASE64", "BASE64")],
)
def test_captures_give_the_same_report_in_the_app_and_on_the_shell(app, tmp_path, request_encoding, response_encoding):
    content = captured(drawn_rows(2), request_encoding, response_encoding)
    name = f"{request_encoding}-{response_encoding}".lower()
    destination = f"{name}/loans/AllTraffic/{FOLDER}/00-00-000-a.jsonl"
    app.s3.put_object(Bucket="captures", Key=destination, Body=content)
    source = tmp_path / "captures"
    (source / f"loans/AllTraffic/{FOLDER}").mkdir(parents=True)
    (source / f"loans/AllTraffic/{FOLDER}/00-00-000-a.jsonl").write_bytes(content)
    watched = {"endpoint_name": "loans", "data_captured_destination_s3_uri": f"s3://captures/{name}"}
    execution = run(app, name, endpoint_input=watched)
    assert_same_reports(app, execution, on_the_shell(app, source, tmp_path, "--dataset-format", "capture"))
    records = execution["outcome"]["records"]
    assert (records["read"], records["malformed"], records["out_of_window"]) == (598, 1, 2)


@pytest.mark.parametrize("written", TRANSFORMED)
def test_transform_jobs_give_the_same_report_in_the_app_and_on_the_shell(app, tmp_path, written):
    to_bytes, dataset_format, flags = TRANSFORMED[written]
    content = to_bytes(drawn_rows(3))
    manifest = json.dumps([{"prefix": f"s3://captures/{written}/"}, "data"]).encode()
    source = tmp_path / "batch"
    for path, body in {
        f"batch-{written}/input/{FOLDER}/m.json": manifest,
        f"{written}/data": content,
    }.items():
        app.s3.put_object(Bucket="captures", Key=path, Body=body)
    (source / f"input/{FOLDER}").mkdir(parents=True)
    (source / f"input/{FOLDER}/m.json").write_bytes(manifest)
    (source / f"objects/captures/{written}").mkdir(parents=True)
    (source / f"objects/captures/{written}/data").write_bytes(content)
    batch = {
        "data_captured_destination_s3_uri": f"s3://captures/batch-{written}",
        "dataset_format": dataset_format,
    }
    execution = run(app, f"batch-{written}", endpoint_input=None, batch_transform_input=batch)
    shell_flags = ["--dataset-format", "batch-transform", "--transform-format", *flags]
    assert_same_reports(app, execution, on_the_shell(app, source, tmp_path, *shell_flags))
    assert execution["outcome"]["records"]["read"] == 600
