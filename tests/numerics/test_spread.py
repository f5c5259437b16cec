"""Equal values have no spread, whatever rounding makes of their mean; values that differ have one."""

from __future__ import annotations

import math
import statistics
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.explainability.attribution import consistency, ndcg, stability
from modelwatch_analyzer.model_quality.curves import calibration_curve
from modelwatch_analyzer.model_quality.metric import Confidence, Measured, Metric, measure
from modelwatch_analyzer.model_quality.regression_errors import RegressionErrors
from modelwatch_analyzer.model_quality.regression_metrics import REGRESSION
from modelwatch_analyzer.model_quality.score_table import ScoreTable
from modelwatch_analyzer.moments import Moments
from modelwatch_analyzer.spread import Ranges, half_range, mean, standard_deviation, sum_of_squares_within
from modelwatch_analyzer.undefined import Undefined

GREATEST, LEAST = sys.float_info.max, 5e-324
AWKWARD = [0.2, 0.1, -0.3, 1 / 3, 1e16 + 2, 1e-5, GREATEST, -GREATEST, LEAST, -LEAST, 1e-310, sys.float_info.min, 0.0]
"""Values whose computed means are often different from them, denormals, and the greatest of all."""

value = st.sampled_from(AWKWARD) | st.floats(allow_nan=False, allow_infinity=False)
several = st.lists(value, min_size=1, max_size=30).map(np.array)


def moments_of(values: object) -> Moments:
    moments = Moments()
    moments.update(np.asarray(values, dtype=np.float64))
    return moments


@settings(max_examples=100)
@given(value=value, count=st.integers(1, 3000), cut=st.integers(0, 3000))
def test_equal_values_have_their_own_mean_and_no_spread_in_any_split(value, count, cut):
    values = np.full(count, value)
    split = moments_of(values[:cut]).merge(moments_of(values[cut:]))
    for moments in (moments_of(values), split):
        assert (moments.mean, moments.population_std) == (value, 0.0)
    assert (mean(values), standard_deviation(values)) == (value, 0.0)
    assert standard_deviation(np.append(values, value), ddof=1) == 0.0


@settings(max_examples=200)
@given(values=several, ddof=st.integers(0, 1))
@example(values=np.array([3 * LEAST, 5 * LEAST]), ddof=0)
@example(values=np.array([GREATEST, -GREATEST]), ddof=0)
@example(values=np.array([GREATEST, -GREATEST]), ddof=1)
def test_the_standard_deviation_is_that_of_exact_arithmetic(values, ddof):
    if len(values) <= ddof:
        return
    exact = [Fraction(value) for value in values.tolist()]
    centre = sum(exact) / len(exact)
    variance = sum((each - centre) ** 2 for each in exact) / (len(exact) - ddof)
    try:  # the root of a fraction that may be beyond float64, by way of whole numbers
        expected = float(Fraction(math.isqrt(int(variance * 4**1200)), 2**1200))
    except OverflowError:
        expected = math.inf
    slack = np.abs(values).max() * 1e-15 + LEAST
    assert standard_deviation(values, ddof=ddof) == pytest.approx(expected, rel=1e-9, abs=slack)
    if not ddof:
        assert moments_of(values).population_std == pytest.approx(expected, rel=1e-9, abs=slack)
    assert values.min() <= mean(values) <= values.max()


def test_the_standard_deviation_of_ordinary_values_is_numpys_to_the_last_bit():
    values = np.random.default_rng(3).normal(0.3, 2, 1000)
    assert standard_deviation(values, ddof=1) == values.std(ddof=1)  # scaling by a power of two rounds nothing
    assert standard_deviation(np.array([1.0, 2.0, 4.0])) == pytest.approx(statistics.pstdev([1, 2, 4]), rel=1e-15)


@pytest.mark.parametrize(
    ("minimum", "maximum", "half"),
    [(1, 3, 1), (-GREATEST, GREATEST, GREATEST), (3 * LEAST, 5 * LEAST, LEAST), (7, 7, 0)],
)
def test_half_the_range_neither_overflows_nor_loses_denormals(minimum, maximum, half):
    assert half_range(minimum, maximum) == half


@settings(max_examples=200)
@given(values=several, computed=st.floats(0, 1e300) | st.just(math.nan))
def test_a_sum_of_squares_is_zero_for_equal_values_and_for_no_others(values, computed):
    ranges = Ranges(np.float64(values.min()), np.float64(values.max()))
    found = float(sum_of_squares_within(np.float64(computed), np.float64(len(values)), ranges))
    if values.min() == values.max():
        assert found == 0 or math.isnan(computed)
    else:
        assert not found <= 0


@settings(max_examples=60)
@given(data=st.data())
def test_ranges_of_groups_merge_and_are_those_of_the_drawn_groups(data):
    groups = data.draw(st.integers(1, 6))
    rows = data.draw(st.lists(st.tuples(value, st.integers(0, groups - 1)), max_size=40))
    cut = data.draw(st.integers(0, len(rows)))
    ranges = [
        Ranges.of_groups(np.array([v for v, _ in part]), np.array([g for _, g in part], dtype=np.int64), groups)
        for part in (rows[:cut], rows[cut:])
    ]
    merged = ranges[0].merge(ranges[1])
    weights = np.array(data.draw(st.lists(st.integers(0, 2), min_size=groups, max_size=groups)))
    drawn = merged.of_drawn(weights)
    held = [v for v, group in rows if weights[group]]
    assert (drawn.minimum, drawn.maximum) == (min(held, default=math.inf), max(held, default=-math.inf))


def r2_of(truth: list[float], prediction: list[float], *, cut: int = 0) -> dict[str, Measured]:
    whole = RegressionErrors()
    for part in (slice(None, cut), slice(cut, None)):
        errors = RegressionErrors()
        errors.update(np.array(truth[part], dtype=float), np.array(prediction[part], dtype=float))
        whole = whole.merge(errors)
    measured = measure(REGRESSION, whole.finish()[0], len(truth), Confidence(replicates=50))
    return {name: measured[name] for name in ("r2", "r2_first_party")}


@settings(max_examples=100)
@given(label=value, predictions=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=300), cut=st.integers(0, 300))
@example(label=0.2, predictions=[0.0, 0.0, 0.0], cut=0)  # scikit-learn 1.7 has -5e31, which is all rounding
@example(label=0.2, predictions=[0.2] * 300, cut=7)
def test_r2_of_equal_labels_is_undefined_and_says_why(label, predictions, cut):
    r2 = r2_of([label] * len(predictions), predictions, cut=cut)["r2"]
    assert r2 == Measured(Undefined("all labels are equal"))


def test_r2_of_equal_predictions_is_undefined_where_it_divides_by_their_spread():
    found = r2_of([1.0, 2.0, 4.0], [0.2, 0.2, 0.2])
    assert found["r2_first_party"] == Measured(Undefined("all predictions are equal"))
    # By hand: squared errors 0.64 + 3.24 + 14.44 = 18.32; the labels' mean is 7/3, their squares 42/9.
    assert found["r2"].value == pytest.approx(1 - 18.32 / (42 / 9), rel=1e-14)


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        ([3.0], "there are fewer than two rows"),
        ([1e-200, 2e-200], "the labels differ by too little for the square of a double"),
        ([LEAST, 0.0], "the labels differ by too little for the square of a double"),
        ([1e200, -1e200], "a square is beyond the greatest double"),
    ],
)
def test_r2_of_labels_whose_squares_no_double_holds_says_so(truth, reason):
    assert r2_of(truth, [0.0] * len(truth))["r2"] == Measured(Undefined(reason))


def test_resamples_in_which_all_labels_are_equal_have_no_r2():
    # One label of 30 differs, so a third of all resamples hold 0.2 alone. Computed from sums of squares, two thirds of
    # these had spreads of 1e-15, and the interval a limit of -1e14. By hand: the others hold at least one 0.7, so their
    # spread is 0.25 * 29 / 30 or more; their squared errors are 30 * 0.01, so their R² is at least as below.
    truth = [0.7] + [0.2] * 29
    interval = r2_of(truth, [label + 0.1 for label in truth])["r2"].interval
    assert interval is not None
    assert interval[0] >= 1 - 0.3 / (0.25 * 29 / 30) - 1e-9


class _Replicates:
    """Evidence whose replicates are as given, and its own metric their first."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def resampled(self, resampling):
        return _Replicates(np.full(resampling.replicates, self.values)), self


def test_replicates_that_are_all_equal_deviate_by_nothing():
    metric = Metric("m", lambda evidence: np.asarray(evidence.values))
    found = measure([metric], _Replicates(np.float64(0.1)), 200, Confidence(replicates=50))["m"]
    assert found == Measured(0.1, 0.0, (0.1, 0.1))


@settings(max_examples=60)
@given(score=st.floats(0, 1) | st.sampled_from([0.1, 0.2, 0.3, 0.7]), rows=st.integers(1, 60))
def test_equal_probabilities_have_that_mean_in_their_bin(score, rows):
    table = ScoreTable()
    table.update(np.full(rows, score), np.arange(rows) % 2 == 0)
    assert calibration_curve(table.finish())[0] == [score]


@settings(max_examples=60)
@given(
    values=st.lists(st.lists(value, min_size=3, max_size=3), min_size=1, max_size=6).map(np.array),
    current=st.lists(value, min_size=3, max_size=3).map(np.array),
)
def test_distances_of_attributions_of_any_size_are_within_their_bounds_or_say_why_not(values, current):
    for found, least in (
        (ndcg(values[0], current), 0),
        (consistency(values), 0),
        (stability(current, list(values)), -1),
    ):
        assert isinstance(found, Undefined) or least - 1e-12 <= found <= 1 + 1e-12
