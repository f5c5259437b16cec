"""Pearson's chi-squared test of homogeneity: whether two samples have the same shares of categories."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch_analyzer.distances.measure import DesignEffects, DriftMeasure, Exceeds, nothing_in
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.undefined import Undefined


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A test's result.

    Attributes
    ----------
    statistic : float
        Pearson's sum of ``(observed - expected)**2 / expected`` over both samples; large where the two differ.
    p_value : float
        Chance of such a statistic or a larger one if nothing has changed; small where the two differ.
    degrees_of_freedom : int
        Groups of categories that were compared, less one.
    """

    statistic: float
    p_value: float
    degrees_of_freedom: int


def chi_squared(baseline: Mapping[str, float], current: Mapping[str, float]) -> ChiSquared | Undefined:
    """Test whether two samples are of one distribution of categories.

    A baseline is a sample too, so its shares are not taken for the truth: a test of goodness of fit would find drift
    in two of three windows as large as their baseline although nothing has changed. Where the baseline is many times
    as large as the window, the two tests agree.

    Parameters
    ----------
    baseline, current : mapping of str to float
        How often each category occurs. One that is missing, as any that the baseline never saw, occurs never.

    Returns
    -------
    ChiSquared or Undefined
        Undefined if there is nothing on one side, or fewer than two groups of categories are frequent enough. A
        single category that is all there is on both sides has p-value 1.

    Notes
    -----
    Rare categories are grouped before the test, by how often each is expected in the smaller of the two samples; that
    depends on the sum of both only, so it favours neither a change nor its absence. While more than a fifth of the
    groups, and more than one, are expected less than 5 times, or any less than once, the rarest is added to the second
    rarest (Cochran, 1954, whose two groups must both be expected 5 times; grouped as in Deequ's ``Distance``). Of
    equally rare ones the first by name goes first.
    """
    n, m = math.fsum(baseline.values()), math.fsum(current.values())
    nothing = nothing_in(n, m)
    if nothing:
        return nothing
    smaller = min(n, m) / (n + m)
    pairs = ((name, baseline.get(name, 0.0), current.get(name, 0.0)) for name in baseline.keys() | current)
    groups = sorted(((then + now) * smaller, name, then, now) for name, then, now in pairs if then + now)
    if len(groups) == 1:
        return ChiSquared(statistic=0.0, p_value=1.0, degrees_of_freedom=0)
    while len(groups) > 1 and _too_small([expected for expected, *_ in groups]):
        (expected, _, then, now), second = groups[:2]
        del groups[:2]
        bisect.insort(groups, (expected + second[0], second[1], then + second[2], now + second[3]))
    if len(groups) < 2:
        return Undefined("fewer than two categories are frequent enough for a chi-squared test")

    from scipy.special import chdtrc

    statistic = math.fsum((then * m - now * n) * (then / n - now / m) / (then + now) for _, _, then, now in groups)
    return ChiSquared(statistic, float(chdtrc(len(groups) - 1, statistic)), len(groups) - 1)


def _too_small(expected: list[float]) -> bool:
    allowed = 0 if len(expected) == 2 else max(1, len(expected) // 5)
    return expected[0] < 1 or bisect.bisect_left(expected, 5) > allowed


def _p_value(baseline: Mapping[str, int], current: CategoryCounts, effects: DesignEffects) -> float | Undefined:
    """Return that of so many times fewer values (Rao and Scott, 1981)."""
    sides = zip((baseline, current.frequencies()), effects, strict=True)
    result = chi_squared(*({name: count / effect for name, count in side.items()} for side, effect in sides))
    return result if isinstance(result, Undefined) else result.p_value


CHI_SQUARED = DriftMeasure(
    name="ChiSquared",
    title="chi-squared p-value",
    quantity="p-value",
    categorical=_p_value,
    exceeds=Exceeds.SMALLER,
    greatest=1.0,
    threshold="the chance of a difference as large as the observed one, or larger, if nothing has changed",
    source="Pearson (1911); Cochran (1954), Biometrics 10; Deequ, analyzers/Distance, for the grouping",
)
