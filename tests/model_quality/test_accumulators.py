"""Any split of the rows gives the same metrics, and intervals are those of resampled rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwatch_analyzer.model_quality import confusion as confusion_matrices
from modelwatch_analyzer.model_quality import score_table
from modelwatch_analyzer.model_quality.classification import BINARY, MULTICLASS
from modelwatch_analyzer.model_quality.confusion import Classes, ConfusionCounts
from modelwatch_analyzer.model_quality.metric import Confidence, Measured, measure
from modelwatch_analyzer.model_quality.regression_errors import RegressionErrors
from modelwatch_analyzer.model_quality.regression_metrics import QUANTILES, REGRESSION
from modelwatch_analyzer.model_quality.score_table import ScoreTable
from modelwatch_analyzer.model_quality.scores import SCORES, auc, average_precision, brier_score, log_loss
from modelwatch_analyzer.resampling import Bootstrap, Subsamples

CONFIDENCE = Confidence(replicates=200)


def classes(counts: ConfusionCounts) -> dict[str, Measured]:
    matrix = counts.finish(str, ("0", "1"))
    return measure(BINARY, Classes(matrix.sums(), matrix), int(matrix.counts.sum()), CONFIDENCE)


def confusion(truth, prediction) -> ConfusionCounts:
    counts = ConfusionCounts()
    counts.update(((str(int(a)), str(int(p))), 1) for a, p in zip(truth, prediction, strict=True))
    return counts


def table(positive, score) -> ScoreTable:
    made = ScoreTable()
    made.update(np.asarray(score, dtype=float), np.asarray(positive, dtype=bool))
    return made


def errors(truth, prediction) -> RegressionErrors:
    made = RegressionErrors()
    made.update(np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float))
    return made


def regression(accumulator: RegressionErrors) -> dict[str, Measured]:
    sums, quantiles = accumulator.finish()
    rows = accumulator.count
    return measure(REGRESSION, sums, rows, CONFIDENCE) | measure(QUANTILES, quantiles, rows, CONFIDENCE)


def same_table(first: ScoreTable, second: ScoreTable) -> None:
    assert first.exact == second.exact
    for name in ("scores", "positives", "negatives"):
        np.testing.assert_array_equal(getattr(first.finish(), name), getattr(second.finish(), name))


rows = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, 2.0**-53]))),
    min_size=2,
    max_size=80,
)


@settings(max_examples=40, deadline=None)
@given(rows, st.integers(0, 80))
def test_parts_of_a_classification_merge_to_the_whole(drawn, cut):
    truth, prediction, score = map(list, zip(*drawn, strict=True))
    cut %= len(truth)
    merged = confusion(truth[:cut], prediction[:cut]).merge(confusion(truth[cut:], prediction[cut:]))
    assert classes(merged) == classes(confusion(truth, prediction))
    same_table(table(truth[:cut], score[:cut]).merge(table(truth[cut:], score[cut:])), table(truth, score))


@settings(max_examples=40, deadline=None)
@given(rows, st.integers(0, 80))
def test_parts_of_a_table_past_its_limit_merge_to_the_whole(drawn, cut):
    truth, _, score = map(list, zip(*drawn, strict=True))
    cut %= len(truth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_table, "MOST_SCORES", 8)
        whole = table(truth, score)
        same_table(table(truth[:cut], score[:cut]).merge(table(truth[cut:], score[cut:])), whole)
        again = ScoreTable()
        for each, positive in zip(score, truth, strict=True):
            again = again.merge(table([positive], [each]))
            assert again.exact or not whole.exact
        same_table(again, whole)


value = st.floats(-1e9, 1e9, allow_subnormal=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(value, value), min_size=2, max_size=80), st.integers(0, 80))
def test_parts_of_a_regression_merge_to_the_whole(drawn, cut):
    truth, prediction = map(list, zip(*drawn, strict=True))
    cut %= len(truth)
    whole = regression(errors(truth, prediction))
    merged = regression(errors(truth[:cut], prediction[:cut]).merge(errors(truth[cut:], prediction[cut:])))
    for name, measured in whole.items():
        if isinstance(measured.value, float):
            assert merged[name].value == pytest.approx(measured.value, rel=1e-12, abs=1e-12), name


def test_merged_regressions_of_few_rows_have_a_block_for_each_row():
    generator = np.random.default_rng(8)
    truth = generator.normal(1e6, 5, 1_000)
    prediction = truth + generator.normal(0, 1, 1_000)
    whole = regression(errors(truth, prediction))
    merged = regression(errors(truth[:377], prediction[:377]).merge(errors(truth[377:], prediction[377:])))
    for name in (metric.name for metric in REGRESSION):
        assert merged[name].interval == pytest.approx(whole[name].interval, rel=1e-6), name
        assert merged[name].standard_deviation == pytest.approx(whole[name].standard_deviation, rel=1e-4), name


@pytest.mark.parametrize(
    ("rows", "part"), [(3_000, 500), (3_000, 3_000), (20_000, 1_000), (20_000, 4_096), (20_000, 20_000)]
)
@pytest.mark.parametrize("order", ["sorted", "in turn"])
def test_the_order_of_rows_does_not_decide_how_sure_a_regression_is(order, rows, part):
    generator = np.random.default_rng(9)
    sizes = np.exp(np.arange(rows) % 16 / 4)  # of 16 series, which come in turn
    error = np.abs(sizes * generator.normal(size=rows))
    error = np.sort(error) if order == "sorted" else error
    merged = RegressionErrors()
    for start in range(0, error.size, part):
        merged = merged.merge(errors(np.zeros(part)[: error.size - start], error[start : start + part]))
    lower, upper = regression(merged)["mae"].interval
    assert (upper - lower) / (2 * 1.96) == pytest.approx(error.std() / math.sqrt(error.size), rel=0.15)


def test_parts_of_few_rows_are_in_the_blocks_of_the_whole():
    generator = np.random.default_rng(8)
    truth, prediction = generator.normal(size=(2, 2_500))
    whole = regression(errors(truth, prediction))
    for cuts in ([1, 1_000, 2_000], [1_024, 2_000], [1_030, 1_700], range(100, 2_500, 100)):
        merged = RegressionErrors()
        for rows in np.split(np.arange(2_500), cuts):
            merged = merged.merge(errors(truth[rows], prediction[rows]))
        assert regression(merged)["mae"].interval == pytest.approx(whole["mae"].interval, rel=1e-9), cuts


@pytest.mark.parametrize("order", ["random", "sorted"])
def test_quantiles_of_many_errors_are_of_nearly_the_right_rank(order):
    sizes = np.abs(np.random.default_rng(3).normal(size=50_000))
    ranked = np.sort(sizes)
    whole = errors(np.zeros(sizes.size), ranked if order == "sorted" else sizes)
    for name, level in (("median_absolute_error", 0.5), ("absolute_error_p90", 0.9), ("absolute_error_p99", 0.99)):
        found = np.searchsorted(ranked, regression(whole)[name].value) / sizes.size
        assert found == pytest.approx(level, abs=1e-3), name


def test_probabilities_past_the_limit_stay_within_the_stated_error(monkeypatch):
    generator = np.random.default_rng(5)
    score = generator.beta(0.3, 3, 50_000)
    positive = generator.random(50_000) < score
    exact = table(positive, score)
    assert exact.exact
    monkeypatch.setattr(score_table, "MOST_SCORES", 1000)
    cells = table(positive, score)
    assert not cells.exact
    assert abs(auc(cells.finish()) - auc(exact.finish())) <= cells.finish().auc_error < 1e-4
    off = abs(average_precision(cells.finish()) - average_precision(exact.finish()))
    assert off <= cells.finish().average_precision_error < 5e-3
    assert log_loss(cells.finish()) == pytest.approx(log_loss(exact.finish()), abs=6.2e-5)
    assert brier_score(cells.finish()) == pytest.approx(brier_score(exact.finish()), abs=6.2e-5)
    np.testing.assert_allclose(cells.finish().scores, np.unique(cells.finish().scores))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans()), min_size=1, max_size=40))
def test_scores_that_share_a_cell_are_within_the_stated_error_whatever_their_order_was(drawn):
    cell, place, positive = map(np.array, zip(*drawn, strict=True))
    exact, cells = table(positive, (cell + place / 10) / 4).finish(), table(positive, cell / 4).finish()
    if positive.any():
        off = abs(average_precision(cells) - average_precision(exact))
        assert off <= cells.average_precision_error + 1e-12
    if 0 < positive.sum() < positive.size:
        assert abs(auc(cells) - auc(exact)) <= cells.auc_error + 1e-12


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1))
def test_a_cell_is_near_its_probability_and_keeps_it(score):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_table, "MOST_SCORES", 0)
        once = table([True], [score]).finish().scores
        twice = table([True], once).finish().scores
    distance = min(score, 1 - score)
    assert abs(once[0] - score) <= distance / 16384 + 2.0**-64
    assert once[0] == twice[0]


def test_a_score_that_is_not_a_probability_is_refused():
    for score in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="must be in"):
            table([True], [score])


def row_bootstrap(metric, *columns, replicates=400) -> np.ndarray:
    """Resample rows one by one: what the cells stand for."""
    generator = np.random.default_rng(99)
    drawn = (generator.integers(0, len(columns[0]), len(columns[0])) for _ in range(replicates))
    return np.array([metric(*(column[chosen] for column in columns)) for chosen in drawn])


def widths_agree(measured: Measured, replicates: np.ndarray) -> None:
    lower, upper = np.quantile(replicates, [0.025, 0.975])
    assert measured.interval[1] - measured.interval[0] == pytest.approx(upper - lower, rel=0.25)
    assert measured.interval[0] <= measured.value <= measured.interval[1]


def test_intervals_of_probabilities_are_those_of_resampled_rows():
    generator = np.random.default_rng(6)
    score = generator.random(2_000)
    positive = generator.random(2_000) < score
    measured = measure(SCORES, table(positive, score).finish(), 2_000, Confidence(replicates=1000))
    for name, metric in (("auc", auc), ("log_loss", log_loss), ("brier_score", brier_score)):
        by_rows = row_bootstrap(lambda p, s, m=metric: float(m(table(p, s).finish())), positive, score)
        widths_agree(measured[name], by_rows)


def test_intervals_of_regression_are_those_of_resampled_rows():
    generator = np.random.default_rng(6)
    truth = generator.normal(0, 3, 3_000)
    prediction = truth / 3 + generator.normal(0, 1, 3_000)
    sums, quantiles = errors(truth, prediction).finish()
    measured = measure(REGRESSION, sums, 3_000, Confidence(replicates=1000))
    measured |= measure(QUANTILES, quantiles, 3_000, Confidence(replicates=1000))
    for name, by_rows in (
        ("mae", lambda t, p: np.abs(t - p).mean()),
        ("r2", lambda t, p: 1 - np.mean((t - p) ** 2) / t.var()),
        ("r2_first_party", lambda t, p: 1 - np.mean((t - p) ** 2) / p.var()),
        ("absolute_error_p90", lambda t, p: np.quantile(np.abs(t - p), 0.9)),
    ):
        widths_agree(measured[name], row_bootstrap(by_rows, truth, prediction))


def test_standard_deviations_of_quantiles_are_those_of_subsamples():
    # Subsamples of 80 % vary (1 - 0.8) / 0.8 as much as samples do.
    sizes = np.random.default_rng(6).exponential(1, 2_000)
    _, quantiles = errors(np.zeros(2_000), sizes).finish()
    seeds = (Confidence(replicates=100, seed=seed) for seed in range(60))
    drawn = [measure(QUANTILES, quantiles, 2_000, each)["absolute_error_p90"].standard_deviation for each in seeds]
    of_samples = row_bootstrap(lambda size: np.quantile(size, 0.9), sizes).std()
    assert np.mean(np.square(drawn)) ** 0.5 == pytest.approx(of_samples / 2, rel=0.2)


def test_standard_deviations_are_given_from_200_rows_on():
    assert classes(confusion([0, 1] * 99 + [1], [0, 1] * 99 + [0]))["accuracy"].standard_deviation is None
    measured = classes(confusion([0, 1] * 100, [0] * 150 + [1] * 50))
    assert measured["accuracy"].standard_deviation > 0


def test_standard_deviations_are_those_of_subsamples():
    # The first party's own run: 201 rows, recall 0.5714 of 28 positives; its standard deviation is 0.039 in one draw
    # of five. Over many seeds the mean of ours is sqrt(p(1-p)/28 * (1/0.8 - 1)) = 0.0468 nearly.
    counts = ConfusionCounts()
    counts.update([(("1", "1"), 16), (("1", "0"), 12), (("0", "0"), 173)])
    matrix = counts.finish(str)
    evidence = Classes(matrix.sums(), matrix)
    drawn = [
        measure(BINARY, evidence, 201, Confidence(replicates=100, seed=seed))["recall"].standard_deviation
        for seed in range(60)
    ]
    assert np.mean(np.square(drawn)) ** 0.5 == pytest.approx(0.0468, rel=0.2)


def test_the_same_seed_draws_the_same():
    first, second = (classes(confusion([0, 1, 1] * 100, [0, 1, 0] * 100)) for _ in range(2))
    assert first == second


def test_a_bootstrap_keeps_the_number_of_rows_and_subsamples_their_share():
    cells = np.array([3, 0, 97])
    assert (Bootstrap(50, 1).counts(cells).sum(axis=1) == 100).all()
    drawn = Subsamples(5, 0.8, 1).counts(cells)
    assert (drawn.sum(axis=1) == 80).all()
    assert (drawn <= cells).all()


def test_more_than_a_thousand_million_rows_can_be_subsampled():
    drawn = Subsamples(5, 0.8, 1).counts(np.array([10**9, 10**9]))
    np.testing.assert_allclose(drawn, 0.8e9, rtol=1e-3)


def test_a_large_confusion_matrix_is_resampled_with_the_same_sums(monkeypatch):
    generator = np.random.default_rng(12)
    truth = generator.integers(0, 40, 20_000)
    prediction = np.where(generator.random(20_000) < 0.6, truth, generator.integers(0, 40, 20_000))
    matrix = confusion(truth, prediction).finish(int)
    evidence = Classes(matrix.sums(), matrix)
    exact = measure(MULTICLASS, evidence, 20_000, Confidence(replicates=1000))
    monkeypatch.setattr(confusion_matrices, "MOST_RESAMPLED_CELLS", 200)
    coarse = matrix.coarse()
    assert coarse.counts.size <= 3 * 40
    for name in ("correct", "actual", "predicted"):
        np.testing.assert_array_equal(getattr(coarse.sums(), name), getattr(matrix.sums(), name))
    by_sums = measure(MULTICLASS, evidence, 20_000, Confidence(replicates=1000))
    for metric in MULTICLASS[:6]:
        widths = [each[metric.name].interval[1] - each[metric.name].interval[0] for each in (exact, by_sums)]
        assert widths[1] == pytest.approx(widths[0], rel=0.1), metric.name


def test_many_replicates_are_drawn_in_parts_that_differ():
    parts = list(Bootstrap.in_parts(2_500, 3))
    assert [part.replicates for part in parts] == [1000, 1000, 500]
    drawn = [part.counts(np.array([50, 50]))[:500] for part in parts]
    assert not np.array_equal(drawn[0], drawn[1])


def test_the_interval_of_a_calibration_error_allows_for_what_chance_adds():
    # The probabilities are calibrated, so that the error is 0 but for chance, which a percentile interval would miss.
    generator = np.random.default_rng(13)
    score = generator.random(2_000)
    cells = table(generator.random(2_000) < score, score).finish()
    measured = measure(SCORES, cells, 2_000, CONFIDENCE)["expected_calibration_error"]
    assert measured.interval[0] < measured.value / 2
    assert measured.interval[0] <= measured.value <= measured.interval[1]


def row_by_row(draw, truth, prediction) -> float:
    """R² of a draw with its rows written out; NaN where all labels are equal, as scikit-learn 1.7 warns of them."""
    labels, guesses = np.repeat(truth, draw), np.repeat(prediction, draw)
    if labels.min() == labels.max():
        return float("nan")
    return float(1 - ((labels - guesses) ** 2).mean() / labels.var())


@pytest.mark.parametrize(
    ("common", "odd", "error"),
    [
        (0.1, 0.3, 0.02),  # a rare event: 37 % of all draws hold 0.1 alone, which leaves 1e-15 of rounding
        (0.2, 0.7, 0.1),
        (1e-3, 1e6, 0.5),  # a spread about the first row's label would have no digit left
        (1e9 + 0.1, 1e9 + 0.3, 0.02),
        (-7.0, 1e12, 3.0),
        (0.3, 0.1, 0.0),
    ],
)
@pytest.mark.parametrize("place", [0, 150, 299])
def test_the_interval_of_r2_is_that_of_its_draws_wherever_the_odd_row_is(common, odd, error, place):
    truth = np.full(300, common)
    truth[place] = odd
    prediction = truth + error * np.cos(np.arange(300))
    measured = regression(errors(truth, prediction))["r2"]
    draws = np.random.default_rng([0, 0]).multinomial(300, np.full(300, 1 / 300), size=200)
    by_rows = np.array([row_by_row(draw, truth, prediction) for draw in draws])
    expected = np.quantile(by_rows[~np.isnan(by_rows)], [0.025, 0.975])
    assert measured.interval == pytest.approx(tuple(expected), rel=1e-6)


@given(st.lists(st.tuples(value, value), min_size=2, max_size=40), st.randoms(use_true_random=False))
def test_the_spreads_of_blocks_do_not_depend_on_the_order_of_rows(drawn, random):
    shuffled = random.sample(drawn, len(drawn))
    spreads = []
    for part in (drawn, shuffled):
        blocks = errors(*zip(*part, strict=True)).finish()[0].blocks
        spreads.append(blocks.drawn(np.ones(len(drawn), dtype=np.int64)).label_spread)
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-9)


GREATEST = float(np.finfo(np.float64).max)


@pytest.mark.parametrize(
    ("truth", "prediction", "mae"),
    [
        ([1.0] * 251, [GREATEST, *[2.0] * 250], GREATEST / 251),  # a placeholder of a missing value
        ([1.0] * 300, [GREATEST] * 300, GREATEST),
        ([0.0] * 250, [1e200] * 250, 1e200),
        ([GREATEST, -GREATEST] * 600, [0.0] * 1200, GREATEST),
        ([-GREATEST] * 200, [GREATEST] * 200, GREATEST),  # the error itself is greater still
        ([1.0, 2.0] * 200, [1.3e154] * 400, 1.3e154),  # whose squares are finite, and their sum is not
        ([0.0] * 2500, [1e306] * 2500, 1e306),
    ],
)
def test_numbers_near_the_greatest_double_overflow_nowhere(truth, prediction, mae):
    accumulator = errors(truth, prediction)
    half = len(truth) // 2
    for each in (accumulator, errors(truth[:half], prediction[:half]).merge(errors(truth[half:], prediction[half:]))):
        found = regression(each)
        assert found["mae"].value == pytest.approx(mae, rel=1e-15)
        for measured in found.values():
            numbers = [measured.standard_deviation, *(measured.interval or ())]
            numbers += [measured.value] if isinstance(measured.value, float) else []
            assert all(number is None or np.isfinite(number) for number in numbers)
