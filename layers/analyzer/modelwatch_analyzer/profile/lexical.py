"""The types of values: the grammar by which a column's type is inferred from text of any format.

The grammar is that of Deequ, whose types SageMaker Model Monitor reports; docs/compatibility.md has the details.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

_INTEGRAL = r"^[-+]? ?[0-9]+$"
_NUMERIC = r"^[-+]? ?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_BOOLEAN = r"^(?:true|false)$"
_FEW = 100
"""This many rows are enough to tell that most columns of text are text."""
_MANY = 8_192
"""In shorter columns NumPy drops missing values faster than polars, each of whose methods has a fixed cost."""


class ColumnType(StrEnum):
    """The type of a column or of a value, as Deequ defines it.

    The types of all values are combined into the type of the column by `combine`, in any order.
    """

    UNKNOWN = "Unknown"
    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"
    BOOLEAN = "Boolean"
    STRING = "String"

    @property
    def is_numeric(self) -> bool:
        """Whether it is a type of numbers."""
        return self in (ColumnType.INTEGRAL, ColumnType.FRACTIONAL)

    def combine(self, other: ColumnType) -> ColumnType:
        """Return the type of a column that has values of both types.

        ``Unknown``, the type of no values, combines with any other type to that type; Integral and Fractional combine
        to Fractional; any other combination gives String.
        """
        if self is other or other is ColumnType.UNKNOWN:
            return self
        if self is ColumnType.UNKNOWN:
            return other
        return ColumnType.FRACTIONAL if self.is_numeric and other.is_numeric else ColumnType.STRING


@dataclass(frozen=True, slots=True)
class Numbers:
    """The values of a batch of a column when it is read as numbers.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        The numeric values, all finite, in row order.
    type : ColumnType
        The type of all values together, including those that are not numbers.
    present, missing : int
        The number of values, and of nulls.
    integral : int
        The number of integers; 0 if `type` is Fractional and the reader delivered Float64, where they cannot be
        distinguished.
    """

    values: NDArray[np.float64]
    type: ColumnType
    present: int
    missing: int
    integral: int


def read_numbers(column: pl.Series) -> Numbers:
    """Read as numbers a column in the form of `Dataset.batches`.

    The text of a number that is not finite as a float64 (``1e400``) is a String.

    Parameters
    ----------
    column : polars.Series
        A series of Int64, Float64 or String.
    """
    missing = column.null_count()
    dtype = column.dtype
    if isinstance(dtype, pl.String):
        return _read_text(column.alias("value").drop_nulls(), missing)  # polars takes a name ^a.*$ for a pattern
    if missing and len(column) > _MANY:
        values = column.drop_nulls().to_numpy()
    else:
        values = column.to_numpy()
        if missing:
            values = values[~np.isnan(values)]  # polars converts nulls to NaN
    values = values.astype(np.float64, copy=False)
    column_type = ColumnType.INTEGRAL if isinstance(dtype, pl.Int64) else ColumnType.FRACTIONAL
    integral = values.size if column_type is ColumnType.INTEGRAL else 0
    return Numbers(values, column_type if values.size else ColumnType.UNKNOWN, values.size, missing, integral)


def infer_type(values: pl.Series) -> ColumnType:
    """Return the type that the text of some values has.

    Parameters
    ----------
    values : polars.Series
        A series of String without nulls; order and repetitions do not matter.
    """
    numbers = _read_text(values, 0)
    return numbers.type


def infer_types(frame: pl.DataFrame) -> list[ColumnType]:
    """Return the type that the text of each column has, of many columns in a few queries; see `infer_type`."""
    texts = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(frame.iter_columns())])  # no patterns
    types = dict.fromkeys(_certain_fractions(texts), ColumnType.FRACTIONAL)
    first = _types_of(texts.drop(types).head(_FEW))
    types |= {name: found for name, found in first.items() if found is ColumnType.STRING}  # whatever follows
    types |= _types_of(texts.drop(types))
    return [types[name] for name in texts.columns]


def _types_of(texts: pl.DataFrame) -> dict[str, ColumnType]:
    if not texts.width:
        return {}
    values = pl.all()
    numbers = values.str.replace(" ", "", literal=True).cast(pl.Float64, strict=False)
    finite = values.str.contains(_NUMERIC) & numbers.is_finite()
    counts = [
        texts.select(counted.sum() if counted is not values else counted.count()).row(0)
        for counted in (values, finite, values.str.contains(_INTEGRAL) & finite, values.str.contains(_BOOLEAN))
    ]
    found = zip(*counts, strict=True)
    return {name: _type_of(*of_column) for name, of_column in zip(texts.columns, found, strict=True)}


def _certain_fractions(texts: pl.DataFrame) -> list[str]:
    """Return the columns that are Fractional for certain, in a fraction of the time that the grammar takes.

    What polars parses as a finite number, the grammar accepts, and not the reverse.
    """
    values = pl.all()
    finite = texts.select(values.cast(pl.Float64, strict=False).is_finite().sum()).row(0)
    with_point = texts.select(values.str.contains(".", literal=True).any()).row(0)
    present = texts.select(values.count()).row(0)
    found = zip(texts.columns, finite, present, with_point, strict=True)
    return [name for name, numbers, count, point in found if point and numbers == count]


def is_number(values: pl.Series) -> pl.Series:
    """Return which of some values, text without nulls, are numbers that are finite as a float64."""
    return _parsed(values).is_not_null()


def _parsed(values: pl.Series) -> pl.Series:
    """Return each value as a Float64; null for text that is no number, or none that is finite.

    What polars parses as a finite number, the grammar accepts, and not the reverse: the grammar looks at the rest.
    """
    parsed = values.cast(pl.Float64, strict=False)
    finite = parsed.is_finite()
    if finite.all(ignore_nulls=False):
        return parsed
    parsed, left = parsed.set(~finite, None), finite.fill_null(value=False).not_().arg_true()
    rest = values.gather(left)
    numeric = rest.str.contains(_NUMERIC)
    if numeric.any():
        again = rest.filter(numeric).str.replace(" ", "", literal=True).cast(pl.Float64)
        parsed = parsed.scatter(left.filter(numeric), again.set(~again.is_finite(), None))
    return parsed


def _read_text(values: pl.Series, missing: int) -> Numbers:
    parsed = _parsed(values)
    numbers = len(values) - parsed.null_count()
    integral = int((values.str.contains(_INTEGRAL) & parsed.is_not_null()).sum()) if numbers else 0
    booleans = int(values.str.contains(_BOOLEAN).sum()) if len(values) > numbers else 0
    column_type = _type_of(len(values), numbers, integral, booleans)
    return Numbers(parsed.drop_nulls().to_numpy(), column_type, len(values), missing, integral)


def _type_of(values: int, numbers: int, integral: int, booleans: int) -> ColumnType:
    """Return the type of so many values, of which so many are numbers, integers among them, and booleans."""
    column_type = ColumnType.UNKNOWN
    for count, value_type in (
        (integral, ColumnType.INTEGRAL),
        (numbers - integral, ColumnType.FRACTIONAL),
        (booleans, ColumnType.BOOLEAN),
        (values - numbers - booleans, ColumnType.STRING),
    ):
        if count:
            column_type = column_type.combine(value_type)
    return column_type
