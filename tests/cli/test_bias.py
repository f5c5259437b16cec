"""``baseline bias`` and ``check bias`` as a script sees them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelwatch.cli.commands import app

HEADER = "sex,income,score,approved\n"
FAIR = HEADER + "F,1,0.9,1\nF,2,0.1,0\nM,1,0.9,1\nM,2,0.2,0\n" * 60
UNFAIR = HEADER + "F,1,0.4,1\nF,2,0.1,0\nM,1,0.9,1\nM,2,0.8,0\n" * 60
CONFIG = {
    "label": "approved",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}],
}

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder that holds fair.csv, unfair.csv, config.json and a baseline of the first."""
    monkeypatch.chdir(tmp_path)
    Path("fair.csv").write_text(FAIR)
    Path("unfair.csv").write_text(UNFAIR)
    Path("config.json").write_text(json.dumps(CONFIG))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    made = invoke(*baseline("--probability-attribute", "score"))
    assert made.exit_code == 0, made.stderr
    return invoke


def baseline(*more: str) -> list[str]:
    named = ["--data", "fair.csv", "--dataset-format", "csv", "--output", "baseline", "--overwrite"]
    return ["baseline", "bias", *named, "--analysis-config", "config.json", "--bootstrap-replicates", "100", *more]


def check(data: str, *more: str) -> list[str]:
    named = [
        "--data",
        data,
        "--dataset-format",
        "csv",
        "--constraints",
        "baseline/analysis.json",
        "--output",
        "report",
        "--overwrite",
    ]
    config = ["--analysis-config", "config.json", "--probability-attribute", "score", "--bootstrap-replicates", "100"]
    return ["check", "bias", *named, *config, *more]


def metrics(stage: str, folder: str = "report") -> dict[str, dict[str, object]]:
    report = json.loads(Path(folder, "analysis.json").read_text())
    return {metric["name"]: metric for metric in report[f"{stage}_bias_metrics"]["facets"]["sex"][0]["metrics"]}


def test_predictions_as_fair_as_the_baseline_pass(run):
    assert run(*check("fair.csv")).exit_code == 0


def test_predictions_that_became_unfair_are_violations_and_exit_code_1(run):
    found = run(*check("unfair.csv", "--json"))
    assert found.exit_code == 1
    violations = json.loads(Path("report/constraint_violations.json").read_text())["violations"]
    assert json.loads(found.stdout)["violations"] == len(violations)
    assert {"DPPL", "BA", "RD"} <= {violation["metric_name"] for violation in violations}


def test_the_screen_says_which_metric_of_which_group(run):
    found = run(*check("unfair.csv"))
    assert "DPPL" in found.stdout
    assert "sex" in found.stdout


def test_a_threshold_decides_what_is_a_positive_prediction(run):
    assert run(*check("unfair.csv", "--probability-threshold-attribute", "0.3")).exit_code == 1
    assert metrics("post_training")["RD"]["value"] == 0.0  # the scores of all with a positive label are above it


def test_labels_alone_make_a_baseline_of_pre_training_metrics(run):
    assert run(*baseline()).exit_code == 0
    report = json.loads(Path("baseline/analysis.json").read_text())
    assert "pre_training_bias_metrics" in report
    assert "post_training_bias_metrics" not in report


def test_predictions_without_labels_make_a_baseline_and_are_checked(run):
    Path("config.json").write_text(json.dumps({name: each for name, each in CONFIG.items() if name != "label"}))
    for name, rows in (("fair.csv", FAIR), ("unfair.csv", UNFAIR)):
        Path(name).write_text("\n".join(row.rsplit(",", 1)[0] for row in rows.splitlines()))
    made = run(*baseline("--probability-attribute", "score"))
    assert made.exit_code == 0, made.stderr
    assert "there are no labels, so AD, BA, " in made.stdout + made.stderr
    assert metrics("post_training", "baseline").keys() == {"CDDPL", "DI", "DPPL", "FT"}
    assert run(*check("fair.csv")).exit_code == 0
    assert run(*check("unfair.csv")).exit_code == 1
    violations = json.loads(Path("report/constraint_violations.json").read_text())["violations"]
    # By hand: no woman and every man is predicted to be positive, women whose neighbours are men too.
    assert [violation["metric_name"] for violation in violations] == ["DPPL", "FT"]


def test_replicates_level_and_seed_reach_the_analysis(run):
    run(*check("fair.csv", "--bootstrap-replicates", "150", "--confidence-level", "0.9", "--seed", "7"))
    bootstrap = json.loads(Path("report/analysis.json").read_text())["bootstrap"]
    assert bootstrap == {"replicates": 150, "confidence_level": 0.9, "seed": 7}


def test_a_repeated_check_lists_what_changed(run):
    run(*check("fair.csv"))
    found = run(*check("unfair.csv", "--backfill", "--json"))
    assert any("DPPL of sex = F" in change for change in json.loads(found.stdout)["changes"])


def test_labels_of_captures_can_be_in_files_of_their_own(run):
    captures, labels = [], []
    for i, row in enumerate(FAIR.splitlines()[1:]):
        sex, income, score, approved = row.split(",")
        sides = {
            "endpointInput": {"data": f"{sex},{income}", "encoding": "CSV", "mode": "INPUT"},
            "endpointOutput": {"data": score, "encoding": "CSV", "mode": "OUTPUT"},
        }
        event = {"eventId": str(i), "inferenceTime": "2026-01-01T00:10:00Z"}
        captures.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        label = {"groundTruthData": {"data": approved, "encoding": "CSV"}, "eventMetadata": {"eventId": str(i)}}
        labels.append(json.dumps(label | {"eventVersion": "0"}))
    Path("captures.jsonl").write_text("\n".join(captures))
    Path("labels.jsonl").write_text("\n".join(labels))
    Path("config.json").write_text(json.dumps(CONFIG | {"headers": ["sex", "income", "approved"]}))
    found = run(
        *check("captures.jsonl", "--dataset-format", "capture", "--probability-attribute", "0"),
        "--ground-truth",
        "labels.jsonl",
    )
    assert found.exit_code == 0, found.stderr + found.stdout
    captured = metrics("post_training")
    run(*check("fair.csv"))
    assert {name: each["value"] for name, each in captured.items()} == {
        name: each["value"] for name, each in metrics("post_training").items()
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"facet": [{"name_or_index": "gender"}]}, "UnknownColumn: facet is 'gender'"),
        ({"label": "granted"}, "UnknownColumn"),
        ({"label_values_or_threshold": []}, "InvalidAnalysisConfig: config.json: label_values_or_threshold"),
    ],
)
def test_what_cannot_be_analysed_is_one_line_and_exit_code_2(run, change, said):
    Path("config.json").write_text(json.dumps(CONFIG | change))
    found = run(*check("fair.csv"))
    assert found.exit_code == 2
    assert said in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1


SIX_GROUPS = "city,word,income,approved,predicted\n" + "".join(
    f"{'abcdef'[i % 6]},{'xy'[i % 2]},{i % 7},{i // 6 % 2},{int((i // 6 % 2) ^ (i % 11 == 0))}\n" for i in range(360)
)


def test_what_is_true_of_all_groups_is_said_once(run: Run) -> None:
    Path("good.csv").write_text(SIX_GROUPS)
    worse = [f"{row[:-1]}{1 - int(row[-1])}" for row in SIX_GROUPS.splitlines()[1:]]
    Path("worse.csv").write_text("\n".join([SIX_GROUPS.splitlines()[0], *worse]))
    Path("config.json").write_text(json.dumps(CONFIG | {"facet": [{"name_or_index": "city"}]}))
    given = ["--dataset-format", "csv", "--analysis-config", "config.json", "--inference-attribute", "predicted"]
    made = run("baseline", "bias", "--data", "good.csv", *given, "--output", "six")
    flips = [line for line in made.stdout.splitlines() if "FT" in line and line.startswith("Warning")]
    reason = "FT is undefined: FlipTest does not support non-numeric columns: word"
    assert flips == [f"Warning: {', '.join(f'city = {name}' for name in 'abcdef')}: {reason}"]
    (entropy,) = (line for line in made.stdout.splitlines() if line.startswith("GE "))
    assert re.fullmatch(r"GE +-?[\d.]+ to [\d.]+ in all *", entropy)
    (imbalance,) = (line for line in made.stdout.splitlines() if line.startswith("DPL "))
    assert imbalance.count(" to ") == 4  # of as many groups as are shown
    found = run("check", "bias", "--data", "worse.csv", *given, "--constraints", "six/analysis.json", "--output", "r")
    rows = [line for line in found.stdout.splitlines() if line.startswith("GE ")]
    assert [" ".join(row.split()).partition(" bias_")[0] for row in rows] == ["GE of city = a and 5 more"]
    written = json.loads(Path("r/constraint_violations.json").read_text())["violations"]
    assert sum(each["metric_name"] == "GE" for each in written) == 6


def test_the_command_that_a_baseline_prints_checks_data(run: Run) -> None:
    made = run(*baseline("--probability-attribute", "score"))
    command = made.stdout.partition("Next: modelwatch ")[2].replace("NEW_DATA", "unfair.csv")
    assert run(*shlex.split(command)).exit_code == 1, command
