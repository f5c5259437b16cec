"""Probabilities that rounding put a hair outside of [0, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelwatch_core.domain.errors import InvalidInput
from modelwatch_core.domain.number_text import count_text

ROUNDED_PROBABILITY = 1e-5
"""How far from [0, 1] a sum of rounded parts may be: what scikit-learn 1.7 clips when it calibrates."""

_GREATEST_PER_CENT = 100
_NEXT_HALF_FLOAT = 1 + 2**-10
"""The half float above 1, which rounded ones may add up to."""


def no_probabilities(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values are further from [0, 1] than rounding explains; 1 + 1e-5 itself is not."""
    half_float: NDArray[np.bool_] = values == _NEXT_HALF_FLOAT
    return ((values < -ROUNDED_PROBABILITY) | (values > 1 + ROUNDED_PROBABILITY)) & ~half_float


def require_probabilities(values: NDArray[np.float64], column: str) -> None:
    """Refuse a column of which some values are no probabilities.

    Raises
    ------
    InvalidInput
        ``ProbabilityOutOfRange``.
    """
    if far := np.count_nonzero(no_probabilities(values)):
        found = count_text(int(far), "value")
        message = f"{column!r} has {found} outside [0, 1]: probability_attribute must name probabilities"
        if values.min() >= 0 and values.max() <= _GREATEST_PER_CENT:
            message += "; divide per cents by 100"
        raise InvalidInput("ProbabilityOutOfRange", message)
