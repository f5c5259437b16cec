"""Resampling a dataset from counts of its cells, for confidence intervals and standard deviations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1000

_MOST_HYPERGEOMETRIC = 10**9 - 1
"""NumPy draws multivariate hypergeometric counts from fewer rows than this."""


class Resampling(Protocol):
    """A way to resample a dataset several times.

    Every call starts from the seed, so that a result depends on its own input only.
    """

    @property
    def replicates(self) -> int:
        """How many times."""

    @property
    def variance_ratio(self) -> float:
        """The variance of a mean over its replicates, as a ratio to that over fresh samples of the same size."""

    @property
    def further_rows(self) -> float:
        """How many rows are thought to be spread evenly over all cells, also over empty ones."""

    def counts(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many rows of each cell every replicate holds.

        Parameters
        ----------
        cells : ndarray of int, shape (k,)
            How many rows the dataset holds in each cell.

        Returns
        -------
        ndarray of int, shape (replicates, k)
        """

    def weights(self, blocks: int) -> NDArray[np.int64]:
        """Return how often each block of rows occurs in every replicate, shape (replicates, blocks)."""

    def generator(self) -> np.random.Generator:
        """Return the generator of random numbers, at its start."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """As many rows as there are, drawn with replacement (Efron, 1979).

    Rows of one cell are alike, so a replicate is one multinomial draw over the cells: its cost depends on the number
    of cells and not on that of the rows.

    Attributes
    ----------
    replicates, seed : int
    part : int
        Which run this is, if the replicates of a bootstrap are drawn in several: each draws its own.
    further_rows : float
        With 2, cells of a binary confusion matrix have half a row more, as Jeffreys' prior has it. Without any, what
        never occurred never occurs in a replicate, so that a metric at its bound would seem to be certain.
    """

    replicates: int
    seed: int
    part: int = 0
    further_rows: float = 0.0
    variance_ratio: float = 1.0

    @classmethod
    def in_parts(cls, replicates: int, seed: int, *, further_rows: float = 0.0) -> Iterator[Bootstrap]:
        """Yield the parts of a bootstrap of many replicates, each small enough to hold."""
        for part, start in enumerate(range(0, replicates, _AT_ONCE)):
            yield cls(min(_AT_ONCE, replicates - start), seed, part, further_rows)

    def counts(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw from a multinomial distribution."""
        total = int(cells.sum())
        expected = cells + self.further_rows / max(cells.size, 1)
        return self.generator().multinomial(total, expected / max(float(expected.sum()), 1.0), size=self.replicates)

    def weights(self, blocks: int) -> NDArray[np.int64]:
        """Draw as many blocks as there are."""
        return self.counts(np.ones(blocks, dtype=np.int64))

    def generator(self) -> np.random.Generator:
        """Return the generator of random numbers, at its start."""
        return np.random.default_rng([self.seed, self.part])


@dataclass(frozen=True, slots=True)
class Subsamples:
    """A share of the rows, drawn without replacement."""

    replicates: int
    share: float
    seed: int

    @property
    def variance_ratio(self) -> float:
        """By the correction for finite populations."""
        return (1 - self.share) / self.share

    @property
    def further_rows(self) -> float:
        """None: a subsample holds what there is."""
        return 0.0

    def counts(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw from a multivariate hypergeometric distribution.

        From 10**9 rows on, each row is kept independently, with the share as its probability.
        """
        total = int(cells.sum())
        if total > _MOST_HYPERGEOMETRIC:
            return self.generator().binomial(cells, self.share, size=(self.replicates, cells.size))
        kept = round(self.share * total)
        return self.generator().multivariate_hypergeometric(cells, kept, size=self.replicates)

    def weights(self, blocks: int) -> NDArray[np.int64]:
        """Keep each block once, or not."""
        return self.counts(np.ones(blocks, dtype=np.int64))

    def generator(self) -> np.random.Generator:
        """Return the generator of random numbers, at its start."""
        return np.random.default_rng(self.seed)
