"""What a metric is, and how it is measured with its standard deviation and its confidence interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.metric_change import INDEPENDENT, LEAST_ROWS, Dependence, Estimate, further_rows_of
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_analyzer.resampling import Bootstrap, Resampling, Subsamples
from modelwatch_analyzer.spread import standard_deviation
from modelwatch_analyzer.undefined import Undefined

LEAST_FOR_DEVIATION = 200
"""Standard deviations are reported from this many rows on, as the first party does."""

_SUBSAMPLES, _SHARE = 5, 0.8
"""The number of subsamples and the share of the rows in each, as the first party documents its standard deviations."""

_LEAST_DEFINED = 50
"""The fewest defined replicates from which a standard error is estimated."""

_ROUNDING = 1e-12
"""A relative difference up to this is rounding: evidence that is not coarser gives the same metric, but sums in another
order."""


class ComparisonOperator(StrEnum):
    """SageMaker's names of the sides of a threshold; the one on which a metric is worse."""

    LESS_THAN = "LessThanThreshold"
    GREATER_THAN = "GreaterThanThreshold"


class Evidence(Protocol):
    """What metrics of one family are computed from.

    Its arrays may have leading axes, one entry a replicate.
    """

    def resampled(self, resampling: Resampling) -> tuple[Self, Self]:
        """Return the replicates, and what they were drawn from: this itself, or a coarser form of it."""

    def seen_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return what this distinguishes of rows, see `RequestRows`."""

    def with_one_more(self, rows: pl.DataFrame) -> Self:
        """Return, for each of these rows, the evidence with one more row like it, on a leading axis."""


E = TypeVar("E", bound=Evidence)

ErrorAt = Callable[[float, int], float]


@dataclass(frozen=True, slots=True)
class Metric(Generic[E]):
    """A metric: a pure function of its evidence.

    Attributes
    ----------
    name : str
        As ``statistics.json`` has it.
    measure : callable
        Evidence with leading axes to an array of these axes; not finite where the metric is not defined.
    worse : ComparisonOperator
        The side of a threshold on which the metric is worse.
    undefined : str or callable
        Why it is not defined where it is not, or what says so of the evidence.
    bounds : tuple of float
        The least and the greatest value that it can have.
    suggested : bool
        Whether a baseline suggests a constraint for it, as the first party does.
    same_as : str, optional
        The metric that is the same number in another form: it is worse whenever that one is.
    raised_by_chance : bool
        Whether chance alone raises it, and resampling raises it again. Then the interval is the replicates' mirrored
        at the value (the basic bootstrap interval of Davison and Hinkley, 1997), stretched to hold the value.
    rows : callable, optional
        How many rows of the evidence it is computed of; by default all.
    error_at : callable, optional
        The standard error that it has where it is at a limit, of so many rows; none where a limit does not say.
    """

    name: str
    measure: Callable[[E], NDArray[np.float64]]
    worse: ComparisonOperator = ComparisonOperator.LESS_THAN
    undefined: str | Callable[[E], str] = "there is no record"
    bounds: tuple[float, float] = (0.0, 1.0)
    suggested: bool = False
    same_as: str | None = None
    raised_by_chance: bool = False
    rows: Callable[[E], int] | None = None
    error_at: ErrorAt | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value, and how sure it is.

    Attributes
    ----------
    value : float or Undefined
    standard_deviation : float, optional
        The standard deviation over 5 random subsamples of 80 % of the rows, with divisor 4; from 200 rows on.
    interval : tuple of float, optional
        The confidence interval; there unless the metric is undefined.
    estimate : Estimate, optional
        What is compared with a baseline; there unless it was not requested, there is one row, or the metric is
        undefined in nearly all resamples.
    """

    value: float | Undefined
    standard_deviation: float | None = None
    interval: tuple[float, float] | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """How standard deviations and intervals are made.

    Attributes
    ----------
    replicates : int
        The number of bootstrap replicates.
    level : float
        The confidence level, in (0, 1).
    seed : int
    estimates : bool
        Whether estimates are made, for comparisons with a baseline.
    """

    replicates: int = 1000
    level: float = 0.95
    seed: int = 0
    estimates: bool = False


def numbers_of(metrics: Iterable[Metric[Any]]) -> int:
    """Return how many different numbers metrics are: some are one number in several forms."""
    return len({metric.same_as or metric.name for metric in metrics})


def measure(
    metrics: Iterable[Metric[E]],
    evidence: E,
    rows: int,
    confidence: Confidence,
    requests: RequestRows | None = None,
) -> dict[str, Measured]:
    """Measure metrics of one family.

    Intervals are bootstrap percentiles. Where replicates are drawn from a coarser form of the evidence, they are
    shifted by the difference that its coarseness makes to the metric.

    Parameters
    ----------
    metrics : iterable of Metric
    evidence : Evidence
        The evidence of one dataset, without leading axes.
    rows : int
        How many rows the evidence stands for.
    confidence : Confidence
    requests : RequestRows, optional
        The same rows by their requests, where they may have come in some.

    Returns
    -------
    dict of str to Measured
        What was measured, by the metric's name and in the order of `metrics`.
    """
    metrics = tuple(metrics)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        values = {metric.name: float(metric.measure(evidence)) for metric in metrics}
        parts = [
            _replicates(metrics, evidence, values, part)
            for part in Bootstrap.in_parts(confidence.replicates, confidence.seed)
        ]
        dependent = {} if requests is None else _dependence(metrics, evidence, requests)
        further_rows = further_rows_of(dependent.values())
        further = Bootstrap.in_parts(confidence.replicates, confidence.seed, further_rows=further_rows)
        thought = [_replicates(metrics, evidence, values, part) for part in further] if confidence.estimates else []
        subsamples = {}
        if rows >= LEAST_FOR_DEVIATION:
            subsamples = _replicates(metrics, evidence, values, Subsamples(_SUBSAMPLES, _SHARE, confidence.seed))
    measured = {}
    for metric in metrics:
        value = values[metric.name]
        if not math.isfinite(value):  # no metric is infinite: it is beyond the greatest double
            reason = metric.undefined if isinstance(metric.undefined, str) else metric.undefined(evidence)
            measured[metric.name] = Measured(Undefined(reason))
            continue
        replicates = np.concatenate([part[metric.name] for part in parts])
        dependence = dependent.get(metric.name, INDEPENDENT)
        interval = _interval(metric, value, replicates, confidence.level, dependence)
        looked_at = rows if metric.rows is None else max(LEAST_ROWS, metric.rows(evidence))
        estimate = None if rows < LEAST_ROWS else _estimate(metric, value, thought, looked_at, dependence)
        measured[metric.name] = Measured(value, _deviation(subsamples.get(metric.name)), interval, estimate)
    return measured


def _replicates(
    metrics: Iterable[Metric[E]], evidence: E, values: dict[str, float], resampling: Resampling
) -> dict[str, NDArray[np.float64]]:
    drawn, source = evidence.resampled(resampling)
    replicates = {}
    for metric in metrics:
        value, coarse = (
            values[metric.name],
            values[metric.name] if source is evidence else float(metric.measure(source)),
        )
        shift = 0.0 if math.isclose(value, coarse, rel_tol=_ROUNDING) else value - coarse
        replicates[metric.name] = metric.measure(drawn) + shift
    return replicates


def _dependence(metrics: Iterable[Metric[E]], evidence: E, requests: RequestRows) -> dict[str, Dependence]:
    def influences(rows: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
        more = evidence.with_one_more(rows)
        return {metric.name: metric.measure(more) for metric in metrics}

    return requests.by_influence(evidence.seen_of, influences)


def _interval(
    metric: Metric[E], value: float, replicates: NDArray[np.float64], level: float, dependence: Dependence
) -> tuple[float, float] | None:
    """Return the percentiles, as much farther from the value as rows that depend on each other make them.

    Replicates in which the metric is undefined do not count.
    """
    defined = replicates[np.isfinite(replicates)]
    if not defined.size:
        return None
    limits = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if metric.raised_by_chance:
        mirrored = 2 * value - limits
        limits = np.array([min(mirrored[1], value), max(mirrored[0], value)])
    if dependence.repeated > 1:
        limits = value + (limits - value) * math.sqrt(dependence.repeated)
    lower, upper = np.clip(limits, *metric.bounds)
    return float(lower), float(upper)


def _estimate(
    metric: Metric[E],
    value: float,
    replicates: list[dict[str, NDArray[np.float64]]],
    rows: int,
    dependence: Dependence,
) -> Estimate | None:
    drawn = np.concatenate([part[metric.name] for part in replicates]) if replicates else np.empty(0)
    defined = drawn[np.isfinite(drawn)]
    if defined.size < _LEAST_DEFINED:
        return None
    if metric.raised_by_chance:
        value = min(value, 2 * value - float(defined.mean()))
    error = standard_deviation(defined, ddof=1) * math.sqrt(dependence.repeated)
    return Estimate(value, error, rows, dependence) if math.isfinite(error) else None


def _deviation(replicates: NDArray[np.float64] | None) -> float | None:
    if replicates is None or not np.isfinite(replicates).all():
        return None
    deviation = standard_deviation(replicates, ddof=1)
    return deviation if math.isfinite(deviation) else None
