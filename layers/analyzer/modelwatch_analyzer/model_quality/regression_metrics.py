"""Metrics of predicted numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.model_quality.metric import ComparisonOperator, Metric
from modelwatch_analyzer.model_quality.regression_errors import QUANTILE_LEVELS, ErrorQuantiles, MeanErrors
from modelwatch_analyzer.spread import SMALLEST_DIVISOR


def _quantile(place: int, errors: ErrorQuantiles) -> NDArray[np.float64]:
    """Return a quantile, between two errors by linear interpolation."""
    rank = errors.levels[..., place] * (errors.weights[-1] - 1)
    below = np.floor(rank)
    lower, upper = (
        errors.items[np.minimum(np.searchsorted(errors.weights, whole, side="right"), errors.items.size - 1)]
        for whole in (below, below + 1)
    )
    return np.asarray(lower + (upper - lower) * (rank - below))


def _r2(errors: MeanErrors, spread: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Return 1 - errors / spread, not finite where `_no_r2` says why."""
    r2 = 1 - errors.squared / (spread / errors.rows)
    return np.where((spread >= SMALLEST_DIVISOR) & np.isfinite(spread), r2, np.nan)


def _no_r2(values: str, errors: MeanErrors, spread: NDArray[np.float64] | np.float64) -> str:
    if errors.rows < 2:
        return "there are fewer than two rows"
    if spread == 0:
        return f"all {values} are equal"
    if spread < SMALLEST_DIVISOR:
        return f"the {values} differ by too little for the square of a double"
    return "a square is beyond the greatest double"


def _loss(
    name: str, measure: Callable[[MeanErrors], NDArray[np.float64] | np.float64], *, suggested: bool = True
) -> Metric[MeanErrors]:
    return Metric(
        name,
        lambda errors: np.asarray(measure(errors)),
        worse=ComparisonOperator.GREATER_THAN,
        undefined="an error, or its square or ratio, is beyond the greatest double",
        bounds=(0.0, math.inf),
        suggested=suggested,
    )


def _r_squared(
    name: str, values: str, spread: Callable[[MeanErrors], NDArray[np.float64] | np.float64], *, suggested: bool
) -> Metric[MeanErrors]:
    return Metric(
        name,
        lambda errors: _r2(errors, spread(errors)),
        undefined=lambda errors: _no_r2(values, errors, spread(errors)),
        bounds=(-math.inf, 1.0),
        suggested=suggested,
        rows=lambda errors: errors.normal_rows(values.removesuffix("s")),
    )


REGRESSION: tuple[Metric[MeanErrors], ...] = (
    _loss("mae", lambda errors: errors.absolute),
    _loss("mse", lambda errors: errors.squared),
    _loss("rmse", lambda errors: np.sqrt(errors.squared)),
    _r_squared("r2", "labels", lambda errors: errors.label_spread, suggested=True),
    _r_squared("r2_first_party", "predictions", lambda errors: errors.prediction_spread, suggested=False),
    _loss("mape", lambda errors: errors.percentage, suggested=False),
)
"""Metrics of predicted numbers that are means of errors.

``r2`` is the textbook's, over the spread of the truth; ``r2_first_party`` is over that of the predictions.
"""

QUANTILES: tuple[Metric[ErrorQuantiles], ...] = tuple(
    Metric(name, partial(_quantile, place), worse=ComparisonOperator.GREATER_THAN, bounds=(0.0, math.inf))
    for place, name in enumerate(QUANTILE_LEVELS)
)
"""Quantiles of absolute errors."""
