"""Tails of the normal and the chi-squared law, and log-factorials: importing scipy.special would cost more."""

from __future__ import annotations

import math

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
