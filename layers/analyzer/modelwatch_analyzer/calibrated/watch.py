"""What a schedule's windows show together: blocks of windows, and a change detector whose reference grows.

Evidence is never multiplied over windows against one fixed baseline: all of them meet the same error of its sample.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from modelwatch_analyzer.calibrated.category_tests import chi_squared
from modelwatch_analyzer.calibrated.cells import ColumnCounts, Numbers, texts
from modelwatch_analyzer.calibrated.columns import COMPLETENESS_CHECK
from modelwatch_analyzer.calibrated.effects import (
    Effect,
    change_of_missing,
    effective_rows,
    largest_move,
    total_variation,
)
from modelwatch_analyzer.calibrated.evidence import DRIFT_CHECK, MINIMUM_EFFECT, MINIMUM_SHARE, Evidence
from modelwatch_analyzer.calibrated.permutation import sum_test
from modelwatch_analyzer.calibrated.row_sample import SampledColumn
from modelwatch_analyzer.calibrated.seasonal_watch import OpenBlocks
from modelwatch_analyzer.calibrated.two_counts import different
from modelwatch_analyzer.documents import EditedDocument
from modelwatch_core.domain.documents import ExactUtcDatetime

Floats = NDArray[np.float64]

BLOCKS = (6, 24, 168)
"""The lengths of blocks, in windows: for hourly ones a quarter of a day, a day and a week."""

LOOKS_PART = 0.2
"""The part of a month's rate of false alarms that single windows have."""

_BLOCKS_PART, _DETECTOR_PART = 0.1, 0.5
"""The parts of a month's rate of false alarms that the blocks of each length, and the detector, have."""

_CELLS = 32
_BETS = np.array([sign * size for size in (0.25, 0.5, 1.0, 2.0, 4.0) for sign in (1, -1)])
_DIRECTIONS = ((0, 1), (0, -1), (1, 1), (1, -1))
"""The place of a score and the sign of its change. For each the beginning of a change is sought by the cumulative sum
of one bet."""
_SUMMED_BET = 0.5

_LOCATION, _DISTANCE, _MISSING = 0.45, 0.45, 0.1


class Recent(EditedDocument):
    """The windows since the cumulative sum of one direction was 0, which is the likeliest start of a change.

    Attributes
    ----------
    rows : tuple of float
        Their rows in coarse cells.
    windows : int
    cumulative : float
    """

    rows: tuple[float, ...] = (0.0,) * _CELLS
    windows: int = 0
    cumulative: float = 0.0

    def after(self, now: Floats, z: float) -> Recent:
        """Take in a window."""
        cumulative = self.cumulative + _SUMMED_BET * z - _SUMMED_BET**2 / 2
        if cumulative <= 0:
            return Recent()
        rows = tuple(np.round(np.asarray(self.rows) + now, 3).tolist())
        return Recent(rows=rows, windows=self.windows + 1, cumulative=cumulative)


class WatchedColumn(EditedDocument):
    """The state of a column.

    Attributes
    ----------
    reference : tuple of float
        Rows of the baseline and of earlier windows in coarse cells.
    recent : tuple of Recent
        What may be the windows since a change, by direction.
    bets : tuple of float
        The detector's statistics: by score, then by bet.
    blocks : mapping of str to tuple of float
        Rows of the windows of the block that is not full, by its length; the missing ones last.
    """

    reference: tuple[float, ...]
    recent: tuple[Recent, ...]
    bets: tuple[float, ...]
    blocks: dict[str, tuple[float, ...]]


class Watch(EditedDocument):
    """The state of a schedule after a window.

    Attributes
    ----------
    baseline : int
        The checksum of the baseline's counts: with another baseline the watch starts over.
    looks : int
        Windows so far.
    until : datetime, optional
        The end of the last of them, where it is known.
    seasonal : mapping of str to OpenBlocks
        The open blocks of each column, if the baseline is seasonal.
    """

    baseline: int
    looks: int = 0
    until: ExactUtcDatetime | None = None
    columns: dict[str, WatchedColumn] = Field(default_factory=dict)
    seasonal: dict[str, OpenBlocks] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchedSample:
    """A column of a window.

    Attributes
    ----------
    before : ColumnCounts
        The counts of the baseline.
    sampled : SampledColumn
    numeric : bool
    rows : float
        How many independent rows the window's are worth.
    minimums : mapping of str to float
        The least effect that matters, by `Evidence.minimum`.
    """

    before: ColumnCounts
    sampled: SampledColumn
    numeric: bool
    rows: float
    minimums: Mapping[str, float]


def checksum(columns: Mapping[str, ColumnCounts]) -> int:
    """Return a number that another baseline does not have."""
    return zlib.crc32("".join(f"{name}{each.model_dump_json()}" for name, each in columns.items()).encode())


def advance(
    watch: Watch, samples: Mapping[str, WatchedSample], rate: float, looks_per_month: float
) -> tuple[Watch, dict[str, list[Evidence]]]:
    """Take in a window.

    Parameters
    ----------
    watch : Watch
        The state before.
    samples : mapping of str to WatchedSample
        The window's sample, by column.
    rate : float
        The share of months in which any column may be flagged where nothing has changed.
    looks_per_month : float
        How many windows a month has.

    Returns
    -------
    Watch
        The state after; columns that the window lacks keep theirs.
    dict of str to list of Evidence
        What is certain and large, with p corrected over the columns and the month.

    Notes
    -----
    Blocks are tested on their summed counts against the baseline, by the union bound. The detector tests each window
    against the baseline and all earlier windows: those p are independent where nothing has changed, so that the sum of
    bets that start at each look (Shiryaev and Roberts) exceeds A in a month with a chance of at most
    looks_per_month / A.
    """
    turn, found = watch.looks + 1, {}
    columns = dict(watch.columns)
    for name, sample in samples.items():
        counts = _coarse(sample)
        state = columns.get(name) or _begun(counts.before[:-1])
        column = _Column(state, counts, sample, rate, looks_per_month, len(samples), turn)
        columns[name], evidence = column.advanced()
        found[name] = evidence
    return watch.model_copy(update={"looks": turn, "columns": columns}), found


@dataclass(frozen=True, slots=True)
class _Coarse:
    before: Floats
    now: Floats


def _coarse(sample: WatchedSample) -> _Coarse:
    """Return both sides in coarse cells: numbers in their order, the most frequent categories; missing rows last."""
    cells = sample.before.numbers if sample.numeric else sample.before.categories
    before, gaps, missing = cells.rows if cells else np.empty(0), float(sample.before.missing), 0.0
    if sample.numeric:
        numbers = Numbers(sample.sampled)
        missing, now = numbers.missing, np.empty(0)
        if sample.before.numbers is not None:
            now = sample.before.numbers.count(numbers).astype(np.float64)
        groups = ((np.cumsum(before) - before / 2) / max(before.sum(), 1.0) * _CELLS).astype(np.int64)
        groups = groups[: now.size]
    else:
        values, missing = texts(sample.sampled)
        now = np.zeros(1)
        if sample.before.categories is not None:
            known, others = sample.before.categories.count(values)
            before, now = np.append(before, 0), np.append(known, sum(others.values())).astype(np.float64)
        else:
            before = np.zeros(1)
        groups = np.minimum(np.arange(before.size), _CELLS - 1)
        # Where there are too many categories to keep, only every so many values are counted; of missing ones as many.
        gaps *= before.sum() / max(sample.before.present, 1)
        missing *= now.sum() / max(len(values), 1)
    groups = np.clip(groups, 0, _CELLS - 1)
    then, later = (np.bincount(groups, weights=side, minlength=_CELLS) for side in (before, now))
    rows = later.sum() + missing
    scale = min(1.0, sample.rows / rows) if rows else 1.0  # rows that are not independent count less
    return _Coarse(np.append(then, gaps) / sample.before.repeated, np.append(later, missing) * scale)


def _begun(reference: Floats) -> WatchedColumn:
    return WatchedColumn(
        reference=tuple(reference.tolist()),
        recent=(Recent(),) * len(_DIRECTIONS),
        bets=(0.0,) * (2 * _BETS.size),
        blocks={str(length): (0.0,) * (_CELLS + 1) for length in BLOCKS},
    )


@dataclass(frozen=True, slots=True)
class _Column:
    state: WatchedColumn
    counts: _Coarse
    sample: WatchedSample
    rate: float
    looks_per_month: float
    columns: int
    turn: int

    def advanced(self) -> tuple[WatchedColumn, list[Evidence]]:
        blocks: dict[str, tuple[float, ...]] = {}
        evidence: list[Evidence] = []
        for length in BLOCKS:
            summed = np.asarray(self.state.blocks[str(length)]) + self.counts.now
            if self.turn % length == 0:
                evidence += self._of_block(length, summed)
                summed = np.zeros_like(summed)
            blocks[str(length)] = tuple(np.round(summed, 3).tolist())
        state, detected = self._detector()
        return state.model_copy(update={"blocks": blocks}), evidence + detected

    def _of_block(self, length: int, summed: Floats) -> Iterator[Evidence]:
        correction = self.columns * max(1.0, self.looks_per_month / length) / _BLOCKS_PART
        title = f"test of the last {length} windows"
        for p, check, effect, minimum in _tests(self.counts.before, summed, numeric=self.sample.numeric):
            corrected = min(1.0, p * correction)
            if corrected <= self.rate and effect.lower >= self.sample.minimums[minimum]:
                yield Evidence(title, check, corrected, effect, minimum)

    def _detector(self) -> tuple[WatchedColumn, list[Evidence]]:
        state, now = self.state, self.counts.now[:-1]
        reference = np.asarray(state.reference)
        z, by_chance = _scores(reference, now)
        recent = tuple(
            each.after(now, sign * z[score]) for each, (score, sign) in zip(state.recent, _DIRECTIONS, strict=True)
        )
        bets = np.tile(_BETS, len(z))
        with np.errstate(over="ignore"):
            statistics = (np.asarray(state.bets) + 1) * np.exp(bets * np.repeat(z, _BETS.size) - by_chance)
        statistics = np.minimum(statistics, 1e300)
        corrected = min(
            1.0, self.columns * self.looks_per_month / (_DETECTOR_PART * max(float(statistics.mean()), 1e-300))
        )
        after = reference + now
        if corrected <= self.rate:
            leading = int(np.argmax(statistics))
            direction = (leading // _BETS.size, 1 if bets[leading] > 0 else -1)
            since = recent[_DIRECTIONS.index(direction)]
            rows = np.asarray(since.rows)
            effect = _since(after - rows, rows, numeric=self.sample.numeric)
            if effect.lower >= self.sample.minimums[MINIMUM_EFFECT]:
                title = f"change detector over the last {since.windows} windows"
                evidence = Evidence(title, DRIFT_CHECK, corrected, effect, MINIMUM_EFFECT)
                # It starts over with the baseline: a change that lasts is found again, and its end is no alarm.
                return _begun(self.counts.before[:-1]), [evidence]
        update = {
            "reference": tuple(np.round(after, 3).tolist()),
            "recent": recent,
            "bets": tuple(statistics.tolist()),
        }
        return state.model_copy(update=update), []


def _scores(reference: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Return the standardized sums of ranks and of squared ranks from the middle, and what chance makes of their bets.

    Returns
    -------
    ndarray, shape (2,)
        The sums z.
    ndarray, shape (2 * bets,)
        By score, then by bet l: at least the logarithm of the mean of exp(l z).

    Notes
    -----
    The mean is that of the normal law, exp(l² / 2), or of independent draws if that is larger, as it is where a rare
    score decides the sum of few rows. That of draws without replacement was at most 3 % above both, by the exact law
    of two scores with 20 to 100,000 rows.
    """
    pooled = reference + now
    rows, size = float(pooled.sum()), float(now.sum())
    z, by_chance = np.zeros(2), np.tile(_BETS**2 / 2, 2)
    if size <= 0 or rows - size <= 0 or rows < 3:
        return z, by_chance
    ranks = (np.cumsum(pooled) - pooled / 2) / rows
    # The window's sum is the other rows' with the other sign, so that the fewer ones may be taken for the drawn ones.
    drawn, sign = (size, 1.0) if 2 * size <= rows else (rows - size, -1.0)
    for place, scores in enumerate((ranks, (ranks - 0.5) ** 2)):
        centred = scores - float(scores @ pooled) / rows
        squares = float(pooled @ centred**2)
        if squares > 0:
            z[place] = float(now @ centred) / math.sqrt(size * (rows - size) * squares / (rows * (rows - 1)))
            steps = np.outer(sign * _BETS, centred / math.sqrt(drawn * squares / rows))
            with np.errstate(divide="ignore"):
                independent = drawn * np.logaddexp.reduce(steps + np.log(pooled / rows), axis=1)
            bets = np.s_[place * _BETS.size : (place + 1) * _BETS.size]
            by_chance[bets] = np.maximum(by_chance[bets], independent)
    return z, by_chance


def _since(before: Floats, now: Floats, *, numeric: bool) -> Effect:
    """Return how far the windows since a change are from the rows before it, with the limits of a share at its widest.

    The change is certain by the detector's own bound: the limits, which are not those of a largest difference, only
    decide whether it is large.
    """
    rows_before, rows_now = float(before.sum()), float(now.sum())
    rows = effective_rows(rows_before, rows_now)
    if rows <= 0:
        return Effect(0.0, 0.0, 1.0, "")
    then, later = before / rows_before, now / rows_now
    what = "of the rows moved to lower or higher values" if numeric else "of the rows changed their category"
    move = max(
        (largest_move(then[order], later[order], rows, what) for order in _orders(then, later)),
        key=lambda effect: effect.estimate,
    )
    margin = 1.959964 * 0.5 / math.sqrt(rows)
    return Effect(move.estimate, max(0.0, move.estimate - margin), min(1.0, move.estimate + margin), what)


def _orders(then: Floats, later: Floats) -> Iterator[NDArray[np.intp]]:
    pooled = (then + later) / 2
    yield np.arange(then.size)
    yield np.argsort(np.abs(np.cumsum(pooled) - pooled / 2 - 0.5), kind="stable")


def _tests(before: Floats, now: Floats, *, numeric: bool) -> Iterator[tuple[float, str, Effect, str]]:
    """Yield the tests of a block: p divided by its part, the check, the effect and its minimum."""
    whole_before, whole_now = np.floor(before), np.floor(now)
    rows_before, rows_now = int(whole_before.sum()), int(whole_now.sum())
    missing = (int(whole_before[-1]), rows_before, int(whole_now[-1]), rows_now)
    lost = change_of_missing(*missing)
    yield float(different(*missing)[0]) / _MISSING, COMPLETENESS_CHECK, lost, MINIMUM_SHARE
    before, now = before[:-1], now[:-1]
    if before.sum() <= 0 or now.sum() <= 0:
        return
    rows = effective_rows(float(before.sum()), float(now.sum()))
    then, later = before / before.sum(), now / now.sum()
    if not numeric:
        moved = total_variation(then, later, rows, "of the rows changed their category")
        p = chi_squared(before, now)
        yield p / (_LOCATION + _DISTANCE), DRIFT_CHECK, moved, MINIMUM_EFFECT
        return
    moved = largest_move(then, later, rows, "of the rows moved to lower or higher values")
    pooled = before + now
    ranks = (np.cumsum(pooled) - pooled / 2) / pooled.sum()
    yield 2 * math.exp(-2 * rows * moved.estimate**2) / _DISTANCE, DRIFT_CHECK, moved, MINIMUM_EFFECT
    yield sum_test(ranks, before, now) / _LOCATION, DRIFT_CHECK, moved, MINIMUM_EFFECT
