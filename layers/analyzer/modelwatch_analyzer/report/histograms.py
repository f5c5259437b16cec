"""Distributions of a statistics file of unknown origin as a table cell shows them: a histogram, as SVG path data.

What is not as expected in the file counts as absent.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from modelwatch_analyzer.report.figures import Scale
from modelwatch_core.domain.violation_text import number_text

_SLOTS = 10
_LABELS = 3


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram to draw.

    Attributes
    ----------
    path : str
        SVG path data in a box of ``WIDTH`` by ``HEIGHT``.
    caption : str
        What the axis spans, or the most frequent categories.
    """

    path: str
    caption: str

    WIDTH: ClassVar[int] = 120
    HEIGHT: ClassVar[int] = 32


@dataclass(frozen=True, slots=True)
class _Bar:
    left: float
    right: float
    share: float


@dataclass(frozen=True, slots=True)
class Pictured:
    """A distribution to show.

    Attributes
    ----------
    chart : Chart, optional
        None where there is no distribution.
    summary : str
        Mean and standard deviation, or the number of distinct values; empty where neither is known.
    """

    chart: Chart | None
    summary: str


def pictured_pair(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[Pictured, Pictured]:
    """Return the distributions of a feature of ``statistics.json``, then and now, on the same axes."""
    sides = [statistics_in(feature) for feature in (baseline, current)]
    then, now = (Pictured(chart, _summary(side)) for chart, side in zip(paired_charts(*sides), sides, strict=True))
    return then, now


def statistics_in(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a feature of ``statistics.json`` is described by; empty if by nothing."""
    return mapping(feature, "numerical_statistics") or mapping(feature, "string_statistics")


def _summary(statistics: Mapping[str, Any]) -> str:
    mean, std = number(statistics, "mean"), number(statistics, "std_dev")
    if mean is not None:
        return number_text(mean) + (f" ± {number_text(std)}" if std is not None else "")
    distinct = number(statistics, "distinct_count")
    return f"{distinct:,.0f} distinct" if distinct is not None else ""


def paired_charts(baseline: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[Chart | None, Chart | None]:
    """Draw the distributions of one feature then and now, on the same axes so that a shift is visible.

    Parameters
    ----------
    baseline, current : mapping
        The ``numerical_statistics`` or ``string_statistics`` objects of a feature; empty if there are none.

    Returns
    -------
    tuple of Chart or None
        None where a side has no distribution.
    """
    sides = [_numerical_bars(side) for side in (baseline, current)]
    if any(sides):
        captions = [f"{number_text(bars[0].left)} to {number_text(bars[-1].right)}" if bars else "" for bars in sides]
        return _draw(sides, captions, least=min(bars[0].left for bars in sides if bars))
    counts = [_counts(side) for side in (baseline, current)]
    totals = [sum(side.values()) for side in counts]
    # Both sides show the same categories in the same places: the baseline's most frequent first, then the newcomers.
    shown = dict.fromkeys(label for side in counts for label in heapq.nlargest(_SLOTS, side, key=side.__getitem__))
    sides = [
        [_Bar(i, i + 0.8, side.get(label, 0.0) / total) for i, label in enumerate(shown)] if total else []
        for side, total in zip(counts, totals, strict=True)
    ]
    captions = [_frequent(side, total) if total else "" for side, total in zip(counts, totals, strict=True)]
    return _draw(sides, captions, least=0.0)


def _numerical_bars(statistics: Mapping[str, Any]) -> list[_Bar]:
    found = []
    for bucket in sequence(statistics, "distribution", "kll", "buckets"):
        left, right, count = (number(bucket, name) for name in ("lower_bound", "upper_bound", "count"))
        if left is not None and right is not None and count is not None:
            found.append(_Bar(left, right, count))
    total = sum(bar.share for bar in found)
    return [_Bar(bar.left, bar.right, bar.share / total) for bar in found] if total > 0 else []


def _counts(statistics: Mapping[str, Any]) -> dict[str, float]:
    return {
        str(bucket.get("value")): count
        for bucket in sequence(statistics, "distribution", "categorical", "buckets")
        if (count := number(bucket, "count")) is not None and count > 0
    }


def _draw(
    sides: Sequence[Sequence[_Bar]], captions: Sequence[str], *, least: float
) -> tuple[Chart | None, Chart | None]:
    bars = [bar for side in sides for bar in side]
    if not bars:
        return None, None
    highest = max(bar.share for bar in bars)
    across = Scale(least, max(bar.right for bar in bars), Chart.WIDTH)

    def path(side: Sequence[_Bar]) -> str:
        pieces = []
        for bar in side:
            height = Chart.HEIGHT * bar.share / highest
            if height > 0:
                width = max(across(bar.right) - across(bar.left), 2.0)
                left = min(across(bar.left), Chart.WIDTH - width)
                pieces.append(f"M{left:.3g} {Chart.HEIGHT}v-{max(height, 0.5):.3g}h{width:.3g}V{Chart.HEIGHT}")
        return "".join(pieces)

    first, second = (
        Chart(path(side), caption) if side else None for side, caption in zip(sides, captions, strict=True)
    )
    return first, second


def _frequent(counts: Mapping[str, float], total: float) -> str:
    labels = heapq.nlargest(_LABELS, counts, key=counts.__getitem__)
    text = ", ".join(f"{label[:24] or 'empty'} {counts[label] / total:.0%}" for label in labels)
    return f"{text}, and {len(counts) - len(labels):,} more" if len(counts) > len(labels) else text


def find(document: object, *path: str) -> object:
    """Return what is at the path, or None."""
    for name in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def number(document: object, *path: str) -> float | None:
    """Return the finite number at the path, or None."""
    value = find(document, *path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def mapping(document: object, *path: str) -> Mapping[str, Any]:
    """Return the object at the path, or an empty one."""
    value = find(document, *path)
    return value if isinstance(value, Mapping) else {}


def sequence(document: object, *path: str) -> list[Mapping[str, Any]]:
    """Return the objects in the list at the path, or none."""
    value = find(document, *path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
