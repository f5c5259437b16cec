"""Blocks of a seasonal baseline's windows."""

from __future__ import annotations

import math
import sys

import pytest
from scipy import stats

from modelwatch_analyzer.calibrated.evidence import WindowMean
from modelwatch_analyzer.calibrated.seasonal_watch import MeanOfWindows, advance_blocks
from modelwatch_analyzer.calibrated.seasons import SeasonalCounts, Spread


def test_sums_of_huge_numbers_stay_numbers_that_a_file_can_hold():
    huge = WindowMean(sys.float_info.max, 100.0, sys.float_info.max)
    summed = MeanOfWindows().after(huge).after(huge)
    assert MeanOfWindows.model_validate_json(summed.model_dump_json()) == summed
    assert summed.rows == 200.0


def daily() -> SeasonalCounts:
    """Return what a very long baseline tells of days whose means have a standard deviation of 6."""
    learnt = Spread(windows=1e9, correlation=0.0, rows=1e9, repeated=1.0, between=36.0, mean_variance=36.0)
    return SeasonalCounts(by="", seasons={}, spreads={24: learnt}, variance=36.0)


def test_a_day_of_values_that_are_never_negative_is_compared_by_logarithms():
    # Four windows of six hours whose mean is exp(4 * 0.3) times what is usual, where days differ by factors whose
    # logarithms have a standard deviation of 0.3: p is 2 Phi(-4) (scipy), times 30 days over the 0.3 of a month's rate
    # that days and weeks share.
    seasonal = daily()
    mean = WindowMean(20 * (math.exp(4 * 0.3) - 1), 1e9, 20.0)
    blocks = {}
    for _ in range(4):
        blocks, found = advance_blocks(blocks, {"amount": (seasonal, mean)}, 6.0, 1.0, {"amount": 0.02})
    (evidence,) = found["amount"]
    assert evidence.p == pytest.approx(2 * stats.norm.sf(4) * 30 * 2 / 0.3, rel=1e-3)
    assert blocks["amount"][24] == MeanOfWindows()


def test_a_week_is_compared_as_it_is():
    # The mean of seven days is hardly skewed. Its standard deviation is that of a day, 6, divided by sqrt(7).
    seasonal = daily()
    mean = WindowMean(4 * 6 / math.sqrt(7), 1e9, 20.0)
    blocks, found = {}, {}
    for _ in range(7):
        blocks, found = advance_blocks(blocks, {"amount": (seasonal, mean)}, 24.0, 1.0, {"amount": 0.02})
    (evidence,) = found["amount"]
    # 30 days have 30 / 7 weeks, which share 0.3 of a month's rate.
    assert evidence.p == pytest.approx(2 * stats.norm.sf(4) * 30 / 7 / 0.3, rel=1e-3)


def test_seasons_without_the_spread_of_windows_are_refused():
    with pytest.raises(ValueError, match="at least 1 item"):
        SeasonalCounts.model_validate_json('{"by": "", "seasons": {}, "spreads": {}}')
