"""Drift measures: what the registry says of them, and a new one from the constraints file to the report."""

from __future__ import annotations

import json
import re

import pytest

from modelwatch_analyzer import distances
from modelwatch_analyzer.distances import MEASURES, DriftMeasure, Exceeds
from modelwatch_analyzer.distances.methods import categorical_drift_methods, comparison_methods
from modelwatch_core.domain import drift_methods
from modelwatch_core.domain.errors import InvalidInput
from tests.data_quality.conftest import Workbench, found, table

TOY = DriftMeasure(
    name="MedianShift",
    title="shift of the median",
    quantity="shift",
    numerical=lambda baseline, current, _: abs(_median(current) - _median(baseline.sketch)),
    categorical=lambda baseline, current, _: float(len(set(current.counts()) - set(baseline))),
    threshold="how far the median may move",
    source="this test",
)


BINNED = "KLDivergence, Wasserstein, JensenShannon, Hellinger, PSI"
CATEGORICAL = "LInfinity, Calibrated, Simple, Robust, ChiSquared, KLDivergence, JensenShannon, Hellinger, PSI"


def _median(sketch) -> float:
    items, weights = sketch.cumulative_weights()
    return float(items[(weights >= weights[-1] / 2).argmax()])


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_every_measure_says_what_its_threshold_means_and_where_it_is_from(measure: DriftMeasure) -> None:
    assert measure.numerical or measure.categorical
    assert measure.threshold
    assert measure.source
    assert MEASURES[measure.name] is measure


def test_the_core_knows_the_names_of_all_measures_so_that_others_are_refused_when_they_are_given() -> None:
    assert (*comparison_methods(),) == drift_methods.COMPARISON_METHODS
    assert (*categorical_drift_methods(),) == drift_methods.CATEGORICAL_DRIFT_METHODS
    assert {*drift_methods.ALIASES.values()} <= {*MEASURES}
    assert MEASURES.keys().isdisjoint(drift_methods.ALIASES)


def test_a_new_measure_works_from_the_constraints_file_to_a_violation_and_the_report(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, TOY.name, TOY)
    for names in ("COMPARISON_METHODS", "CATEGORICAL_DRIFT_METHODS"):
        monkeypatch.setattr(drift_methods, names, (*getattr(drift_methods, names), TOY.name))
    workbench.baseline(table({"n": [1, 2, 3], "s": ["x", "x", "y"]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"] |= {
        "comparison_method": "MedianShift",
        "comparison_threshold": 5.0,
        "categorical_drift_method": "MedianShift",
        "categorical_comparison_threshold": 0.5,
    }
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(table({"n": [11, 12, 13], "s": ["x", "z", "y"]}), publish_cloudwatch_metrics="Enabled")
    assert ("n", "baseline_drift_check") in found(summary)
    descriptions = {each.feature_name: each.description for each in summary.violations if "drift" in each.description}
    assert descriptions == {
        "n": "Baseline drift shift: 10.0 exceeds threshold: 5.0",
        "s": "Baseline drift shift: 1.0 exceeds threshold: 0.5",
    }
    assert "shift of the median" in (workbench.folder / "check/report.html").read_text()
    lines = (workbench.folder / "check/cloudwatch_metrics.jsonl").read_text().splitlines()
    metrics = {line["MetricName"]: line.get("Value") for line in map(json.loads, lines)}
    assert metrics["feature_baseline_drift_n"] == 10.0


def test_a_measure_that_exceeds_by_smaller_values_is_drift_below_its_threshold() -> None:
    chi_squared = distances.CHI_SQUARED
    assert chi_squared.exceeds is Exceeds.SMALLER
    assert chi_squared.is_drift(0.01, 0.05)
    assert not chi_squared.is_drift(0.05, 0.05)
    assert not distances.SIMPLE.is_drift(0.1, 0.1)
    assert distances.SIMPLE.is_drift(0.2, 0.1)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("comparison_method", "Wobbly", f"must be one of Calibrated, Simple, Robust, {BINNED}, KolmogorovSmirnov"),
        ("comparison_method", "ChiSquared", f"must be one of Calibrated, Simple, Robust, {BINNED}, KolmogorovSmirnov"),
        (
            "categorical_drift_method",
            "Wobbly",
            f"must be one of {CATEGORICAL}",
        ),
        (
            "categorical_drift_method",
            "Wasserstein",
            f"must be one of {CATEGORICAL}",
        ),
    ],
)
def test_an_unknown_measure_is_refused_with_its_place_and_the_known_names(
    workbench: Workbench, key: str, value: str, says: str
) -> None:
    workbench.baseline("a\n1\n")
    constraints = workbench.read("baseline/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"][key] = value
    workbench.rewrite("baseline/constraints.json", constraints)
    with pytest.raises(InvalidInput) as refused:
        workbench.check("a\n1\n")
    assert refused.value.code == "InvalidConstraints"
    assert refused.value.message.endswith(f"monitoring_config.distribution_constraints.{key}: {says}")


def test_an_unknown_measure_in_the_settings_is_refused(workbench: Workbench) -> None:
    with pytest.raises(InvalidInput, match="categorical_drift_method: must be one of LInfinity") as refused:
        workbench.baseline("a\n1\n", categorical_drift_method="Wobbly")
    assert refused.value.code == "InvalidSettings"


THEN = {"n": [0] * 60 + [1] * 40, "s": ["a"] * 60 + ["b"] * 40}
NOW = {"n": [0] * 10 + [1] * 90, "s": ["a"] * 10 + ["b"] * 90}


@pytest.mark.parametrize(
    ("method", "number", "text"),
    [
        # scipy 1.17.1 of shares [0.6, 0.4] and [0.1, 0.9]; for entropy with [60.5, 40.5] and [10.5, 90.5]
        ("KLDivergence", 0.5383962148418977, "Baseline drift divergence: {} exceeds threshold: 0.05"),
        ("PSI", 1.265007913102329, "Baseline drift index: {} exceeds threshold: 0.05"),
        ("JensenShannon", 0.46270396729822416, "Baseline drift distance: {} exceeds threshold: 0.05"),
        ("Hellinger", 0.39376519109957164, "Baseline drift distance: {} exceeds threshold: 0.05"),
        # scipy 1.17.1: wasserstein_distance of both columns over numpy's std of the first, and ks_2samp
        ("Wasserstein", 1.0206207261596576, "Baseline drift distance: {} exceeds threshold: 0.05"),
        ("KolmogorovSmirnov", 1.0024645454361508e-11, "Baseline drift p-value: {} is below threshold: 0.05"),
    ],
)
def test_each_measure_compares_with_the_threshold_of_the_constraints_file(
    workbench: Workbench, method: str, number: float, text: str
) -> None:
    categorical = MEASURES[method].categorical is not None
    workbench.baseline(table(THEN))
    constraints = workbench.read("baseline/constraints.json")
    constraints["monitoring_config"]["distribution_constraints"] |= {
        "comparison_method": method,
        "comparison_threshold": 0.05,
        "categorical_drift_method": method if categorical else "LInfinity",
        "categorical_comparison_threshold": 0.05 if categorical else 1.0,
    }
    workbench.rewrite("baseline/constraints.json", constraints)
    assert found(workbench.check(table(THEN))) == []
    summary = workbench.check(table(NOW))
    assert found(summary) == [(name, "baseline_drift_check") for name in ("n", "s")[: 1 + categorical]]
    for violation in summary.violations:
        spelled = re.search(r"[\d.]+(E-\d+)?(?= (exceeds|is))", violation.description)
        assert spelled is not None
        assert violation.description == text.format(spelled[0])
        assert float(spelled[0]) == pytest.approx(number, rel=1e-9, abs=0)
    assert MEASURES[method].title in (workbench.folder / "check/report.html").read_text()


COLUMNS = {
    "constant": [7] * 3000,
    "two values": [i % 2 for i in range(3000)],
    "once": [None] * 2999 + [1.5],
    "more than a sketch keeps": [(i * 7919) % 3001 / 7 for i in range(3000)],
    "extremes": ["1.7e308" if i % 3 else "-1.7e308" for i in range(3000)],
    "one category": ["x"] * 3000,
    "categories": [f"c{i % 9}" if i else "rare" for i in range(3000)],
}


@pytest.mark.slow
@pytest.mark.parametrize("method", MEASURES)
def test_data_does_not_drift_from_itself_by_any_measure(workbench: Workbench, method: str) -> None:
    measure = MEASURES[method]
    workbench.baseline(table(COLUMNS))
    constraints = workbench.read("baseline/constraints.json")
    # No distance at all is allowed, and no p-value of less than 1.
    least = 0.0 if measure.exceeds is Exceeds.LARGER else 1.0
    of_numbers = {"comparison_method": method, "comparison_threshold": least}
    of_categories = {"categorical_drift_method": method, "categorical_comparison_threshold": least}
    constraints["monitoring_config"]["distribution_constraints"] = {
        **(of_numbers if measure.numerical else {}),
        **(of_categories if measure.categorical else {}),
    }
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(table(COLUMNS), publish_cloudwatch_metrics="Enabled")
    assert found(summary) == []
    lines = (workbench.folder / "check/cloudwatch_metrics.jsonl").read_text().splitlines()
    published = {line["MetricName"]: line.get("Value") for line in map(json.loads, lines)}
    drifts = [name for name in published if name.startswith("feature_baseline_drift_")]
    assert len(set(drifts) - {"feature_baseline_drift_distance", "feature_baseline_drift_p_value"}) == len(COLUMNS)


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name, measure in MEASURES.items() if measure.numerical])
@pytest.mark.parametrize("column", ["constant", "two values", "once", "extremes"])
def test_numbers_that_are_all_others_now_drift_by_every_measure(workbench: Workbench, method: str, column: str) -> None:
    workbench.baseline(table({column: COLUMNS[column]}))
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0] |= {"completeness": 0.0, "num_constraints": {}}
    constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] = method
    workbench.rewrite("baseline/constraints.json", constraints)
    summary = workbench.check(table({column: [77] * 1000}))
    drift = [check for _, check in found(summary) if check == "baseline_drift_check"]
    # Robust allows a sample of one value to be anywhere; by the exact test one in 1,001 is the least by chance.
    assert drift == ([] if column == "once" and method == "Robust" else ["baseline_drift_check"])


@pytest.mark.parametrize("method", ["KLDivergence", "PSI", "JensenShannon", "Hellinger", "Wasserstein"])
@pytest.mark.parametrize("rows", [1, 10, 1_000])
def test_a_constant_that_stays_is_at_no_distance_in_windows_of_any_size(
    workbench: Workbench, method: str, rows: int
) -> None:
    categorical = method if MEASURES[method].categorical else "LInfinity"
    made = table({"n": [7] * 500, "s": ["on"] * 500})
    workbench.baseline(made, comparison_method=method, categorical_drift_method=categorical)
    assert workbench.check(table({"n": [7] * rows, "s": ["on"] * rows})).violations == ()
