"""What becomes of a metric's replicates: intervals and standard deviations, from replicates that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from modelwatch_analyzer.metric_change import Estimate, Rates, chance_of
from modelwatch_analyzer.model_quality.check import check
from modelwatch_analyzer.model_quality.classification import BINARY, F_BETAS
from modelwatch_analyzer.model_quality.documents import MetricConstraint
from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Confidence, Measured, Metric, measure
from modelwatch_analyzer.model_quality.regression_errors import RegressionErrors
from modelwatch_analyzer.model_quality.regression_metrics import REGRESSION
from modelwatch_analyzer.resampling import Resampling
from modelwatch_analyzer.undefined import Undefined

METRIC: Metric[Known] = Metric("known", lambda evidence: np.asarray(evidence.value), bounds=(-10.0, 10.0))


@dataclass(frozen=True)
class Known:
    """Evidence whose replicates are spread evenly between two limits."""

    value: NDArray[np.float64] | float
    limits: tuple[float, float] = (0.0, 1.0)
    coarse: float | None = None
    undefined: int = 0

    def resampled(self, resampling: Resampling) -> tuple[Known, Known]:
        drawn = np.linspace(*self.limits, resampling.replicates)
        source = self if self.coarse is None else Known(self.coarse)
        return Known(np.concatenate([drawn, np.full(self.undefined, np.nan)])), source


def measured(evidence: Known, rows: int = 1, **changes: object) -> Measured:
    return measure([replace(METRIC, **changes)], evidence, rows, Confidence(101, 0.9))["known"]


def test_an_interval_leaves_as_many_replicates_out_on_either_side():
    assert measured(Known(0.5)).interval == pytest.approx((0.05, 0.95))


def test_replicates_of_coarser_evidence_are_moved_by_what_its_coarseness_makes():
    assert measured(Known(0.5, coarse=0.3)).interval == pytest.approx((0.25, 1.15))


def test_an_interval_ends_where_the_metric_does():
    assert measured(Known(0.5), bounds=(0.2, 0.7)).interval == pytest.approx((0.2, 0.7))


def test_replicates_in_which_a_metric_is_undefined_do_not_count():
    assert measured(Known(0.5, undefined=50)).interval == pytest.approx((0.05, 0.95))
    assert measured(Known(0.5, limits=(np.nan, np.nan))) == Measured(0.5, None, None)


def test_an_interval_of_what_chance_raises_is_mirrored_and_holds_the_value():
    assert measured(Known(0.3), raised_by_chance=True).interval == pytest.approx((-0.35, 0.55))
    assert measured(Known(0.3, limits=(0.4, 0.5)), raised_by_chance=True).interval == pytest.approx((0.105, 0.3))


def test_a_standard_deviation_is_of_five_subsamples_with_divisor_four():
    assert measured(Known(0.5), rows=199).standard_deviation is None
    # 0, 1/4, 1/2, 3/4, 1: squared deviations from 1/2 add up to 10/16.
    assert measured(Known(0.5), rows=200).standard_deviation == pytest.approx((10 / 16 / 4) ** 0.5)
    assert measured(Known(0.5, undefined=1), rows=200).standard_deviation is None


def test_a_metric_without_a_value_has_no_interval():
    assert measured(Known(np.nan), undefined="why not") == Measured(Undefined("why not"))


def r2_of(label: NDArray[np.float64], prediction: NDArray[np.float64]) -> Measured:
    errors = RegressionErrors()
    errors.update(label, prediction)
    return measure(REGRESSION, errors.finish()[0], label.size, Confidence(replicates=200, estimates=True))["r2"]


@pytest.mark.parametrize(("rows", "least"), [(900, 700), (20_000, 14_000)])
def test_r2_is_of_all_rows_where_labels_are_normal_and_of_few_where_a_few_labels_decide(rows: int, least: int) -> None:
    generator = np.random.default_rng(41)
    label, noise = generator.normal(size=(2, rows))
    known = r2_of(label, label + noise).estimate
    assert known is not None
    assert least < known.rows <= rows
    # Of two values, of which one has a share of q, the kurtosis is 1 / (q (1 - q)) - 3: 98.01 for 1 %.
    rare = r2_of(generator.permutation(np.where(np.arange(rows) % 100, 0.0, 1.0)), noise).estimate
    assert rare is not None
    assert rare.rows == pytest.approx(3 * rows / 98.01, rel=0.15)


def test_one_label_that_is_smaller_than_usual_makes_no_alarm_of_r2() -> None:
    generator = np.random.default_rng(42)
    label, noise = (
        np.where(generator.random(5_000) < 0.1, generator.lognormal(2, 1, 5_000), 0.0),
        generator.normal(size=5_000),
    )
    before, window = r2_of(label, label + noise).estimate, np.zeros(30)
    window[7] = 2.0  # one of 20 of these labels is smaller
    now = r2_of(window, window + noise[:30]).estimate
    assert before is not None
    assert now is not None
    assert now.value < -1 < 0.8 < before.value
    assert chance_of(before.value - now.value, now, before) > 0.1


def is_violation(name: str, limit: float, now: Estimate, side: ComparisonOperator) -> bool:
    constraint = MetricConstraint(threshold=limit, comparison_operator=side, beyond_confidence_interval=True)
    found = check({name: Measured(now.value, estimate=now)}, {name: constraint}, BINARY, Rates())
    return bool(found.violations)


@pytest.mark.parametrize("rows", [20, 50, 200])
@pytest.mark.parametrize("limit", [0.02, 0.1, 0.3, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("side", ComparisonOperator)
def test_a_share_that_is_at_its_limit_alarms_as_rarely_as_promised(rows, limit, side):
    # The chance of each count is binomial (scipy 1.18), and the standard error that of its share with two more rows in
    # the four cells of the confusion matrix. By that alone, a precision of 0.1 among 20 rows alarmed in 12 % of the
    # windows: those in which none was right.
    chance = 0.0
    for right in range(rows + 1):
        likely = (right + 0.5) / (rows + 1)
        now = Estimate(right / rows, math.sqrt(likely * (1 - likely) / rows), rows)
        if is_violation("precision", limit, now, side):
            chance += stats.binom.pmf(right, rows, limit)
    assert chance <= 0.01


@pytest.mark.parametrize("name", F_BETAS)
def test_f_without_a_row_that_is_found_has_the_error_that_its_limit_implies(name):
    # Where F1 is 0.2, 1 in 9 rows that are positive by label or prediction is both: of 15, none with a chance of 17 %.
    none_found = Estimate(0.0, 0.03, 15)
    assert not is_violation(name, 0.2, none_found, ComparisonOperator.LESS_THAN)
    # To first order, F1 = 2 J / (1 + J) of 900 rows has 2 / (1 + J)^2 times the error of J = 1 / 9.
    share = 1 / 9
    error = 2 / (1 + share) ** 2 * math.sqrt(share * (1 - share) / 900)
    assert not is_violation(name, 0.2, Estimate(0.2 - 2.2 * error, 0.001, 900), ComparisonOperator.LESS_THAN)
    assert is_violation(name, 0.2, Estimate(0.2 - 2.5 * error, 0.001, 900), ComparisonOperator.LESS_THAN)
