"""From the SHAP values of rows to global attributions, and how these differ from others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.explainability.config import AggregationMethod
from modelwatch_analyzer.spread import is_constant
from modelwatch_analyzer.undefined import Undefined

Floats = NDArray[np.float64]

_REPLICATES_AT_A_TIME = 50

_MOST_DRAWS, _BEYOND_QUANTILE = 100_000, 2
"""The most replicates that a quantile of chance is read from, and how many of them are to lie beyond it."""


def _mean_abs(values: Floats) -> Floats:
    return np.asarray(np.abs(values).mean(axis=0))


def _median(values: Floats) -> Floats:
    return np.asarray(np.median(values, axis=0))


def _mean_sq(values: Floats) -> Floats:
    return np.asarray((values**2).mean(axis=0))


AGGREGATIONS: Mapping[AggregationMethod, Callable[[Floats], Floats]] = {
    AggregationMethod.MEAN_ABS: _mean_abs,
    AggregationMethod.MEDIAN: _median,
    AggregationMethod.MEAN_SQ: _mean_sq,
}
"""Functions that make the global attribution of each feature from SHAP values of shape (rows, features)."""


def replicates(values: Floats, method: AggregationMethod, number: int, seed: int) -> Floats | Undefined:
    """Return the global attributions of bootstrap resamples of the rows.

    Parameters
    ----------
    values : array, shape (rows, features)
        SHAP values.
    number : int
        The number of resamples.

    Returns
    -------
    array, shape (number, features), or Undefined
        For fewer than two rows.
    """
    rows = len(values)
    if rows < 2:
        return Undefined("one row has no variance")
    rng = np.random.default_rng(seed)
    if method is AggregationMethod.MEDIAN:
        drawn = (values[rng.integers(rows, size=rows)] for _ in range(number))
        return np.stack([_median(resample) for resample in drawn])
    # A mean of a resample is a mean weighted by how often each row was drawn.
    terms = np.abs(values) if method is AggregationMethod.MEAN_ABS else values**2
    even = np.full(rows, 1 / rows)
    blocks = [
        rng.multinomial(rows, even, size=min(_REPLICATES_AT_A_TIME, number - start)) @ terms / rows
        for start in range(0, number, _REPLICATES_AT_A_TIME)
    ]
    return np.concatenate(blocks)


def interval(samples: Sequence[float] | Floats, level: float) -> tuple[float, float]:
    """Return the percentile interval of bootstrap replicates (Efron 1979)."""
    low, high = np.quantile(np.asarray(samples), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def standard_errors(samples: Floats) -> Floats:
    """Return the standard deviations of bootstrap replicates, shape (replicates, features)."""
    greatest = np.abs(samples).max(axis=0)
    scale = np.where(greatest > 0, greatest, 1.0)  # so that no square overflows
    return np.asarray((samples / scale).std(axis=0, ddof=1) * scale)


def ndcg_at_most(baseline: Floats, errors: Floats, samples: Floats, rate: float, seed: int) -> float:
    """Return the NDCG that chance exceeds at a rate only, given the rows of both sides.

    The quantile of the NDCG over replicates of both sides: bootstrap resamples of the current rows, and normal draws
    around the baseline's attributions with its standard errors. Where the quantile takes more replicates than there
    are resamples, they are normal draws with the mean and covariance of these.

    Parameters
    ----------
    baseline, errors : array, shape (features,)
        The baseline's global attributions, not all 0, and their standard errors.
    samples : array, shape (replicates, features)
        Bootstrap replicates of the current ones.
    rate : float
        The rate of false alarms, in (0, 1). If it takes more than 100,000 replicates, the greatest stands for the
        quantile.
    """
    generator = np.random.default_rng(seed)
    scale, unit = np.abs(baseline).max(), np.abs(samples).max() or 1.0  # NDCG depends on neither, and nothing overflows
    now, resamples = samples / unit, len(samples)
    number = max(resamples, math.ceil(min(_MOST_DRAWS, _BEYOND_QUANTILE / rate)))
    mean, factor = now.mean(axis=0), _covariance_factor(now) if number > resamples else None
    found = []
    for start in range(0, number, resamples):
        then = generator.normal(baseline / scale, errors / scale, samples.shape)
        if start and factor is not None:
            now = mean + generator.normal(size=samples.shape) @ factor
        found.append(_ndcg(np.abs(then), np.abs(now)))
    return float(np.quantile(np.concatenate(found), 1 - rate, method="higher"))


def _covariance_factor(samples: Floats) -> Floats:
    """Return a matrix with which standard normal rows get the covariance of the columns."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(samples.T)))
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))).T)


def ndcg(baseline: Floats, current: Floats) -> float | Undefined:
    """Return how well the current order of features keeps those first that the baseline found important.

    SageMaker's formula: DCG / iDCG with DCG the sum of a(i) / log2(i + 1) over the places i, where a is the baseline's
    attribution, taken in the current order for DCG and in its own for iDCG. Features that share a place share the mean
    of their discounts, as in scikit-learn's ``ndcg_score``, so that the order of columns does not matter. Of negative
    attributions (``agg_method`` median) the magnitude counts.

    Parameters
    ----------
    baseline, current : array, shape (features,)
        Global attributions of the same features.
    """
    gains, scores = np.abs(baseline), np.abs(current)
    if not gains.any():
        return Undefined("no feature had any attribution in the baseline")
    return float(_ndcg(gains[None], scores[None])[0])


def _ndcg(gains: Floats, scores: Floats) -> Floats:
    """Return the NDCG of each pair of rows, both of shape (pairs, features); no row of gains is all 0."""
    gains = gains / gains.max(axis=1, keepdims=True)  # the result does not depend on it, and so no sum overflows
    features = gains.shape[1]
    discounts = 1 / np.log2(np.arange(2, features + 2))
    order = np.argsort(-scores, axis=1, kind="stable")
    ordered, places = np.take_along_axis(scores, order, axis=1), np.arange(features)
    differs = np.diff(ordered, axis=1) != 0
    edge = np.ones((len(gains), 1), dtype=np.bool_)
    starts = np.maximum.accumulate(np.where(np.hstack([edge, differs]), places, 0), axis=1)
    last = np.where(np.hstack([differs, edge]), places, features)
    ends = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1] + 1
    summed = np.concatenate([[0.0], np.cumsum(discounts)])
    shared = (summed[ends] - summed[starts]) / (ends - starts)
    found = (np.take_along_axis(gains, order, axis=1) * shared).sum(axis=1)
    ideal = (np.sort(gains, axis=1)[:, ::-1] * discounts).sum(axis=1)
    return np.asarray(np.minimum(found / ideal, 1.0))  # rounding


def ranks(attributions: Floats) -> NDArray[np.int64]:
    """Return the places of features by the magnitude of their attribution, from 1; equal ones share the first."""
    magnitudes = np.abs(attributions)
    return np.asarray((magnitudes > magnitudes[:, None]).sum(axis=1) + 1)


def shares(attributions: Floats) -> Floats:
    """Return the parts of all attribution; NaN where there is none, which is reported as Undefined."""
    magnitudes = np.abs(attributions)
    total = magnitudes.sum()
    return magnitudes / total if total > 0 else np.full(len(magnitudes), np.nan)


def kendall_tau(one: Floats, other: Floats) -> float | Undefined:
    """Return the rank agreement of two sets of global attributions, by magnitude, in [-1, 1].

    Kendall's tau-b (Kendall 1945, *The treatment of ties in ranking problems*): concordant less discordant pairs of
    features, over the geometric mean of the numbers of pairs that are not tied in either set.

    Parameters
    ----------
    one, other : array, shape (features,)
        Global attributions of the same features.
    """
    a, b = np.abs(one), np.abs(other)
    untied = [len(values) ** 2 - int((np.unique(values, return_counts=True)[1] ** 2).sum()) for values in (a, b)]
    if not all(untied):
        return Undefined("all features have the same attribution")
    difference = sum(float(np.sign(a - x) @ np.sign(b - y)) for x, y in zip(a, b, strict=True))
    return difference / math.sqrt(untied[0] * untied[1])


def consistency(values: Floats) -> float | Undefined:
    """Return the explanation consistency: how similar the explanations of single rows are.

    It is the mean cosine between the magnitudes of a row's SHAP values and those of all rows together: 1 where every
    row is explained by the same features in the same proportions, near 0 where every row has features of its own.
    Rows without any attribution have no explanation and are left out.

    Parameters
    ----------
    values : array, shape (rows, features)
        SHAP values.
    """
    magnitudes = np.abs(values)
    greatest = magnitudes.max(axis=1)
    explained = greatest > 0
    if not explained.any():
        return Undefined("no row has any attribution")
    # Cosines do not depend on the scale; with greatest values of 1 no square overflows, and none of those vanishes.
    directions = magnitudes[explained] / greatest[explained, None]
    together = (magnitudes / greatest.max()).mean(axis=0)
    cosines = directions @ together / (np.linalg.norm(directions, axis=1) * np.linalg.norm(together))
    return float(min(cosines.mean(), 1.0))


def stability(current: Floats, earlier: Sequence[Floats]) -> float | Undefined:
    """Return the attribution stability: how far the order of features holds from execution to execution.

    It is the mean of Spearman's rank correlations between the current magnitudes of global attributions and those of
    each earlier execution, in [-1, 1].

    Parameters
    ----------
    current : array, shape (features,)
    earlier : sequence of arrays of that shape
        Executions without any difference between features have no order and are left out.
    """
    now = _mean_ranks(current)
    then = [rank for rank in map(_mean_ranks, earlier) if not is_constant(rank.min(), rank.max())]
    if is_constant(now.min(), now.max()):
        return Undefined("all features have the same attribution")
    if not then:
        return Undefined("there is no earlier execution to compare with")
    return float(np.mean([np.corrcoef(now, rank)[0, 1] for rank in then]))


def _mean_ranks(attributions: Floats) -> Floats:
    """Return ranks by magnitude from the least on, equal ones sharing the mean of theirs."""
    magnitudes = np.abs(attributions)
    below, same = (magnitudes < magnitudes[:, None]).sum(axis=1), (magnitudes == magnitudes[:, None]).sum(axis=1)
    return np.asarray(below + (same + 1) / 2)
