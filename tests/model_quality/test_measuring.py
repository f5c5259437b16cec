"""What becomes of a metric's replicates: intervals and standard deviations, from replicates that are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.metric import Confidence, Measured, Metric, measure
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
