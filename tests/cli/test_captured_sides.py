"""Which sides of captured records the commands read: those that the app reads for the same kind of monitor."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import modelwatch
from modelwatch.cli.commands import app
from tests.explainability.conftest import Asked, ModelServer, server  # noqa: F401 - a fixture

ROWS = 400


def captured(number: int, request: dict[str, Any] | None, response: object) -> str:
    sides = {} if request is None else {"endpointInput": request}
    given = {"observedContentType": "application/json", "mode": "OUTPUT", "data": json.dumps(response)}
    data = {**sides, "endpointOutput": {**given, "encoding": "JSON"}}
    times = {"eventId": f"e{number}", "inferenceTime": "2026-03-01T10:00:00Z"}
    return json.dumps({"captureData": data, "eventMetadata": times, "eventVersion": "0"})


def image(number: int) -> dict[str, Any] | None:
    """Return a request that no reader of rows can read; every fourth one was not captured."""
    if number % 4 == 0:
        return None
    data = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes([number % 256])).decode()
    return {"observedContentType": "image/jpeg", "mode": "INPUT", "data": data, "encoding": "BASE64"}


def label(number: int, value: int) -> str:
    data = {"groundTruthData": {"data": str(value), "encoding": "CSV"}, "eventMetadata": {"eventId": f"e{number}"}}
    return json.dumps({**data, "eventVersion": "0"})


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Write captures of a model of images, and labels; return the share of right predictions."""
    monkeypatch.chdir(tmp_path)
    drawn = np.random.default_rng(5)
    scores = drawn.random(ROWS).round(4).tolist()
    labels = (drawn.random(ROWS) < scores).astype(int).tolist()
    records = [captured(number, image(number), {"score": score}) for number, score in enumerate(scores)]
    for folder, lines in (("captures", records), ("labels", [label(*each) for each in enumerate(labels)])):
        Path(folder).mkdir()
        Path(folder, "a.jsonl").write_text("\n".join(lines))
    return sum((score > 0.5) == bool(value) for score, value in zip(scores, labels, strict=True)) / ROWS


def test_the_quality_of_a_model_of_images_is_measured_from_its_responses(images):
    arguments = ["--problem-type", "BinaryClassification", "--probability-attribute", "score", "--output", "b"]
    given = ["--data", "captures", "--dataset-format", "capture", "--ground-truth", "labels"]
    made = CliRunner().invoke(app, ["baseline", "model-quality", *given, *arguments])
    assert made.exit_code == 0, made.stderr
    by_shell = json.loads(Path("b/statistics.json").read_text())["binary_classification_metrics"]["accuracy"]["value"]
    options = {"problem_type": "BinaryClassification", "probability_attribute": "score", "ground_truth": "labels"}
    by_python = modelwatch.baseline("captures", "model-quality", dataset_format="capture", **options)
    found = json.loads(by_python.files["statistics.json"])["binary_classification_metrics"]["accuracy"]["value"]
    assert by_shell == found == images


def test_the_features_of_json_requests_are_explained_whatever_the_responses_are(
    tmp_path,
    monkeypatch,
    server: ModelServer,  # noqa: F811 - the fixture
):
    monkeypatch.chdir(tmp_path)

    def respond(asked: Asked) -> tuple[int, bytes]:
        rows = [each["features"] for each in json.loads(asked.body)["instances"]]
        return 200, json.dumps({"predictions": [{"score": 2 * a - b} for a, b in rows]}).encode()

    server.respond = respond
    rows = np.random.default_rng(7).normal(size=(60, 2)).round(3).tolist()
    requests = [
        {"observedContentType": "application/json", "mode": "INPUT", "encoding": "JSON"}
        | {"data": json.dumps({"instances": [{"features": row}]})}
        for row in rows
    ]
    responses = [{"predictions": [{"score": 2 * a - b}]} for a, b in rows]
    records = map(captured, range(len(rows)), requests, responses)
    Path("captures").mkdir()
    Path("captures/a.jsonl").write_text("\n".join(records))
    predictor = {"record_template": '{"features":$features}', "content_template": '{"instances":$records}'}
    predictor |= {"content_type": "application/json", "accept_type": "application/json"}
    config = {"headers": ["a", "b"], "methods": {"shap": {"baseline": [[0, 0]]}}}
    config["predictor"] = predictor | {"label": "predictions[*].score"}
    Path("config.json").write_text(json.dumps(config))
    arguments = ["--features-attribute", "instances[*].features", "--analysis-config", "config.json", "--output", "b"]
    given = ["--data", "captures", "--dataset-format", "capture", "--model-url", server.url]
    made = CliRunner().invoke(app, ["baseline", "explainability", *given, *arguments])
    assert made.exit_code == 0, made.stderr
    explained = json.loads(Path("b/analysis.json").read_text())["explanations"]["kernel_shap"]["label0"]
    exact = {"a": np.mean([abs(2 * a) for a, _ in rows]), "b": np.mean([abs(b) for _, b in rows])}
    assert explained["global_shap_values"] == pytest.approx(exact)
