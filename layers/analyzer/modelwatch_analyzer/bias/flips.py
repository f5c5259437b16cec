"""The flip test: the predictions of the nearest neighbours, in the other group, of the sensitive group's rows."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from modelwatch_analyzer.bias.neighbours import most_accepted
from modelwatch_analyzer.bias.values import numbers
from modelwatch_analyzer.undefined import Undefined

MOST_ROWS = 50_000
"""The most rows that are kept; of more, a random sample without replacement. A row takes 8 bytes a feature and some 40
more."""

NEIGHBOURS, NEIGHBOURS_OF_SAGEMAKER = 5, 1
"""How many neighbours a row is compared with: smclarify's FT_DEFAULT_NEIGHBOR, and what SageMaker's own container
uses."""

_NAMED = 5
_FEW_ROWS = 9
"""Among at most this many rows a row is compared with one neighbour only: smclarify's FT_SAMPLES_COUNT_THRESHOLD."""


@dataclass(slots=True)
class FlipSample:
    """The features of up to `MOST_ROWS` rows; ``update`` with batches in row order, ``merge`` with that of other rows.

    Each row gets a number drawn at random, and those with the smallest numbers are kept: every set of rows is as
    probable as any other, however the rows are split.

    Attributes
    ----------
    features, facets : tuple of str
        The columns that are compared, except a facet's own; and the columns that hold facets.
    generator : numpy.random.Generator
        What the numbers are drawn from; parts that are to be merged need different ones.
    rows : polars.DataFrame
        The features as numbers, the marks of each row, and its ``draw``; in the order of the dataset.
    not_numeric, lacking : set of str
        Features that hold values that are not numbers, or lack values.
    """

    features: tuple[str, ...]
    facets: tuple[str, ...]
    generator: np.random.Generator
    most: int = MOST_ROWS
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    not_numeric: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)

    def update(self, batch: pl.DataFrame, marks: pl.DataFrame, known: pl.Series) -> None:
        """Take in the features of a batch, the marks to keep with them, and which rows count."""
        draws = pl.Series("draw", self.generator.random(batch.height))
        if self.all_unusable:
            return
        features = [numbers(batch[name]) for name in self.features]
        for name, values in zip(self.features, features, strict=True):
            if values.null_count() > batch[name].null_count():
                self.not_numeric.add(name)
            elif batch[name].null_count():
                self.lacking.add(name)
        kept = pl.DataFrame([values.alias(f"x{i}") for i, values in enumerate(features)])
        rows = kept.hstack([*marks.get_columns(), draws]).filter(known)
        self.rows = pl.DataFrame() if self.all_unusable else self._cut([self.rows, rows])

    def merge(self, other: FlipSample) -> FlipSample:
        """Return what both hold; neither changes. The other one's rows come last."""
        return replace(
            self,
            not_numeric=self.not_numeric | other.not_numeric,
            lacking=self.lacking | other.lacking,
            rows=self._cut([self.rows, other.rows]),
            generator=deepcopy(self.generator),
        )

    def unusable(self, facet: str) -> Undefined | None:
        """Return why there can be no flip test of a facet, by its column, if that is so."""
        for names, reason in (
            (self.not_numeric - {facet}, "FlipTest does not support non-numeric columns"),
            (self.lacking - {facet}, "FlipTest does not support missing values"),
        ):
            if names:
                columns = sorted(names)
                more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
                return Undefined(f"{reason}: {', '.join(columns[:_NAMED])}{more}")
        return None

    @property
    def all_unusable(self) -> bool:
        """Whether no facet can have a flip test, so that no rows are kept."""
        return all(self.unusable(facet) for facet in self.facets)

    def flips(
        self, facet_column: str, in_group: pl.Expr, in_others: pl.Expr, accepted: pl.Expr, *, neighbours: int
    ) -> NDArray[np.int64] | Undefined:
        """Compare predictions with those of the neighbours.

        Parameters
        ----------
        facet_column : str
            The feature that distinguishes the groups, which is not compared.
        in_group, in_others, accepted : polars.Expr
            Conditions on the marks: of the sensitive group, of the others, and with a positive prediction.
        neighbours : int
            How many are compared with; a tie of their predictions counts as negative.

        Returns
        -------
        ndarray of int, shape (2, 2), or Undefined
            Rows of the group by their prediction (negative, positive), and by that of most neighbours.

        Notes
        -----
        As smclarify: scikit-learn's ``KNeighborsClassifier`` with its defaults (Euclidean distance, features as they
        are), so that neighbours at equal distances are chosen alike.
        """
        if unusable := self.unusable(facet_column):
            return unusable
        compared = [f"x{i}" for i, name in enumerate(self.features) if name != facet_column]
        if not compared:
            return Undefined("no features are left to compare for the flip test")
        group, others = self.rows.filter(in_group), self.rows.filter(in_others)
        if not (group.height and others.height):
            return Undefined("there are no rows to compare with for the flip test")

        compared_with = neighbours if others.height > max(_FEW_ROWS, neighbours) else 1
        values = self.rows.select(compared).to_numpy()
        whole = bool(np.all(values - np.floor(values) == 0))  # of infinities that is not a number
        of_group, of_others = (
            each.select(compared).to_numpy().astype(np.int64 if whole else np.float64) for each in (group, others)
        )
        accepted_others = others.select(accepted).to_series().to_numpy()
        expected = most_accepted(of_group, of_others, accepted_others, compared_with)
        predicted = group.select(accepted).to_series().to_numpy()
        return np.bincount(2 * predicted + expected, minlength=4).reshape(2, 2)

    def _cut(self, parts: list[pl.DataFrame]) -> pl.DataFrame:
        """Join rows, and keep as many as allowed, in their order."""
        rows = pl.concat([part for part in parts if part.width] or parts[:1])
        if rows.height <= self.most:
            return rows
        return rows[np.sort(np.argpartition(rows["draw"].to_numpy(), self.most)[: self.most])]
