"""Every metric that scikit-learn has, against scikit-learn (the version in requirements.lock), to 1e-12."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from modelwatch_analyzer.model_quality.classification import BINARY, MULTICLASS, of_class
from modelwatch_analyzer.model_quality.confusion import Classes, ConfusionCounts, ConfusionMatrix
from modelwatch_analyzer.model_quality.curves import calibration_curve, precision_recall_curve, roc_curve
from modelwatch_analyzer.model_quality.metric import Confidence, Measured, measure
from modelwatch_analyzer.model_quality.regression_errors import RegressionErrors
from modelwatch_analyzer.model_quality.regression_metrics import QUANTILES, REGRESSION
from modelwatch_analyzer.model_quality.score_table import ScoreTable
from modelwatch_analyzer.model_quality.scores import SCORES
from modelwatch_analyzer.undefined import Undefined

CONFIDENCE = Confidence(replicates=100)
NAN = float("nan")


def matrix_of(truth, prediction, labels=()) -> ConfusionMatrix:
    counts = ConfusionCounts()
    counts.update(((str(a), str(p)), 1) for a, p in zip(truth, prediction, strict=True))
    return counts.finish(str, labels)


def values(measured: dict[str, Measured]) -> dict[str, float]:
    return {name: NAN if isinstance(each.value, Undefined) else each.value for name, each in measured.items()}


def binary(truth, prediction) -> dict[str, float]:
    matrix = matrix_of(truth, prediction, ("0", "1"))
    return values(measure(BINARY, Classes(matrix.sums(), matrix), len(truth), CONFIDENCE))


def multiclass(truth, prediction) -> dict[str, float]:
    matrix = matrix_of(truth, prediction)
    return values(measure(MULTICLASS, Classes(matrix.sums(), matrix), len(truth), CONFIDENCE))


def table_of(truth, score) -> ScoreTable:
    table = ScoreTable()
    table.update(np.asarray(score, dtype=float), np.asarray(truth, dtype=bool))
    return table


def scores(truth, score) -> dict[str, float]:
    return values(measure(SCORES, table_of(truth, score).finish(), len(truth), CONFIDENCE))


def regression(truth, prediction) -> dict[str, float]:
    errors = RegressionErrors()
    errors.update(np.asarray(truth, dtype=float), np.asarray(prediction, dtype=float))
    sums, quantiles = errors.finish()
    measured = measure(REGRESSION, sums, len(truth), CONFIDENCE) | measure(QUANTILES, quantiles, len(truth), CONFIDENCE)
    return values(measured)


def close(found: dict[str, float], expected: dict[str, float]) -> None:
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), name


def sklearn_binary(truth, prediction) -> dict[str, float]:
    known = {"labels": [0, 1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (tn, fp), (fn, tp) = sk.confusion_matrix(truth, prediction, **known)
        return {
            "recall": sk.recall_score(truth, prediction, zero_division=0),
            "precision": sk.precision_score(truth, prediction, zero_division=0),
            "accuracy": sk.accuracy_score(truth, prediction),
            "true_positive_rate": tp / (tp + fn) if tp + fn else NAN,
            "true_negative_rate": tn / (tn + fp) if tn + fp else NAN,
            "false_positive_rate": fp / (tn + fp) if tn + fp else NAN,
            "false_negative_rate": fn / (tp + fn) if tp + fn else NAN,
            "f0_5": sk.fbeta_score(truth, prediction, beta=0.5, zero_division=0),
            "f1": sk.f1_score(truth, prediction, zero_division=0),
            "f2": sk.fbeta_score(truth, prediction, beta=2, zero_division=0),
            "balanced_accuracy": sk.balanced_accuracy_score(truth, prediction),
            "matthews_correlation_coefficient": sk.matthews_corrcoef(truth, prediction),
        }


def sklearn_multiclass(truth, prediction) -> dict[str, float]:
    weighted = {"average": "weighted", "zero_division": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "accuracy": sk.accuracy_score(truth, prediction),
            "weighted_recall": sk.recall_score(truth, prediction, **weighted),
            "weighted_precision": sk.precision_score(truth, prediction, **weighted),
            "weighted_f0_5": sk.fbeta_score(truth, prediction, beta=0.5, **weighted),
            "weighted_f1": sk.f1_score(truth, prediction, **weighted),
            "weighted_f2": sk.fbeta_score(truth, prediction, beta=2, **weighted),
            "balanced_accuracy": sk.balanced_accuracy_score(truth, prediction),
            "matthews_correlation_coefficient": sk.matthews_corrcoef(truth, prediction),
        }


def sklearn_scores(truth, score) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both = 0 < sum(truth) < len(truth)
        return {
            "auc": sk.roc_auc_score(truth, score) if both else NAN,
            "average_precision": sk.average_precision_score(truth, score) if any(truth) else NAN,
            "log_loss": sk.log_loss(truth, score, labels=[0, 1]),
            "brier_score": float(np.mean((np.asarray(truth) - np.asarray(score)) ** 2)),
        }


def exact_r2(truth, prediction) -> float:
    """1 - errors / spread, by exact arithmetic: scikit-learn's own loses digits where labels differ by little."""
    labels = [Fraction(float(label)) for label in truth]
    mean = sum(labels) / len(labels)
    spread = sum((label - mean) ** 2 for label in labels)
    errors = sum((label - Fraction(float(guess))) ** 2 for label, guess in zip(labels, prediction, strict=True))
    return float(1 - errors / spread) if spread else NAN  # equal labels: docs/compatibility.md


def sklearn_regression(truth, prediction) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "mae": sk.mean_absolute_error(truth, prediction),
            "mse": sk.mean_squared_error(truth, prediction),
            "rmse": sk.root_mean_squared_error(truth, prediction),
            "r2": exact_r2(truth, prediction),
            "mape": sk.mean_absolute_percentage_error(truth, prediction),
            "median_absolute_error": sk.median_absolute_error(truth, prediction),
            "absolute_error_p90": np.quantile(np.abs(np.subtract(truth, prediction)), 0.9),
            "absolute_error_p95": np.quantile(np.abs(np.subtract(truth, prediction)), 0.95),
            "absolute_error_p99": np.quantile(np.abs(np.subtract(truth, prediction)), 0.99),
        }


pairs_of_bits = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)
pairs_of_classes = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
probability = st.one_of(st.sampled_from([0.0, 1e-20, 0.1, 0.3, 0.5, 0.7, 1.0]), st.floats(0, 1))
scored = st.lists(st.tuples(st.integers(0, 1), probability), min_size=1, max_size=60)
number = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 6))


@settings(max_examples=40, deadline=None)
@given(pairs_of_bits)
def test_binary_metrics_are_scikit_learns(pairs):
    truth, prediction = zip(*pairs, strict=True)
    close(binary(truth, prediction), sklearn_binary(truth, prediction))


@settings(max_examples=40, deadline=None)
@given(pairs_of_classes)
def test_multiclass_metrics_are_scikit_learns(pairs):
    truth, prediction = zip(*pairs, strict=True)
    close(multiclass(truth, prediction), sklearn_multiclass(truth, prediction))


@settings(max_examples=40, deadline=None)
@given(scored)
def test_metrics_of_probabilities_are_scikit_learns(rows):
    truth, score = zip(*rows, strict=True)
    close(scores(truth, score), sklearn_scores(truth, score))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(number, number), min_size=1, max_size=60))
@example([(0.2, 0.0)] * 3)  # the mean of the labels rounds to another float than 0.2
@example([(1e6, 0.0), (1e6 - 1e-6, 0.0)])
def test_regression_metrics_are_scikit_learns(rows):
    truth, prediction = zip(*rows, strict=True)
    close(regression(truth, prediction), sklearn_regression(truth, prediction))


@pytest.mark.parametrize(
    ("truth", "prediction"),
    [
        ([1, 1, 1], [1, 1, 0]),  # one class only
        ([0, 0, 0], [0, 0, 0]),
        ([0, 1, 0, 1], [0, 0, 0, 0]),  # no predicted positive
        ([1], [1]),
        ([0], [1]),
    ],
)
def test_binary_edge_cases_are_scikit_learns(truth, prediction):
    close(binary(truth, prediction), sklearn_binary(truth, prediction))
    close(multiclass(truth, prediction), sklearn_multiclass(truth, prediction))


def test_large_random_samples_are_scikit_learns():
    generator = np.random.default_rng(4)
    score = generator.random(20_000)
    truth = (generator.random(20_000) < score).astype(int)
    prediction = (score > 0.5).astype(int)
    close(scores(truth, score), sklearn_scores(truth, score))
    close(binary(truth, prediction), sklearn_binary(truth, prediction))


def test_tied_scores_count_half():
    # One positive and one negative of the same score: half a pair is won. By hand.
    assert scores([1, 0], [0.4, 0.4])["auc"] == 0.5


@pytest.mark.parametrize("truth", [[1e9 + 1, 1e9 + 2, 1e9 + 4], [5.0, 5.0, 5.0], [3.0], [0.0, 1.0]])
def test_regression_edge_cases_are_scikit_learns(truth):
    prediction = [value + 0.25 * place for place, value in enumerate(truth)]
    close(regression(truth, prediction), sklearn_regression(truth, prediction))
    close(regression(truth, truth), sklearn_regression(truth, truth))


def test_r2_is_scikit_learns():
    generator = np.random.default_rng(6)
    truth, prediction = generator.normal(3, 2, (2, 5_000))
    assert regression(truth, prediction)["r2"] == pytest.approx(sk.r2_score(truth, prediction), rel=1e-12)


def test_an_offset_costs_no_digits():
    # The same errors and the same spread around 1e9; multiples of 2**-10, so that adding the offset rounds nothing.
    generator = np.random.default_rng(7)
    truth = generator.integers(-(2**20), 2**20, 50_000) / 1024
    prediction = truth + generator.integers(-(2**10), 2**10, 50_000) / 1024
    near, far = regression(truth, prediction), regression(truth + 2.0**30, prediction + 2.0**30)
    for name in ("mae", "mse", "rmse", "r2", "r2_first_party"):
        assert far[name] == pytest.approx(near[name], rel=1e-13), name


def test_the_first_partys_r2_divides_by_the_spread_of_the_predictions():
    # By hand: squared errors 1 + 0 + 1 = 2; predictions 2, 2, 2 + ... spread (1, 2, 6): mean 3, 4 + 1 + 9 = 14.
    assert regression([2.0, 2.0, 7.0], [1.0, 2.0, 6.0])["r2_first_party"] == pytest.approx(1 - 2 / 14, rel=1e-15)
    # And the textbook's: truth's mean 11/3, spread 25/9 + 25/9 + 100/9 = 150/9.
    assert regression([2.0, 2.0, 7.0], [1.0, 2.0, 6.0])["r2"] == pytest.approx(1 - 18 / 150, rel=1e-15)


def test_undefined_metrics_say_why():
    matrix = matrix_of([1, 1], [1, 0], ("0", "1"))
    measured = measure(BINARY, Classes(matrix.sums(), matrix), 2, CONFIDENCE)
    assert measured["false_positive_rate"].value == Undefined("no label is negative")
    measured = measure(SCORES, table_of([1, 1], [0.5, 0.2]).finish(), 2, CONFIDENCE)
    assert measured["auc"].value == Undefined("all labels are of one class")


def test_squares_beyond_the_greatest_double_are_undefined():
    found = regression([1e200, -1e200], [-1e200, 1e200])
    assert found["mae"] == 2e200
    assert math.isnan(found["mse"])
    assert math.isnan(found["r2"])


def test_the_best_constant_classifier_predicts_the_majority():
    # Documented output of the first-party container: 201 rows of which 28 are positive.
    found = binary([0] * 173 + [1] * 28, [0] * 201)
    assert found["accuracy_best_constant_classifier"] == 0.8606965174129353
    for name in ("recall", "precision", "f0_5", "f1", "f2"):
        assert found[f"{name}_best_constant_classifier"] == 0.0


def test_metrics_of_each_class_are_scikit_learns():
    truth, prediction = [0, 1, 2, 2, 1, 0, 2], [0, 2, 2, 1, 1, 0, 0]
    matrix = matrix_of(truth, prediction)
    expected = sk.precision_recall_fscore_support(truth, prediction)
    for place in range(3):
        found = values(measure(of_class(place), Classes(matrix.sums(), matrix), 7, CONFIDENCE))
        assert (found["precision"], found["recall"], found["f1"]) == pytest.approx(
            tuple(each[place] for each in expected[:3]), rel=1e-12
        )


def test_the_calibration_error_weighs_bins_with_their_rows():
    # By hand: 0.05, 0.1 | 0 and 1 positives of 2 in the first bin: |0.15 - 1|; 0.95 | 1 in the last: |0.95 - 1|.
    assert scores([0, 1, 1], [0.05, 0.1, 0.95])["expected_calibration_error"] == pytest.approx((0.85 + 0.05) / 3)
    means, shares = calibration_curve(table_of([0, 1, 1], [0.05, 0.1, 0.95]).finish())
    assert means == pytest.approx([0.075, 0.95])
    assert shares == [0.5, 1.0]


def test_curves_are_scikit_learns():
    generator = np.random.default_rng(2)
    score = np.round(generator.random(300), 2)
    truth = generator.random(300) < score
    cells = table_of(truth, score).finish()
    false, true = roc_curve(cells)
    expected = sk.roc_curve(truth, score, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0], rtol=1e-12)
    np.testing.assert_allclose(true, expected[1], rtol=1e-12)
    precisions, recalls = precision_recall_curve(cells)
    wanted = sk.precision_recall_curve(truth, score)
    last = len(recalls)
    np.testing.assert_allclose(precisions, wanted[0][::-1][:last], rtol=1e-12)
    np.testing.assert_allclose(recalls, wanted[1][::-1][:last], rtol=1e-12)
    assert recalls[-1] == 1.0


def test_long_curves_are_thinned_and_keep_their_ends():
    generator = np.random.default_rng(3)
    score = generator.random(5_000)
    cells = table_of(generator.random(5_000) < score, score).finish()
    false, true = roc_curve(cells)
    assert len(false) == len(true) <= 201
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.max(np.diff(false) + np.diff(true)) < 0.011
    assert np.trapezoid(true, false) == pytest.approx(_auc(cells), abs=1e-3)
    precisions, recalls = precision_recall_curve(cells)
    assert len(precisions) <= 201
    assert (precisions[0], recalls[0], recalls[-1]) == (1, 0, 1)


def _auc(cells) -> float:
    return measure(SCORES, cells, 5_000, CONFIDENCE)["auc"].value


def test_there_is_no_curve_without_both_classes():
    assert roc_curve(table_of([1, 1], [0.1, 0.2]).finish()) is None
    assert precision_recall_curve(table_of([0, 0], [0.1, 0.2]).finish()) is None
