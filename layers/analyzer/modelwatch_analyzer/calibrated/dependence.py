"""Rows that carry less information than independent ones: sent twice, or in batches of similar rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelwatch_analyzer.documents import EditedDocument

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ENOUGH_ROWS = 20_000
"""This many rows are enough to tell how often rows are equal, and how similar neighbours are."""

_LEAST_BLOCKS = 10
_LEAST_EQUAL = 2
"""If requests are worth fewer equally large ones than this, nearly all rows are in one: they do not show how requests
differ."""
LEAST_MENTIONED = 1.1
"""A smaller design effect is used, but not mentioned: where rows come in requests, it is mostly chance."""
_SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_SLIGHT = 0.1
_STANDARD_ERRORS = 4.0
_LARGEST_CLUMP = 100
"""If more rows of a window are equal, they are not copies but a value that the table has now, as of a feed that stands
still."""
_LEAST_CLUMP = 30
"""The same holds from this many equal rows on if they are most rows of the window; fewer may be one request that was
sent again."""
_RARE = 0.5
"""Copies are assumed only if a row of a window would, by chance, equal at most this many others on average."""
_UNSEEN_PAIRS = 3.0
"""By the rule of three, this many pairs may be expected in data although a baseline has no equal rows."""
_BLOCK_ERRORS = 3.5
_FEW_COLUMNS = 2
_AT_ONCE = 32
"""How many columns are looked at together, so that their scores stay in a core's cache."""


class EqualRows(EditedDocument):
    """How often rows of a sample are equal.

    Attributes
    ----------
    pairs, triples : float
        The shares of all pairs and of all triples of rows.
    rows : float
        How many rows this is known from.
    """

    pairs: float = 0.0
    triples: float = 0.0
    rows: float = 0.0

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], *, copies: bool = False) -> EqualRows:
        """Count them among the rows of a sample.

        Parameters
        ----------
        hashes : ndarray of uint64
            The hashes of at most `ENOUGH_ROWS` rows; equal rows have equal hashes.
        copies : bool
            Whether rows are left out that are there more than 100 times, or 30 times and are most of the sample.
        """
        rows = float(hashes.size)
        if rows < 3:
            return cls(rows=rows)
        counts = np.unique(hashes, return_counts=True)[1].astype(np.float64)
        largest = min(_LARGEST_CLUMP, max(_LEAST_CLUMP - 1, rows / 2))
        counts = counts[counts <= largest] if copies else counts
        pairs = float((counts * (counts - 1)).sum()) / (rows * (rows - 1))
        triples = float((counts * (counts - 1) * (counts - 2)).sum()) / (rows * (rows - 1) * (rows - 2))
        return cls(pairs=pairs, triples=triples, rows=rows)


def repetition(before: EqualRows, now: EqualRows, rows: int) -> float:
    """Return the design effect of rows that occur more often than in the baseline; 1 where chance explains them.

    Notes
    -----
    Kish (1965) of clusters of equal rows: exactly 2 where each row is there twice. The chance is the standard error of
    the shares of equal pairs of both sides, by the variance of a U-statistic. Where many rows are equal in the baseline
    too, as in a table of few categories, copies look like a change, and none are assumed.
    """
    if not before.rows or not now.rows or (rows - 1) * before.pairs > _RARE:
        return 1.0
    clumps = 4 * max(0.0, before.triples - before.pairs**2)
    pairs = before.pairs + 2 * _UNSEEN_PAIRS / before.rows**2
    error = math.sqrt(sum(2 * pairs / side.rows**2 + clumps / side.rows for side in (before, now)))
    excess = (rows - 1) * max(0.0, now.pairs - before.pairs)
    return 1 + excess if excess > _SLIGHT + _STANDARD_ERRORS * (rows - 1) * error else 1.0


@dataclass(frozen=True, slots=True)
class Blocks:
    """The design effects of consecutive rows that are alike.

    Attributes
    ----------
    length : int
        Rows of a block; 1 where neighbours are no more alike than others.
    effects : mapping of str to float
        The design effect of each column.
    number : float
        How many blocks there are; of unequal ones, how many equal ones they are worth.
    may_be_change : bool
        Whether a change inside the sample explains it as well: the longest blocks are alike, in one or two columns. A
        change of more columns at once is rarer than batches.
    requests : int
        How many requests the rows came in, where these are known and some have several; else 0.
    few_requests : bool
        Whether they are too few, or too unequal, to tell whether rows of one are alike.
    of_requests : mapping of str to float
        The design effects of requests alone, by column.
    too_short : bool
        Whether the sample is too short to show how far its rows are alike: there are too few rows, or requests, or the
        longest blocks are most alike, and longer ones may be more so.
    """

    length: int
    effects: Mapping[str, float]
    number: float
    may_be_change: bool = False
    requests: int = 0
    few_requests: bool = False
    of_requests: Mapping[str, float] = field(default_factory=dict)
    too_short: bool = False


def informative_rows(requests: Integers | None, rows: int) -> int:
    """Return how many of so many sampled rows are looked at: all where the first ones came in too few requests."""
    few = requests is not None and np.count_nonzero(requests < ENOUGH_ROWS) < _LEAST_BLOCKS
    return rows if few else ENOUGH_ROWS


def blocks_of(ranks: Mapping[str, Floats], requests: Integers | None = None) -> Blocks:
    """Estimate how many fewer independent rows carry the same information, from the rows' order and their requests.

    Parameters
    ----------
    ranks : mapping of str to ndarray, shape (rows,)
        The rank of each row's value from 0 to 1, by column; NaN where the value is missing. Sorted columns say nothing
        about the order: theirs is not that of arrival.
    requests : ndarray of int, optional
        Where the rows of each request begin.

    Notes
    -----
    That neighbours are alike must be clear from their order, where nothing says which rows belong together. Rows of a
    request are known to, and their design effect is used as it is (Kish 1965), of the score that has the largest.
    Unequal ones are worth fewer equal ones: as many as have the same sum of squared sizes.
    """
    ordered = _by_order(ranks)
    rows = next((each.size for each in ranks.values()), 0)
    known = np.empty(0, np.int64) if requests is None else requests[requests < rows]
    if not 0 < known.size < rows:
        return ordered
    sizes = np.diff(known, append=rows)
    if are_few(known.size, rows, int((sizes**2).sum())):
        return replace(ordered, requests=known.size, few_requests=True, too_short=True)
    of_requests = {}
    for name, each in ranks.items():
        scores = scores_of(each)
        sums, squares = (np.add.reduceat(side, known, axis=0) for side in (scores, scores**2))
        of_requests[name] = max(1.0, float(_ratio(sums, squares).max()))
    effects = {name: max(ordered.effects.get(name, 1.0), each) for name, each in of_requests.items()}
    equal = equally_large(sizes)
    number = equal if ordered.length == 1 else min(equal, ordered.number)
    length = max(ordered.length, -(-rows // known.size))
    return replace(ordered, length=length, effects=effects, number=number, requests=known.size, of_requests=of_requests)


def are_few(requests: int, rows: int, squares: int) -> bool:
    """Return whether so many requests, of so many rows and such a sum of squared sizes, do not show dependence."""
    return requests < _LEAST_BLOCKS or rows**2 / squares < _LEAST_EQUAL


def few_requests_text(requests: int) -> str:
    """Say that so many requests do not show dependence."""
    if requests == 1:
        return "The rows came in one request, which does not show whether rows of one are alike."
    return (
        f"The rows came in {requests} requests, which are too few, or too unequal, to tell whether rows of one are "
        "alike."
    )


def equally_large(sizes: NDArray[Any]) -> float:
    """Return how many equally large requests unequal ones are worth: as many as have the same sum of squares (Kish)."""
    return float(sizes.sum()) ** 2 / float((sizes**2).sum())


def _by_order(ranks: Mapping[str, Floats]) -> Blocks:
    arrived = {name: each for name, each in ranks.items() if not _is_sorted(each)}
    rows = next((each.size for each in arrived.values()), 0)
    lengths = [2**power for power in range(1, int(math.log2(max(rows, 1) / _LEAST_BLOCKS)) + 1)]
    chance = {length: 1 + _BLOCK_ERRORS * math.sqrt(2 * length / rows) for length in lengths}
    if all(length <= chance[length] for length in lengths):  # though all rows of each block were equal
        return Blocks(1, {}, rows, too_short=bool(arrived))
    medians = [float(np.median(effects)) for effects in _by_doubling([*arrived.values()], len(lengths))]
    clear = [(median, length) for median, length in zip(medians, lengths, strict=True) if median > chance[length]]
    if not clear:
        return Blocks(1, {}, rows)
    length = max(clear)[1]
    effects = {}
    for name, each in arrived.items():
        effects[name] = max(1.0, float(_design_effects(scores_of(each), length).max()))
    longest = length == lengths[-1]
    return Blocks(length, effects, rows // length, longest and len(arrived) <= _FEW_COLUMNS, too_short=longest)


def _is_sorted(ranks: Floats) -> bool:
    steps = np.diff(ranks[~np.isnan(ranks)])
    return bool(np.all(steps >= 0) or np.all(steps <= 0))


def scores_of(ranks: Floats) -> Floats:
    """Return what tests look at of ranks from 0 to 1, centred: location, spread, shares and what is missing."""
    shares = [np.where(np.isnan(ranks), np.nan, ranks <= share) for share in _SHARES]
    return np.column_stack([_centred(score) for score in (ranks, (ranks - 0.5) ** 2, *shares, np.isnan(ranks))])


def _centred(scores: Floats) -> Floats:
    present = ~np.isnan(scores)
    if present.all():
        return scores - (scores.mean() if scores.size else 0.0)
    mean = float(scores[present].mean()) if present.any() else 0.0
    return np.where(present, scores - mean, 0.0)


def _by_doubling(ranks: Sequence[Floats], doublings: int) -> Iterator[Floats]:
    """Yield the design effects of all columns for blocks of 2, 4, 8, ... rows."""
    effects: list[list[Floats]] = [[] for _ in range(doublings)]
    groups = -(-len(ranks) // _AT_ONCE)  # none of a single column, which NumPy would sum in another order
    for group in range(groups):
        first, end = (each * len(ranks) // groups for each in (group, group + 1))
        sums = np.column_stack([_centred(each) for each in ranks[first:end]])
        squares = sums**2
        for found in effects:
            sums, squares = (each[0 : each.shape[0] // 2 * 2 : 2] + each[1::2] for each in (sums, squares))
            found.append(_ratio(sums, squares))
    yield from map(np.concatenate, effects)


def _design_effects(scores: Floats, length: int) -> Floats:
    whole = scores[: scores.shape[0] // length * length].reshape(-1, length, scores.shape[1])
    return _ratio(whole.sum(axis=1), (whole**2).sum(axis=1))


def _ratio(sums: Floats, squares: Floats) -> Floats:
    """Return the design effects of blocks, of which these are the sums of scores and of their squares."""
    variance = squares.sum(axis=0)
    return np.where(variance > 0, (sums**2).sum(axis=0) / np.where(variance > 0, variance, 1.0), 1.0)
