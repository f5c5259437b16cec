"""Other constraints over a window that has been analysed find what a check of its rows finds."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwatch_analyzer.model_quality.replay import replayed
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.settings_environment import analysis_settings

HEADER = "prediction,label"
KINDS = {"BinaryClassification": 2, "MulticlassClassification": 3, "Regression": 0}


def rows(classes: int, seed: int, share_right: float) -> list[str]:
    """Return labelled predictions: of classes, some right; of numbers (0 classes), some close."""
    drawn = np.random.default_rng(seed)
    labels = drawn.integers(0, classes, 150) if classes else drawn.normal(10, 2, 150).round(3)
    others = (labels + 1) % classes if classes else labels + drawn.normal(2, 1, 150).round(3)
    predictions = np.where(drawn.random(150) < share_right, labels, others)
    return [f"{prediction},{label}" for prediction, label in zip(predictions, labels, strict=True)]


def settings_of(problem: str, **more: Any) -> dict[str, Any]:
    return {"problem_type": problem, "inference_attribute": "prediction", **more}


def edit(document: dict[str, Any], seed: int, *, beyond: bool) -> None:
    """Move every threshold by chance, so that some metrics pass and some do not."""
    drawn = np.random.default_rng(seed)
    for name, section in document.items():
        if name.endswith("ion_constraints"):
            for constraint in section.values():
                constraint["threshold"] *= float(drawn.choice([0.2, 0.9, 1.0, 1.1, 5.0]))
                constraint["beyond_confidence_interval"] = beyond
    document["monitoring_config"]["distribution_constraints"]["comparison_threshold"] = float(drawn.choice([0.01, 0.6]))


def both(runs, edited, problem: str, seed: int, *, beyond: bool, rule: str):
    """Return what a check of the rows finds with edited constraints, and what a replay of an earlier check does."""
    settings, classes = settings_of(problem, threshold_rule=rule), KINDS[problem]
    runs.run(runs.csv("then.csv", HEADER, *rows(classes, seed, 0.9)), "baseline", **settings)
    now = runs.csv("now.csv", HEADER, *rows(classes, seed + 1, 0.7))
    baseline = runs.folder / "baseline"
    files = {
        "baseline_constraints": baseline / "constraints.json",
        "baseline_statistics": baseline / "statistics.json",
    }
    runs.run(now, "earlier", **settings, **files)
    changed = edited("baseline", lambda document: edit(document, seed, beyond=beyond))
    checked = runs.run(now, "check", **settings, **(files | {"baseline_constraints": changed}))
    current = runs.folder / "earlier" / "statistics.json"
    found = replayed(schedule_settings(settings), current, changed, files["baseline_statistics"])
    return [(each.subject, each.constraint_check_type) for each in checked.violations], found


def schedule_settings(settings: dict[str, Any]) -> Any:
    required = {"analysis_type": "MODEL_QUALITY", "dataset_source": Path("x"), "output_path": Path("y")}
    return analysis_settings(**settings, **required)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("problem", KINDS)
@pytest.mark.parametrize(("beyond", "rule"), [(False, "SamplingError"), (True, "Exact"), (True, "SamplingError")])
def test_metrics_are_replayed_as_a_check_of_the_rows_compares_them(runs, edited, problem, seed, beyond, rule):
    found, replay = both(runs, edited, problem, seed, beyond=beyond, rule=rule)
    assert (list(replay.violations), replay.unknown) == (found, ())
    assert found


def test_without_standard_errors_the_rows_decide_what_is_by_chance(runs, edited):
    problem = "BinaryClassification"
    found, _ = both(runs, edited, problem, 1, beyond=True, rule="SamplingError")
    path = runs.folder / "earlier/statistics.json"
    document = json.loads(path.read_text())
    for metric in document["binary_classification_metrics"].values():
        metric.pop("standard_error", None)
    path.write_text(json.dumps(document))
    replay = replayed(schedule_settings(settings_of(problem)), path, runs.folder / "edited.json")
    assert set(replay.violations) < set(found) <= {*replay.violations, *replay.unknown}


def test_a_window_of_a_series_is_replayed_with_its_part_of_a_month(runs, edited):
    settings = settings_of("BinaryClassification")
    runs.run(runs.csv("then.csv", HEADER, *rows(2, 0, 0.9)), "baseline", **settings)
    constraints = runs.folder / "baseline/constraints.json"
    now = runs.csv("now.csv", HEADER, *rows(2, 1, 0.6))
    alone = runs.run(now, "alone", **settings, baseline_constraints=constraints)
    hourly = runs.run(now, "hourly", **settings, baseline_constraints=constraints, looks_per_month=720)
    assert len(alone.violations) > len(hourly.violations)
    for folder, found in (("alone", alone), ("hourly", hourly)):
        replay = replayed(schedule_settings(settings), runs.folder / folder / "statistics.json", constraints)
        assert [each[0] for each in replay.violations] == [each.subject for each in found.violations]


def test_constraints_of_another_problem_type_are_refused(runs, edited):
    both(runs, edited, "Regression", 0, beyond=False, rule="Exact")
    other = schedule_settings(settings_of("BinaryClassification"))
    with pytest.raises(InvalidInput, match="has no binary_classification_constraints"):
        replayed(other, runs.folder / "check/statistics.json", runs.folder / "edited.json")


def test_a_metric_that_was_not_defined_violates_nothing(runs, edited):
    both(runs, edited, "BinaryClassification", 0, beyond=False, rule="Exact")
    path = runs.folder / "check/statistics.json"
    document = json.loads(path.read_text())
    for metric in document["binary_classification_metrics"].values():
        if "value" in metric:
            metric |= {"value": "NaN", "standard_deviation": "NaN", "undefined": "there is no record"}
    path.write_text(json.dumps(document))
    settings = schedule_settings(settings_of("BinaryClassification", threshold_rule="Exact"))
    assert replayed(settings, path, runs.folder / "edited.json").violations == ()


def test_a_metric_that_chance_raises_is_replayed_without_what_chance_adds(runs, edited):
    settings = {"problem_type": "BinaryClassification", "probability_attribute": "probability"}
    drawn = np.random.default_rng(3)
    scores = drawn.random(300).round(3)
    lines = [f"{score},{int(drawn.random() < score)}" for score in scores]
    source = runs.csv("scores.csv", "probability,label", *lines)
    runs.run(source, "baseline", **settings)

    def constrain(limit, document):
        constraint = {"comparison_operator": "GreaterThanThreshold", "beyond_confidence_interval": True}
        document["binary_classification_constraints"] = {
            "expected_calibration_error": {"threshold": limit} | constraint
        }

    constraints = runs.folder / "baseline/constraints.json"
    runs.run(source, "check", **settings, baseline_constraints=constraints)
    measured = runs.read("check", "statistics.json")["binary_classification_metrics"]["expected_calibration_error"]
    assert measured["bias_corrected_value"] < measured["value"] * 0.6
    for limit, worse in ((0.0, False), (-1.0, True)):
        changed = edited("baseline", partial(constrain, limit))
        found = runs.run(source, "again", **settings, baseline_constraints=changed).violations
        replay = replayed(schedule_settings(settings), runs.folder / "check/statistics.json", changed)
        assert [each[0] for each in replay.violations] == [each.subject for each in found]
        assert bool(found) is worse
