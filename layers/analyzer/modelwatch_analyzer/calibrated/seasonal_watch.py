"""What the windows of a schedule show together against a seasonal baseline: the means of days and weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from modelwatch_analyzer.calibrated.evidence import Evidence, WindowMean
from modelwatch_analyzer.calibrated.seasonal_tests import mean_evidence
from modelwatch_analyzer.calibrated.seasons import DAY, SeasonalCounts
from modelwatch_analyzer.documents import EditedDocument

SEASONAL_LOOKS_PART = 0.7
"""The part of a month's rate of false alarms that single windows have."""

_BLOCKS_PART = 0.3
"""The part of a month's rate of false alarms that all blocks together have."""

_WEEK = 7 * DAY
_ROUNDING = 1e-6
_MONTH = 30 * DAY


class MeanOfWindows(EditedDocument):
    """The windows of a block that is not full.

    Attributes
    ----------
    windows : int
    rows : float
    away : float
        The sum of how far their rows were from what is usual.
    usual : float
        The sum of what is usual of their rows; see `WindowMean`.
    """

    windows: Annotated[int, Field(ge=0)] = 0
    rows: Annotated[float, Field(ge=0)] = 0.0
    away: float = 0.0
    usual: float = 0.0

    def after(self, mean: WindowMean | None) -> MeanOfWindows:
        """Take in a window."""
        if mean is None:
            return self.model_copy(update={"windows": self.windows + 1})
        # Of huge numbers they may be beyond a double.
        away = float(np.nan_to_num(self.away + mean.away * mean.rows))
        usual = float(np.nan_to_num(self.usual + mean.usual * mean.rows))
        return MeanOfWindows(windows=self.windows + 1, rows=self.rows + mean.rows, away=away, usual=usual)


OpenBlocks = dict[int, MeanOfWindows]
"""The blocks that are not full yet, by their length in hours."""


def advance_blocks(
    blocks: Mapping[str, OpenBlocks],
    means: Mapping[str, tuple[SeasonalCounts, WindowMean | None]],
    length: float,
    rate: float,
    minimums: Mapping[str, float],
) -> tuple[dict[str, OpenBlocks], dict[str, list[Evidence]]]:
    """Take in a window.

    Parameters
    ----------
    blocks : mapping of str to OpenBlocks
        The state before, by column.
    means : mapping of str to (SeasonalCounts, WindowMean or None)
        The baseline's seasons and the window's mean, by column.
    length : float
        The length of the window, in hours.
    rate : float
        The share of months in which any column may be flagged where nothing has changed.
    minimums : mapping of str to float
        The least effect that matters, by column.

    Returns
    -------
    dict of str to OpenBlocks
        The state after; columns that the window lacks keep theirs.
    dict of str to list of Evidence
        What is certain and large, with p corrected over the columns and the month.
    """
    lengths = [each for each in (DAY, _WEEK) if each >= 2 * length]
    after, found = dict(blocks), {}
    for name, (seasonal, mean) in means.items():
        state, evidence = {}, []
        for block in lengths:
            taken = blocks.get(name, {}).get(block, MeanOfWindows()).after(mean)
            if taken.windows * length >= block - _ROUNDING:
                correction = len(means) * (_MONTH / block) * len(lengths) / _BLOCKS_PART
                tested = _of_block(seasonal, taken, block, correction)
                if tested is not None and tested.p <= rate and tested.effect.lower >= minimums[name]:
                    evidence.append(tested)
                taken = MeanOfWindows()
            state[block] = taken
        after[name], found[name] = state, evidence
    return after, found


def _of_block(seasonal: SeasonalCounts, block: MeanOfWindows, hours: int, correction: float) -> Evidence | None:
    spread, days = seasonal.spread_of(DAY), hours // DAY
    if not seasonal.mean_decides(spread, block.rows / days):
        return None
    mean = WindowMean(block.away / block.rows, block.rows, block.usual / block.rows)
    tested = mean_evidence(mean, seasonal, spread, f"test of the mean of the last {block.windows} windows", days)
    return replace(tested, p=min(1.0, tested.p * correction))
