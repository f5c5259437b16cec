"""``baseline model-quality`` and ``check model-quality`` as a script sees them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app

HEADER = "probability,prediction,label\n"
GOOD = HEADER + "0.9,1,1\n0.8,1,1\n0.2,0,0\n0.1,0,0\n" * 60
BAD = HEADER + "0.9,1,0\n0.8,1,1\n0.2,0,1\n0.1,0,0\n" * 60

Run = Callable[..., Result]

BINARY = ["--problem-type", "BinaryClassification"]
COLUMNS = ["--inference-attribute", "prediction", "--probability-attribute", "probability"]
LABEL = ["--ground-truth-attribute", "label"]
FEW = ["--bootstrap-replicates", "100"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder that holds good.csv, bad.csv and a baseline of the former."""
    monkeypatch.chdir(tmp_path)
    Path("good.csv").write_text(GOOD)
    Path("bad.csv").write_text(BAD)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    made = invoke(*baseline(*COLUMNS, *LABEL))
    assert made.exit_code == 0, made.stderr
    return invoke


def baseline(*more: str) -> list[str]:
    named = ["--data", "good.csv", "--dataset-format", "csv", "--output", "baseline", "--overwrite"]
    return ["baseline", "model-quality", *named, *BINARY, *FEW, *more]


def check(data: str, *more: str) -> list[str]:
    named = ["--data", data, "--constraints", "baseline/constraints.json", "--output", "report", "--overwrite"]
    return ["check", "model-quality", *named, *BINARY, *FEW, *more]


def csv(data: str, *more: str) -> list[str]:
    return check(data, "--dataset-format", "csv", *COLUMNS, *LABEL, *more)


def test_a_model_that_is_as_good_as_its_baseline_passes(run):
    assert run(*csv("good.csv")).exit_code == 0


def test_a_model_that_is_worse_is_a_violation_and_exit_code_1(run):
    checked = run(*csv("bad.csv", "--json"))
    assert checked.exit_code == 1, checked.stderr
    violations = json.loads(Path("report/constraint_violations.json").read_text())["violations"]
    assert {violation["metric_name"] for violation in violations} >= {"recall", "auc", "trueNegativeRate"}
    assert json.loads(checked.stdout)["violations"] == len(violations)


def test_a_backfill_replaces_the_results_and_lists_what_changed(run):
    assert run(*csv("good.csv")).exit_code == 0
    again = run(*csv("bad.csv", "--backfill", "--json"))
    changes = json.loads(again.stdout)["changes"]
    assert "recall: 1.0 before, 0.5 now" in changes
    assert "new violation: recall LessThanThreshold" in changes
    recall = json.loads(Path("report/statistics.json").read_text())["binary_classification_metrics"]["recall"]
    assert recall["value"] == 0.5


def test_a_backfill_without_earlier_results_is_a_check(run):
    checked = run(*csv("good.csv", "--backfill", "--json"))
    assert checked.exit_code == 0
    assert not json.loads(checked.stdout).get("changes")


def captured(event: str, probability: float) -> str:
    moment = datetime(2026, 11, 22, 9, 30, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    side = {"observedContentType": "text/csv", "encoding": "CSV"}
    record = {
        "captureData": {
            "endpointInput": {**side, "mode": "INPUT", "data": "1,2"},
            "endpointOutput": {**side, "mode": "OUTPUT", "data": str(probability)},
        },
        "eventMetadata": {"eventId": event, "inferenceTime": moment},
        "eventVersion": "0",
    }
    return json.dumps(record) + "\n"


def labelled(event: str, label: int) -> str:
    data = {"data": str(label), "encoding": "CSV"}
    return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": event}, "eventVersion": "0"}) + "\n"


ROWS = [(f"event-{place}", 0.1 + 0.8 * (place % 2), place % 2) for place in range(40)]
CAPTURED = ["--dataset-format", "capture", "--probability-attribute", "0"]


@pytest.fixture
def captures(run: Run) -> Run:
    """Run the command where there are captures, and labels of half of them."""
    Path("captures").mkdir()
    Path("captures/a.jsonl").write_text("".join(captured(event, score) for event, score, _ in ROWS))
    Path("labels").mkdir()
    Path("labels/a.jsonl").write_text("".join(labelled(event, label) for event, _, label in ROWS[:20]))
    return run


def test_captures_are_merged_with_labels_in_files_of_their_own(captures):
    checked = captures(*check("captures", *CAPTURED, "--ground-truth", "labels", "--json"))
    assert checked.exit_code == 0, checked.stderr
    counts = json.loads(checked.stdout)["ground_truth"]
    assert (counts["predictions"], counts["matched"], counts["unlabelled"]) == (40, 20, 20)


def test_an_attribute_says_where_in_a_file_of_labels_the_label_is(captures):
    lines = [
        json.dumps(
            {
                "groundTruthData": {"data": json.dumps({"note": 7, "label": label}), "encoding": "JSON"},
                "eventMetadata": {"eventId": event},
                "eventVersion": "0",
            }
        )
        for event, _, label in ROWS
    ]
    Path("labels/a.jsonl").write_text("\n".join(lines))
    ground_truth = ["--ground-truth", "labels", "--ground-truth-attribute", "label"]
    checked = captures(*check("captures", *CAPTURED, *ground_truth, "--json"))
    assert checked.exit_code == 0, checked.stderr
    assert json.loads(checked.stdout)["ground_truth"]["matched"] == 40


def test_labels_that_come_later_change_a_window_that_is_run_again(captures):
    captures(*check("captures", *CAPTURED, "--ground-truth", "labels"))
    Path("labels/b.jsonl").write_text("".join(labelled(event, 1 - label) for event, _, label in ROWS[20:]))
    again = captures(*check("captures", *CAPTURED, "--ground-truth", "labels", "--backfill", "--json"))
    assert again.exit_code == 1, again.stderr
    document = json.loads(again.stdout)
    assert "rows with a label: 20 before, 40 now" in document["changes"]
    assert document["ground_truth"]["unlabelled"] == 0


def test_merged_records_of_an_earlier_run_can_be_read(captures):
    captures(*check("captures", *CAPTURED, "--ground-truth", "labels"))
    merged = [*check("report/merge", *CAPTURED, "--ground-truth-attribute", "0"), "--output", "again"]
    checked = captures(*merged)
    assert checked.exit_code == 0, checked.stderr
    found = json.loads(Path("again/statistics.json").read_text())
    assert found["dataset"]["item_count"] == 20


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("UnusableArguments", [*csv("good.csv"), "--problem-type", "Ranking"]),
        (
            "ProbabilityNotGiven",
            [
                *check("good.csv", "--dataset-format", "csv", "--inference-attribute", "prediction", *LABEL),
                "--probability-threshold-attribute",
                "0.8",
            ],
        ),
        ("LabelsNotGiven", check("good.csv", "--dataset-format", "csv", *COLUMNS)),
        ("InvalidConstraints", [*csv("good.csv"), "--constraints", "good.csv"]),
        ("FileNotFound", [*csv("good.csv"), "--constraints", "nothing.json"]),
        ("InvalidSettings", [*csv("good.csv"), "--confidence-level", "1.5"]),
        ("GroundTruthNotMergeable", [*csv("good.csv"), "--ground-truth", "bad.csv"]),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(run, code, arguments):
    refused = run(*arguments, "--json")
    assert refused.exit_code == 2
    assert code in refused.stdout + refused.stderr


def test_labels_without_any_prediction_are_refused(captures):
    Path("labels/a.jsonl").write_text(labelled("another-event", 1))
    refused = captures(*check("captures", *CAPTURED, "--ground-truth", "labels"))
    assert refused.exit_code == 2
    assert "NoMatchingGroundTruth" in refused.stderr
    assert "; ids of labels: another-event" in refused.stderr


def test_the_rule_of_thresholds_is_an_option_of_baseline_and_check(run):
    def thresholds(*more: str) -> list[float]:
        assert run(*baseline(*COLUMNS, *LABEL, *more)).exit_code == 0
        document = json.loads(Path("baseline/constraints.json").read_text())["binary_classification_constraints"]
        return [document[name]["threshold"] for name in ("recall", "false_positive_rate")]

    assert thresholds("--threshold-rule", "Exact") == [1.0, 0.0]
    recall, false_positive_rate = thresholds()
    assert 0.9 < recall < 1.0
    assert 0.0 < false_positive_rate < 0.1
    Path("worse.csv").write_text(GOOD + "0.9,0,1\n")  # one of 241 rows: by chance, or by SageMaker's rule worse
    assert run(*csv("worse.csv")).exit_code == 0
    thresholds("--threshold-rule", "Exact")
    assert run(*csv("worse.csv")).exit_code == 1


def test_statistics_of_the_baseline_let_a_check_measure_drift(run):
    shifted = HEADER + "0.9,1,1\n" * 200 + "0.1,0,0\n" * 40
    Path("shifted.csv").write_text(shifted)
    unmeasured = run(*csv("shifted.csv"))
    assert unmeasured.exit_code == 0
    assert "with --statistics" in unmeasured.stdout + unmeasured.stderr
    # Shares of 1: 200 of 240 instead of 120 of 240; the robust distance is 1/3 less 1.8 * sqrt(2 / 240) = 0.169.
    measured = run(*csv("shifted.csv", "--statistics", "baseline/statistics.json"))
    assert measured.exit_code == 1
    assert "Drift distance of 0.169 is above" in measured.stdout
    report = Path("report/constraint_violations.json")
    assert "Baseline drift distance: 0.1690165" in report.read_text()
    # scipy 1.17.1, jensenshannon([0.5, 0.5], [1 / 6, 5 / 6], base=2)
    chosen = run(
        *csv("shifted.csv", "--statistics", "baseline/statistics.json", "--categorical-drift-method", "JensenShannon")
    )
    assert chosen.exit_code == 1
    assert "Baseline drift distance: 0.3054253" in report.read_text()


def test_labels_in_the_documents_csv_form_are_given_on_the_shell(run):
    capture = {
        "captureData": {"endpointOutput": {"data": "0.9", "encoding": "CSV", "mode": "OUTPUT"}},
        "eventVersion": "0",
    }
    times = [f"2026-11-22T03:{minute:02}:00Z" for minute in range(50)]
    records = [capture | {"eventMetadata": {"eventId": f"e{time}", "inferenceTime": time}} for time in times]
    Path("captures.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    rows = ["inference_id,timestamp,ground_truth_label", *(f",{time},{i % 2}" for i, time in enumerate(times[:40]))]
    Path("labels.csv").write_text("\n".join(rows))
    labels = ["--dataset-format", "capture", "--probability-attribute", "0", "--ground-truth", "labels.csv"]
    summary = json.loads(run(*check("captures.jsonl", *labels, "--json")).stdout)
    assert (summary["ground_truth"]["matched"], summary["ground_truth"]["predictions"]) == (40, 50)


def test_the_command_that_a_baseline_prints_checks_data(run):
    made = run(*baseline(*COLUMNS, *LABEL))
    command = made.stdout.partition("Next: modelwatch ")[2].replace("NEW_DATA", "bad.csv")
    assert run(*shlex.split(command), *FEW).exit_code == 1, command


def test_an_option_is_named_as_it_is_typed_and_an_unknown_column_gets_the_nearest_name(run):
    misspelt = run(*baseline("--inference-attribute", "predicton", *LABEL))
    assert "--inference-attribute is 'predicton'" in misspelt.stderr
    assert "Did you mean 'prediction'?" in misspelt.stderr
    missing = run(*baseline(*LABEL))
    assert "name it with --inference-attribute" in missing.stderr
    excluded = run(*baseline(*COLUMNS, *LABEL, "--exclude-features-attribute", "labell"))
    assert "--exclude-features-attribute names 'labell'" in excluded.stderr
    assert (misspelt.exit_code, missing.exit_code, excluded.exit_code) == (2, 2, 2)


def test_a_column_that_has_the_name_of_a_setting_keeps_it_in_messages(run):
    refused = run(*baseline("--inference-attribute", "inference_attribute", *LABEL))
    assert "--inference-attribute is 'inference_attribute', but" in refused.stderr


def test_examples_that_only_the_terminal_shows_are_a_sentence_of_their_own(run):
    Path("labels.csv").write_text("id,label\n1,2\n")
    sides = {"endpointOutput": {"data": "0.5", "encoding": "CSV"}}
    captured = {"captureData": sides, "eventMetadata": {"eventId": "1", "inferenceTime": "2026-01-31T09:10:00Z"}}
    Path("captures.jsonl").write_text(json.dumps(captured | {"eventVersion": "0"}) + "\n")
    refused = run(
        *check("captures.jsonl", "--dataset-format", "capture", "--ground-truth", "labels.csv"),
        *("--probability-attribute", "0"),
    )
    assert refused.stderr.endswith("each once. For instance first line: id, label\n")
