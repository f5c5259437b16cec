"""Probabilities that rounding put a hair outside of [0, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDED_PROBABILITY = 1e-5
"""How far from [0, 1] a sum of rounded parts may be: what scikit-learn 1.7 clips when it calibrates."""


def clipped(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return values as if they were probabilities, and how far each was outside [0, 1]."""
    inside = np.clip(values, 0.0, 1.0)
    return inside, np.abs(values - inside)
