"""What a bias metric is, and what it may require of the counts that it is computed of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.bias.counts import Array, Counts
from modelwatch_analyzer.undefined import Undefined

Mask = NDArray[np.bool_]


class Stage(StrEnum):
    """What a metric is about: the labels of the data, or the predictions of the model."""

    PRE_TRAINING = "pre_training"
    POST_TRAINING = "post_training"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Where a metric is defined, and the reason where it is not."""

    holds: Callable[[Counts], Any]
    reason: str


BOTH_FACETS = (
    Requirement(lambda counts: counts.rows[..., 1] > 0, "Facet set is empty: no row is in the group"),
    Requirement(lambda counts: counts.rows[..., 0] > 0, "Negated facet set is empty: all rows are in the group"),
)
GROUPED = Requirement(
    lambda counts: np.full(counts.rows.shape[:-1], counts.grouped), "Group variable is empty or not provided"
)
BOTH_LABELS = (
    Requirement(lambda counts: counts.by_label[..., 1].sum(axis=-1) > 0, "No positive labels in set"),
    Requirement(lambda counts: counts.by_label[..., 0].sum(axis=-1) > 0, "No negative labels in set"),
)
NEGATIVE_PREDICTIONS = Requirement(
    lambda counts: counts.by_prediction[..., 0].sum(axis=-1) > 0, "No negative labels in set of predictions"
)
POSITIVE_PREDICTIONS = Requirement(
    lambda counts: counts.by_prediction[..., 1].sum(axis=-1) > 0,
    "No Label values are present in the predicted Label Column,Positive Predicted Index Series contains all False "
    "values",
)
ANY_VALUE = (-math.inf, math.inf)
"""The range of a metric that is reported, and compared once a person sets a range."""

PREDICTED = (*BOTH_FACETS, POSITIVE_PREDICTIONS)


@dataclass(frozen=True, slots=True)
class BiasMetric:
    """A metric of the registry.

    Attributes
    ----------
    name, description : str
        As reports have them; SageMaker's, where it has the metric.
    compute : callable
        The value of every replicate; meaningless where a requirement is not met.
    given : callable
        What the metric needs besides counts of rows; if that is undefined, so is the metric.
    allowed : (float, float), optional
        What a baseline suggests as its range; by default as far as its own interval reaches.
    needs_labels : bool
        Whether it looks at the labels; the others can be computed of data that has none.
    understated : float
        The factor by which resampling understates its standard error.
    rows : callable
        How many rows of a dataset it is computed of, in the group or outside of it, whichever are fewer.
    of_all_rows : bool
        Whether it is a share of all rows, which few rows in the group make no less certain.
    same_as : str, optional
        The metric that is the same number, but for its sign and a factor.
    is_mirrored : bool
        Whether of two groups, which are each other's others, both have the same number, but for its sign.
    bounds : (float, float)
        The least and the greatest value that it can have; by default those of a difference of two shares.
    baseline_error : callable
        The standard error of what of the baseline its formula has, which resampling the rows does not show.
    """

    name: str
    description: str
    stage: Stage
    compute: Callable[[Counts], Array]
    requirements: tuple[Requirement, ...]
    given: Callable[[Counts], object] = lambda _: None
    allowed: tuple[float, float] | None = None
    needs_labels: bool = True
    understated: float = 1.0
    rows: Callable[[Counts], int] = lambda counts: int(counts.rows.min())
    of_all_rows: bool = False
    same_as: str | None = None
    is_mirrored: bool = True
    bounds: tuple[float, float] = (-1.0, 1.0)
    baseline_error: Callable[[Counts], float] = lambda _: 0.0

    @property
    def conditional(self) -> bool:
        """Whether it depends on the group variable; the others are the same for counts without it."""
        return GROUPED in self.requirements

    @property
    def is_compared(self) -> bool:
        """Whether a baseline suggests a range that something can be outside of."""
        return self.allowed != ANY_VALUE

    def value(self, counts: Counts) -> float | Undefined:
        """Return the metric of one dataset; it may be infinite."""
        given = self.given(counts)
        if isinstance(given, Undefined):
            return given
        unmet = next((each for each in self.requirements if not each.holds(counts)), None)
        return Undefined(unmet.reason) if unmet else float(self.compute(counts))

    def replicates(self, counts: Counts) -> Array:
        """Return the metric of each of many datasets, NaN where it is undefined."""
        met: Mask = np.ones(counts.rows.shape[:-1], dtype=np.bool_)
        for each in self.requirements:
            met &= each.holds(counts)
        return np.where(met, self.compute(counts), np.nan)


def names_of(metrics: Iterable[BiasMetric]) -> str:
    """List metrics in a sentence, each once."""
    return ", ".join(dict.fromkeys(metric.name for metric in metrics))
