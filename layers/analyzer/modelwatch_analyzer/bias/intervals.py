"""Standard errors and intervals of the bias metrics, from replicates of the counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.bias.counts import NO_FLIP_TEST, Array, Counts, RowCounts
from modelwatch_analyzer.bias.groups import Facet
from modelwatch_analyzer.bias.metric import BiasMetric
from modelwatch_analyzer.metric_change import INDEPENDENT, LEAST_ROWS, Dependence, Estimate, margin_of
from modelwatch_analyzer.request_rows import RequestRows
from modelwatch_analyzer.resampling import Bootstrap
from modelwatch_analyzer.spread import standard_deviation
from modelwatch_analyzer.undefined import Undefined

Interval = tuple[float, float]

_MOST_CELLS = 1 << 22
"""The most counts that are held at once: 32 MiB."""

_MOST_WITHOUT_NUMBER = 0.05
"""There is no interval if more than this share of the replicates is undefined or infinite."""


def replicates_of(
    facet: Facet,
    counts: Sequence[Counts],
    metrics: Sequence[BiasMetric],
    replicates: int,
    seed: int,
    further_rows: float = 0.0,
) -> Iterator[dict[str, Array]]:
    """Resample a facet's rows, and compute metrics of all replicates.

    Rows of one cell are alike, so that a multinomial draw over the cells is the bootstrap of the rows. The flip test's
    table is resampled on its own, given the rows of the others: its interval does not include the chance in these.

    Parameters
    ----------
    counts : sequence of Counts
        The observed counts of each of the facet's groups.
    further_rows : float
        How many rows are thought to be spread evenly over all cells, see `Bootstrap`.

    Yields
    ------
    dict of str to ndarray, shape (replicates,)
        For each group, by metric; NaN where it is undefined in a replicate.
    """
    conditional = [metric for metric in metrics if metric.conditional]
    found: list[dict[str, list[Array]]] = [{metric.name: [] for metric in conditional} for _ in counts]
    at_once = max(1, _MOST_CELLS // max(1, facet.cells.size))
    sizes = [min(at_once, replicates - start) for start in range(0, replicates, at_once)]
    seeds = np.random.SeedSequence(seed).generate_state(len(sizes))
    summed = []  # over the group variable, which leaves so few cells that those of all replicates fit into memory
    for size, state in zip(sizes, seeds, strict=True):
        cells = _drawn(Bootstrap(size, int(state), further_rows=further_rows), facet.cells)
        all_rows = cells.sum(axis=-4)
        summed.append(np.einsum("...glp->...lp", cells)[..., None, :, :])
        for group, (observed, parts) in enumerate(zip(counts, found, strict=True)):
            if observed.grouped:
                replicate = replace(observed, cells=facet.of(cells, group, all_rows))
                for metric in conditional:
                    parts[metric.name].append(metric.replicates(replicate))
    cells = np.concatenate(summed)
    all_rows = cells.sum(axis=-4)
    for group, (observed, parts) in enumerate(zip(counts, found, strict=True)):
        flips = observed.flips
        bootstrap = Bootstrap(replicates, seed, further_rows=further_rows)
        drawn = flips if isinstance(flips, Undefined) else _drawn(bootstrap, flips)
        replicate = replace(observed, cells=facet.of(cells, group, all_rows), flips=drawn)
        yield {name: np.concatenate(each) for name, each in parts.items() if each} | {
            metric.name: metric.replicates(replicate)
            for metric in metrics
            if not (metric.conditional or isinstance(metric.given(observed), Undefined))
        }


def dependences_of(
    facet: Facet, counts: Sequence[Counts], metrics: Sequence[BiasMetric], requests: RequestRows
) -> Iterator[dict[str, Dependence]]:
    """Measure how dependent rows are: for each group, by metric.

    Metrics that are not of the counts alone, as those that depend on the group variable and the flip test, have the
    largest design effect of all others.
    """
    if facet.entries is None or not facet.entries.height:
        yield from ({} for _ in counts)
        return
    cells = facet.cells.sum(axis=-3, keepdims=True)
    one = np.eye(cells.size, dtype=np.int64).reshape(-1, *cells.shape)
    places = (facet.entries[name].to_numpy() for name in ("facet", "label", "predicted"))
    kind = np.ravel_multi_index((next(places), 0, *places), cells.shape)  # one cell of the group variable
    kinds, place = np.unique(kind, return_inverse=True)
    more = cells + one[kinds]
    for group, observed in enumerate(counts):
        replicate = replace(observed, cells=facet.of(more, group), flips=NO_FLIP_TEST)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {
                metric.name: requests.dependence(facet.entries, metric.replicates(replicate)[place])
                for metric in metrics
                if not (metric.conditional or isinstance(metric.given(replicate), Undefined))
            }
        yield requests.completed({metric.name: found.get(metric.name) for metric in metrics})


def _drawn(bootstrap: Bootstrap, cells: RowCounts) -> RowCounts:
    """Resample the cells that hold rows, or that are thought to hold further ones; the others stay empty."""
    held = np.flatnonzero(_possible(cells) if bootstrap.further_rows else cells)
    drawn: RowCounts = np.zeros((bootstrap.replicates, cells.size), dtype=np.int64)
    if held.size:
        drawn[:, held] = bootstrap.counts(cells.ravel()[held])
    return drawn.reshape(bootstrap.replicates, *cells.shape)


def _possible(cells: RowCounts) -> NDArray[np.bool_]:
    """Return the cells each of whose values occurs, if not together: without predictions no cell has a positive one."""
    possible: NDArray[np.bool_] = np.ones(cells.shape, dtype=np.bool_)
    for axis in range(cells.ndim):
        others = tuple(each for each in range(cells.ndim) if each != axis)
        possible &= cells.sum(axis=others, keepdims=True) > 0
    return possible


def interval_of(metric: BiasMetric, estimate: Estimate | Undefined, level: float) -> Interval | Undefined:
    """Return Student's interval of a metric, cut off at the values that it can have.

    Parameters
    ----------
    level : float
        The confidence level, in (0, 1).

    Notes
    -----
    With the standard error of replicates that have further rows: without these, intervals of 95 % held the true
    difference of two groups in half of the samples in which a group of 20 rows was accepted at a rate of 97 %. Agresti
    and Caffo, "Simple and effective confidence intervals for proportions and differences of proportions result from
    adding two successes and two failures", 2000.
    """
    if isinstance(estimate, Undefined):
        return estimate
    margin = margin_of(estimate, (1 - level) / 2)
    least, most = metric.bounds
    return max(estimate.value - margin, least), min(estimate.value + margin, most)


def estimate_of(
    metric: BiasMetric,
    counts: Counts,
    value: float | Undefined,
    replicates: Mapping[str, Array],
    dependence: Dependence = INDEPENDENT,
) -> Estimate | Undefined:
    """Return a metric with its standard error over replicates.

    Returns
    -------
    Estimate or Undefined
        Undefined where the value is infinite or more than a twentieth of the replicates are undefined or infinite, and
        of one row. The standard deviation is that of the other replicates, with one degree of freedom less than their
        number.
    """
    if isinstance(value, Undefined):
        return value
    spread = _spread(value, replicates[metric.name])
    if isinstance(spread, Undefined):
        return spread
    if counts.rows.sum() < LEAST_ROWS:
        return Undefined("one row has no variance")
    spread *= metric.understated * math.sqrt(dependence.repeated)
    error = math.hypot(spread, metric.baseline_error(counts))
    return Estimate(value, error, max(LEAST_ROWS, metric.rows(counts)), dependence)


def _spread(value: float, replicates: Array) -> float | Undefined:
    finite = replicates[np.isfinite(replicates)]
    if math.isinf(value) or finite.size < max(2.0, (1 - _MOST_WITHOUT_NUMBER) * replicates.size):
        without = replicates.size - finite.size
        return Undefined(f"the metric is undefined or infinite in {without} of {replicates.size} resamples")
    return standard_deviation(finite, ddof=1)
