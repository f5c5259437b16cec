"""Count, sum, mean, standard deviation and range of a stream of numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.spread import half_range, is_constant

_BLOCK = 1 << 15  # values at a time: the working arrays stay in a core's cache, and sums of this many stay exact


class Moments:
    """A mergeable accumulator of a stream's moments.

    The sum is exact, so it and the mean equal ``math.fsum`` to the last bit, in any split and any order of merging,
    and cannot overflow on the way. Squared deviations are kept about the mean, so a large offset costs no digits.

    Notes
    -----
    A block of values is scaled by a power of two to at most 1 in magnitude, and summed by error-free extraction
    (Rump, Ogita and Oishi, "Accurate floating-point summation", 2008): every value is cut into slices of so few bits
    that NumPy adds up each slice without rounding. Python's fractions hold the total. Blocks and streams are joined
    by the formula of Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances", 1979. What lies 2**-1074 below the greatest value of its block is lost.
    """

    __slots__ = ("_exponent", "_squares", "_total", "count", "maximum", "minimum")

    def __init__(self) -> None:
        self.count = 0
        self.minimum = math.inf
        self.maximum = -math.inf
        self._total = Fraction(0)
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
        moments._total = Fraction(mean) * count
        fraction, moments._exponent = math.frexp(population_std)
        moments._squares = fraction * fraction * count
        return moments

    def update(self, values: NDArray[np.float64]) -> None:
        """Take in finite values.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)

        Raises
        ------
        ValueError
            If a value is NaN or infinite.
        """
        work = np.empty((2, min(values.size, _BLOCK)))
        for start in range(0, values.size, _BLOCK):
            block = values[start : start + _BLOCK]
            self._add(Moments._of_block(block, work[:, : block.size]))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both streams; neither changes."""
        merged = Moments()
        merged._add(self)
        merged._add(other)
        return merged

    @property
    def sum(self) -> float:
        """The sum, correctly rounded; infinite, with its sign, where it is beyond the greatest float64."""
        return _to_float(self._total)

    @property
    def mean(self) -> float:
        """The mean, correctly rounded; finite even where the sum is not.

        Raises
        ------
        ValueError
            If there is no value.
        """
        return _to_float(self._mean)

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

    @property
    def _mean(self) -> Fraction:
        self._require_values()
        return self._total / self.count

    def _require_values(self) -> None:
        if not self.count:
            raise ValueError("no moments without a value")

    @staticmethod
    def _of_block(values: NDArray[np.float64], work: NDArray[np.float64]) -> Moments:
        """Return the moments of at most `_BLOCK` values; `work` is overwritten, two rows as long as they."""
        block = Moments()
        block.count = values.size
        block.minimum, block.maximum = float(values.min()), float(values.max())
        if not (math.isfinite(block.minimum) and math.isfinite(block.maximum)):
            raise ValueError("moments take finite values only")
        # Not below -1000, so that the scale itself is finite; smaller values are all the same to a square. Zeros have
        # the least of all: a merge takes the greater exponent, and must not lose the other values' squares to theirs.
        greatest = max(-block.minimum, block.maximum)
        block._exponent = max(math.frexp(greatest)[1], -1000) if greatest else -1000
        scale = 2.0**-block._exponent
        scaled = np.multiply(values, scale, out=work[0])
        total = _exact_sum(scaled, work[1])
        block._total = total * Fraction(2) ** block._exponent
        np.multiply(values, scale, out=scaled)
        scaled -= float(total / block.count)
        # The mean just subtracted is rounded; the second term takes that error back out.
        error = float(scaled.sum())
        np.multiply(scaled, scaled, out=scaled)
        block._squares = max(float(scaled.sum()) - error * error / block.count, 0.0)
        return block

    def _add(self, other: Moments) -> None:
        if not other.count:
            return
        if not self.count:
            self._squares, self._exponent = other._squares, other._exponent
        else:
            exponent = max(self._exponent, other._exponent)
            delta = float((other._mean - self._mean) / Fraction(2) ** exponent)
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


def _exact_sum(values: NDArray[np.float64], slices: NDArray[np.float64]) -> Fraction:
    """Sum at most 2**15 values of magnitude at most 1, exactly; both arrays are overwritten."""
    total = Fraction(0)
    # Adding and subtracting this rounds to multiples of 2**-38; the sum of 2**15 such slices of at most 1 has 53 bits.
    shifter = 1.5 * 2.0**14
    while True:
        np.add(values, shifter, out=slices)
        slices -= shifter
        total += Fraction(float(slices.sum()))
        values -= slices
        if not values.any():
            return total
        shifter *= 2.0**-39


def _to_float(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
