"""When a number is at its threshold: the one rule of all kinds of monitors."""

from __future__ import annotations

import math

ROUNDING = 1e-12
"""The relative difference up to which numbers are equal: 0.4 - 0.3 is computed as 0.10000000000000003, and is 0.1."""


def equal(value: float, threshold: float) -> bool:
    """Return whether a value is its threshold, up to the rounding of whoever computed either."""
    return math.isclose(value, threshold, rel_tol=ROUNDING)


def reaches(share: float, threshold: float) -> bool:
    """Return whether a share is as large as is required."""
    return share >= threshold or equal(share, threshold)
