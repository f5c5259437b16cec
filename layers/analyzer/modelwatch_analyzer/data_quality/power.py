"""What windows of a size can find: the least changes that are flagged in 80 % of them, by feature."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from modelwatch_analyzer.calibrated.cells import ColumnCounts
from modelwatch_analyzer.calibrated.effects import difference_of_shares, effective_rows
from modelwatch_analyzer.calibrated.family import least_move
from modelwatch_analyzer.calibrated.seasonal_tests import (
    OF_ROWS,
    OF_WINDOW,
    error_of_mean,
    never_negative,
    repeated_in,
)
from modelwatch_analyzer.calibrated.seasons import DAY, SeasonalCounts
from modelwatch_analyzer.calibrated.two_counts import more
from modelwatch_analyzer.data_quality.documents import Statistics
from modelwatch_analyzer.distances.distribution_constraints import CALIBRATED_RATES
from modelwatch_core.domain.errors import InvalidInput

_FOUND = 0.8
_MISSING_OF_NUMBERS, _MISSING_OF_CATEGORIES = 0.04, 0.2
_LOCATION = 0.25
_LEAST_LEVEL = 1e-300
_NORMAL_RANKS = 1.02
"""The square root of pi / 3: the factor by which using ranks widens the standard error of a normal column."""


@dataclass(frozen=True, slots=True)
class LeastChange:
    """The least changes of a feature that are found in 80 % of windows.

    Attributes
    ----------
    feature : str
    moved : float, optional
        Share of the rows that move to lower or higher values; None for categories.
    deviations : float, optional
        The same as a shift in standard deviations, of a normal column.
    missing : float
        Share of missing rows, where it rises.
    """

    feature: str
    moved: float | None
    deviations: float | None
    missing: float


def least_changes(statistics: Statistics, rows: int, level: float, hours: float = 1.0) -> Iterator[LeastChange]:
    """Yield what windows of so many rows can find against a baseline, at the minimums that a baseline suggests.

    Parameters
    ----------
    level : float
        The chance of a false alarm of a window, over all features.
    hours : float
        How long a window is; of a seasonal baseline.

    Raises
    ------
    InvalidInput
        ``InvalidStatistics`` for a baseline without counts for the Calibrated comparison.
    """
    counted = {each.name: each.calibration for each in statistics.features if each.calibration is not None}
    if not counted:
        message = "the statistics hold no counts for the Calibrated comparison: make the baseline again with Modelwatch"
        raise InvalidInput("InvalidStatistics", message)
    share = level / len(counted)
    for name, counts in counted.items():
        if counts.seasons is not None:
            yield _seasonal(name, counts, counts.seasons, rows, share, hours)
            continue
        all_rows = counts.present + counts.missing
        present = rows * counts.present / all_rows if all_rows else 0.0
        before = counts.present / counts.repeated
        moved = deviations = None
        if counts.numbers is not None:
            moved, deviations = _move(before, present, share), _deviations(before, present, share)
        yield LeastChange(name, moved, deviations, _missing(counts, rows, share))


def _seasonal(
    name: str, counts: ColumnCounts, seasons: SeasonalCounts, rows: int, level: float, hours: float
) -> LeastChange:
    """Return what a window finds by its rows, as far as they decide, and by its mean; see `seasonal_evidence`."""
    from scipy.special import ndtr, ndtri, stdtrit

    spread = seasons.spread_of(hours)
    share = counts.present / max(counts.present + counts.missing, 1)
    decides = seasons.mean_decides(spread, rows * share)
    of_rows = level * (OF_ROWS if decides else 1.0)
    # The level of a normal law that stands for Student's, whose variance is estimated from few windows.
    of_rows = max(_LEAST_LEVEL, 2 * float(ndtr(stdtrit(spread.windows - 1, of_rows / 2))))
    repeated = repeated_in(spread, rows)
    part = min(1.0, hours / DAY) if len(seasons.seasons) > 1 else 1.0
    before, now = part * counts.present / spread.repeated, rows * share / repeated
    missing = _missing(counts, max(1, int(rows / repeated)), of_rows)
    if counts.numbers is None:
        return LeastChange(name, None, None, missing)
    moved, deviations = _move(before, now, of_rows), _deviations(before, now, of_rows)
    if decides:
        error, freedom = error_of_mean(seasons, spread, rows * share), spread.windows - 1
        certain = -float(stdtrit(freedom, OF_WINDOW * level / 2))
        large = float(stdtrit(freedom, 0.975))
        least = (max(certain, large) - float(ndtri(1 - _FOUND))) * error / math.sqrt(seasons.variance)
        least += 2 * float(ndtri(0.5 + (CALIBRATED_RATES.minimum_effect or 0.0) / 2)) if large > certain else 0.0
        usual = seasons.mean / math.sqrt(seasons.variance) if never_negative(counts) else 0.0
        if usual > 0:
            # Upwards, where it takes more: the mean is then tested on the scale of logarithms.
            with np.errstate(over="ignore"):
                least = usual * float(np.expm1(least / usual))
        deviations = least if deviations is None else min(deviations, least)
        moved = min(moved, math.erf(least / math.sqrt(8)))
    return LeastChange(name, moved, None if moved >= 1 else deviations, missing)


def _move(before: float, now: float, level: float) -> float:
    rows = effective_rows(before, now)
    if not rows:
        return 1.0
    large = (CALIBRATED_RATES.minimum_effect or 0.0) + (math.sqrt(math.log(40) / 2) + 0.42) / math.sqrt(rows)
    return min(1.0, max(least_move(before, now, level), large))


def _deviations(before: float, now: float, level: float) -> float | None:
    from scipy.special import ndtri

    rows = effective_rows(before, now)
    if not rows:
        return None
    certain = _NORMAL_RANKS * (-ndtri(_LOCATION * level / 2) - ndtri(1 - _FOUND)) / math.sqrt(rows)
    moved = (CALIBRATED_RATES.minimum_effect or 0.0) + (math.sqrt(math.log(40) / 2) + 0.42) / math.sqrt(rows)
    large = 2 * ndtri(0.5 + moved / 2) if moved < 1 else math.inf  # two normal laws that are D apart
    deviations = float(max(certain, large))
    return deviations if math.isfinite(deviations) else None


def _missing(counts: ColumnCounts, rows: int, level: float) -> float:
    """Return the least share of missing rows, above the baseline's, that is found in 80 % of windows."""
    from scipy.special import bdtrc

    weight = _MISSING_OF_NUMBERS if counts.numbers is not None else _MISSING_OF_CATEGORIES
    all_rows = counts.present + counts.missing
    first = math.floor(counts.missing / max(all_rows, 1) * rows) + 1
    least = CALIBRATED_RATES.minimum_share or 0.0

    def flagged(now: int) -> bool:
        p = 2 * float(more(counts.missing, all_rows, now, rows)[0]) / weight
        return p <= level and difference_of_shares(counts.missing, all_rows, now, rows, "").lower >= least

    low, high = first, rows
    if first > rows or not flagged(rows):
        return 1.0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if flagged(middle) else (middle + 1, high)
    shares = np.linspace(0, 1, 10_001)
    found = bdtrc(low - 1, rows, shares) >= _FOUND
    return float(shares[int(np.argmax(found))]) if found.any() else 1.0
