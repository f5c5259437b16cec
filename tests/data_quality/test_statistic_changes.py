"""Quantiles in the statistics, and constraints on how far statistics may be from the baseline's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.data_quality.statistic_changes import proposed_changes
from modelwatch_analyzer.feature_statistics import QUANTILES, quantiles_of
from modelwatch_analyzer.profile.columns import NumericColumn
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_core.domain.errors import InvalidInput
from tests.data_quality.conftest import Workbench, found, table

CHECK = "statistics_change_check"


def numbers(values) -> NumericColumn:
    column = NumericColumn()
    values = np.asarray(values, dtype=np.float64)
    column.moments.update(values)
    column.sketch.update(values)
    return column


def constrain(workbench: Workbench, **changes: object) -> None:
    constraints = workbench.read("baseline/constraints.json")
    constraints["features"][0].setdefault("num_constraints", {})["max_changes"] = changes
    # Drift is not the subject here.
    constraints["monitoring_config"]["distribution_constraints"]["perform_comparison"] = "Disabled"
    workbench.rewrite("baseline/constraints.json", constraints)


def test_statistics_name_seven_quantiles(workbench: Workbench) -> None:
    workbench.baseline(table({"n": list(range(1, 201)), "s": ["x"] * 200}))
    numeric, text = workbench.read("baseline/statistics.json")["features"]
    # By hand: of 1 to 200 the p-th percentile is 2 p.
    assert numeric["numerical_statistics"]["quantiles"] == {
        "p01": 2, "p05": 10, "p25": 50, "p50": 100, "p75": 150, "p95": 190, "p99": 198,
    }  # fmt: skip
    assert "quantiles" not in text["string_statistics"]


values = st.lists(st.integers(-5, 5).map(float) | st.floats(allow_nan=False, allow_infinity=False), min_size=1)


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(values, min_size=1, max_size=4), order=st.randoms())
def test_a_quantile_is_the_least_value_with_its_share_up_to_it_in_any_order_of_merging(pieces, order) -> None:
    ordered = sorted(value + 0.0 for piece in pieces for value in piece)
    order.shuffle(pieces)
    merged = KllSketch()
    for piece in pieces:
        merged = merged.merge(numbers(piece).sketch)
    expected = {name: ordered[math.ceil(len(ordered) * percent / 100) - 1] for name, percent in QUANTILES.items()}
    assert quantiles_of(merged) == expected


def test_a_quantile_of_many_values_is_right_within_the_error_of_the_sketch() -> None:
    drawn = np.random.default_rng(2).random(300_000)  # so that a value is its own share
    sketch = numbers(drawn).sketch
    exact = np.quantile(drawn, [percent / 100 for percent in QUANTILES.values()], method="inverted_cdf")  # numpy 2
    assert list(quantiles_of(sketch).values()) == pytest.approx(exact, abs=sketch.rank_error + 1e-4)


@pytest.mark.parametrize(
    ("name", "allowed", "now", "text"),
    [  # The baseline is 0, 2, 4, 6, 8: mean 4, standard deviation sqrt(8), median 4.
        ("mean", 0.5, [1, 3, 5, 7, 9], "Expected: mean within 0.5 of 4.0. Observed: mean 5.0."),
        ("mean", 0.5, [-1, 1, 3, 5, 7], "Expected: mean within 0.5 of 4.0. Observed: mean 3.0."),
        ("std_dev", 1, [4, 4, 4], "Expected: std_dev within 1.0 of 2.8284271247461903. Observed: std_dev 0.0."),
        ("min", 0, [1, 2, 4, 6, 8], "Expected: min within 0.0 of 0.0. Observed: min 1.0."),
        ("max", 1.5, [0, 10], "Expected: max within 1.5 of 8.0. Observed: max 10.0."),
        ("p50", 1.0, [0, 2, 2, 6, 8], "Expected: p50 within 1.0 of 4.0. Observed: p50 2.0."),
        ("p99", 0.0, [0, 2, 4, 6, 9], "Expected: p99 within 0.0 of 8.0. Observed: p99 9.0."),
    ],
)
def test_a_statistic_that_changes_by_more_than_is_allowed_is_a_violation(
    workbench: Workbench, name: str, allowed: float, now: list[object], text: str
) -> None:
    workbench.baseline(table({"n": [0, 2, 4, 6, 8]}))
    constrain(workbench, **{name: allowed})
    assert found(workbench.check(table({"n": [0, 2, 4, 6, 8]}))) == []
    summary = workbench.check(table({"n": now}))
    descriptions = {each.constraint_check_type: each.description for each in summary.violations}
    assert descriptions[CHECK] == f"Statistics change requirement is not met. {text}"
    assert "Changed mean, spread, range or quantiles" in (workbench.folder / "check/report.html").read_text()
    constrain(workbench, **{name: 100})
    assert CHECK not in [check for _, check in found(workbench.check(table({"n": now})))]


def test_several_statistics_of_one_feature_are_one_violation(workbench: Workbench) -> None:
    workbench.baseline(table({"n": [0, 2, 4, 6, 8]}))
    constrain(workbench, max=1, mean=0.25, min=0, p25=9)
    (violation,) = workbench.check(table({"n": [0, 2, 4, 6, 18]})).violations
    assert violation.description == (
        "Statistics change requirement is not met. Expected: mean within 0.25 of 4.0, max within 1.0 of 8.0. "
        "Observed: mean 6.0, max 18.0."
    )


def test_nothing_is_constrained_unless_it_is_set(workbench: Workbench) -> None:
    workbench.baseline(table({"n": [0, 2, 4, 6, 8]}))
    assert workbench.read("baseline/constraints.json")["features"][0]["num_constraints"] == {"is_non_negative": True}
    constrain(workbench)
    assert found(workbench.check(table({"n": [100, 200, 400]}))) == []


def test_a_change_that_is_as_large_as_allowed_is_none_too_many(workbench: Workbench) -> None:
    # In doubles 0.4 - 0.1 is 0.30000000000000004.
    workbench.baseline(table({"n": [0.1]}))
    constrain(workbench, mean=0.3, max=0.3)
    assert found(workbench.check(table({"n": [0.4]}))) == []
    assert found(workbench.check(table({"n": [0.4001]}))) == [("n", CHECK)]


def test_changes_beyond_the_greatest_double_are_violations(workbench: Workbench) -> None:
    workbench.baseline(table({"n": ["-1.7e308", "-1.6e308"]}))
    constrain(workbench, max=1e308)
    assert found(workbench.check(table({"n": ["1.7e308", "1.6e308"]}))) == [("n", CHECK)]


def test_a_baseline_without_quantiles_is_compared_by_its_sketch(workbench: Workbench) -> None:
    workbench.baseline(table({"n": [0, 2, 4, 6, 8]}))
    statistics = workbench.read("baseline/statistics.json")
    del statistics["features"][0]["numerical_statistics"]["quantiles"]  # as SageMaker's
    workbench.rewrite("baseline/statistics.json", statistics)
    constrain(workbench, p50=1)
    assert found(workbench.check(table({"n": [6, 6, 6]}))) == [("n", CHECK)]
    del statistics["features"][0]["numerical_statistics"]["distribution"]
    workbench.rewrite("baseline/statistics.json", statistics)
    summary = workbench.check(table({"n": [6, 6, 6]}))
    assert found(summary) == []
    assert any("'p50 of n'" in warning for warning in summary.warnings)


def test_constraints_that_cannot_be_checked_are_pointed_out(workbench: Workbench) -> None:
    workbench.baseline(table({"s": ["x", "y"]}))
    constrain(workbench, mean=1)
    assert any("'mean of s'" in warning for warning in workbench.check(table({"s": ["x", "y"]})).warnings)
    workbench.baseline(table({"n": [1, 2]}))
    constrain(workbench, mean=1)
    summary = workbench.check(table({"n": [7, 8]}), baseline_statistics=None)
    assert any("'mean of n'" in warning for warning in summary.warnings)
    constrain(workbench, median=1)
    assert any("'median'" in warning for warning in workbench.check(table({"n": [7, 8]})).warnings)


@pytest.mark.parametrize("wrong", [-1, "1", None, [1]])
def test_a_change_that_is_not_a_number_from_0_on_is_refused(workbench: Workbench, wrong: object) -> None:
    workbench.baseline(table({"n": [1, 2]}))
    constrain(workbench, mean=wrong)
    if wrong is None:
        assert found(workbench.check(table({"n": [7, 8]}))) == []
        return
    with pytest.raises(InvalidInput, match=r"num_constraints\.max_changes\.mean"):
        workbench.check(table({"n": [7, 8]}))


def test_a_column_without_a_number_has_no_statistic_to_compare(workbench: Workbench) -> None:
    workbench.baseline(table({"n": [1, 2], "m": [1, 2]}))
    constrain(workbench, mean=0, p50=0)
    assert CHECK not in [check for _, check in found(workbench.check(table({"n": [None, None], "m": [1, 2]})))]


def test_proposals_are_four_standard_errors_of_baseline_and_window(workbench: Workbench) -> None:
    column = [*range(1, 101)] * 20
    workbench.baseline(table({"n": column, "s": ["x"] * 2000, "c": [7] * 2000}), propose_changes=500)
    numeric, text, constant = workbench.read("baseline/constraints.json")["features"]
    changes = numeric["num_constraints"]["max_changes"]
    # By hand: a deviation of sqrt((100^2 - 1) / 12) and the kurtosis of a uniform distribution.
    deviation, kurtosis = math.sqrt(9999 / 12), 1.8 - 12 / 5 / 9999
    scale = 4 * math.sqrt(1 / 2000 + 1 / 500)
    assert changes["mean"] == pytest.approx(scale * deviation, rel=1e-9)
    assert changes["std_dev"] == pytest.approx(scale * deviation * (math.sqrt(kurtosis - 1) + scale) / 2, rel=1e-9)
    # 25 % give or take 8.66 % are 16.34 % and 33.66 %: 17 and 34, of which 34 is farther from 25.
    assert changes["p25"] == 9.0
    assert changes["p50"] == 10.0
    # 4.36 % fit beside p05 and p95, not beside p01 and p99; a sample does not show the error of an extreme.
    assert set(changes) == {"mean", "std_dev", "p05", "p25", "p50", "p75", "p95"}
    assert text.get("num_constraints") is None
    assert set(constant["num_constraints"]["max_changes"].values()) == {0.0}


def test_a_baseline_with_proposals_passes_its_own_check(workbench: Workbench) -> None:
    columns: dict[str, list[object]] = {
        "n": [0.1 * i for i in range(300)],
        "k": [i % 2 for i in range(300)],
        "c": [0.1] * 300,
        "gaps": [i if i % 3 else None for i in range(300)],
        "far": [1.7e308 if i % 2 else -1.7e308 for i in range(300)],
    }
    workbench.baseline(table(columns), propose_changes=300)
    assert found(workbench.check(table(columns))) == []


@pytest.mark.parametrize("shape", ["normal", "lognormal", "two values", "dice"])
def test_chance_hardly_ever_exceeds_a_proposal_and_a_change_does(shape: str) -> None:
    generator = np.random.default_rng(4)
    draw = {
        "normal": lambda size: generator.normal(size=size),
        "lognormal": lambda size: generator.lognormal(size=size),
        "two values": lambda size: generator.integers(0, 2, size).astype(float),
        "dice": lambda size: generator.integers(1, 7, size).astype(float),
    }[shape]
    false_alarms = 0
    for _ in range(100):
        baseline, window = numbers(draw(3000)), numbers(draw(1000))
        changes = proposed_changes(baseline, 1000)
        assert changes is not None
        now = {"mean": window.moments.mean, "std_dev": window.moments.population_std, **quantiles_of(window.sketch)}
        then = {"mean": baseline.moments.mean, "std_dev": baseline.moments.population_std}
        then |= quantiles_of(baseline.sketch)
        false_alarms += any(abs(now[name] - then[name]) > allowed for name, allowed in changes.given().items())
        assert changes.mean is not None
        assert abs(numbers(draw(1000) * 1.5 + 1).moments.mean - then["mean"]) > changes.mean
    assert false_alarms <= 1


def test_missing_values_make_a_window_smaller(workbench: Workbench) -> None:
    # Half of 400 are missing, so windows of 400 rows have 200 numbers.
    half = [i if i % 2 else None for i in range(400)]
    workbench.baseline(table({"n": half, "m": [1] * 400}), propose_changes=400)
    changes = workbench.read("baseline/constraints.json")["features"][0]["num_constraints"]["max_changes"]
    assert changes["mean"] == pytest.approx(4 * math.sqrt(2 / 200) * np.std(range(1, 400, 2)), rel=1e-9)


def test_no_rows_in_a_window_are_refused(workbench: Workbench) -> None:
    with pytest.raises(InvalidInput, match="propose_changes"):
        workbench.baseline("a\n1\n", propose_changes=0)
