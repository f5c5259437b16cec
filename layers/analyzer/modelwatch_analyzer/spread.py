"""What "equal values" means, for everything that measures a spread or divides by one.

Values that are all the same float have no spread: their standard deviation and their sum of squared deviations are
exactly 0 and their mean is that float, whatever rounding makes of a computed mean. A ratio to the spread of such
values is not defined. Values that differ, however little, have a spread, and it is greater than 0.

The definition needs the minimum and the maximum only, which merge; so it is the same in every split of the data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_DIVISOR = float(np.finfo(np.float64).smallest_normal)
"""A sum of squares below this has lost digits to underflow, so nothing is divided by it."""


def is_constant(minimum: float, maximum: float) -> bool:
    """Return whether values of this range have no spread.

    Parameters
    ----------
    minimum, maximum : float
        The range of the values; a single value is its own minimum and maximum.
    """
    return minimum == maximum


def half_range(minimum: float, maximum: float) -> float:
    """Return half the distance between two finite numbers, which is finite even if the distance is not."""
    distance = maximum - minimum
    return distance / 2 if math.isfinite(distance) else maximum / 2 - minimum / 2


def mean(values: Floats) -> float:
    """Return the mean of finite values, which is never outside their range: that of equal values is the value."""
    minimum, maximum = float(values.min()), float(values.max())
    scaled, exponent = _scaled(values, minimum, maximum)
    return math.ldexp(float(np.clip(scaled.mean(), scaled.min(), scaled.max())), exponent)


def standard_deviation(values: Floats, *, ddof: int = 0) -> float:
    """Return the standard deviation of finite values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        More than `ddof` values.
    ddof : int
        The divisor is ``n - ddof``.

    Returns
    -------
    float
        Exactly 0 for equal values; infinite only where the result itself is beyond the greatest float64.
    """
    minimum, maximum = float(values.min()), float(values.max())
    if is_constant(minimum, maximum):
        return 0.0
    scaled, exponent = _scaled(values, minimum, maximum)
    try:
        return math.ldexp(float(scaled.std(ddof=ddof)), exponent)
    except OverflowError:
        return math.inf


def _scaled(values: Floats, minimum: float, maximum: float) -> tuple[Floats, int]:
    """Return values of magnitude at most 1, and the power of two by which the originals are greater.

    Scaling by a power of two rounds nothing here, and squares of what it returns neither overflow nor underflow.
    """
    # Not below -1000, so that the scale itself is finite.
    exponent = max(math.frexp(max(-minimum, maximum))[1], -1000)
    return values * 2.0**-exponent, exponent


def sum_of_squares_within(
    squares: NDArray[Any] | np.float64, rows: NDArray[Any] | np.float64, ranges: Ranges
) -> NDArray[np.float64]:
    """Correct computed sums of squared deviations from the mean by what the range of the values proves of them.

    Parameters
    ----------
    squares : ndarray of float, shape (...)
        As computed, with whatever cancellation did to them.
    rows : ndarray of float, shape (...)
        How many values each is a sum over.
    ranges : Ranges, shape (...)
        The ranges of the values.

    Returns
    -------
    ndarray of float64, shape (...)
        0 exactly where the values are equal, greater than 0 everywhere else; infinite or NaN where a square is beyond
        the greatest float64.

    Notes
    -----
    With the range r of n values the sum is at least r**2 / 2, the share of the two extreme values, and at most
    n * r**2 / 4 (Popoviciu, 1935).
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        distance = ranges.maximum - ranges.minimum
        least = np.maximum(distance * (distance / 2), np.where(distance > 0, np.nextafter(0.0, 1.0), 0.0))
        return np.maximum(np.minimum(squares, np.maximum(rows / 4 * distance * distance, least)), least)


@dataclass(frozen=True, slots=True)
class Ranges:
    """The minimum and the maximum of each of several groups of values; a mergeable accumulator.

    Attributes
    ----------
    minimum, maximum : ndarray of float64, shape (...)
        Infinite, with the wrong sign, for a group without a value.
    """

    minimum: Floats | np.float64
    maximum: Floats | np.float64

    @classmethod
    def of_groups(cls, values: Floats, group: NDArray[np.int64], groups: int) -> Ranges:
        """Return the ranges of values by group.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)
        group : ndarray of int, shape (n,)
            Which group each value is in, from 0 on.
        groups : int
            How many groups there are.
        """
        minimum, maximum = np.full(groups, np.inf), np.full(groups, -np.inf)
        np.minimum.at(minimum, group, values)
        np.maximum.at(maximum, group, values)
        return cls(minimum, maximum)

    def merge(self, other: Ranges) -> Ranges:
        """Return the ranges of the groups' values of both, group by group."""
        return Ranges(np.minimum(self.minimum, other.minimum), np.maximum(self.maximum, other.maximum))

    def of_drawn(self, weights: NDArray[np.int64]) -> Ranges:
        """Return the range of each sample of groups.

        Parameters
        ----------
        weights : ndarray of int, shape (..., k)
            How often each of the k groups is in each sample.
        """
        drawn = weights > 0
        return Ranges(
            np.where(drawn, self.minimum, np.inf).min(axis=-1), np.where(drawn, self.maximum, -np.inf).max(axis=-1)
        )
