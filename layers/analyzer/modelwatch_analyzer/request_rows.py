"""Rows that came in one request are alike: how many fewer independent rows a metric's rows are worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.calibrated.dependence import (
    ENOUGH_ROWS,
    LEAST_MENTIONED,
    are_few,
    equally_large,
    few_requests_text,
)
from modelwatch_analyzer.metric_change import INDEPENDENT, Dependence
from modelwatch_analyzer.reading.dataset import REQUEST_COLUMN

Floats = NDArray[np.float64]

_MOST_ENTRIES, _LEAST_REQUESTS = ENOUGH_ROWS, 30
"""So many entries are kept, of at least so many requests: of one with more than its part, some rows stand for all."""
_SLACK = 2
"""Up to this many times the entries are held before some are dropped."""
_AT_ONCE = 1_000
_QUARTILES = (0.25, 0.5, 0.75)
_MOST_CLASSES = 100
"""Of more classes the most frequent are looked at: the others hardly move a distribution, and take a pass each."""
_REQUEST, _DRAW, _ROWS = "request", "draw", "rows"


@dataclass(slots=True)
class RequestRows:
    """What metrics look at of rows, by request; ``update`` with batches in row order, ``merge`` with later ones.

    Equal rows of a request are one entry. Of a request with many different rows those with the places of the smallest
    hashes stand for all. Of many entries those of the requests with the smallest hashes are kept. Both are the same
    ones however the rows are split.

    Attributes
    ----------
    alone : int
        Rows of batches in which no request had several rows, or of data without requests.
    rows, requests, squares : int
        Of all other batches the rows, the requests, and the sum of the squares of their sizes.
    """

    alone: int = 0
    rows: int = 0
    requests: int = 0
    squares: int = 0
    _entries: list[pl.DataFrame] = field(default_factory=list)
    _beyond: int | None = None

    def update(
        self,
        batch: pl.DataFrame,
        values: Callable[[], Mapping[str, pl.Series | NDArray[Any]]],
        counted: pl.Series | None = None,
    ) -> None:
        """Take in a batch.

        Parameters
        ----------
        batch : polars.DataFrame
            The rows as they were read, see `Arrivals`.
        values : callable
            Returns what metrics look at of each row.
        counted : polars.Series, optional
            Which rows count; by default all.
        """
        if batch.schema.get(REQUEST_COLUMN) != pl.UInt64():
            self.alone += batch.height if counted is None else int(counted.sum())
            return
        numbers = batch[REQUEST_COLUMN]
        frame = pl.DataFrame({_REQUEST: numbers, _DRAW: _hashes(numbers.to_numpy()), **values()})
        frame = frame if counted is None else frame.filter(counted)
        if not frame.height:
            return
        place = frame[_REQUEST].rle_id().cast(pl.Int64)
        sizes = np.bincount(place.to_numpy())
        frame = frame.with_columns((place + self.requests).alias(_REQUEST))
        self.rows += frame.height
        self.requests += sizes.size
        self.squares += int((sizes**2).sum())
        if self._beyond is not None:
            frame = frame.filter(pl.col(_DRAW) < self._beyond)
        self._entries.append(_entries_of(frame))
        self._drop_at_times()

    def merge(self, other: RequestRows) -> RequestRows:
        """Return the rows of both; neither changes."""
        later = (entries.with_columns(pl.col(_REQUEST) + self.requests) for entries in other._entries)
        limits = [each for each in (self._beyond, other._beyond) if each is not None]
        merged = RequestRows(
            self.alone + other.alone,
            self.rows + other.rows,
            self.requests + other.requests,
            self.squares + other.squares,
            [*self._entries, *later],
        )
        merged._keep_below(limits)
        merged._drop_at_times()
        return merged

    def replaced(self, column: str, named: Mapping[str, str]) -> RequestRows:
        """Return the rows with other values of a column of texts."""
        entries = [each.with_columns(pl.col(column).replace(named)) for each in self._entries]
        return replace(self, _entries=entries)

    def _drop_at_times(self) -> None:
        """Drop requests whenever there are several times the entries that are kept."""
        if self._held > _SLACK * _MOST_ENTRIES:
            self._drop()

    @property
    def _held(self) -> int:
        return sum(entries.height for entries in self._entries)

    def _drop(self) -> None:
        """Drop requests if there are too many entries."""
        if self._held <= _MOST_ENTRIES:
            return
        together = pl.concat(self._entries, how="vertical_relaxed")
        sizes = together.group_by(_REQUEST, _DRAW).len().sort(_DRAW, _REQUEST)
        over = (sizes["len"].cum_sum() > _MOST_ENTRIES).to_numpy()
        self._entries = [together]
        self._keep_below([int(sizes[_DRAW][int(over.argmax())])])

    def _keep_below(self, draws: Sequence[int]) -> None:
        """Keep only requests whose hashes are below these."""
        if draws:
            self._beyond = min(draws)
            self._entries = [entries.filter(pl.col(_DRAW) < self._beyond) for entries in self._entries]

    @property
    def are_known(self) -> bool:
        """Whether requests have several rows."""
        return self.requests < self.rows

    @property
    def are_few(self) -> bool:
        """Whether there are too few requests, or too unequal ones, to tell whether rows of one are alike."""
        return self.are_known and are_few(self.requests + self.alone, self.rows + self.alone, self.squares + self.alone)

    @property
    def entries(self) -> pl.DataFrame | None:
        """The rows that tell how alike rows of one request are; None if none do.

        Besides what metrics look at there are ``request``, and of how many ``rows`` an entry stands for.
        """
        if not self.are_known or self.are_few:
            return None
        self._drop()
        self._entries = [pl.concat(self._entries, how="vertical_relaxed")]
        return self._entries[0]

    def by_influence(
        self,
        seen_of: Callable[[pl.DataFrame], pl.DataFrame],
        influences: Callable[[pl.DataFrame], Mapping[str, Floats]],
    ) -> dict[str, Dependence]:
        """Return how dependent rows are for each of several metrics.

        Parameters
        ----------
        seen_of : callable
            Returns what these metrics look at of rows.
        influences : callable
            Given some of that, what each metric would be with one more row like each.
        """
        entries = self.entries
        if entries is None or not entries.height:
            return {}
        seen = seen_of(entries)
        kinds = seen.unique(maintain_order=True)
        place = seen.join(
            kinds.with_row_index("kind"), on=seen.columns, how="left", nulls_equal=True, maintain_order="left"
        )["kind"].to_numpy()
        parts = [influences(part) for part in kinds.iter_slices(_AT_ONCE)]
        return self.completed(
            {name: self.dependence(entries, np.concatenate([part[name] for part in parts])[place]) for name in parts[0]}
        )

    def completed(self, found: Mapping[str, Dependence | None]) -> dict[str, Dependence]:
        """Give metrics whose rows do not show how they depend on each other the largest design effect of the others.

        If no metric shows any, rows of one request may all be the same.
        """
        known = [each for each in found.values() if each is not None]
        rows, squares = self.rows + self.alone, self.squares + self.alone
        same = Dependence(squares / rows, rows**2 / squares) if rows else INDEPENDENT
        largest = max(known, key=attrgetter("repeated"), default=same)
        return {name: each or largest for name, each in found.items()}

    def dependence(self, entries: pl.DataFrame, influence: Floats) -> Dependence | None:
        """Return how dependent rows are for a metric, by its influence function; None where all rows have the same.

        Parameters
        ----------
        entries : polars.DataFrame
            Those of ``entries`` that the metric is computed of.
        influence : ndarray, shape (entries,)
            What the metric would be with one more row like each; not finite where that is not defined.

        Notes
        -----
        The variance of a metric is that of the sum of its rows' influences, to first order, so that the design effect
        (Kish, 1965) is the sum over requests of the square of their sums, divided by the sum of all squares. The size
        of a request, by which unequal ones are worth fewer equal ones, is the sum of its influences without their
        signs: of recall, only rows with a positive label count.

        What exceeds 1 is of pairs of a request's rows. Where requests were dropped, all have as many more of these as
        the squares of their sizes say: few samples hold the one large request among thousands. Rows that stand for
        others count as copies of them, so that a large request is worth no more rows than were looked at.
        """
        rows = entries[_ROWS].to_numpy()
        defined = np.where(np.isfinite(influence), influence, np.nan)
        if not rows.size or np.isnan(defined).all():
            return None
        away = np.nan_to_num(defined - np.nansum(defined * rows) / rows[~np.isnan(defined)].sum())
        away /= max(float(np.abs(away).max()), np.finfo(np.float64).tiny)  # whose squares neither over- nor underflow
        starts = np.flatnonzero(np.diff(entries[_REQUEST].to_numpy(), prepend=-1))
        sums, sizes = (np.add.reduceat(each * rows, starts) for each in (away, np.abs(away)))
        total, pairs = float((away**2 * rows).sum()), self._pairs_for_each()
        if not total or pairs is None:
            return None
        share, requests = self.rows / (self.rows + self.alone), max(2.0, equally_large(sizes))
        effect = float((sums**2).sum()) / total * requests / (requests - 1)  # the mean is of the same requests
        others = (1 - share) ** 2 / self.alone if self.alone else 0.0
        return Dependence(max(1.0, 1 + (effect - 1) * pairs * share), 1 / (share**2 / requests + others))

    def _pairs_for_each(self) -> float | None:
        """Return how many pairs a row is in, of all requests, for each of those kept; None if these have no pair."""
        if self._beyond is None:
            return 1.0
        kept = pl.concat([entries.select(_REQUEST, _ROWS) for entries in self._entries])
        sizes = kept.group_by(_REQUEST).agg(pl.col(_ROWS).sum())[_ROWS].to_numpy()
        further = float((sizes**2).sum() / sizes.sum()) - 1
        return (self.squares / self.rows - 1) / further if further > 0 else None

    def repeated(self, column: str) -> float | None:
        """Return the design effect of a distribution: the largest over frequent classes, or the quartiles of numbers.

        None if the rows do not depend on each other.
        """
        entries = self.entries
        if entries is None:
            return None
        values = entries[column]
        if values.null_count() == values.len():
            return None
        if values.dtype.is_float():
            limits = (values.quantile(share) for share in _QUARTILES)
            scores = [(values <= limit).cast(pl.Float64).to_numpy() for limit in limits]
        else:
            counts = entries.group_by(column).agg(pl.col(_ROWS).sum()).sort(-pl.col(_ROWS), column)
            frequent = counts[column].head(_MOST_CLASSES)
            scores = [(values == each).cast(pl.Float64).to_numpy() for each in frequent]
        found = self.completed({str(place): self.dependence(entries, each) for place, each in enumerate(scores)})
        largest = max((each.repeated for each in found.values()), default=1.0)
        return largest if largest > 1 else None

    def remark(self, found: Iterable[Dependence]) -> str | None:
        """Say by how many times fewer the rows count, if they do, or that this cannot be determined."""
        if self.are_few:
            return few_requests_text(self.requests + self.alone)
        largest = max((each.repeated for each in found), default=1.0)
        if largest < LEAST_MENTIONED:
            return None
        return f"The rows count as up to {largest:.3g} times fewer, because rows of one request are alike."


def _entries_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Return equal rows of each request as one entry, and some rows for all of one that has too many entries."""
    entries = frame.group_by(frame.columns, maintain_order=True).agg(pl.len().cast(pl.Float64).alias(_ROWS))
    most, place = _MOST_ENTRIES // _LEAST_REQUESTS, frame[_REQUEST].rle_id().to_numpy()
    many = np.flatnonzero(np.bincount(entries[_REQUEST].rle_id().to_numpy()) > most)
    if not many.size:
        return entries
    kept, each = np.ones(frame.height, np.bool_), np.ones(frame.height)
    for first, end in zip(*(np.searchsorted(place, many, side) for side in ("left", "right")), strict=True):
        drawn = np.argsort(_hashes(np.arange(end - first, dtype=np.uint64)))
        kept[first + drawn[most:]] = False
        each[first:end] = (end - first) / most
    rows = frame.with_columns(pl.Series(_ROWS, each)).filter(pl.Series(kept))
    return rows.group_by(frame.columns, maintain_order=True).agg(pl.col(_ROWS).sum())


def _hashes(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of numbers, in the same way on every machine.

    The generator of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
