"""Numbers as a reader sees them: in few digits, and as small drawings of SVG path data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

_MARGIN = 6.0  # what a mark at the edge of an interval's drawing needs
_DIAMOND = 4.5  # half of its width


@dataclass(frozen=True, slots=True)
class Scale:
    """The positions of numbers on an axis that starts at 0 and is `length` long."""

    least: float
    greatest: float
    length: float

    @classmethod
    def over(cls, numbers: Iterable[float | None], length: float) -> Scale | None:
        """Return the axis that just holds the finite numbers, None if there are none."""
        finite = _finite(numbers)
        return cls(min(finite), max(finite), length) if finite else None

    def __call__(self, number: float) -> float:
        """Return the position of a number that the axis holds."""
        # As `positions`, in the arithmetic of one float, which is many times faster than that of an array of one.
        span = self.greatest / 2 - self.least / 2
        return float(self.length * ((number / 2 - self.least / 2) / span if span else 0.5))

    def positions(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions of numbers that the axis holds; the middle where it is a point."""
        # Halved, so that the span of a range beyond float64 is still finite.
        span = self.greatest / 2 - self.least / 2
        shares = (numbers / 2 - self.least / 2) / span if span else np.full_like(numbers, 0.5)
        return self.length * shares


@dataclass(frozen=True, slots=True)
class IntervalFigure:
    """A value within its interval, and what it is compared with, in a box `WIDTH` by `HEIGHT`.

    Attributes
    ----------
    band, value, reference : str
        SVG path data; empty where there is nothing to draw.
    """

    WIDTH: ClassVar[int] = 160
    HEIGHT: ClassVar[int] = 16

    band: str
    value: str
    reference: str


def interval_figure(
    value: float | None, interval: tuple[float, float] | None, reference: float | None
) -> IntervalFigure | None:
    """Draw a value and its interval on a scale of their own, which holds the reference too.

    Returns
    -------
    IntervalFigure or None
        None where only one finite number is given, which leaves nothing to draw.
    """
    ends = interval or (None, None)
    scale = Scale.over((value, *ends, reference), IntervalFigure.WIDTH - 2 * _MARGIN)
    if scale is None or len(_finite((value, *ends, reference))) < 2:
        return None
    band = diamond = line = ""
    middle = IntervalFigure.HEIGHT / 2
    if interval and _finite(interval):
        # An end that is not finite runs to the edge of the drawing.
        edges = (scale.least, scale.greatest)
        low, high = (end if math.isfinite(end) else edge for end, edge in zip(interval, edges, strict=True))
        left, right = _MARGIN + scale(low), _MARGIN + scale(high)
        band = f"M{left:.4g} {middle - 3:g}H{max(right, left + 1):.4g}V{middle + 3:g}H{left:.4g}Z"
    if value is not None and math.isfinite(value):
        x = _MARGIN + scale(value)
        diamond = (
            f"M{x:.4g} {middle - _DIAMOND:g}l{_DIAMOND} {_DIAMOND}l-{_DIAMOND} {_DIAMOND}l-{_DIAMOND} -{_DIAMOND}Z"
        )
    if reference is not None and math.isfinite(reference):
        line = f"M{_MARGIN + scale(reference):.4g} 0V{IntervalFigure.HEIGHT}"
    return IntervalFigure(band, diamond, line)


@dataclass(frozen=True, slots=True)
class BarsFigure:
    """A bar of then above a bar of now, both from zero, in a box `WIDTH` by `HEIGHT`.

    Attributes
    ----------
    then, now, whisker : str
        SVG path data; empty where there is nothing to draw. The whisker is the interval of now.
    """

    WIDTH: ClassVar[int] = 240
    HEIGHT: ClassVar[int] = 22

    then: str
    now: str
    whisker: str


def bars_figure(
    then: float | None, now: float | None, interval: tuple[float, float] | None, scale: Scale
) -> BarsFigure:
    """Draw two bars on an axis of length `BarsFigure.WIDTH`, which is to hold zero."""
    middle = BarsFigure.HEIGHT / 2
    whisker = ""
    if interval and len(_finite(interval)) == 2:
        left, right = (scale(end) for end in interval)
        y = (middle + BarsFigure.HEIGHT) / 2 - 0.5
        whisker = f"M{left:.4g} {y - 3:g}v6M{left:.4g} {y:g}H{right:.4g}M{right:.4g} {y - 3:g}v6"
    return BarsFigure(_bar(then, 1, middle - 1, scale), _bar(now, middle, BarsFigure.HEIGHT - 1, scale), whisker)


def _bar(value: float | None, top: float, bottom: float, scale: Scale) -> str:
    if value is None or not math.isfinite(value):
        return ""
    zero, end = scale(0.0), scale(value)
    return f"M{zero:.4g} {top:g}H{end:.4g}V{bottom:g}H{zero:.4g}Z"


@dataclass(frozen=True, slots=True)
class CurveFigure:
    """A line in a box `WIDTH` by `HEIGHT`, y upwards.

    Attributes
    ----------
    line, diagonal, before : str
        SVG path data; empty where there is nothing to draw.
    x_ticks, y_ticks : tuple of (float, float)
        Positions in the box, and the numbers that stand there.
    """

    WIDTH: ClassVar[int] = 220
    HEIGHT: ClassVar[int] = 180

    line: str
    diagonal: str
    before: str
    x_ticks: tuple[tuple[float, float], ...]
    y_ticks: tuple[tuple[float, float], ...]


def curve_figure(
    x: Sequence[float],
    y: Sequence[float],
    *,
    diagonal: bool,
    before: tuple[Sequence[float], Sequence[float]] | None = None,
) -> CurveFigure | None:
    """Draw a curve through the points in their order.

    Parameters
    ----------
    x, y : sequence of float
        As many of one as of the other; points that are not finite are left out. However many there are, the drawing
        keeps the first, last, least and greatest of each run that falls on the same pixel column.
    diagonal : bool
        Whether x = y is drawn too; the axes are the same then.
    before : tuple of sequence of float, optional
        x and y of another curve, for comparison, on the same axes.

    Returns
    -------
    CurveFigure or None
        None where no point is finite.
    """
    points, others = _finite_points(x, y), _finite_points(*(before or ((), ())))
    if not len(points):
        return None
    everything = np.concatenate([points, others])
    x_axis = _axis(everything.ravel() if diagonal else everything[:, 0], CurveFigure.WIDTH)
    y_axis = _axis(everything[:, 1], CurveFigure.HEIGHT)
    if diagonal:
        y_axis = Scale(x_axis.least, x_axis.greatest, CurveFigure.HEIGHT)
    return CurveFigure(
        line=_line(points, x_axis, y_axis),
        diagonal=f"M0 {CurveFigure.HEIGHT}L{CurveFigure.WIDTH} 0" if diagonal else "",
        before=_line(others, x_axis, y_axis) if len(others) else "",
        x_ticks=_ticks(x_axis),
        y_ticks=tuple((CurveFigure.HEIGHT - position, number) for position, number in _ticks(y_axis)),
    )


def _finite_points(x: Sequence[float], y: Sequence[float]) -> NDArray[np.float64]:
    points = np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)])
    return points[np.isfinite(points).all(axis=1)]


def _line(points: NDArray[np.float64], x_axis: Scale, y_axis: Scale) -> str:
    across = np.round(2 * x_axis.positions(points[:, 0])) / 2
    down = np.round(2 * (CurveFigure.HEIGHT - y_axis.positions(points[:, 1]))) / 2
    return "M" + "L".join(f"{right:g} {below:g}" for right, below in _visible(across, down))


def _axis(numbers: NDArray[np.float64], length: float) -> Scale:
    """Return the unit interval for shares, else the range of the numbers."""
    least, greatest = float(numbers.min()), float(numbers.max())
    return Scale(0.0, 1.0, length) if least >= 0 and greatest <= 1 else Scale(least, greatest, length)


def _visible(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the first, least, greatest and last point of each run of one x, without repetitions."""
    starts = np.flatnonzero(np.diff(xs, prepend=np.nan) != 0)
    ends = np.append(starts[1:], len(xs)) - 1
    first, last = ys[starts], ys[ends]
    least, greatest = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    rises = first <= last  # the extremes in such an order that a run which only rises or falls is not gone over twice
    runs = (first, np.where(rises, least, greatest), np.where(rises, greatest, least), last)
    points = np.column_stack([np.repeat(xs[starts], len(runs)), np.column_stack(runs).ravel()]).tolist()
    return [(x, y) for i, (x, y) in enumerate(points) if i == 0 or points[i - 1] != [x, y]]


def _ticks(axis: Scale) -> tuple[tuple[float, float], ...]:
    middle = axis.least / 2 + axis.greatest / 2
    numbers = dict.fromkeys((axis.least, middle, axis.greatest))
    return tuple((axis(number), number) for number in numbers)


def _finite(numbers: Iterable[float | None]) -> list[float]:
    return [number for number in numbers if number is not None and math.isfinite(number)]
