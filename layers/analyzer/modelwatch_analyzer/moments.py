"""Count, sum, mean, standard deviation and range of a stream of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.spread import half_range, is_constant

_BLOCK = 1 << 15
"""The number of values in a block: the working arrays stay in a core's cache, and sums of this many stay exact."""

_UNIT = 1074
"""Totals are integers, in units of 2**-1074, of which every float64 is a multiple."""

_UNSCALED = 400
"""Values of which the greatest is between 2**-400 and 2**400 are squared and summed as they are."""

Floats = NDArray[np.float64]


class Moments:
    """A mergeable accumulator of a stream's moments.

    The sum is exact, so it and the mean equal ``math.fsum`` to the last bit, in any split and any order of merging,
    and cannot overflow on the way. Squared deviations are kept about the mean, so a large offset costs no digits.

    Notes
    -----
    Values are summed by error-free extraction (Rump, Ogita and Oishi, "Accurate floating-point summation", 2008): each
    is cut into slices of so few bits that NumPy adds up each slice without rounding. Python's integers hold the total.
    Blocks and streams are joined by the formula of Chan, Golub and LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", 1979. Blocks of very large or very small values are scaled to at most 1
    in magnitude; of these, what lies 2**-1074 below the greatest value is lost.
    """

    __slots__ = ("_exponent", "_squares", "_total", "count", "maximum", "minimum")

    def __init__(self) -> None:
        self.count = 0
        self.minimum = math.inf
        self.maximum = -math.inf
        self._total = 0  # in units of 2**-1074
        # The sum of squared deviations from the mean is _squares * 4**_exponent.
        self._squares = 0.0
        self._exponent = 0

    @classmethod
    def restored(cls, count: int, mean: float, population_std: float, minimum: float, maximum: float) -> Moments:
        """Return the moments of values that a file describes: the mean is exact, the deviation to the last bits.

        The sum is the mean's, which the file has rounded.
        """
        moments = cls()
        moments.count, moments.minimum, moments.maximum = count, minimum, maximum
        moments._total = _in_units(mean) * count
        fraction, moments._exponent = math.frexp(population_std)
        moments._squares = fraction * fraction * count
        return moments

    def update(self, values: Floats) -> None:
        """Take in finite values.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)

        Raises
        ------
        ValueError
            If a value is NaN or infinite.
        """
        self.update_each([self], [values])

    @staticmethod
    def update_each(accumulators: Iterable[Moments], values: Iterable[Floats]) -> None:
        """Update several accumulators, each with a stream of its own; many short streams are computed at once.

        Parameters
        ----------
        accumulators : iterable of Moments, length m
        values : iterable of ndarray of float64, length m
            Finite values, each array of any length.

        Raises
        ------
        ValueError
            If a value is NaN or infinite.
        """
        work = np.empty(0)
        for rows in _tables(_blocks(accumulators, values)):
            cells = len(rows) * max(values.size for _, values in rows)
            work = work if work.size >= 3 * cells else np.empty(3 * cells)
            for (moments, _), block in zip(rows, Moments._of_rows([values for _, values in rows], work), strict=True):
                moments.include(block)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both streams; neither changes."""
        merged = Moments()
        merged.include(self)
        merged.include(other)
        return merged

    @property
    def sum(self) -> float:
        """The sum, correctly rounded; infinite, with its sign, where it is beyond the greatest float64."""
        try:
            return self._total / (1 << _UNIT)
        except OverflowError:
            return math.inf if self._total > 0 else -math.inf

    @property
    def mean(self) -> float:
        """The mean, correctly rounded; finite even where the sum is not.

        Raises
        ------
        ValueError
            If there is no value.
        """
        self._require_values()
        return self._total / (self.count << _UNIT)

    @property
    def population_std(self) -> float:
        """The standard deviation with divisor n; exactly 0 for equal values, as `modelwatch_analyzer.spread` has it.

        Raises
        ------
        ValueError
            If there is no value.
        """
        self._require_values()
        if is_constant(self.minimum, self.maximum):
            return 0.0
        # In two steps, so that only a true overflow is one; half the range bounds it (Popoviciu's inequality).
        deviation = math.sqrt(self._squares / self.count) * 2.0 ** (self._exponent - 1) * 2
        return min(deviation, half_range(self.minimum, self.maximum))

    def _require_values(self) -> None:
        if not self.count:
            raise ValueError("no moments without a value")

    @staticmethod
    def _of_rows(rows: Sequence[Floats], work: Floats) -> Iterator[Moments]:
        """Yield the moments of each row; `work` is overwritten, three times as long as a table of the rows."""
        counts = [row.size for row in rows]
        shape = len(rows), max(counts)
        table, slices, rest = work[: 3 * shape[0] * shape[1]].reshape(3, *shape)
        for row, values in zip(table, rows, strict=True):
            row[: values.size] = values
            row[values.size :] = values[0]  # which changes neither the least nor the greatest
        least, greatest = table.min(axis=1), table.max(axis=1)
        if not (np.isfinite(least).all() and np.isfinite(greatest).all()):
            raise ValueError("moments take finite values only")
        exponents, scales = _scaling(np.maximum(-least, greatest))
        for row in np.flatnonzero(scales):
            table[row] *= 2.0 ** -int(scales[row])
        exponents -= scales
        in_two_slices = (np.abs(table, out=slices).min(axis=1) >= np.ldexp(1.0, exponents - 24)).all()
        _blank(table, counts)
        totals = _exact_sums(table, exponents, slices, rest, in_two_slices=bool(in_two_slices))
        means = np.array([[total / (count << _UNIT)] for total, count in zip(totals, counts, strict=True)])
        np.subtract(table, means, out=slices)
        _blank(slices, counts)
        np.multiply(slices, slices, out=slices)
        squares = slices.sum(axis=1).tolist()
        for index, (total, count) in enumerate(zip(totals, counts, strict=True)):
            block = Moments()
            block.count, block.minimum, block.maximum = count, float(least[index]), float(greatest[index])
            block._exponent = scale = int(scales[index])
            block._total = total << scale if scale >= 0 else total >> -scale
            # The mean just subtracted is rounded; the second term takes that error back out.
            error = (total - _in_units(float(means[index, 0])) * count) / (1 << _UNIT)
            block._squares = max(squares[index] - error * error / count, 0.0)
            yield block

    def include(self, other: Moments) -> None:
        """Add the moments of further values, which do not change."""
        if not other.count:
            return
        if not self.count:
            self._squares, self._exponent = other._squares, other._exponent
        else:
            exponent = max(self._exponent, other._exponent)
            apart = other._total * self.count - self._total * other.count
            delta = apart / (self.count * other.count << (_UNIT + exponent))  # of integers: rounded once
            self._squares = (
                math.ldexp(self._squares, 2 * (self._exponent - exponent))
                + math.ldexp(other._squares, 2 * (other._exponent - exponent))
                + delta * delta * (self.count / (self.count + other.count) * other.count)
            )
            self._exponent = exponent
        self.count += other.count
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self._total += other._total


def _blocks(accumulators: Iterable[Moments], values: Iterable[Floats]) -> Iterator[tuple[Moments, Floats]]:
    """Yield the first block of all streams, then the second, and so on, so that their short ends are neighbours."""
    streams = list(zip(accumulators, values, strict=True))
    for start in range(0, max((stream.size for _, stream in streams), default=0), _BLOCK):
        for moments, stream in streams:
            if start < stream.size:
                yield moments, stream[start : start + _BLOCK]


def _tables(rows: Iterable[tuple[Moments, Floats]]) -> Iterator[list[tuple[Moments, Floats]]]:
    """Yield the rows, in their order, as tables of at most `_BLOCK` cells."""
    table: list[tuple[Moments, Floats]] = []
    width = 0
    for row in rows:
        width = max(width, row[1].size)
        if table and (len(table) + 1) * width > _BLOCK:
            yield table
            table, width = [], row[1].size
        table.append(row)
    if table:
        yield table


def _scaling(magnitudes: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the exponent of each magnitude, and the power of two by which to divide its values, mostly 0.

    Not below -1000, so that the divisor is finite; smaller values are all the same to a square. Zeros have the least
    of all: a merge takes the greater exponent, and must not lose the other values' squares to theirs.
    """
    exponents = np.frexp(magnitudes)[1].astype(np.int64)
    exponents[magnitudes == 0] = -1000
    scaled = np.abs(exponents) > _UNSCALED
    return exponents, np.where(scaled, np.maximum(exponents, -1000), 0)


def _blank(table: Floats, counts: Sequence[int]) -> None:
    """Replace by zeros what is behind the values of each row."""
    width = table.shape[1]
    for row, count in enumerate(counts):
        if count < width:
            table[row, count:] = 0.0


def _exact_sums(
    table: Floats, exponents: NDArray[np.int64], slices: Floats, rest: Floats, *, in_two_slices: bool
) -> list[int]:
    """Sum each row of at most 2**15 values below 2**exponent in magnitude, in units of 2**-1074.

    `slices` and `rest`, of the shape of the table, are overwritten.

    Parameters
    ----------
    in_two_slices : bool
        Whether no value is below 2**(exponent - 24) in magnitude. Then all are multiples of 2**(exponent - 76), and so
        is what the first slice leaves of them: its sum has 52 bits.
    """
    # Adding and subtracting this rounds to multiples of 2**(exponent - 38); the sum of 2**15 such slices has 53 bits.
    shifters = np.ldexp(1.5, (exponents + 14).astype(np.int32))[:, np.newaxis]
    totals = [0] * len(table)
    remaining = table
    while True:
        np.add(remaining, shifters, out=slices)
        slices -= shifters
        _add_sums(totals, slices)
        np.subtract(remaining, slices, out=rest)
        if in_two_slices:
            _add_sums(totals, rest)
            return totals
        if not rest.any():
            return totals
        remaining = rest
        shifters *= 2.0**-39


def _add_sums(totals: list[int], parts: Floats) -> None:
    for row, part in enumerate(parts.sum(axis=1).tolist()):
        totals[row] += _in_units(part)


def _in_units(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator << (_UNIT + 1 - denominator.bit_length())
