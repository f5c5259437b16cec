"""From the table of codes to the counts of each group: once all rows were read and the data types are known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from modelwatch_analyzer.bias.counts import Counts, RowCounts
from modelwatch_analyzer.bias.table import SCORED, UNSCORED, BiasTable, mark_of
from modelwatch_analyzer.bias.values import (
    ABOVE,
    LISTED,
    NUMBER,
    ColumnFacts,
    DataType,
    Listed,
    group_key,
    named_as,
    threshold_of,
)
from modelwatch_analyzer.profile.lexical import ColumnType
from modelwatch_analyzer.undefined import Undefined
from modelwatch_core.domain.errors import InvalidInput

_NO_FLIP_TEST = Undefined("the flip test needs predictions and features")


@dataclass(frozen=True, slots=True)
class Facet:
    """The rows of a facet, counted.

    Attributes
    ----------
    values : tuple of str
        The groups, as reports name them; each is compared with all other rows.
    cells : ndarray of int, shape (n, groups, 2, 2)
        Rows by position (see `positions`), value of the group variable, label and prediction. The last position may be
        of rows without a value of the facet, see `gone`.
    positions : tuple of int
        The place of each group on the first axis of `cells`.
    missing : int
        Rows that were left out because they have no value of the facet.
    flips : tuple
        The table of each group's flip test.
    gone : frozenset of int
        The groups that a baseline has and that no row is in, whatever its rows have in its place: rows without a value
        of the facet are outside of these.
    entries : polars.DataFrame, optional
        Rows that tell how alike rows of one request are, see `RequestRows`, with their ``facet`` (the position),
        ``label`` and ``predicted`` on the axes of `cells`.
    """

    name: str
    values: tuple[str, ...]
    cells: RowCounts
    positions: tuple[int, ...]
    missing: int
    flips: tuple[RowCounts | Undefined, ...]
    gone: frozenset[int] = frozenset()
    entries: pl.DataFrame | None = None

    def of(self, cells: RowCounts, group: int, all_rows: RowCounts | None = None) -> RowCounts:
        """Return the cells of one group against all others: shape (..., 2, groups, 2, 2), see `Counts`.

        Parameters
        ----------
        cells : ndarray
            Those of the facet, or of replicates of it, as leading axes.
        group : int
            Which of `values`.
        all_rows : ndarray, optional
            The cells' sum over the facet's values, if it is known.
        """
        sensitive = cells[..., self.positions[group], :, :, :]
        total = cells.sum(axis=-4) if all_rows is None else all_rows
        if self.gone and group not in self.gone:
            total = total - cells[..., -1, :, :, :]
        return np.stack([total - sensitive, sensitive], axis=-4)

    def rows(self, group: int) -> tuple[int, int]:
        """Return how many rows are in a group, and how many are not."""
        others, rows = Counts(self.of(self.cells, group)).rows
        return int(rows), int(others)


@dataclass(frozen=True, slots=True)
class Positive:
    """Which labels and predictions are positive.

    Attributes
    ----------
    spelled : str
        The labels as reports name them.
    label, predicted : int
        The bit of a code that marks positive ones.
    """

    spelled: str
    label: int
    predicted: int

    @property
    def known(self) -> pl.Expr:
        """Whether label and prediction are of either kind; text is not where a number is compared."""
        return _is_known("label", self.label) & _is_known("predicted", self.predicted)


def positive_of(table: BiasTable, known: Collection[str]) -> Positive:
    """Determine which labels and predictions are positive.

    Predictions alone are read as labels would be. A response of fractions within [0, 1] is a probability then, unless a
    fraction is listed, which is a threshold of what is predicted.

    Parameters
    ----------
    known : collection of str
        How a baseline names the positive labels, if there is one: its data type applies.

    Raises
    ------
    InvalidInput
        ``ThresholdNotNumeric``.
    """
    columns, listed, outcomes = table.columns, table.columns.positive, table.outcomes
    prediction = columns.prediction
    fractions = prediction is not None and prediction.guessed and table.predicted.are_probabilities
    data_type = known_type(known, _spelled(listed, outcomes)) or outcomes.data_type(listed.values)
    if columns.label is None and not known and fractions and (listed.threshold or 0.0).is_integer():
        data_type = DataType.CATEGORICAL
    if data_type is DataType.CONTINUOUS and listed.threshold is None:
        raise _not_numeric(columns.label or columns.predicted, "label_values_or_threshold")
    bit = ABOVE if data_type is DataType.CONTINUOUS else LISTED
    scored = prediction is not None and len(prediction.scores) == 1 and not prediction.guessed
    if fractions:
        scored = data_type is DataType.CATEGORICAL
    whole = outcomes.type_for(listed.values) is ColumnType.INTEGRAL
    spelled = named_as(known, listed.spelled(data_type, outcomes.maximum, whole=whole))
    # A probability is that of label 1 where labels are 0 and 1.
    of_the_other = data_type is DataType.CATEGORICAL and listed.holds(0) and not listed.holds(1)
    return Positive(spelled, bit, (UNSCORED if of_the_other else SCORED) if scored else bit)


def facet_of(
    table: BiasTable,
    name: str,
    positive: Positive,
    data_type: DataType | None,
    known: Sequence[str],
    *,
    neighbours: int,
) -> Facet:
    """Count the rows of a facet.

    Parameters
    ----------
    data_type : DataType, optional
        How the column is to be read.
    known : sequence of str
        How a baseline names the groups of this facet, if there is one. Its data type applies where none is configured,
        and groups that it has are reported even where no row is in them now.
    neighbours : int
        How many neighbours the flip test compares with.

    Raises
    ------
    InvalidInput
        ``ThresholdMissing``, ``ThresholdNotNumeric``, naming the column.
    """
    (column, listed), facts = table.columns.facets[name], table.facet_facts[name]
    data_type = data_type or known_type(known, _spelled(listed, facts)) or facts.data_type(listed.values)
    if data_type is DataType.CONTINUOUS and not listed.values:
        message = f"the facet {name!r} is continuous: list a threshold for it (value_or_threshold)"
        raise InvalidInput("ThresholdMissing", message)
    if data_type is DataType.CONTINUOUS and listed.threshold is None:
        raise _not_numeric(column, "value_or_threshold")
    rows = table.facets[name].filter(positive.known)
    groups = _listed(table, name, data_type, known) if listed.values else _of_each_value(rows, name, known)
    present = rows.filter(groups.has_value)
    position: pl.Expr = pl.when(groups.has_value).then(groups.position)
    cells = _cells(present, position, groups.axis, positive)
    missing = int(rows["rows"].sum()) - int(present["rows"].sum())
    empty = (i for i, place in enumerate(groups.positions) if groups.values[i] in known and not cells[place].any())
    gone = frozenset(empty if missing else ())
    if gone:
        position = pl.when(groups.has_value).then(groups.position).otherwise(groups.axis)
        cells = _cells(rows, position, groups.axis + 1, positive)
    flips = (
        (_NO_FLIP_TEST,) * len(groups.values)
        if table.sample is None
        else tuple(
            table.sample.flips(
                column, member, ~member, (pl.col("predicted") & positive.predicted) > 0, neighbours=neighbours
            )
            for member in groups.members
        )
    )
    entries = _entries(table, name, position, positive)
    return Facet(name, groups.values, cells, groups.positions, missing, flips, gone, entries)


class _Groups(NamedTuple):
    """How the rows of a facet are put into groups.

    Attributes
    ----------
    positions : tuple of int
        The place of each group on an axis of cells, which is ``axis`` long.
    has_value, position : Expr
        Whether a row of the table is in any group or outside of the listed one, and its place on that axis.
    members : tuple of Expr
        Whether a row of the flip test's sample is in each group.
    """

    values: tuple[str, ...]
    positions: tuple[int, ...]
    axis: int
    has_value: pl.Expr
    position: pl.Expr
    members: tuple[pl.Expr, ...]


def _listed(table: BiasTable, name: str, data_type: DataType, known: Sequence[str]) -> _Groups:
    """Return the group of the listed values, or of those above the threshold, and the rows outside of it."""
    listed, facts = table.columns.facets[name][1], table.facet_facts[name]
    bit = ABOVE if data_type is DataType.CONTINUOUS else LISTED
    whole = facts.type_for(listed.values) is ColumnType.INTEGRAL
    mark = mark_of(name)
    return _Groups(
        values=(named_as(known, listed.spelled(data_type, facts.maximum, whole=whole)),),
        positions=(1,),
        axis=2,
        has_value=_is_known("facet", bit),
        position=(_code("facet") & bit) // bit,
        members=(pl.when(_is_known(mark, bit)).then((_code(mark) & bit) > 0),),
    )


def _of_each_value(rows: pl.DataFrame, name: str, known: Sequence[str]) -> _Groups:
    """Return a group for each value that the rows or a baseline have."""
    spellings = sorted(rows["facet"].drop_nulls().unique())
    named: dict[str, str] = {}
    for value in (*known, *spellings):
        named.setdefault(group_key(value), value)
    values = tuple(sorted(named.values(), key=_in_order))
    positions = tuple(range(len(values)))
    places = {spelling: values.index(named[group_key(spelling)]) for spelling in spellings}
    mark = pl.col(mark_of(name)).replace_strict(places, default=None)
    return _Groups(
        values=values,
        positions=positions,
        axis=len(values),
        has_value=pl.col("facet").is_not_null(),
        position=pl.col("facet").replace_strict(places, return_dtype=pl.Int64),
        members=tuple(mark == place for place in positions),
    )


def _code(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.UInt8)


def _is_known(column: str, bit: int) -> pl.Expr:
    """Return whether a code says which side its value is on: of a threshold, only a number is on any."""
    return (_code(column) & NUMBER > 0) if bit == ABOVE else pl.col(column).is_not_null()


def _outcomes(position: pl.Expr, positive: Positive) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return the places of a row on the axes of cells for the facet, the label and the prediction."""
    return (
        position.cast(pl.Int64).alias("facet"),
        ((pl.col("label") & positive.label) > 0).cast(pl.Int64).alias("label"),
        ((pl.col("predicted") & positive.predicted) > 0).cast(pl.Int64).alias("predicted"),
    )


def _cells(rows: pl.DataFrame, position: pl.Expr, axis: int, positive: Positive) -> RowCounts:
    groups = rows["group"].unique().sort()
    shape = (axis, max(1, len(groups)), 2, 2)
    cells: RowCounts = np.zeros(shape, dtype=np.int64)
    if rows.height:
        facet, label, predicted = _outcomes(position, positive)
        group = (pl.col("group").rank("dense").fill_null(0) - int(groups.null_count() == 0)).cast(pl.Int64)
        places = rows.select(facet, group, label, predicted)
        np.add.at(cells, tuple(places.to_numpy().T), rows["rows"].to_numpy())
    return cells


def _entries(table: BiasTable, name: str, position: pl.Expr, positive: Positive) -> pl.DataFrame | None:
    entries, place = table.requests.entries, str([*table.facets].index(name))
    if entries is None:
        return None
    known = entries.rename({place: "facet"}).filter(positive.known)
    return known.with_columns(*_outcomes(position, positive)).drop_nulls("facet")


def known_type(known: Collection[str], values: Collection[str] = ()) -> DataType | None:
    """Return how a baseline read the column, from the names of its groups.

    Parameters
    ----------
    values : collection of str
        Those that the column has, or that are listed. Where these are intervals, such as pandas.cut makes, names of
        categories are spelled as those of numbers above a threshold.
    """
    if not known:
        return None
    continuous = any(threshold_of(name) is not None for name in known)
    categories = any(threshold_of(value) is not None for value in values)
    return DataType.CONTINUOUS if continuous and not categories else DataType.CATEGORICAL


def _spelled(listed: Listed, facts: ColumnFacts) -> Collection[str]:
    return (*listed.texts, *(facts.texts or facts.examples))


def _not_numeric(column: str, key: str) -> InvalidInput:
    message = f"the column {column!r} is continuous: {key} must be one number for it"
    return InvalidInput("ThresholdNotNumeric", message)


def _in_order(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
