"""Which of many values changed its share most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.two_counts import different

Integers = NDArray[np.int64]

_NOTICEABLE = 2.5
"""Only values that the normal approximation finds this many standard deviations away get the exact test: the p-values
of all others are too large to matter."""


def changed_most(before: Integers, rows_before: int, now: Integers, rows_now: int) -> tuple[float, int]:
    """Return the least exact two-sided p, times the number of values, and the place of its value."""
    pooled, rows = before + now, rows_before + rows_now
    mean = pooled * (rows_now / rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = mean * (rows_before / rows) * (1 - pooled / rows)
        away = np.nan_to_num(np.abs(now - mean) / np.sqrt(variance))
    noticed = np.flatnonzero(away > _NOTICEABLE)
    if not noticed.size:
        return 1.0, int(np.argmax(away))
    p = different(before[noticed], rows_before, now[noticed], rows_now)
    best = int(np.argmin(p))
    return min(1.0, float(p[best]) * before.size), int(noticed[best])
