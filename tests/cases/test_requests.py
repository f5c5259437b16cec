"""Captured requests with several rows, and their labels by event id: what is the same in a request is no change."""

from __future__ import annotations

import json

import numpy as np
import pytest

_ROWS = 40
_CONFIG = {
    "label": "label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "group", "value_or_threshold": [1]}],
}
_MODEL_QUALITY = "--problem-type BinaryClassification --probability-attribute 0"
_BIAS = "--analysis-config config.json --probability-attribute 0"


def _write(shell, folder: str, requests: int, seed: int, *, alone: bool = False, wrong: float = 0.0) -> None:
    """Capture requests of 40 equal rows: one feature, a probability, and labels that come later."""
    drawn = np.random.default_rng(seed)
    group, known, chance = drawn.integers(0, 2, requests), drawn.normal(size=requests), drawn.random(requests)
    score = 1 / (1 + np.exp(-1.3 * known - 0.3))
    label = (chance < score).astype(int)
    score = np.where(drawn.random(requests) < wrong, 1 - score, score).round(6)
    columns = np.column_stack([np.repeat(each, _ROWS) for each in (group, score, label)])
    captures, labels = [], []
    for number, rows in enumerate(np.split(columns, len(columns) // (1 if alone else _ROWS))):
        asked = "\n".join(json.dumps({"group": int(value)}) for value in rows[:, 0])
        request = {"observedContentType": "application/jsonlines", "mode": "INPUT", "data": asked, "encoding": "JSON"}
        responses = "\n".join(map(str, rows[:, 1].tolist()))
        response = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": responses, "encoding": "CSV"}
        sides = {"endpointInput": request, "endpointOutput": response}
        metadata = {"eventId": f"event-{number}", "inferenceTime": "2026-11-29T10:00:00Z"}
        captures.append(json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"}))
        truth = {"data": "\n".join(map(str, rows[:, 2].astype(int).tolist())), "encoding": "CSV"}
        labels.append(json.dumps({"groundTruthData": truth, "eventMetadata": metadata, "eventVersion": "0"}))
    shell.write(f"{folder}/captures/a.jsonl", "\n".join(captures))
    shell.write(f"{folder}/labels/a.jsonl", "\n".join(labels))


def _command(verb: str, kind: str, folder: str, options: str, output: str):
    return (
        f"{verb} {kind} --data {folder}/captures --dataset-format capture --ground-truth {folder}/labels {options} "
        f"--bootstrap-replicates 200 --output {output}"
    )


_KINDS = {
    "model-quality": (_MODEL_QUALITY, "--constraints known/constraints.json --statistics known/statistics.json"),
    "bias": (_BIAS, "--constraints known/analysis.json"),
}


@pytest.fixture
def metrics(shell):
    """Return the metrics of a folder of results."""

    def read(kind: str, output: str) -> dict[str, dict]:
        if kind == "model-quality":
            found = shell.read(f"{output}/statistics.json")["binary_classification_metrics"]
            return {name: each for name, each in found.items() if "standard_error" in each}
        stages = shell.read(f"{output}/analysis.json")
        entries = (stages[f"{stage}_training_bias_metrics"]["facets"]["group"][0] for stage in ("pre", "post"))
        return {each["name"]: each for entry in entries for each in entry["metrics"] if "standard_error" in each}

    return read


@pytest.mark.parametrize("kind", _KINDS)
def test_rows_that_are_the_same_in_a_request_are_no_change_of_a_model(shell, metrics, kind):
    options, against = _KINDS[kind]
    shell.write("config.json", json.dumps(_CONFIG))
    flagged = {}
    for alone in (False, True):
        _write(shell, "before", 100, 1, alone=alone)
        made = shell(_command("baseline", kind, "before", options, "known"))
        assert made.exit_code == 0, made.text
        flagged[alone] = 0
        for seed in range(2, 9):
            _write(shell, "now", 25, seed, alone=alone)
            found = shell(_command("check", kind, "now", f"{options} {against}", "report"))
            flagged[alone] += bool(shell.violations("report"))
            assert ("times fewer, because rows of one request are alike" in found.text) is not alone
            measured = metrics(kind, "report")["accuracy" if kind == "model-quality" else "DPPL"]
            assert ({"repeated", "requests"} <= measured.keys()) is not alone
            if not alone:
                # By hand: 40 equal rows count once, times G / (G - 1) for the mean of G requests.
                requests = measured["requests"]
                assert 10 < requests < 25 + 1e-9
                assert measured["repeated"] == pytest.approx(40 * requests / (requests - 1), rel=1e-6)
    assert flagged[False] == 0
    assert flagged[True] >= 2  # the same rows one by one: nothing says that they are not independent


def test_a_model_that_has_become_worse_is_found_by_requests_of_rows_that_are_the_same(shell):
    options, against = _KINDS["model-quality"]
    _write(shell, "before", 400, 1)
    shell(_command("baseline", "model-quality", "before", options, "known"))
    _write(shell, "now", 400, 9, wrong=0.5)
    shell(_command("check", "model-quality", "now", f"{options} {against}", "report"))
    assert {each["metric_name"] for each in shell.violations("report")} >= {"accuracy", "auc"}


def test_a_replay_judges_by_the_requests_that_a_check_stored(shell, tmp_path):
    from modelwatch_analyzer.model_quality.replay import replayed
    from modelwatch_core.domain.settings_environment import analysis_settings

    _write(shell, "before", 100, 1, alone=True)  # a baseline without the new keys
    shell(_command("baseline", "model-quality", "before", _MODEL_QUALITY, "known"))
    _write(shell, "now", 25, 7)
    options, against = _KINDS["model-quality"]
    shell(_command("check", "model-quality", "now", f"{options} {against}", "report"))
    settings = analysis_settings(
        analysis_type="MODEL_QUALITY",
        dataset_source=tmp_path / "now/captures",
        dataset_format={"sagemakerCaptureJson": {}},
        output_path=tmp_path / "unused",
        problem_type="BinaryClassification",
    )
    window, known = tmp_path / "report/statistics.json", tmp_path / "known/constraints.json"
    assert replayed(settings, window, known).violations == ()
    # As an earlier version stored it, which knew no requests: many rows, and a small error.
    statistics = json.loads(window.read_text())
    for metric in statistics["binary_classification_metrics"].values():
        if "repeated" in metric:
            metric["standard_error"] /= metric.pop("repeated") ** 0.5
            metric.pop("requests")
    window.write_text(json.dumps(statistics))
    assert replayed(settings, window, known).violations
