"""The check of a metric against what its baseline allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from modelwatch_analyzer.bias.intervals import Interval
from modelwatch_analyzer.metric_change import Estimate, RatesOfEach, chance_of
from modelwatch_analyzer.thresholds import ROUNDING
from modelwatch_analyzer.undefined import Undefined

_FARTHEST_RATIO = 700.0
"""The greatest logarithm of a ratio that is used: beyond it the exponential function exceeds the range of a double."""


NO_INTERVAL = Undefined("of the value alone")


class DisparateImpactRule(StrEnum):
    """The value from which the distance of DI is measured; of all other metrics it is 0.

    The fair value of DI is 1. SageMaker compares its distance from 0 nevertheless, as real violations show.
    """

    FROM_ZERO = "FromZero"
    FROM_ONE = "FromOne"
    LOG_RATIO = "LogRatio"


@dataclass(frozen=True, slots=True)
class BiasConstraint:
    """What a metric is compared with.

    Attributes
    ----------
    value : float, optional
        The baseline's.
    range : (float, float), optional
        Allowed values, both ends included; where there is a range, it applies instead of the value.
    before : Estimate, optional
        The baseline's metric, where the range is the one that was suggested for it.
    """

    value: float | None
    range: Interval | None = None
    before: Estimate | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is anything to compare with: the baseline may have no value."""
        return self.value is not None or self.range is not None

    @property
    def is_open(self) -> bool:
        """Whether no value can violate it."""
        return self.value is None if self.range is None else self.range == (-math.inf, math.inf)

    def __str__(self) -> str:
        """Write it as violations do."""
        if self.range is None:
            return "undefined" if self.value is None else spelled(self.value)
        if self.is_open:
            return "any value"
        return f"[{spelled(self.range[0])}, {spelled(self.range[1])}]"


NO_VALUE = "the baseline has no value"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a metric violates its constraint, a note on that, and how likely chance takes it so far.

    There is a chance where a metric is outside its range.
    """

    violated: bool
    note: str | None = None
    chance: float | None = None


def spelled(value: float) -> str:
    """Write a number as SageMaker's violations do."""
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else repr(value)


def distance(metric: str, value: float, rule: DisparateImpactRule) -> float:
    """Return how far a metric is from what counts as no bias."""
    if metric == "DI" and rule is DisparateImpactRule.FROM_ONE:
        return abs(1 - value)
    if metric == "DI" and rule is DisparateImpactRule.LOG_RATIO:
        return abs(math.log(value)) if value > 0 else math.inf
    return abs(value)


def suggested_range(metric: str, value: float, interval: Interval | Undefined, rule: DisparateImpactRule) -> Interval:
    """Return what a baseline allows later data: as far from no bias as the baseline's own interval reaches."""
    reached = [value] if isinstance(interval, Undefined) else [value, *interval]
    farthest = max(distance(metric, each, rule) for each in reached)
    least, most = 0.0 - farthest, farthest  # never -0.0
    if metric == "DI" and rule is DisparateImpactRule.FROM_ONE:
        least, most = 1 - farthest, 1 + farthest
    elif metric == "DI" and rule is DisparateImpactRule.LOG_RATIO:
        farthest = min(farthest, _FARTHEST_RATIO)
        least, most = math.exp(-farthest), math.exp(farthest)
    return min(least, *reached), max(most, *reached)  # rounding must not put the baseline outside of its own range


def judge(
    metric: str,
    value: float | Undefined,
    estimate: Estimate | Undefined,
    constraint: BiasConstraint,
    rule: DisparateImpactRule,
    rates: RatesOfEach,
) -> Verdict:
    """Compare a metric with its constraint.

    A value is violated if the metric is farther from no bias than the baseline's value. A range is violated if the
    metric is outside of it, and chance does not explain that: not the distance from the baseline's value, or from a
    range that a person has set. Chance may take it beyond either end. An infinite metric is outside of a range that a
    person has set; few rows make one, so that it is not compared with a range that was suggested. Nor is one without an
    estimate.

    Parameters
    ----------
    rates : RatesOfEach
        The rates of false alarms.
    """
    if isinstance(value, Undefined):
        return Verdict(violated=False)
    if constraint.range is None:
        if constraint.value is None:
            return Verdict(violated=False, note=NO_VALUE)
        allowed = distance(metric, constraint.value, rule) * (1 + ROUNDING)
        return Verdict(distance(metric, value, rule) > allowed)
    least, most = constraint.range
    if least <= value <= most:
        return Verdict(violated=False)
    if math.isinf(value):
        if constraint.before is None:
            return Verdict(violated=True)
        return Verdict(violated=False, note="infinite, which can happen by chance with few rows")
    if isinstance(estimate, Undefined):
        return Verdict(violated=False, note=f"outside its range, but it has no interval: {estimate.reason}")
    before = constraint.before
    if before is not None:
        least, most = suggested_range(metric, before.value, NO_INTERVAL, rule)
    beyond = max(value - most, least - value)
    chance = min(1.0, chance_of(beyond, estimate, before) + chance_of(beyond + most - least, estimate, before))
    return Verdict(rates.is_certain(chance, before), chance=chance)
