"""Pearson's chi-squared test of goodness of fit, with rare categories grouped."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass

from modelwatch_analyzer.distances.measure import DriftMeasure, Exceeds
from modelwatch_analyzer.profile.categories import CategoryCounts
from modelwatch_analyzer.undefined import Undefined


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A test's result.

    Attributes
    ----------
    statistic : float
        Pearson's sum of ``(observed - expected)**2 / expected``; large where the two differ.
    p_value : float
        Chance of such a statistic or a larger one if nothing has changed; small where the two differ.
    degrees_of_freedom : int
        Groups of categories that were compared, less one.
    """

    statistic: float
    p_value: float
    degrees_of_freedom: int


def chi_squared(expected: Mapping[str, float], observed: Mapping[str, float]) -> ChiSquared | Undefined:
    """Test whether observed categories follow the shares of a baseline.

    Categories that the baseline never saw are left out, for their expected count is 0 and the statistic divides by
    it; the domain check reports them.

    Parameters
    ----------
    expected : mapping of str to float
        How often each category occurs in the baseline.
    observed : mapping of str to float
        How often each occurs now.

    Returns
    -------
    ChiSquared or Undefined
        Undefined if fewer than two groups of categories remain, or no observation falls into any.

    Notes
    -----
    As in Deequ's ``Distance``: expected counts are scaled to the number of observations. While they are too small,
    the smallest is added to the second smallest: with two groups, each must be at least 10 (Cochran, 1952); with
    more, at most a fifth of them may be below 5 (Yates, Moore and McCabe, 1999, p. 734). Of equally small ones the
    first by name goes first.
    """
    known = {category: count for category, count in expected.items() if count > 0}
    total = math.fsum(known.values())
    observations = math.fsum(observed.get(category, 0.0) for category in known)
    if not observations:
        return Undefined("no current value is in a category of the baseline")
    groups = sorted(
        (count / total * observations, category, observed.get(category, 0.0)) for category, count in known.items()
    )
    while len(groups) > 1 and _too_small(groups):
        smallest, second = groups[:2]
        del groups[:2]
        bisect.insort(groups, (smallest[0] + second[0], second[1], smallest[2] + second[2]))
    if len(groups) < 2:
        return Undefined("fewer than two categories are frequent enough for a chi-squared test")

    from scipy.special import chdtrc

    statistic = math.fsum((count - fit) ** 2 / fit for fit, _, count in groups)
    return ChiSquared(statistic, float(chdtrc(len(groups) - 1, statistic)), len(groups) - 1)


def _too_small(groups: list[tuple[float, str, float]]) -> bool:
    least, allowed = (10, 0) if len(groups) == 2 else (5, int(0.2 * len(groups)))
    return bisect.bisect_left(groups, (least,)) > allowed


def _p_value(baseline: Mapping[str, int], current: CategoryCounts) -> float | Undefined:
    result = chi_squared(baseline, current.counts())
    return result if isinstance(result, Undefined) else result.p_value


CHI_SQUARED = DriftMeasure(
    name="ChiSquared",
    title="chi-squared p-value",
    quantity="p-value",
    categorical=_p_value,
    exceeds=Exceeds.SMALLER,
    threshold="the chance of a difference as large as the observed one, or larger, if nothing has changed",
    source="Deequ, analyzers/Distance; Cochran (1952); Yates, Moore and McCabe (1999)",
)
