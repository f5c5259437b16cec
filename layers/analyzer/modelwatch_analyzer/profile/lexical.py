"""What a spelled value is: the grammar by which a column's type is inferred, for text of any format.

The grammar is Deequ's, whose types SageMaker Model Monitor reports; docs/compatibility.md has the details.
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


class ColumnType(StrEnum):
    """The type of a column or of a value, Deequ's.

    The types of a column's values combine to the column's type by `with_`, in any order.
    """

    UNKNOWN = "Unknown"
    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"
    BOOLEAN = "Boolean"
    STRING = "String"

    @property
    def is_numeric(self) -> bool:
        """Whether it is a number's type."""
        return self in (ColumnType.INTEGRAL, ColumnType.FRACTIONAL)

    def with_(self, other: ColumnType) -> ColumnType:
        """Return the type of a column that holds values of both types.

        ``Unknown``, the type of no value, gives way to any other; Integral and Fractional make Fractional; any other
        mixture makes String.
        """
        if self is other or other is ColumnType.UNKNOWN:
            return self
        if self is ColumnType.UNKNOWN:
            return other
        return ColumnType.FRACTIONAL if self.is_numeric and other.is_numeric else ColumnType.STRING


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a batch of a column holds when it is read as numbers.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        The numeric values, all finite, in row order.
    type : ColumnType
        Of all values together, those too that are no numbers.
    present, missing : int
        Values, and nulls.
    integral : int
        Values that are spelled as whole numbers; where `type` is Fractional and the reader delivered Float64, they
        were not told apart and count as none.
    """

    values: NDArray[np.float64]
    type: ColumnType
    present: int
    missing: int
    integral: int


def read_numbers(column: pl.Series) -> Numbers:
    """Read a column as a `Dataset` delivers it as numbers.

    A value that is spelled as a number but is not finite as a float64 (``1e400``) is a String.

    Parameters
    ----------
    column : polars.Series
        Of Int64, Float64 or String.
    """
    missing = column.null_count()
    if column.dtype == pl.String:
        return _read_spelled(column.drop_nulls(), missing)
    values = column.to_numpy().astype(np.float64, copy=False)
    if missing:
        values = values[~np.isnan(values)]  # as which polars hands over nulls
    kind = ColumnType.INTEGRAL if column.dtype == pl.Int64 else ColumnType.FRACTIONAL
    integral = values.size if kind is ColumnType.INTEGRAL else 0
    return Numbers(values, kind if values.size else ColumnType.UNKNOWN, values.size, missing, integral)


def type_of_spelled(values: pl.Series) -> ColumnType:
    """Infer the type that spelled values have together.

    Parameters
    ----------
    values : polars.Series
        Of String, without nulls; their order and how often each comes does not matter.
    """
    numbers = _read_spelled(values, 0)
    return numbers.type


def _read_spelled(values: pl.Series, missing: int) -> Numbers:
    numeric = values.filter(values.str.contains(_NUMERIC))
    parsed = numeric.str.replace(" ", "", literal=True).cast(pl.Float64)
    finite = parsed.is_finite()
    whole = numeric.str.contains(_INTEGRAL) & finite
    numbers, integral = int(finite.sum()), int(whole.sum())
    others = len(values) - numbers
    booleans = int(values.str.contains(_BOOLEAN).sum()) if others else 0
    kind = ColumnType.UNKNOWN
    for count, held in (
        (integral, ColumnType.INTEGRAL),
        (numbers - integral, ColumnType.FRACTIONAL),
        (booleans, ColumnType.BOOLEAN),
        (others - booleans, ColumnType.STRING),
    ):
        if count:
            kind = kind.with_(held)
    return Numbers(parsed.filter(finite).to_numpy(), kind, len(values), missing, integral)
