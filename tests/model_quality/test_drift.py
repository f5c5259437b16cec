"""Drift of predictions and labels from a baseline: what is compared, and what is a violation."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelwatch_analyzer.distances import MEASURES, Exceeds
from modelwatch_analyzer.distances.distribution_constraints import SUGGESTED_DISTRIBUTION, DistributionConstraints
from modelwatch_analyzer.feature_statistics import sketch_of
from modelwatch_analyzer.model_quality.columns import Columns
from modelwatch_analyzer.model_quality.confusion import ConfusionCounts
from modelwatch_analyzer.model_quality.distributions import Distributions, of_classes
from modelwatch_analyzer.model_quality.drift import check_distributions
from modelwatch_analyzer.model_quality.evaluation import EVALUATIONS
from modelwatch_analyzer.model_quality.metric import Confidence
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.monitor_kinds import ProblemType

HEADER = "prediction,label"
CLASSES = {"problem_type": "BinaryClassification", "inference_attribute": "prediction"}
SEVERAL = {**CLASSES, "problem_type": "MulticlassClassification"}
NUMBERS = {**CLASSES, "problem_type": "Regression"}

THEN = ["0,0"] * 60 + ["1,1"] * 40
NOW = ["0,0"] * 10 + ["1,1"] * 40 + ["1,0"] * 50
"""Of 100 predictions 90 are 1, instead of 40; the labels are as they were."""


def drifts(summary) -> dict[str, str]:
    return {
        str(each.subject): each.description
        for each in summary.violations
        if each.constraint_check_type == "baseline_drift_check"
    }


def limits(**constraints):
    """Replace the constraints of metrics and of distributions."""

    def change(document) -> None:
        for name in document:
            if name.endswith("ion_constraints"):
                document[name] = {}
        document["monitoring_config"] = {"distribution_constraints": constraints}

    return change


def checked(runs, edited, now, problem=CLASSES, then=THEN, change=None, **more):
    """Make a baseline and check data against it."""
    runs.run(runs.csv("then.csv", HEADER, *then), "baseline", **problem)
    constraints = edited("baseline", change) if change else runs.folder / "baseline/constraints.json"
    files = {"baseline_constraints": constraints, "baseline_statistics": runs.folder / "baseline/statistics.json"}
    return runs.run(runs.csv("now.csv", HEADER, *now), "check", **{**problem, **files, **more})


def published(runs) -> dict[str, float]:
    lines = (runs.folder / "check/cloudwatch_metrics.jsonl").read_text().splitlines()
    return {line["MetricName"]: line["Value"] for line in map(json.loads, lines) if "drift" in line["MetricName"]}


@pytest.mark.parametrize("problem", [CLASSES, SEVERAL, NUMBERS], ids=lambda problem: problem["problem_type"])
def test_a_baseline_suggests_limits_of_drift_as_data_quality_does(runs, problem):
    runs.run(runs.csv("then.csv", HEADER, *THEN), "baseline", **problem)
    assert runs.read("baseline", "constraints.json")["monitoring_config"] == {
        "distribution_constraints": {
            "perform_comparison": "Enabled",
            "comparison_threshold": 0.1,
            "comparison_method": "Robust",
            "categorical_comparison_threshold": 0.1,
            "categorical_drift_method": "LInfinity",
        }
    }


@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("Simple", 0.5),  # by hand: 0.9 - 0.4
        ("Robust", 0.5 - 1.8 * np.sqrt(200 / 10_000)),  # by hand, with Deequ's critical value 1.8
        # scipy 1.17.1, chi2_contingency([[60, 40], [10, 90]], correction=False)
        ("ChiSquared", 1.2394684429928444e-13),
        # scipy 1.17.1 of shares [0.6, 0.4] and [0.1, 0.9]; for entropy with [60.5, 40.5] and [10.5, 90.5]
        ("KLDivergence", 0.5383962148418977),
        ("PSI", 1.265007913102329),
        ("JensenShannon", 0.46270396729822416),
        ("Hellinger", 0.39376519109957164),
    ],
)
def test_drift_of_predicted_classes_is_that_of_their_counts(runs, edited, method, number):
    change = limits(categorical_drift_method=method, categorical_comparison_threshold=0.05)
    found = drifts(checked(runs, edited, NOW, change=change))
    assert list(found) == ["predictionBaselineDrift"]
    spelled = re.search(r": ([\d.]+(E-\d+)?) (exceeds|is below) threshold: 0.05$", found["predictionBaselineDrift"])
    assert spelled is not None
    assert float(spelled[1]) == pytest.approx(number, rel=1e-9, abs=0)
    assert MEASURES[method].title in (runs.folder / "check/report.html").read_text()


@pytest.mark.parametrize(
    ("method", "number", "metric"),
    [
        ("Simple", 0.5, "distance"),  # by hand
        # scipy 1.17.1: wasserstein_distance of both columns over numpy's std of the first, and ks_2samp
        ("Wasserstein", 1.0206207261596576, "distance"),
        ("KolmogorovSmirnov", 1.0024645454361508e-11, "p_value"),
        ("JensenShannon", 0.46270396729822416, "distance"),  # the bins are the two values
    ],
)
def test_drift_of_predicted_numbers_is_that_of_their_sketches(runs, edited, method, number, metric):
    summary = checked(
        runs,
        edited,
        NOW,
        NUMBERS,
        change=limits(comparison_method=method, comparison_threshold=0.05),
        publish_cloudwatch_metrics="Enabled",
    )
    assert list(drifts(summary)) == ["predictionBaselineDrift"]
    metrics = published(runs)
    assert list(metrics) == [f"prediction_baseline_drift_{metric}", f"label_baseline_drift_{metric}"]
    assert metrics[f"prediction_baseline_drift_{metric}"] == pytest.approx(number, rel=1e-9, abs=0)
    assert metrics[f"label_baseline_drift_{metric}"] == (1.0 if metric == "p_value" else 0.0)


def test_without_a_threshold_drift_is_reported_and_is_no_violation(runs, edited):
    change = limits(categorical_drift_method="Simple")
    summary = checked(runs, edited, NOW, change=change, publish_cloudwatch_metrics="Enabled")
    assert summary.violations == ()
    assert published(runs) == {"prediction_baseline_drift_distance": 0.5, "label_baseline_drift_distance": 0.0}
    assert "no threshold" in (runs.folder / "check/report.html").read_text()


def test_the_violation_is_worded_as_data_quality_words_it(runs, edited):
    change = limits(categorical_drift_method="Simple", categorical_comparison_threshold=0.25)
    checked(runs, edited, NOW, change=change)
    assert runs.read("check", "constraint_violations.json")["violations"] == [
        {
            "constraint_check_type": "baseline_drift_check",
            "description": "Baseline drift distance: 0.5 exceeds threshold: 0.25",
            "metric_name": "predictionBaselineDrift",
        }
    ]


@pytest.mark.slow
@pytest.mark.parametrize("method", MEASURES)
@pytest.mark.parametrize("problem", [CLASSES, SEVERAL, NUMBERS], ids=lambda problem: problem["problem_type"])
def test_predictions_and_labels_do_not_drift_from_themselves(runs, edited, problem, method):
    measure = MEASURES[method]
    least = 0.0 if measure.exceeds is Exceeds.LARGER else 1.0
    of_numbers = {"comparison_method": method, "comparison_threshold": least} if measure.numerical else {}
    of_classes = {"categorical_drift_method": method, "categorical_comparison_threshold": least}
    change = limits(**of_numbers, **(of_classes if measure.categorical else {}))
    assert drifts(checked(runs, edited, THEN, problem, change=change)) == {}


def test_classes_that_the_baseline_never_saw_are_drift(runs, edited):
    then, now = ["a,a"] * 500 + ["b,b"] * 500, ["a,a"] * 400 + ["b,b"] * 400 + ["c,a"] * 200
    found = drifts(checked(runs, edited, now, SEVERAL, then))
    # Shares: c has 0.2 more than the baseline, less 1.8 * sqrt(2000 / 10**6) by chance; labels of a 0.1 more.
    robust = float(found["predictionBaselineDrift"].split()[3])
    assert robust == pytest.approx(0.2 - 1.8 * np.sqrt(0.002), rel=1e-9)
    assert list(found) == ["predictionBaselineDrift"]


def test_predictions_and_labels_may_have_limits_of_their_own(runs, edited):
    def change(document) -> None:
        limits(categorical_comparison_threshold=0.1)(document)
        document["monitoring_config_overrides"] = {
            "prediction": {"distribution_constraints": {"categorical_comparison_threshold": 0.9}},
            "label": {"distribution_constraints": {"perform_comparison": "Disabled"}},
        }

    summary = checked(runs, edited, NOW, change=change, publish_cloudwatch_metrics="Enabled")
    assert drifts(summary) == {}
    assert list(published(runs)) == ["prediction_baseline_drift_distance"]


def test_settings_choose_the_measures_of_a_baseline_and_of_a_check(runs, edited):
    runs.run(runs.csv("then.csv", HEADER, *THEN), "baseline", **CLASSES, categorical_drift_method="psi")
    suggested = runs.read("baseline", "constraints.json")["monitoring_config"]["distribution_constraints"]
    assert (suggested["categorical_drift_method"], suggested["comparison_method"]) == ("PSI", "Robust")
    summary = checked(runs, edited, NOW, categorical_drift_method="ChiSquared")
    assert drifts(summary)["predictionBaselineDrift"].startswith("Baseline drift p-value: ")
    with pytest.raises(InvalidInput, match="comparison_method: must be one of Calibrated, Simple, ") as refused:
        checked(runs, edited, NOW, comparison_method="ChiSquared")
    assert refused.value.code == "InvalidSettings"


def test_a_baseline_of_the_first_party_is_compared_without_a_violation(runs):
    first_party = {"accuracy": {"threshold": 0.1, "comparison_operator": "LessThanThreshold"}}
    constraints = runs.folder / "constraints.json"
    constraints.write_text(json.dumps({"version": 0.0, "binary_classification_constraints": first_party}))
    statistics = runs.folder / "statistics.json"
    matrix = {"0": {"0": 60, "1": 0}, "1": {"0": 0, "1": 40}}
    statistics.write_text(json.dumps({"version": 0.0, "binary_classification_metrics": {"confusion_matrix": matrix}}))
    files = {"baseline_constraints": constraints, "baseline_statistics": statistics}
    summary = runs.run(
        runs.csv("now.csv", HEADER, *NOW), "check", **CLASSES, **files, publish_cloudwatch_metrics="Enabled"
    )
    assert summary.violations == ()
    robust = 0.5 - 1.8 * np.sqrt(200 / 10_000)
    assert published(runs)["prediction_baseline_drift_distance"] == pytest.approx(robust, rel=1e-9)


def test_statistics_without_distributions_are_reported(runs, edited):
    runs.run(runs.csv("then.csv", HEADER, *THEN), "baseline", **NUMBERS)
    path = runs.folder / "baseline/statistics.json"
    document = json.loads(path.read_text())
    del document["distributions"]
    path.write_text(json.dumps(document))
    files = {"baseline_constraints": runs.folder / "baseline/constraints.json", "baseline_statistics": path}
    summary = runs.run(runs.csv("now.csv", HEADER, *NOW), "check", **NUMBERS, **files)
    for name in ("prediction", "label"):
        said = f"drift of the {name} was not measured: the baseline statistics hold no distribution of it"
        assert any(warning.startswith(said) for warning in summary.warnings)
    assert "hold no distribution" in (runs.folder / "check/report.html").read_text()


def test_a_check_without_statistics_says_so_only_if_drift_is_limited(runs, edited):
    said = "no baseline statistics were given: drift of predictions and labels was not measured"
    limited = checked(runs, edited, NOW, baseline_statistics=None)
    assert sum(warning.startswith(said) for warning in limited.warnings) == 1
    unlimited = checked(runs, edited, NOW, baseline_statistics=None, change=limits())
    assert not any("drift" in warning for warning in unlimited.warnings)


def test_statistics_of_another_problem_type_are_refused(runs, edited):
    runs.run(runs.csv("numbers.csv", HEADER, *THEN), "numbers", **NUMBERS)
    with pytest.raises(InvalidInput) as refused:
        checked(runs, edited, NOW, baseline_statistics=runs.folder / "numbers/statistics.json")
    assert refused.value.code == "InvalidStatistics"
    assert refused.value.message == (
        "statistics.json has no binary_classification_metrics, which BinaryClassification needs; it has "
        "regression_metrics"
    )


def test_keys_about_distributions_that_mean_nothing_are_reported(runs, edited):
    def change(document) -> None:
        document["monitoring_config"]["distribution_constraints"]["treshold"] = 1
        document["monitoring_config_overrides"] = {"labels": {}}

    summary = checked(runs, edited, THEN, change=change)
    said = "the constraints file has keys without a meaning there, which were ignored: 'treshold', 'labels'"
    assert said in summary.warnings


def test_the_report_has_both_distributions_side_by_side(runs, edited):
    checked(runs, edited, NOW)
    page = (runs.folder / "check/report.html").read_text()
    section = page[page.index("<h2>Predictions and labels</h2>") :]
    assert '<tr id="prediction" class="bad">' in section
    assert '<tr id="label">' in section
    assert section.count('class="then"') == section.count('class="now"') == 2
    assert 'href="#prediction"' in page
    runs.run(runs.csv("then.csv", HEADER, *THEN), "baseline", **CLASSES)
    alone = (runs.folder / "baseline/report.html").read_text()
    assert "<h2>Predictions and labels</h2>" in alone
    assert "<th>Distance</th>" not in alone


def classes(pairs: list[tuple[str, str]]) -> Distributions:
    counts = ConfusionCounts()
    counts.update(Counter(pairs).items())
    return of_classes(counts.finish(str), RequestRows())


def test_no_window_of_the_baselines_own_shares_is_drift_by_the_suggested_limits():
    random = np.random.default_rng(5)

    def drawn(rows: int) -> Distributions:
        labels, predictions = (random.choice(["0", "1", "2"], rows, p=[0.6, 0.35, 0.05]) for _ in range(2))
        return classes(list(zip(labels.tolist(), predictions.tolist(), strict=True)))

    suggested = dict.fromkeys(("prediction", "label"), SUGGESTED_DISTRIBUTION)
    for rows in [20, 100, 1000] * 50:
        assert check_distributions(drawn(rows), drawn(500), suggested).violations == ()


value = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(value, value), min_size=2, max_size=60),
    st.integers(0, 60),
    st.randoms(use_true_random=False),
    st.sampled_from([name for name, measure in MEASURES.items() if measure.numerical]),
)
def test_numbers_in_any_split_and_order_have_the_same_drift(drawn, cut, random, method):
    columns = Columns("label", "prediction", ())

    def distributions(*parts: list[tuple[float, float]]) -> Distributions:
        whole = EVALUATIONS[ProblemType.REGRESSION](columns)
        for part in parts:
            evaluation = EVALUATIONS[ProblemType.REGRESSION](columns)
            schema = {"label": pl.Float64, "prediction": pl.Float64}
            evaluation.update(pl.DataFrame(part, schema=schema, orient="row"))
            whole = whole.merge(evaluation)
        return whole.finish(Confidence(replicates=100)).distributions

    shuffled = random.sample(drawn, len(drawn))
    cut %= len(drawn)
    baseline = distributions([(label + 1, prediction * 2) for label, prediction in drawn])
    chosen = dict.fromkeys(("prediction", "label"), DistributionConstraints(comparison_method=method))
    whole, parts = (
        check_distributions(now, baseline, chosen).drifts
        for now in (distributions(drawn), distributions(shuffled[cut:], shuffled[:cut]))
    )
    for name, drift in whole.items():
        assert parts[name].distance == pytest.approx(drift.distance, rel=1e-9, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1), st.integers(0, 60))
def test_classes_in_any_split_and_order_have_the_same_distributions(pairs, cut):
    one, other = ConfusionCounts(), ConfusionCounts()
    one.update(Counter(pairs[:cut]).items())
    other.update(Counter(pairs[cut:]).items())
    merged = [part.finish(str) for part in (one.merge(other), other.merge(one))]
    assert of_classes(merged[0], RequestRows()) == of_classes(merged[1], RequestRows()) == classes(pairs)


def test_more_numbers_than_a_sketch_keeps_are_compared_within_its_error(runs, edited):
    random = np.random.default_rng(3)
    columns = Columns("label", "prediction", ())

    def evaluated(values: np.ndarray) -> Distributions:
        evaluation = EVALUATIONS[ProblemType.REGRESSION](columns)
        evaluation.update(pl.DataFrame({"label": values, "prediction": values}))
        return evaluation.finish(Confidence(replicates=100)).distributions

    then, now = random.normal(size=30_000), random.normal(0.3, 1.2, size=50_000)
    sides = evaluated(then), evaluated(now)
    simple = {"prediction": DistributionConstraints(comparison_method="Simple")}
    drift = check_distributions(sides[1], sides[0], simple).drifts["prediction"]
    sketches = [sketch_of(side["prediction"]) for side in sides]
    error = sum(sketch.rank_error for sketch in sketches if sketch)
    assert 0 < error < 0.01
    assert drift.distance == pytest.approx(stats.ks_2samp(then, now).statistic, abs=error)  # scipy 1.17.1
