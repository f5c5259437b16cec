"""The evidence of one column: its sampled rows against the counts of the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.category_tests import CATEGORY_WEIGHTS, category_evidence
from modelwatch_analyzer.calibrated.cells import ColumnCounts, NumberCells, Numbers, texts
from modelwatch_analyzer.calibrated.effects import Effect, change_of_missing, difference_of_shares
from modelwatch_analyzer.calibrated.evidence import MINIMUM_SHARE, Awaited, Evidence
from modelwatch_analyzer.calibrated.number_tests import NUMBER_WEIGHTS, NumberSamples, number_evidence
from modelwatch_analyzer.calibrated.row_sample import SampledColumn
from modelwatch_analyzer.calibrated.two_counts import TwoCounts, TwoCountTest, different_each, more_each

Floats = NDArray[np.float64]

COMPLETENESS_CHECK, TYPE_CHECK, SIGN_CHECK = "completeness_check", "data_type_check", "is_non_negative_check"


def evidence_of(
    before: ColumnCounts, sampled: SampledColumn, *, numeric: bool, integral: bool, repeated: float
) -> Iterator[Evidence | Awaited]:
    """Yield the results of the tests of a column.

    Parameters
    ----------
    before : ColumnCounts
    sampled : SampledColumn
        The current rows.
    numeric, integral : bool
        What the column is expected to be.
    repeated : float
        The design effect of the current rows.
    """
    if numeric:
        yield from _of_numbers(before, Numbers(sampled), integral=integral, repeated=repeated)
    else:
        yield from _of_categories(before, *texts(sampled), repeated)


def _of_numbers(before: ColumnCounts, now: Numbers, *, integral: bool, repeated: float) -> Iterator[Evidence | Awaited]:
    rows = (before.missing + before.present, now.missing + now.present)
    yield _two_counts(
        different_each, _MISSING, (before.missing, now.missing), rows, before, repeated, NUMBER_WEIGHTS["missing"]
    )
    cells = before.numbers
    if cells is None:
        return
    numbers = sum(cells.counts)
    right = (cells.integral, now.integral) if integral else (numbers, int(now.values.size))
    wrong = (before.present - right[0], now.present - right[1])
    yield _two_counts(more_each, _WRONG, wrong, (before.present, now.present), before, repeated, NUMBER_WEIGHTS["type"])
    if not cells.negative:
        signs = (numbers, int(now.values.size))
        yield _two_counts(more_each, _NEGATIVE, (0, now.negative), signs, before, repeated, NUMBER_WEIGHTS["sign"])
    samples = NumberSamples(
        before=cells.rows,
        now=cells.count(now).astype(np.float64),
        cells=cells,
        unseen=None if cells.cuts else _unseen(cells, now),
        repeated=(before.repeated, repeated),
    )
    yield from number_evidence(samples)


def _of_categories(before: ColumnCounts, now: pl.Series, missing: int, repeated: float) -> Iterator[Evidence | Awaited]:
    rows = (before.missing + before.present, missing + len(now))
    yield _two_counts(
        different_each, _MISSING, (before.missing, missing), rows, before, repeated, CATEGORY_WEIGHTS["missing"]
    )
    cells = before.categories
    if cells is None:
        return
    known, others = cells.count(now)
    unseen = None if cells.values is None else np.array(list(others.values()), np.float64)
    yield from category_evidence(cells.rows, known.astype(np.float64), unseen, (before.repeated, repeated))


_Event = tuple[str, str, Callable[[float, float, float, float], Effect]]
"""The name of a test of rows that are an event or are not, its check, and what measures the effect."""

_MISSING: _Event = ("missing values test", COMPLETENESS_CHECK, change_of_missing)
_WRONG: _Event = ("types test", TYPE_CHECK, partial(difference_of_shares, what="of the values are of another type"))
_NEGATIVE: _Event = ("signs test", SIGN_CHECK, partial(difference_of_shares, what="of the values are negative"))


def _two_counts(
    test: TwoCountTest,
    event: _Event,
    events: tuple[int, int],
    rows: tuple[int, int],
    before: ColumnCounts,
    repeated: float,
    weight: float,
) -> Evidence | Awaited:
    then, of_then = int(events[0] / before.repeated), int(rows[0] / before.repeated)
    later, of_later = int(events[1] / repeated), int(rows[1] / repeated)
    # In most windows no value is missing or wrong, and a test would cost more than all others of the column.
    decides = of_then and of_later and 0 < then + later < of_then + of_later
    counts = (then, of_then, later, of_later)
    title, check, effect_of = event

    def evidence(p: Floats) -> Evidence:
        return Evidence(title, check, min(1.0, float(p[0]) / weight), effect_of(*counts), MINIMUM_SHARE)

    return Awaited(test, TwoCounts(*counts), evidence) if decides else evidence(np.ones(1))


def _unseen(cells: NumberCells, now: Numbers) -> Floats:
    distinct, times = cells.own_where_rounded(now.distinct[0]), now.distinct[1]
    nearest: Floats = np.append(cells.own, np.nan)[np.searchsorted(cells.own, distinct)]
    unseen: Floats = times[nearest != distinct].astype(np.float64)
    return unseen
