"""Which rows belong to a group: values that are listed, or numbers above a threshold.

Whether a column is categorical or continuous is known only once all of it was read. Until then every value is
recorded in both readings, as bits of a small code, so that the rows can be counted in one pass.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from modelwatch_analyzer.profile.distinct import DistinctCounter
from modelwatch_analyzer.profile.lexical import ColumnType, infer_type

ListedValue = bool | int | float | str
"""What a facet or a label may be compared with."""

LISTED, ABOVE = 1, 2
"""The bits of a code: the value is one of those listed; it is above the threshold."""

_FEW = 4
"""If each value occurs this often, it is faster to look at each distinct one once."""

_UNIQUENESS = 0.05
"""Whole numbers are continuous if at least this share of the values is distinct: smclarify's UNIQUENESS_THRESHOLD."""


class DataType(StrEnum):
    """How a column is read."""

    CATEGORICAL = "categorical"
    CONTINUOUS = "continuous"


def numbers(column: pl.Series) -> pl.Series:
    """Read values as numbers, ``true`` as 1 and ``false`` as 0; whatever is not a finite number becomes null."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64)
    name = column.name
    expression = pl.col(name).str.replace(" ", "", literal=True).cast(pl.Float64, strict=False)
    parsed = column.to_frame().select(pl.when(expression.is_finite()).then(expression).alias(name)).to_series()
    if parsed.null_count() == column.null_count():
        return parsed
    spelled = column.str.to_lowercase()
    return (
        parsed.to_frame()
        .select(
            pl.when(spelled == "true").then(1.0).when(spelled == "false").then(0.0).otherwise(pl.col(name)).alias(name)
        )
        .to_series()
    )


def _number(value: ListedValue) -> float | None:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def group_key(spelled: str) -> str:
    """Return what identifies a group, however a file or a payload writes it.

    Of ``(40, 90]`` the threshold alone, for the maximum is the data's; of ``b,1.0`` what ``b,1`` has too.
    """
    lower, comma, _ = spelled[1:].partition(",")
    if spelled.startswith("(") and spelled.endswith("]") and comma and (threshold := _number(lower)) is not None:
        return f"({threshold},"
    values = [(value, _number(value)) for value in spelled.split(",")]
    return ",".join(value if number is None else str(number) for value, number in values)


def named_as(known: Iterable[str], spelled: str) -> str:
    """Return the name of a group that a baseline has for it, so that it is the same in every window."""
    return next((each for each in known if group_key(each) == group_key(spelled)), spelled)


@dataclass(frozen=True, slots=True)
class Listed:
    """Values of the configuration, and the codes of a column's values by them.

    A value equals a listed one if both have the same text, or are the same number: ``1``, ``1.0`` and ``true`` are.
    """

    values: tuple[ListedValue, ...]

    @property
    def threshold(self) -> float | None:
        """The number, if it is a single one."""
        return _number(self.values[0]) if len(self.values) == 1 else None

    def holds(self, number: float) -> bool:
        """Return whether a number is listed."""
        return any(_number(value) == number for value in self.values)

    def codes(self, column: pl.Series) -> pl.Series:
        """Return the code of each value, null where there is none.

        Parameters
        ----------
        column : polars.Series
            Of String.
        """
        unique = column.unique()
        if len(unique) * _FEW < len(column):
            return column.replace_strict(unique, self._codes(unique), return_dtype=pl.UInt8)
        return self._codes(column)

    def _codes(self, column: pl.Series) -> pl.Series:
        number = numbers(column)
        listed = column.is_in([str(value) for value in self.values])
        wanted = [found for value in self.values if (found := _number(value)) is not None]
        if wanted:
            listed |= number.is_in(wanted).fill_null(value=False)
        codes = listed.cast(pl.UInt8) * LISTED
        if self.threshold is not None:
            codes += (number > self.threshold).fill_null(value=False).cast(pl.UInt8) * ABOVE
        return codes

    def spelled(self, data_type: DataType, maximum: float, *, whole: bool) -> str:
        """Name the group as SageMaker's files do: ``v1,v2``, or ``(threshold, maximum]``.

        Parameters
        ----------
        maximum : float
            Of the column.
        whole : bool
            Whether the column holds whole numbers only.
        """
        if data_type is DataType.CATEGORICAL or self.threshold is None:
            return ",".join(map(str, self.values))
        lower, upper = self.threshold, max(self.threshold, maximum)
        if whole and lower.is_integer() and upper.is_integer() and not isinstance(self.values[0], float):
            return f"({int(lower)}, {int(upper)}]"
        return f"({lower}, {upper}]"


@dataclass(slots=True)
class ColumnFacts:
    """The facts that determine a column's data type; ``update`` with batches, ``merge`` with those of other rows.

    Attributes
    ----------
    matched : bool
        Whether any value is one of those listed.
    """

    type: ColumnType = ColumnType.UNKNOWN
    present: int = 0
    missing: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    matched: bool = False
    distinct: DistinctCounter = field(default_factory=DistinctCounter)

    def update(self, column: pl.Series, codes: pl.Series | None = None) -> None:
        """Take in a batch of String, and the codes of its values where some are listed."""
        unique = column.drop_nulls().unique()
        self.type = self.type.combine(infer_type(unique))
        self.present += len(column) - column.null_count()
        self.missing += column.null_count()
        self.distinct.update(unique)
        self.matched |= codes is not None and bool(((codes & LISTED) > 0).any())
        number = numbers(unique).drop_nulls()
        if len(number):
            self.minimum = min(self.minimum, float(number.min()))  # type: ignore[arg-type]
            self.maximum = max(self.maximum, float(number.max()))  # type: ignore[arg-type]

    def merge(self, other: ColumnFacts) -> ColumnFacts:
        """Return what both hold; neither changes."""
        return ColumnFacts(
            type=self.type.combine(other.type),
            present=self.present + other.present,
            missing=self.missing + other.missing,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            matched=self.matched or other.matched,
            distinct=self.distinct.merge(other.distinct),
        )

    def data_type(self, listed: Collection[ListedValue]) -> DataType:
        """Return how the column is read.

        smclarify's rule: text, truth values, and anything of which several values are listed, are categorical; numbers
        with decimals continuous; whole numbers continuous if at least a twentieth of the values is distinct. Ours in
        addition: numbers of at most two distinct values are categorical if the listed value is among them, or none is
        listed. Without that, 0 and 1 would be continuous in any window of up to 40 rows, or if they are spelled 0.0
        and 1.0.
        """
        if len(listed) > 1 or not self.type.is_numeric:
            return DataType.CATEGORICAL
        distinct = self.distinct.count
        if distinct <= 2 and (self.matched or not listed):
            return DataType.CATEGORICAL
        if self.type is ColumnType.FRACTIONAL or distinct >= _UNIQUENESS * self.present:
            return DataType.CONTINUOUS
        return DataType.CATEGORICAL
