"""Distributions of a statistics file of unknown origin, then and now, over each other."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.documents import mapping, number, sequence
from modelwatch_core.domain.number_text import number_text

_SLOTS = 10
_BINS = 20
_LABELS = 3
_DIGITS = 4
_LONGEST_LABEL = 24
_LEAST_DRAWN = 1e-9  # less is what rounding leaves of nothing

_Buckets = list[tuple[float, float, float]]
"""The lower bound, upper bound and count of each bucket, in order."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The distributions of one thing then and now, in the same bins.

    Attributes
    ----------
    edges : tuple of float
        The edges of the bins of numbers, one more than there are bins; empty for categories.
    labels : tuple of str
        The categories: the most frequent of either side; empty for numbers.
    then, now : tuple of float
        The share of each bin or category; empty where a side has no distribution.
    """

    WIDTH: ClassVar[int] = 180
    HEIGHT: ClassVar[int] = 40

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    then: tuple[float, ...]
    now: tuple[float, ...]

    @property
    def paths(self) -> dict[str, str]:
        """SVG path data of each side, in a box ``WIDTH`` by ``HEIGHT``."""
        highest = max((*self.then, *self.now)) or 1.0
        sides = {"then": (self.then, 1.0), "now": (self.now, 0.6)}
        if self.edges:
            sides["now"] = (self.now, 1.0)
        return {name: self._path(shares, highest, width) for name, (shares, width) in sides.items() if shares}

    def _path(self, shares: tuple[float, ...], highest: float, width: float) -> str:
        slot = self.WIDTH / len(shares)
        gap = 0.0 if self.edges else slot * 0.1
        bar = (slot - 2 * gap) * width
        middle = slot / 2
        bars = (
            (middle + i * slot, self.HEIGHT * share / highest) for i, share in enumerate(shares) if share > _LEAST_DRAWN
        )
        return "".join(
            f"M{x - bar / 2:.4g} {self.HEIGHT}v-{max(height, 0.5):.3g}h{bar:.4g}V{self.HEIGHT}" for x, height in bars
        )

    @property
    def chart(self) -> dict[str, Any]:
        """What the page's script draws it of, in few digits."""
        sides = {name: [_rounded(share) for share in side] for name, side in (("then", self.then), ("now", self.now))}
        axis = {"edges": [_rounded(edge) for edge in self.edges]} if self.edges else {"labels": list(self.labels)}
        return {**axis, **{name: side for name, side in sides.items() if side}}


@dataclass(frozen=True, slots=True)
class Pictured:
    """One side of a distribution in words.

    Attributes
    ----------
    summary : str
        Mean and standard deviation, or the number of distinct values; empty where neither is known.
    caption : str
        What the axis spans, or the most frequent categories; empty where there is no distribution.
    """

    summary: str
    caption: str


@dataclass(frozen=True, slots=True)
class PicturedPair:
    """A distribution then and now: drawn over each other, and in words.

    Attributes
    ----------
    overlay : Overlay, optional
        None where neither side has a distribution.
    """

    overlay: Overlay | None
    then: Pictured
    now: Pictured


def pictured_pair(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> PicturedPair:
    """Return the distributions of a feature of ``statistics.json``, then and now, in the same bins."""
    then, now = statistics_in(baseline), statistics_in(current)
    overlay, captions = _overlaid(then, now)
    return PicturedPair(overlay, Pictured(_summary(then), captions[0]), Pictured(_summary(now), captions[1]))


def statistics_in(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a feature of ``statistics.json`` is described by; empty if by nothing."""
    return mapping(feature, "numerical_statistics") or mapping(feature, "string_statistics")


def _summary(statistics: Mapping[str, Any]) -> str:
    mean, std = number(statistics, "mean"), number(statistics, "std_dev")
    if mean is not None:
        return number_text(mean) + (f" ± {number_text(std)}" if std is not None else "")
    distinct = number(statistics, "distinct_count")
    return f"{distinct:,.0f} distinct" if distinct is not None else ""


def _overlaid(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Overlay | None, tuple[str, str]]:
    """Return the distributions over each other, and the caption of each: of numbers, where a side has numbers."""
    buckets = [_buckets(side) for side in (then, now)]
    if any(buckets):
        first, second = (f"{number_text(side[0][0])} to {number_text(side[-1][1])}" if side else "" for side in buckets)
        return _of_numbers(*buckets), (first, second)
    counts = [_counts(side) for side in (then, now)]
    if any(counts):
        return _of_categories(*counts), (_frequent(counts[0]), _frequent(counts[1]))
    return None, ("", "")


def _buckets(statistics: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    found = []
    for bucket in sequence(statistics, "distribution", "kll", "buckets"):
        left, right, count = (number(bucket, name) for name in ("lower_bound", "upper_bound", "count"))
        if left is not None and right is not None and count is not None and left <= right and count >= 0:
            found.append((left, right, count))
    found.sort()
    return found if any(count > 0 for *_, count in found) else []


def _of_numbers(then: _Buckets, now: _Buckets) -> Overlay:
    """Share both sides out to the same bins, as if the values of a bucket were evenly spread in it."""
    least = min(side[0][0] for side in (then, now) if side)
    greatest = max(right for side in (then, now) for _, right, _ in side)
    steps = np.linspace(0.0, 1.0, _BINS + 1 if least < greatest else 2)
    edges = least * (1 - steps) + greatest * steps  # so that the span of a range beyond float64 is not needed
    return Overlay(tuple(edges.tolist()), (), _shares(then, edges), _shares(now, edges))


def _shares(buckets: _Buckets, edges: NDArray[np.float64]) -> tuple[float, ...]:
    if not buckets:
        return ()
    counts = np.array([count for *_, count in buckets])
    up_to = np.concatenate([[0.0], np.cumsum(counts / counts.sum())])
    knots = np.array([buckets[0][0], *(right for _, right, _ in buckets)])
    scale = -int(np.frexp(np.abs(edges).max())[1])  # so that no slope overflows, of values however large or small
    reached = np.interp(np.ldexp(edges, scale), np.ldexp(np.maximum.accumulate(knots), scale), up_to)
    reached[0], reached[-1] = 0.0, 1.0
    return tuple(np.maximum(np.diff(reached), 0.0).tolist())


def _counts(statistics: Mapping[str, Any]) -> dict[str, float]:
    return {
        str(bucket.get("value")): count
        for bucket in sequence(statistics, "distribution", "categorical", "buckets")
        if (count := number(bucket, "count")) is not None and count > 0
    }


def _of_categories(then: Mapping[str, float], now: Mapping[str, float]) -> Overlay:
    # The baseline's most frequent first, then the newcomers.
    shown = tuple(dict.fromkeys(label for side in (then, now) for label in _most_frequent(side, _SLOTS)))
    first, second = (
        tuple(side.get(label, 0.0) / total for label in shown) if (total := sum(side.values())) else ()
        for side in (then, now)
    )
    return Overlay((), tuple(map(_cut, shown)), first, second)


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _most_frequent(counts: Mapping[str, float], most: int) -> list[str]:
    return heapq.nlargest(most, counts, key=counts.__getitem__)


def _frequent(counts: Mapping[str, float]) -> str:
    total = sum(counts.values())
    labels = _most_frequent(counts, _LABELS)
    text = ", ".join(
        f"{_cut(label) or 'empty'} {100 * counts[label] / total:.0f}\N{NO-BREAK SPACE}%" for label in labels
    )
    return f"{text}, and {len(counts) - len(labels):,} more" if len(counts) > len(labels) else text


def _rounded(value: float) -> float:
    rounded = float(f"{value:.{_DIGITS}g}")
    return rounded if math.isfinite(rounded) else value
