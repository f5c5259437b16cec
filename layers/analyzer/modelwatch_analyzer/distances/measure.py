"""What a drift measure is: a statistic of two distributions, and what a threshold on it means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.sketches.kll import KllSketch
from modelwatch_analyzer.undefined import Undefined


@dataclass(frozen=True, slots=True)
class NumericBaseline:
    """What a baseline keeps of a numeric feature; today's data never changes it.

    Attributes
    ----------
    sketch : KllSketch
        A sketch of its values.
    minimum, maximum, std_dev : float, optional
        The statistics of all values, some of which the sketch may have dropped; None where the file has none.
    """

    sketch: KllSketch
    minimum: float | None = None
    maximum: float | None = None
    std_dev: float | None = None


class DesignEffects(NamedTuple):
    """How many times fewer independent values carry the same information, as where rows of one request are alike.

    Attributes
    ----------
    baseline, current : float
        At least 1.
    """

    baseline: float = 1.0
    current: float = 1.0


INDEPENDENT_VALUES = DesignEffects()

NumericalStatistic = Callable[[NumericBaseline, KllSketch, DesignEffects], float | Undefined]
"""Computes a drift measure from a baseline of numbers, a sketch of the current values, and the design effects."""

CategoricalStatistic = Callable[[Mapping[str, int], CategoryCounts, DesignEffects], float | Undefined]
"""Computes a drift measure from how often each category occurs in the baseline and in the current data, and the design
effects."""


class Exceeds(Enum):
    """On which side of the threshold a statistic means drift."""

    LARGER = "exceeds"
    SMALLER = "is below"

    @property
    def metric(self) -> str:
        """What the names of CloudWatch metrics of such a statistic end in."""
        return "distance" if self is Exceeds.LARGER else "p_value"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftMeasure:
    """A way to measure how far a feature has moved from its baseline.

    Attributes
    ----------
    name : str
        What constraints files call it: ``Robust``.
    title : str
        Its name in reports: ``Robust L-infinity``.
    quantity : str
        What the statistic is, for violations: ``distance``.
    numerical : callable, optional
        The statistic of numeric features; None where the measure has none.
    categorical : callable, optional
        The statistic of text features; None where the measure has none.
    exceeds : Exceeds
        Whether a larger or a smaller value than the threshold is drift.
    greatest : float
        The greatest value that the statistic can have.
    threshold : str
        What the threshold means.
    source : str
        Where the definition is from.
    """

    name: str
    title: str
    quantity: str = "distance"
    numerical: NumericalStatistic | None = None
    categorical: CategoricalStatistic | None = None
    exceeds: Exceeds = Exceeds.LARGER
    greatest: float = math.inf
    threshold: str
    source: str

    def is_drift(self, statistic: float, threshold: float) -> bool:
        """Return whether a statistic is on the far side of a threshold."""
        return statistic > threshold if self.exceeds is Exceeds.LARGER else statistic < threshold


def nothing_in(baseline: float, current: float) -> Undefined | None:
    """Return the reason why nothing can be compared, where one of the numbers of values is 0."""
    if baseline and current:
        return None
    return Undefined("there is no value in " + ("the current data" if baseline else "the baseline"))
