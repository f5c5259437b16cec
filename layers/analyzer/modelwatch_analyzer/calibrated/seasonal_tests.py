"""A window against the same hours of a seasonal baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.cells import CategoryCells, ColumnCounts, NumberCells, as_numbers
from modelwatch_analyzer.calibrated.columns import evidence_of
from modelwatch_analyzer.calibrated.dependence import LEAST_MENTIONED
from modelwatch_analyzer.calibrated.effects import Effect
from modelwatch_analyzer.calibrated.evidence import (
    DRIFT_CHECK,
    MINIMUM_EFFECT,
    NO_SUCH_HOURS,
    WINDOW_TEST,
    Evidence,
    Found,
    WindowMean,
    tested,
)
from modelwatch_analyzer.calibrated.family import of_few
from modelwatch_analyzer.calibrated.local_hours import local_hours, slot_minutes
from modelwatch_analyzer.calibrated.row_sample import SampledColumn
from modelwatch_analyzer.calibrated.seasons import DAY, SeasonalCounts, Spread, seasons_of
from modelwatch_analyzer.special_functions import student_quantile, student_tail

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OF_WINDOW, OF_ROWS = 0.85, 0.15
"""The shares of a numeric column's rate of false alarms: of the test of the window's mean, and of the tests of rows."""

_ALIKE = {
    "": "windows",
    "hour": "hours of the day ({zone})",
    "hour_and_kind_of_day": "hours of the day and kinds of day ({zone})",
}
_HOUR = 60
_MOST_HOURS = 24 * 366
"""The most hours of a window that are looked at: after a year the seasons repeat."""


@dataclass(frozen=True, slots=True)
class WindowTimes:
    """When the rows of a window came.

    Attributes
    ----------
    length : float
        The length of the window, in hours; whole days of the clock count as such, though they have 23 or 25.
    of_rows : ndarray of int, optional
        The hour of each row, since 1970, as `local_hours` counts them; negative where it is not known.
    hours : ndarray of int
        The hours of the window, used if `of_rows` is None.
    shares : ndarray
        How much of the window is in each of these hours: as many of the rows are assumed to be.
    """

    length: float
    of_rows: Integers | None
    hours: Integers
    shares: Floats

    @classmethod
    def of_records(cls, hours: Integers) -> WindowTimes:
        """Return those of records without a window, from the first to the last.

        Notes
        -----
        If most of the hours between have no rows, as between two Mondays at nine, it is no long window: the longer a
        window, the less its mean varies, because it has many hours.
        """
        known = np.unique(hours[hours >= 0])
        span = float(known[-1] - known[0] + 1)
        return cls(min(span, 2.0 * known.size), hours, known, np.ones(known.size))

    @classmethod
    def between(cls, start: float, end: float, of_rows: Integers | None, zone: str | None = None) -> WindowTimes:
        """Return those of a window, by its times in hours since 1970 in UTC."""
        of_hour = _HOUR // slot_minutes(zone)
        first, last = of_hour * start, of_hour * end
        slots = np.arange(math.floor(first), math.ceil(last))[: of_hour * _MOST_HOURS]
        shares = np.minimum(slots + 1, last) - np.maximum(slots, first)
        begins, ends = local_hours(np.array([first, last]).astype(np.int64), zone).tolist()
        days = (ends - begins) // DAY
        return cls(max(end - start, days * DAY), of_rows, local_hours(slots, zone), shares)


@dataclass(frozen=True, slots=True)
class _Window:
    """The rows of a column of a window that came in seasons which the baseline knows.

    Attributes
    ----------
    weights : mapping of int to float
        The share of the rows in each season.
    of_rows : ndarray of int, optional
        The season of each row, where it is known.
    """

    seasonal: SeasonalCounts
    weights: Mapping[int, float]
    sampled: SampledColumn
    of_rows: Integers | None

    @classmethod
    def of(cls, seasonal: SeasonalCounts, sampled: SampledColumn, times: WindowTimes) -> _Window:
        hours, parts = (times.hours, times.shares) if times.of_rows is None else (times.of_rows, None)
        numbers = seasons_of(hours, seasonal.by)
        known = np.isin(numbers, list(seasonal.seasons)) & (hours >= 0)
        if times.of_rows is not None and not known.all():
            sampled = _filtered(sampled, known)
        counts = np.bincount(numbers[known], None if parts is None else parts[known])
        seasons = np.flatnonzero(counts)
        shares = counts[seasons] / counts.sum()
        of_rows = None if times.of_rows is None else numbers[known]
        return cls(seasonal, dict(zip(seasons.tolist(), shares.tolist(), strict=True)), sampled, of_rows)

    @property
    def rows(self) -> int:
        return sum(len(part) for part in self.sampled.parts)

    def usual(self, before: ColumnCounts, spread: Spread) -> ColumnCounts:
        """Return the counts of as many rows of the baseline as carry the information of its seasons together."""
        seasons = [(share, self.seasonal.seasons[number]) for number, share in self.weights.items()]
        rows = 1 / sum(share**2 / season.rows for share, season in seasons)
        cells = before.numbers or before.categories
        of_seasons = (
            share / season.rows * season.by_cell(len(cells.counts) if cells else 0) for share, season in seasons
        )
        counts = rows * np.sum(list(of_seasons), axis=0)
        missing = rows * sum(share * season.missing / season.rows for share, season in seasons)
        numbers, categories, present = before.numbers, before.categories, rows - missing
        if numbers is not None:
            scale = float(counts.sum()) / sum(numbers.counts)
            scaled = {"integral": numbers.integral * scale, "negative": numbers.negative * scale, "counts": counts}
            numbers = NumberCells.model_construct(**dict(numbers) | scaled)
            present = before.present * scale
        if categories is not None:
            categories = CategoryCells.model_construct(values=categories.values, counts=counts)
        return ColumnCounts(
            missing=round(missing),
            present=round(present),
            numbers=numbers,
            categories=categories,
            repeated=spread.repeated,
        )

    def mean(self, before: ColumnCounts, copies: float) -> WindowMean | None:
        """Compare the mean of numbers with what is usual; None where there is nothing to compare.

        Notes
        -----
        Seasons have the weight of their values and not of their rows: values may be missing at some hours more often.
        """
        parts = [as_numbers(part) for part in self.sampled.parts]
        values = np.concatenate(parts) if parts else np.empty(0)
        valued = {number: season for number, season in self.seasonal.seasons.items() if season.counts}
        filled = np.isfinite(values)
        if self.of_rows is not None:
            filled &= np.isin(self.of_rows, list(valued))
        values = values[filled]
        if not values.size or self.seasonal.variance <= 0:
            return None
        if self.of_rows is not None:
            seasons, counts = np.unique(self.of_rows[filled], return_counts=True)
            weights = dict(zip(seasons.tolist(), counts.tolist(), strict=True))
        else:
            weights = {
                number: share * (valued[number].rows - valued[number].missing) / valued[number].rows
                for number, share in self.weights.items()
                if number in valued
            }
        whole = sum(weights.values())
        if whole <= 0:
            return None
        usual = sum(weight * valued[number].mean for number, weight in weights.items()) / whole
        with np.errstate(over="ignore", invalid="ignore"):
            away = float(np.nan_to_num(values.mean())) - usual
        return WindowMean(away, values.size / copies, usual if never_negative(before) else 0.0)


def _filtered(sampled: SampledColumn, kept: NDArray[np.bool_]) -> SampledColumn:
    parts, start = [], 0
    for part in sampled.parts:
        parts.append(part.filter(pl.Series(kept[start : start + len(part)])))
        start += len(part)
    return SampledColumn(tuple(parts))


def seasonal_evidence(
    before: ColumnCounts,
    seasonal: SeasonalCounts,
    sampled: SampledColumn,
    times: WindowTimes,
    copies: float,
    *,
    numeric: bool,
    integral: bool,
) -> Found:
    """Make all tests of a column of a window.

    Parameters
    ----------
    before : ColumnCounts
        The counts of the whole baseline.
    copies : float
        The design effect of rows that are there more than once, or are alike because they came in one request.

    Notes
    -----
    The rows are compared with a mixture of the seasons of the baseline, in which each season has the weight that it has
    in the window. Rows count by the design effect of the windows of the baseline, which holds all that makes rows of a
    window alike. Where that is much, the mean of a window of numbers is also compared as one observation, by Student's
    test with the variance between windows: a single one may show it, where its rows count as very few.
    """
    window, spread = _Window.of(seasonal, sampled, times), seasonal.spread_of(times.length)
    if not window.weights:
        return Found((), 0.0, 0.0, NO_SUCH_HOURS)
    rows = window.rows
    repeated = max(copies, repeated_in(spread, rows))
    usual = window.usual(before, spread)
    evidence = tuple(evidence_of(usual, window.sampled, numeric=numeric, integral=integral, repeated=repeated))
    tests = tuple(of_few(tested({"": evidence})[""], spread.windows))
    mean = window.mean(before, copies) if numeric else None
    if mean is not None and seasonal.mean_decides(spread, mean.rows):
        parts = [(each, OF_ROWS) for each in tests]
        parts.append((mean_evidence(mean, seasonal, spread, WINDOW_TEST), OF_WINDOW))
        tests = tuple(replace(each, p=min(1.0, each.p / part)) for each, part in parts)
    alike = _ALIKE[seasonal.by].format(zone=seasonal.time_zone or "UTC")
    remark = f"Compared with the same {alike} of the baseline, which carry as much information as"
    remark += f" {spread.windows:.3g} independent windows"
    if repeated >= LEAST_MENTIONED:
        remark += f"; the rows count as {repeated:.3g} times fewer, because windows differ"
    left_out = sum(len(part) for part in sampled.parts) - rows
    if left_out:
        remark += f"; {left_out:,} of {rows + left_out:,} rows are left out, as the baseline lacks their hours or they"
        remark += " have none"
    return Found(tests, usual.present / usual.repeated, rows / repeated, f"{remark}.", mean)


def repeated_in(spread: Spread, rows: float) -> float:
    """Return the design effect of the rows of a window; more than those that were learnt from may be more alike."""
    beyond = math.sqrt(2 / spread.windows) / spread.rows * max(0.0, rows - spread.rows)
    return 1 + (spread.repeated - 1) * max(1.0, rows / spread.rows) + beyond


def never_negative(before: ColumnCounts) -> bool:
    """Return whether a column of a baseline has numbers, of which none is negative."""
    return before.numbers is not None and not before.numbers.negative


def error_of_mean(seasonal: SeasonalCounts, spread: Spread, rows: float, windows: int = 1) -> float:
    """Return the standard error of the mean of a window of so many rows, or of several, against what is usual."""
    # Windows of more rows than those that were learnt from may differ by what these leave open.
    unknown = seasonal.variance / spread.rows * math.sqrt(2 / spread.windows) * max(0.0, 1 - spread.rows / rows)
    of_window = spread.between + max(seasonal.variance - spread.between, 0.0) / rows + unknown
    return math.sqrt(of_window * spread.of_several(windows) + spread.mean_variance / spread.windows)


def mean_evidence(mean: WindowMean, seasonal: SeasonalCounts, spread: Spread, test: str, windows: int = 1) -> Evidence:
    """Test the mean of a window as one observation, or that of several windows of the length that a spread is of.

    Notes
    -----
    Student's test. The effect is how far two normal laws are apart, so that it is one of shares of rows. Where values
    are never negative, days may multiply them, and their means are skewed upwards: a move of one window upwards is
    measured on the scale of logarithms. This only makes it smaller, so the promise also holds where days add to all
    values. The mean of several windows is hardly skewed.
    """
    error = error_of_mean(seasonal, spread, mean.rows / windows, windows)
    freedom, size = spread.windows - 1, abs(mean.away)
    skewed = windows == 1 and mean.away > 0 and mean.usual > 0
    certain = mean.usual * math.log1p(size / mean.usual) if skewed else size
    margin = student_quantile(freedom, 0.025) * error
    scale = math.sqrt(8 * seasonal.variance)
    estimate, lower, upper = (math.erf(each / scale) for each in (size, max(0.0, certain - margin), size + margin))
    what = f"of the rows moved to {'higher' if mean.away > 0 else 'lower'} values, by the mean"
    effect = Effect(estimate, lower, upper, what)
    return Evidence(test, DRIFT_CHECK, 2 * student_tail(freedom, certain / error), effect, MINIMUM_EFFECT)
