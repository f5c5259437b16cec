"""Blocks of a seasonal baseline's windows."""

from __future__ import annotations

import sys

import pytest

from modelwatch_analyzer.calibrated.evidence import WindowMean
from modelwatch_analyzer.calibrated.seasonal_watch import MeanOfWindows
from modelwatch_analyzer.calibrated.seasons import SeasonalCounts


def test_sums_of_huge_numbers_stay_numbers_that_a_file_can_hold():
    summed = MeanOfWindows().after(WindowMean(sys.float_info.max, 100.0)).after(WindowMean(sys.float_info.max, 100.0))
    assert MeanOfWindows.model_validate_json(summed.model_dump_json()) == summed
    assert summed.rows == 200.0


def test_seasons_without_the_spread_of_windows_are_refused():
    with pytest.raises(ValueError, match="at least 1 item"):
        SeasonalCounts.model_validate_json('{"by": "", "seasons": {}, "spreads": {}}')
