"""Drawings of SVG: a bar for each of the latest executions, and a line over months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from modelwatch_core.domain.dashboard.markup import Html, element
from modelwatch_core.domain.documents import iso_utc
from modelwatch_core.domain.number_text import number_text

_BAR, _HEIGHT = 6, 26
_WIDTH, _TALL = 720, 110
_GAP = 2.5
"""A line breaks where executions are this many times as far apart as they mostly are."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An execution in a sparkline: how tall, from 0 to 1, and of which class its colour is."""

    height: float
    class_: str


def sparkline(bars: Sequence[Bar], label: str) -> Html:
    """Draw bars, the earliest first."""
    drawn = [
        element(
            "rect",
            class_=bar.class_,
            x=i * _BAR,
            y=f"{_HEIGHT - _tall(bar):g}",
            width=_BAR - 1,
            height=f"{_tall(bar):g}",
        )
        for i, bar in enumerate(bars)
    ]
    return element(
        "svg", drawn, class_="spark", width=max(1, len(bars) * _BAR), height=_HEIGHT, role="img", aria_label=label
    )


def _tall(bar: Bar) -> float:
    return round(3 + (_HEIGHT - 3) * min(1.0, max(0.0, bar.height)), 1)


@dataclass(frozen=True, slots=True)
class Point:
    """A measure in one execution.

    Attributes
    ----------
    rerun : bool
        Whether the execution was not the first of its window.
    """

    at: datetime
    value: float
    threshold: float | None
    violated: bool
    rerun: bool


def line_chart(
    latest: Sequence[Point],
    label: str,
    older: Sequence[Point] = (),
    *,
    axis: tuple[datetime, datetime] | None = None,
) -> Html:
    """Draw a measure against its threshold; violations are dots, re-runs rings, both with their time and value.

    Parameters
    ----------
    latest : sequence of Point
        The earliest first; at least one of these or of the older ones.
    older : sequence of Point
        Those before, which may be further apart from each other.
    axis : tuple of datetime, optional
        What the width stands for, so that drawings below each other have one axis; from the first point to the last
        if not given.
    """
    points = [*older, *latest]
    values = [point.value for point in points] + [each.threshold for each in points if each.threshold is not None]
    least, greatest = min(0.0, *values), max(values)
    span = (greatest - least) or 1.0
    start, end = axis or (points[0].at, points[-1].at)
    seconds = (end - start).total_seconds() or 1.0

    def x(point: Point) -> str:
        return f"{4 + (_WIDTH - 8) * (point.at - start).total_seconds() / seconds:.4g}"

    def y(value: float) -> str:
        return f"{4 + (_TALL - 8) * (greatest - value) / span:.4g}"

    breaks = [True, *_breaks(older), *_break_between(older, latest), *_breaks(latest)]
    line = "".join(
        f"{'M' if new else 'L'}{x(point)} {y(point.value)}" for point, new in zip(points, breaks, strict=True)
    )
    known = [(point, point.threshold) for point in points if point.threshold is not None]
    limit = "".join(f"{'L' if i else 'M'}{x(point)} {y(level)}" for i, (point, level) in enumerate(known))
    marked = [point for point in points if point.violated or point.rerun or len(points) == 1]
    dots = [
        element(
            "circle",
            element("title", f"{iso_utc(point.at)}: {number_text(point.value)}"),
            class_=_mark(point),
            cx=x(point),
            cy=y(point.value),
            r=4 if point.rerun else 3,
        )
        for point in marked
    ]
    return element(
        "svg",
        element("path", class_="threshold", d=limit) if limit else None,
        element("path", class_="line", d=line),
        dots,
        class_="history",
        viewBox=f"0 0 {_WIDTH} {_TALL}",
        role="img",
        aria_label=f"{label}, {iso_utc(points[0].at)} to {iso_utc(points[-1].at)}",
    )


def _breaks(points: Sequence[Point]) -> list[bool]:
    """Return for each point but the first whether the line breaks before it."""
    steps = _steps(points)
    return [step > _GAP * median(steps) for step in steps]


def _break_between(older: Sequence[Point], latest: Sequence[Point]) -> list[bool]:
    """Return whether the line breaks before the first of the latest, by how far apart the older ones mostly are."""
    if not (older and latest):
        return []
    (step,) = _steps([older[-1], latest[0]])
    return [len(older) > 1 and step > _GAP * median(_steps(older))]


def _steps(points: Sequence[Point]) -> list[float]:
    return [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(points)]


def _mark(point: Point) -> str:
    return " ".join(filter(None, ("bad" if point.violated else "calm", "rerun" if point.rerun else "")))
