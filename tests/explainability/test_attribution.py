"""Global attributions, and their distance from others."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import ndcg_score

from modelwatch_analyzer.explainability.attribution import (
    AGGREGATIONS,
    _ndcg,
    consistency,
    interval,
    kendall_tau,
    ndcg,
    ndcg_at_most,
    ranks,
    replicates,
    shares,
    stability,
    standard_errors,
)
from modelwatch_analyzer.explainability.config import AggregationMethod
from modelwatch_analyzer.explainability.sampling import sample
from modelwatch_analyzer.undefined import Undefined

attributions = hnp.arrays(float, st.integers(2, 12), elements=st.floats(0.001, 1000), unique=True)


def test_ndcg_is_the_documented_worked_example() -> None:
    # SageMaker's developer guide, feature attribution drift: SAT .70, GPA .50, rank .05 in training; the live order is
    # rank, GPA, SAT: DCG = .05/1 + .5/1.58496 + .7/2 = 0.71547, iDCG = 1.04047, NDCG = 0.6876.
    found = ndcg(np.array([0.70, 0.50, 0.05]), np.array([0.1, 0.2, 0.3]))
    assert found == pytest.approx(0.71547 / 1.04047, abs=1e-5)
    assert f"{found:.2f}" == "0.69"


def drifts(windows: int, rows: int, *, reverse: bool = False) -> list[tuple[float, float]]:
    """Return NDCG and what chance does not exceed, of SHAP values of which few rows have large ones."""
    generator = np.random.default_rng(11)
    weights = np.linspace(1, 0.1, 10)
    found = []
    for seed in range(windows):
        before, now = (
            generator.normal(0, 1, (rows, 10)) * weights * generator.lognormal(0, 1.5, (rows, 10)) for _ in range(2)
        )
        now = now[:, ::-1] if reverse else now
        resampled_before, resampled = (
            replicates(each, AggregationMethod.MEAN_ABS, 500, seed) for each in (before, now)
        )
        assert not isinstance(resampled_before, Undefined)
        assert not isinstance(resampled, Undefined)
        then = np.abs(before).mean(axis=0)
        drift = ndcg(then, np.abs(now).mean(axis=0))
        assert not isinstance(drift, Undefined)
        found.append((drift, ndcg_at_most(then, standard_errors(resampled_before), resampled, 0.01, seed)))
    return found


def test_few_rows_of_uneven_attributions_have_a_low_ndcg_by_chance_which_is_allowed_for() -> None:
    without_change = drifts(60, 50)
    assert sum(drift < 0.9 for drift, _ in without_change) > 15  # what NDCG alone would flag
    assert sum(drift < 0.9 and at_most < 0.9 for drift, at_most in without_change) <= 1
    changed = drifts(30, 100, reverse=True)
    assert sum(drift < 0.9 and at_most < 0.9 for drift, at_most in changed) >= 24


def test_what_chance_does_not_exceed_is_ndcg_itself_where_nothing_varies() -> None:
    then, now = np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])
    assert ndcg_at_most(then, np.zeros(3), np.tile(now, (50, 1)), 0.01, 1) == ndcg(then, now)


def test_a_rare_chance_takes_more_draws_than_there_are_resamples() -> None:
    values = np.random.default_rng(12).normal(0, [3, 2, 1.8], (50, 3))
    resampled = replicates(values, AggregationMethod.MEAN_ABS, 200, 1)
    assert not isinstance(resampled, Undefined)
    then, errors = np.abs(values).mean(axis=0)[::-1], standard_errors(resampled)
    usual, rare, never = (ndcg_at_most(then, errors, resampled, each, 1) for each in (0.5, 0.01, 1e-4))
    assert ndcg(then, then[::-1]) < usual + 0.05
    assert usual < rare < never <= 1.0
    assert ndcg_at_most(then, errors, resampled, 5e-324, 1) >= never


@given(hnp.arrays(float, (7, 4), elements=st.sampled_from([0.0, 0.5, 1.0, -2.0])))
def test_pairs_are_compared_at_once_as_one_by_one(drawn: np.ndarray) -> None:
    # scikit-learn 1.9.1, which shares the discounts of ties too
    gains = np.abs(drawn) + np.array([1e-3, 0, 0, 0])
    expected = [ndcg_score([then], [np.abs(now)]) for then, now in zip(gains, drawn[::-1], strict=True)]
    assert _ndcg(gains, np.abs(drawn[::-1])) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e200, 1e306])
def test_what_chance_does_not_exceed_does_not_depend_on_the_unit(unit: float) -> None:
    def at_most(unit: float) -> float:
        values = np.random.default_rng(12).normal(0, [3, 2, 1], (50, 3)) * unit
        resampled = replicates(values, AggregationMethod.MEAN_ABS, 100, 1)
        assert not isinstance(resampled, Undefined)
        then = np.abs(values).mean(axis=0)
        return ndcg_at_most(then[::-1], standard_errors(resampled), resampled, 0.01, 1)

    assert at_most(unit) == pytest.approx(at_most(1.0))


@given(attributions, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_ndcg_is_scikit_learns(baseline: np.ndarray, random: object) -> None:
    # scikit-learn 1.9.1
    current = np.array(random.sample(baseline.tolist(), len(baseline)))  # type: ignore[attr-defined]  # hypothesis's random
    assert ndcg(baseline, current) == pytest.approx(ndcg_score([baseline], [current]), abs=1e-12)


def test_features_of_the_same_attribution_share_their_places_as_scikit_learns_do() -> None:
    baseline, current = np.array([0.7, 0.5, 0.05, 0.2]), np.array([0.3, 0.1, 0.3, 0.1])
    assert ndcg(baseline, current) == pytest.approx(ndcg_score([baseline], [current]), abs=1e-12)


@given(attributions, st.floats(0.001, 1000))
@settings(max_examples=30)
def test_ndcg_is_one_for_the_same_order_and_below_for_the_reverse(baseline: np.ndarray, factor: float) -> None:
    assert ndcg(baseline, baseline * factor + 1) == pytest.approx(1.0)
    assert ndcg(baseline, -1 / baseline) == pytest.approx(ndcg(baseline, 1 / baseline))
    reverse = ndcg(baseline, 1 / baseline)
    assert not isinstance(reverse, Undefined)
    assert reverse < 1


def test_ndcg_without_any_attribution_in_the_baseline_is_undefined() -> None:
    assert ndcg(np.zeros(3), np.ones(3)) == Undefined("no feature had any attribution in the baseline")


def test_of_negative_attributions_the_magnitude_counts() -> None:
    assert ndcg(np.array([-5.0, 1.0]), np.array([7.0, -2.0])) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("method", "expected"),
    # Hand arithmetic on -3, 1, 2.
    [("mean_abs", 2.0), ("median", 1.0), ("mean_sq", 14 / 3)],
)
def test_rows_become_a_global_value(method: str, expected: float) -> None:
    assert AGGREGATIONS[AggregationMethod(method)](np.array([[-3.0], [1.0], [2.0]])) == pytest.approx([expected])


@pytest.mark.parametrize("method", list(AggregationMethod))
def test_bootstrap_replicates_spread_as_theory_says(method: AggregationMethod) -> None:
    values = np.random.default_rng(0).normal(1.0, 1.0, size=(400, 2))
    found = replicates(values, method, 2000, 1)
    assert not isinstance(found, Undefined)
    assert found.shape == (2000, 2)
    terms = {"mean_abs": np.abs(values), "mean_sq": values**2, "median": values}[method]
    # The standard error of a mean; of a normal median it is greater by sqrt(pi / 2).
    expected = terms.std(axis=0) / 20 * (np.sqrt(np.pi / 2) if method == "median" else 1)
    np.testing.assert_allclose(found.std(axis=0), expected, rtol=0.25 if method == "median" else 0.06)
    centre = AGGREGATIONS[method](values)
    low, high = interval(found[:, 0], 0.95)
    assert low < centre[0] < high


def test_one_row_has_no_spread() -> None:
    assert isinstance(replicates(np.ones((1, 3)), AggregationMethod.MEAN_ABS, 100, 0), Undefined)


def test_equal_attributions_share_the_first_of_their_places() -> None:
    assert ranks(np.array([0.1, -5.0, 0.1, 2.0])).tolist() == [3, 1, 3, 2]


def test_rows_explained_by_the_same_proportions_are_consistent_and_by_other_features_are_not() -> None:
    assert consistency(np.array([[1.0, -2.0], [-3.0, 6.0], [0.0, 0.0]])) == pytest.approx(1.0)
    # Rows (1, 0) and (0, 1): each has the cosine 1/sqrt(2) with their mean.
    assert consistency(np.eye(2)) == pytest.approx(np.sqrt(0.5))
    assert consistency(np.eye(100)) == pytest.approx(0.1)
    assert isinstance(consistency(np.zeros((3, 2))), Undefined)


def test_stability_is_the_mean_rank_correlation_with_earlier_executions() -> None:
    now = np.array([3.0, 2.0, 1.0])
    assert stability(now, [now * 5, np.array([1.0, 2.0, 3.0])]) == pytest.approx((1 - 1) / 2)
    # Spearman of ranks (3, 2, 1) and (2, 3, 1): 1 - 6 * 2 / (3 * 8) = 0.5.
    assert stability(now, [np.array([2.0, 3.0, 1.0])]) == pytest.approx(0.5)
    # scipy 1.17.1, of the magnitudes.
    tied = stability(np.array([3.0, 1.0, 1.0, -2.0]), [np.array([1.0, 2.0, 2.0, 5.0])])
    assert tied == pytest.approx(spearmanr([3, 1, 1, 2], [1, 2, 2, 5]).statistic)
    assert isinstance(stability(now, []), Undefined)
    assert isinstance(stability(np.ones(3), [now]), Undefined)
    assert isinstance(stability(now, [np.zeros(3)]), Undefined)


tied = hnp.arrays(float, st.integers(2, 15), elements=st.sampled_from([0.0, 1e-300, 0.5, 1.0, 2.0, 1e100]))


@given(st.one_of(tied, attributions), st.randoms(use_true_random=False), st.floats(0.1, 3))
def test_kendall_tau_is_scipys_tau_b_of_magnitudes(one: np.ndarray, random: object, factor: float) -> None:
    # scipy 1.17.1, scipy.stats.kendalltau, whose default variant is tau-b.
    other = np.array([value * random.choice([1, -1, factor]) for value in one])  # type: ignore[attr-defined]  # hypothesis's random
    expected = kendalltau(np.abs(one), np.abs(other)).statistic
    found = kendall_tau(one, other)
    if isinstance(found, Undefined):
        assert np.isnan(expected)
    else:
        assert found == pytest.approx(expected, abs=1e-12)
        assert kendall_tau(other, one) == pytest.approx(found, abs=1e-15)


@given(attributions, st.randoms(use_true_random=False))
def test_kendall_tau_depends_on_the_order_of_magnitudes_only(one: np.ndarray, random: object) -> None:
    order = random.sample(range(len(one)), len(one))  # type: ignore[attr-defined]  # hypothesis's random
    other = one[order]
    places = np.argsort(np.argsort(other)) + 1.0  # in the same order, and as distinct
    tau = kendall_tau(one, other)
    assert kendall_tau(-one, places) == pytest.approx(tau, abs=1e-15)
    assert kendall_tau(one[order], other[order]) == pytest.approx(tau, abs=1e-15)
    assert not isinstance(tau, Undefined)
    assert kendall_tau(one, len(one) + 1 - places) == pytest.approx(-tau, abs=1e-15)
    assert kendall_tau(one, one) == 1.0


def test_kendall_tau_by_hand() -> None:
    # Pairs of (3, 2, 1) and (2, 3, 1): one discordant, two concordant; (2 - 1) / 3.
    assert kendall_tau(np.array([3.0, 2.0, 1.0]), np.array([2.0, 3.0, 1.0])) == pytest.approx(1 / 3)
    # (1, 1, 2) and (1, 2, 3): two concordant pairs, one tied in the first: 2 / sqrt(2 * 3).
    assert kendall_tau(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / np.sqrt(6))
    for constant in (np.zeros(3), np.ones(3), np.array([1.0, -1.0, 1.0])):
        assert isinstance(kendall_tau(np.arange(3.0), constant), Undefined)
        assert isinstance(kendall_tau(constant, np.arange(3.0)), Undefined)
    assert isinstance(kendall_tau(np.ones(1), np.ones(1)), Undefined)


def test_shares_are_parts_of_all_magnitudes() -> None:
    assert shares(np.array([3.0, -1.0, 0.0])).tolist() == [0.75, 0.25, 0.0]
    assert np.isnan(shares(np.zeros(2))).all()


@pytest.mark.slow
def test_intervals_of_a_sample_cover_the_attributions_of_all_rows() -> None:
    # 95 % intervals of 300 of 20,000 rows: of 200 samples at most 20 miss but for one case in 1,000
    # (scipy 1.17.1: binom.sf(20, 200, 0.05) = 0.0011), and these seeds are fixed.
    values = np.random.default_rng(5).normal(0.3, 1.0, size=(20_000, 1))
    table = pl.DataFrame({"value": values[:, 0]})
    missed = 0
    for seed in range(200):
        found = replicates(values[sample([table], 300, seed).places], AggregationMethod.MEAN_ABS, 400, seed)
        assert not isinstance(found, Undefined)
        low, high = interval(found[:, 0], 0.95)
        missed += not low <= np.abs(values).mean() <= high
    assert missed <= 20
