"""Numbers that are equal but for rounding.

Training data in single precision and requests in decimal fractions hold the same numbers: 3.47 is 3.4700000286102295
in single precision. So do sums in another order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SINGLE_PRECISION, _OF_THE_GAP = 2.0**-23, 1e-3
"""A fraction is taken for a known one if it differs from it by at most this share of it, and by at most this share of
the gap to the next known one."""


def rounding_of(known: Floats) -> Floats | None:
    """Return how far a number may be from each known one, and be the same.

    Parameters
    ----------
    known : ndarray of float64, shape (m,)
        Distinct numbers, ascending.

    Returns
    -------
    ndarray of float64, shape (m,), or None
        None if there are none, or all are whole: others are no roundings of those.
    """
    if not known.size or np.array_equal(known, np.trunc(known)):
        return None
    with np.errstate(over="ignore"):
        gaps = np.diff(known)
    nearest = np.minimum(np.append(np.inf, gaps), np.append(gaps, np.inf))
    rounding: Floats = np.minimum(_SINGLE_PRECISION * np.abs(known), _OF_THE_GAP * nearest)
    return rounding


def known_where_rounded(values: Floats, known: Floats, rounding: Floats) -> Floats:
    """Return numbers, but the known one for each that differs from it by rounding only; fastest if they ascend."""
    above = np.minimum(np.searchsorted(known, values), known.size - 1)
    below = np.maximum(above - 1, 0)
    with np.errstate(over="ignore"):
        is_above = np.abs(known[above] - values) <= rounding[above]
        is_below = np.abs(values - known[below]) <= rounding[below]
    return np.where(is_above, known[above], np.where(is_below, known[below], values))
