"""Tails of the normal, the chi-squared and Student's law, and log-factorials: importing scipy.special costs more."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def normal_tail(z: float) -> float:
    """Return the chance that a standard normal variable is z or more."""
    return math.erfc(z / math.sqrt(2)) / 2


def normal_tails(z: Floats) -> Floats:
    """Return the same for several z."""
    return np.array([normal_tail(each) for each in z.tolist()], np.float64)


def log_factorial(n: Floats) -> Floats:
    """Return the logarithm of n! for whole numbers from 0 on."""
    return np.array([math.lgamma(each + 1) for each in n.tolist()], np.float64)


def chi_squared_tail(degrees: int, statistic: float) -> float:
    """Return the chance that a chi-squared variable is as large as the statistic, or larger.

    Parameters
    ----------
    degrees : int
        At least 1.
    statistic : float
        0 or more.

    Notes
    -----
    The finite sum of Abramowitz and Stegun (1964), 26.4.4 and 26.4.5, of positive terms only: with x the half of the
    statistic, x^i e^-x / i! over whole i below half the degrees, or, where the degrees are odd, over halves, and twice
    the normal tail.
    """
    half = statistic / 2
    if half <= 0:
        return 1.0
    odd = degrees % 2
    powers = np.arange(degrees // 2, dtype=np.float64) + odd / 2
    terms = np.exp(powers * math.log(half) - half - log_factorial(powers))
    return min(1.0, float(terms.sum()) + (2 * normal_tail(math.sqrt(statistic)) if odd else 0.0))


def student_tail(degrees: float, t: float) -> float:
    """Return the chance that a variable of Student's law is t or more.

    Parameters
    ----------
    degrees : float
        Need not be whole. Where there are none, nothing says how large t may be: then any above 0 has a chance of 1/2.
    t : float
        May be infinite.

    Notes
    -----
    Half of the regularized incomplete beta function with a = degrees / 2, b = 1 / 2 and x = degrees / (degrees + t²)
    (DLMF, 8.17), or half of its complement with a and b exchanged, whichever continued fraction converges fast. The
    relative error is below 1e-9 for up to a million degrees of freedom, and grows with their number.
    """
    if t < 0:
        return 1 - student_tail(degrees, -t)
    if t == 0 or degrees <= 0:
        return 0.5
    half, square = degrees / 2, t * t
    near, far = degrees / (degrees + square), square / (degrees + square) if square < math.inf else 1.0
    if near == 0:
        return 0.0
    front = math.exp(-half * math.log1p(square / degrees) + _log_ratio_of_gammas(half)) * math.sqrt(far / math.pi)
    if near < (half + 1) / (half + 2.5):
        return front * _beta_fraction(half, 0.5, near) / degrees
    return 0.5 - front * _beta_fraction(0.5, half, far)


def student_quantile(degrees: float, tail: float) -> float:
    """Return what a variable of Student's law reaches or exceeds with this chance, above 0 and at most a half.

    It is infinite beyond the square root of the greatest double, as few degrees of freedom make it.

    Notes
    -----
    Newton's steps from the normal law's quantile, which is less: the tail is convex above 0, so that they approach the
    quantile from one side.
    """
    scale = math.exp(_log_ratio_of_gammas(degrees / 2)) / math.sqrt(degrees * math.pi)
    t, step = -NormalDist().inv_cdf(tail), math.inf
    while step > 1e-12 * t:
        density = scale * math.exp(-(degrees + 1) / 2 * math.log1p(t * t / degrees))
        if not density:
            return math.inf
        step = (student_tail(degrees, t) - tail) / density
        t += max(step, 0.0)
    return t


def _log_ratio_of_gammas(a: float) -> float:
    """Return log(gamma(a + 1/2) / gamma(a)); of a large a the difference of both logarithms would lose its digits."""
    if a < 20:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    inverse = 1 / (a * a)
    series = -1 / 8 + inverse * (1 / 192 - inverse * (1 / 640 - inverse * 17 / 14336))
    return math.log(a) / 2 + series / a


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function by Lentz's algorithm (DLMF, 8.17.22)."""
    numerator, denominator = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value, change, n = denominator, math.inf, 0
    while abs(change - 1) > 2**-51:
        n += 1
        change = 1.0
        for factor in (
            n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n)),
            -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1)),
        ):
            denominator = 1 / (1 + factor * denominator)
            numerator = 1 + factor / numerator
            change *= denominator * numerator
        value *= change
    return value
