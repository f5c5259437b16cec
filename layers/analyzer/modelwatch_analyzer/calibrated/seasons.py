"""Seasonal baselines: what is usual at each hour of the day and kind of day, and how far whole windows differ.

Rows of one window are alike because their hour is: the weather, a campaign, a night. How far windows of the same hours
are apart is learnt from the range of captures that a baseline was made of, so that a window is compared with its like
and counts for the information that it carries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from modelwatch_analyzer.calibrated.dependence import scores_of
from modelwatch_analyzer.documents import EditedDocument
from modelwatch_core.domain.time_zones import TimeZoneName

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAY = 24
LENGTHS = (1, 2, 3, 4, 6, 8, 12, DAY, 7 * DAY)
"""The lengths of windows that a baseline learns about, in hours."""

_LEAST_DAYS = 8
"""What is usual in a season is known if it has rows on this many days; for weekends that takes a month."""
KNOWN_ROWS = 0.99
"""At least this share of the rows must have a time, and be in seasons that are known."""
_LEAST_WINDOWS = 8
_LEAST_INDEPENDENT = 2.0
"""Windows that hardly differ from their neighbours count as this many independent ones, so that only extremes are
found."""
_SIGNIFICANCE = 1e-3
_ROUNDING = 1e-9
"""A share of a sum of squares that is smaller than this is a rounding error."""
_TINY = 1e-300
_APART_ERRORS = 3.5
"""Windows differ by more than their rows explain if the excess is more than this many standard errors."""
_LARGEST_CORRELATION = 0.98

_MOST = 1e12
"""The most windows or rows that a file may claim: it may have been edited."""

By = Literal["", "hour", "hour_and_kind_of_day"]
"""What makes hours alike: nothing; the hour of the day; or the hour and whether it is a Saturday or Sunday."""


def seasons_of(hours: Integers, by: By) -> Integers:
    """Return the number of the season of each hour.

    Parameters
    ----------
    hours : ndarray of int
        Hours since 1970-01-01T00:00 by the clocks of the time zone, a Thursday.
    """
    if not by:
        return np.zeros_like(hours)
    of_day = hours % DAY
    weekend = (hours // DAY + 3) % 7 >= 5
    return np.where(weekend, of_day + DAY, of_day) if by == "hour_and_kind_of_day" else of_day


class Spread(EditedDocument):
    """How far windows of a length are apart beyond what their hours explain.

    Attributes
    ----------
    windows : float
        How many independent windows carry as much information.
    correlation : float
        The correlation of neighbouring windows.
    rows : float
        Rows of the window that a row is in, in the mean.
    repeated : float
        The design effect of rows of a window.
    between : float
        For numbers, the variance of the means of windows of very many rows.
    mean_variance : float
        For numbers, the variance of the means of these windows.
    """

    windows: Annotated[float, Field(gt=1, le=_MOST)]
    correlation: Annotated[float, Field(ge=0, lt=1)]
    rows: Annotated[float, Field(ge=1, le=_MOST)]
    repeated: Annotated[float, Field(ge=1, le=_MOST)]
    between: Annotated[float, Field(ge=0)] = 0.0
    mean_variance: Annotated[float, Field(ge=0)] = 0.0

    def of_several(self, windows: int) -> float:
        """Return the variance of the mean of neighbouring windows, as a share of that of one.

        Notes
        -----
        Of a first-order autoregression.
        """
        lags = np.arange(1, windows)
        return float(1 + 2 * ((1 - lags / windows) * self.correlation**lags).sum()) / windows


class Season(EditedDocument):
    """What is usual in a season.

    Attributes
    ----------
    rows : int
    missing : int
        Rows without a value.
    counts : str
        Rows by cell of the column, as far as there are any: ``3:120 4:17``, in one line of a file that people may open.
    mean : float
        For numbers, their mean.
    """

    rows: Annotated[int, Field(gt=0, le=_MOST)]
    missing: Annotated[int, Field(ge=0, le=_MOST)]
    counts: Annotated[str, Field(pattern=r"^(\d{1,9}:\d{1,12}( \d{1,9}:\d{1,12})*)?$")]
    mean: float = 0.0

    @classmethod
    def of(cls, counts: Integers, missing: int, mean: float) -> Season:
        """Return it of the rows in each cell."""
        filled = np.flatnonzero(counts)
        text = " ".join(f"{cell}:{count}" for cell, count in zip(filled.tolist(), counts[filled].tolist(), strict=True))
        return cls(rows=int(counts.sum()) + missing, missing=missing, counts=text, mean=mean)

    def by_cell(self, cells: int) -> Floats:
        """Return the rows in each of so many cells."""
        pairs = np.array(self.counts.replace(":", " ").split(), np.int64).reshape(-1, 2)
        known = pairs[pairs[:, 0] < cells]
        return np.bincount(known[:, 0], known[:, 1], cells).astype(np.float64)


class SeasonalCounts(EditedDocument):
    """What a seasonal baseline keeps of a column.

    Attributes
    ----------
    by : str
        See `By`.
    seasons : mapping of int to Season
    spreads : mapping of int to Spread
        The spread of windows, by their length in hours.
    variance : float
        For numbers, their variance around the mean of their season.
    time_zone : str, optional
        The zone by whose clocks hours and days are counted; UTC if there is none.
    """

    by: By
    time_zone: TimeZoneName | None = None
    seasons: dict[int, Season]
    spreads: Annotated[dict[int, Spread], Field(min_length=1)]
    variance: Annotated[float, Field(ge=0)] = 0.0

    @property
    def mean(self) -> float:
        """For numbers, the mean of all rows."""
        rows = {number: each.rows - each.missing for number, each in self.seasons.items()}
        return sum(rows[number] * each.mean for number, each in self.seasons.items()) / max(sum(rows.values()), 1)

    def spread_of(self, hours: float) -> Spread:
        """Return that of the longest windows that are not longer, or else of the shortest ones."""
        lengths = sorted(self.spreads)
        return self.spreads[max((each for each in lengths if each <= hours), default=lengths[0])]

    def mean_decides(self, spread: Spread, rows: float) -> bool:
        """Return whether windows of so many rows differ by nature at least as much as by the chance of their rows.

        Then their means are tested, by the law of what makes windows differ. Means of a few skewed values do not follow
        Student's law, and there the rows themselves show it.
        """
        return self.variance > 0 and spread.between * rows >= self.variance


@dataclass(frozen=True, slots=True)
class RankedColumn:
    """A column of a baseline, row by row.

    Attributes
    ----------
    cells : ndarray of int32, shape (rows,)
        The cell of each value; -1 where it is missing.
    middles : ndarray, shape (cells + 2,)
        The rank of the middle of each cell, of other values, and last NaN.
    values : ndarray, shape (rows,), optional
        Numbers; NaN where there is none.
    """

    cells: NDArray[np.int32]
    middles: Floats
    values: Floats | None

    def where(self, kept: NDArray[np.bool_]) -> RankedColumn:
        """Return it of some rows."""
        return RankedColumn(self.cells[kept], self.middles, None if self.values is None else self.values[kept])

    @property
    def scores(self) -> Floats:
        """What tests look at, shape (rows, scores); those of one column need more memory than all its rows."""
        return scores_of(self.middles[self.cells])


def learn_seasons(hours: Integers, columns: Mapping[str, RankedColumn]) -> dict[str, SeasonalCounts]:
    """Return what is usual by season, where data show that hours or windows differ; else nothing.

    Parameters
    ----------
    hours : ndarray of int, shape (rows,)
        The hour of each row, since 1970, as `local_hours` counts them; negative where it is not known.

    Notes
    -----
    Hours of the day, and then kinds of day at any hour of the day, are distinguished if an F test of the means of hours
    is significant at 1e-3 over all tests. Where they are not, the variance between windows is used alone, if windows
    differ by more than 3.5 standard errors. Up to 1 % of the rows may have no hour, and are left out.
    """
    known = hours >= 0
    if not columns or known.mean() < KNOWN_ROWS:
        return {}
    if not known.all():
        hours, columns = hours[known], {name: each.where(known) for name, each in columns.items()}
    timed = _Hours(hours)
    if np.unique(timed.each // DAY).size < _LEAST_DAYS:
        return {}
    scored = {name: _Scores.of(timed, each.scores) for name, each in columns.items()}
    by: By = ""
    for finer in ("hour", "hour_and_kind_of_day"):
        if timed.is_known(finer) and timed.differ(finer, by, (each.sums for each in scored.values())):
            by = finer
    seasonal = {name: _counts_of(timed, by, each, scored[name]) for name, each in columns.items()}
    apart = any(each.repeated > 1 + _APART_ERRORS * math.sqrt(2 / each.windows) for each in _all_spreads(seasonal))
    return seasonal if by or apart else {}


def _all_spreads(seasonal: Mapping[str, SeasonalCounts]) -> Iterator[Spread]:
    for each in seasonal.values():
        yield from each.spreads.values()


class _Hours:
    """Rows by the hour in which they came."""

    def __init__(self, hours: Integers) -> None:
        self.each, self.of_row = np.unique(hours, return_inverse=True)
        self.rows = np.bincount(self.of_row).astype(np.float64)
        self.order = None if np.all(np.diff(hours) >= 0) else np.argsort(hours, kind="stable")
        self.starts = np.append(0, np.cumsum(self.rows[:-1])).astype(np.int64)

    def sums(self, scores: Floats) -> Floats:
        """Return the sums of scores by hour, shape (hours, scores)."""
        sums: Floats = np.add.reduceat(scores if self.order is None else scores[self.order], self.starts, axis=0)
        return sums

    def days(self, by: By) -> dict[int, int]:
        """Return on how many days each season has rows."""
        pairs = np.unique(np.column_stack([seasons_of(self.each, by), self.each // DAY]), axis=0)
        numbers, days = np.unique(pairs[:, 0], return_counts=True)
        return dict(zip(numbers.tolist(), days.tolist(), strict=True))

    def is_known(self, by: By) -> bool:
        """Return whether what is usual is known for nearly all rows."""
        days = self.days(by)
        known = np.array([days[season] >= _LEAST_DAYS for season in seasons_of(self.each, by).tolist()])
        return float(self.rows[known].sum()) >= KNOWN_ROWS * float(self.rows.sum())

    def differ(self, by: By, coarser: By, columns: Iterable[Floats]) -> bool:
        """Return whether seasons explain more of the means of hours, by the sums of columns, than coarser ones do.

        Notes
        -----
        The finer seasons of each coarser one are tested by themselves: hours of one day, which are alike, are then in
        different tests, as far as hours of the day are distinguished.
        """
        from scipy.special import fdtrc

        whole, level = (np.unique(seasons_of(self.each, each), return_inverse=True)[1] for each in (coarser, by))
        first = np.unique(level, return_index=True)[1]
        finer = np.bincount(whole[first]).astype(np.float64)
        freedom = np.column_stack([finer - 1, np.bincount(whole) - finer])
        tested = (freedom >= 1).all(axis=1)
        if not tested.any():
            return False
        between, within = freedom[tested].T[:, :, None]
        least, tests = 1.0, 0
        for sums in columns:
            before, left = (self._left(sums, each, whole)[tested] for each in (whole, level))
            rounding = _ROUNDING * (sums**2 / self.rows[:, None]).sum(axis=0)
            explained = before - left
            ratios = explained / between * within / np.maximum(left, np.maximum(rounding, _TINY))
            p = np.where(explained > rounding, fdtrc(between, within, np.maximum(ratios, 0.0)), 1.0)
            least = min(least, float(p.min()))
            tests += p.size
        return least * tests <= _SIGNIFICANCE

    def _left(self, sums: Floats, level: Integers, whole: Integers) -> Floats:
        """Return the sums of squares of the means of hours around those of their seasons, by rows, in coarser ones."""
        residuals = sums - self.rows[:, None] * _means(sums, self.rows, level)[level]
        squares = residuals**2 / self.rows[:, None]
        return np.column_stack([np.bincount(whole, each) for each in squares.T])


def _means(sums: Floats, rows: Floats, level: Integers) -> Floats:
    totals = np.column_stack([np.bincount(level, each) for each in sums.T])
    means: Floats = totals / np.maximum(np.bincount(level, rows), 1.0)[:, None]
    return means


@dataclass(frozen=True, slots=True)
class _Scores:
    """The sums of scores by hour, of which every row has some, and the sums of their squares."""

    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, timed: _Hours, scores: Floats) -> _Scores:
        return cls(timed.sums(scores), np.einsum("ij,ij->j", scores, scores))


def _counts_of(timed: _Hours, by: By, column: RankedColumn, scored: _Scores) -> SeasonalCounts:
    level = np.unique(seasons_of(timed.each, by), return_inverse=True)[1]
    scores = _Residuals.of_scores(timed, level, scored)
    values, variance = None, 0.0
    if column.values is not None:
        values = _Residuals.of_values(timed, level, column.values)
        variance = values.variance
    spreads = {}
    for length in LENGTHS:
        spread = _spread(timed, length, scores, values, variance)
        if spread is not None:
            spreads[length] = spread
    return SeasonalCounts(by=by, seasons=dict(_seasons(timed, by, column, values)), spreads=spreads, variance=variance)


def _seasons(timed: _Hours, by: By, column: RankedColumn, values: _Residuals | None) -> Iterator[tuple[int, Season]]:
    numbers, level = np.unique(seasons_of(timed.each, by), return_inverse=True)
    of_row = level[timed.of_row]
    counted = column.middles.size - 1
    # The missing ones have the last column: their cell is -1.
    cells = np.bincount(of_row * counted + column.cells % counted, minlength=numbers.size * counted)
    cells = cells.reshape(numbers.size, counted)
    days = timed.days(by)
    for place, number in enumerate(numbers.tolist()):
        if by and days[number] < _LEAST_DAYS:
            continue
        mean = float(values.means[place, 0]) if values is not None else 0.0
        yield number, Season.of(cells[place, :-1], int(cells[place, -1]), mean)


@dataclass(frozen=True, slots=True)
class _Residuals:
    """What the seasons do not explain of scores, summed by hour.

    Attributes
    ----------
    rows : ndarray, shape (hours,)
    means : ndarray, shape (seasons, scores)
    sums : ndarray, shape (hours, scores)
    squares : ndarray, shape (scores,)
        The sums of squares over rows.
    """

    timed: _Hours
    rows: Floats
    means: Floats
    sums: Floats
    squares: Floats

    @classmethod
    def of_scores(cls, timed: _Hours, level: Integers, scored: _Scores) -> _Residuals:
        """Return those of scores that all rows have: centred and bounded, so that squares can be subtracted."""
        means = _means(scored.sums, timed.rows, level)
        explained = (np.bincount(level, timed.rows)[:, None] * means**2).sum(axis=0)
        squares = scored.squares - explained
        squares = np.where(squares > _ROUNDING * scored.squares, squares, 0.0)
        return cls(timed, timed.rows, means, scored.sums - timed.rows[:, None] * means[level], squares)

    @classmethod
    def of_values(cls, timed: _Hours, level: Integers, values: Floats) -> _Residuals:
        """Return those of numbers, which may be missing, and large."""
        present = np.isfinite(values)
        rows = np.bincount(timed.of_row[present], minlength=timed.each.size).astype(np.float64)
        means = _means(timed.sums(np.where(present, values, 0.0)[:, None]), rows, level)
        left = np.where(present, values - means[level[timed.of_row], 0], 0.0)[:, None]
        return cls(timed, rows, means, timed.sums(left), (left**2).sum(axis=0))

    @property
    def variance(self) -> float:
        """Of the first score of a row around the mean of its season."""
        seasons = int(self.means.shape[0])
        return float(self.squares[0]) / max(float(self.rows.sum()) - seasons, 1.0)

    def windows(self, length: int) -> tuple[Floats, Floats, Integers]:
        """Return sums and rows of windows that have rows, and their numbers."""
        numbers, of_hour = np.unique(self.timed.each // length, return_inverse=True)
        sums: Floats = np.column_stack([np.bincount(of_hour, each) for each in self.sums.T]).astype(np.float64)
        rows: Floats = np.bincount(of_hour, self.rows).astype(np.float64)
        filled = rows > 0
        return sums[filled], rows[filled], numbers[filled]

    def correlation(self, length: int) -> tuple[float, float]:
        """Return the correlation of neighbouring windows, and how many independent ones carry the same information.

        Notes
        -----
        Of a first-order autoregression, whose correlation is the largest of all scores plus one standard error. As days
        are alike in all their hours, shorter windows carry no more information than those of a day. Unequal windows
        are worth fewer equal ones (Kish).
        """
        sums, rows, numbers = self.windows(length)
        means = sums / rows[:, None]
        centred = means - means.mean(axis=0)
        products = (centred[1:] * centred[:-1])[np.diff(numbers) == 1].sum(axis=0)
        squares = (centred**2).sum(axis=0)
        largest = float(np.max(np.where(squares > 0, products / np.where(squares > 0, squares, 1.0), 0.0)))
        correlation = min(max(largest + 1 / math.sqrt(numbers.size), 0.0), _LARGEST_CORRELATION)
        independent = float(rows.sum() ** 2 / (rows**2).sum()) * (1 - correlation) / (1 + correlation)
        return correlation, independent if length >= DAY else min(independent, self.correlation(DAY)[1])


def _spread(
    timed: _Hours, length: int, scores: _Residuals, values: _Residuals | None, variance: float
) -> Spread | None:
    sums, rows, _ = scores.windows(length)
    if rows.size < _LEAST_WINDOWS:
        return None
    squares = scores.squares
    effects = np.where(squares > 0, (sums**2).sum(axis=0) / np.where(squares > 0, squares, 1.0), 1.0)
    # Means of seasons are of the same rows, which makes the rest smaller.
    scale = timed.each.size / max(timed.each.size - scores.means.shape[0], 1)
    correlation, independent = (values or scores).correlation(length)
    between = mean_variance = 0.0
    if values is not None:
        # Windows count by their values: quiet hours, of few rows, would hide how far those of many are apart.
        sums, of_values, _ = values.windows(length)
        share = of_values.size / float(of_values.sum())
        mean_variance = scale * float((sums[:, 0] ** 2 / of_values).sum() / of_values.sum())
        between = max(0.0, (mean_variance - variance * share) / (1 - share)) if share < 1 else 0.0
    return Spread(
        windows=max(_LEAST_INDEPENDENT, independent),
        correlation=correlation,
        rows=float((rows**2).sum() / rows.sum()),
        repeated=max(1.0, float(effects.max())),
        between=between,
        mean_variance=mean_variance,
    )
