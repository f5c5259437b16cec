"""Columns of any types in the form that `Dataset.batches` has: what Parquet files and data frames have in common.

Values of types other than numbers are read as text: booleans as ``true`` and ``false``, binary values as the UTF-8 that
they are, or else in hexadecimal.
Fields of structs become columns with dotted names, elements of lists become columns by their index, as in
`modelwatch_analyzer.reading.flattening`; a map is the list of its entries, each with ``key`` and ``value``. A column of
an Arrow extension type is read as the type in which it is stored. NaN is a missing value, because pandas writes missing
values as NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from polars.datatypes import DataTypeClass
from polars.exceptions import ComputeError

from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Plan
from modelwatch_analyzer.reading.flattening import DEEPEST, MOST_COLUMNS
from modelwatch_analyzer.reading.parquet_process import Collect, Unreadable
from modelwatch_analyzer.reading.value_spelling import OtherSpellings, ValueSpelling
from modelwatch_core.domain.errors import InvalidInput

_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
"""Types whose values all fit into Int64."""
_FLOATS = (pl.Float16, pl.Float32, pl.Float64)
_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Binary)
# Versions of polars that have no such types read these columns as what they are stored as.
_EXTENSIONS: Any = getattr(pl, "BaseExtension", ())
_MAPS: Any = getattr(pl, "Map", ())


@dataclass(frozen=True, slots=True)
class TypedColumns:
    """A table: its number of rows, its top-level columns, and how each column of the dataset is computed from it.

    `nested` are the lists and structs, whose elements and fields are columns; one without any has no values.
    """

    rows: int
    top_level_columns: frozenset[str]
    leaves: dict[str, pl.Expr]
    dtypes: dict[str, pl.DataType]
    nested: frozenset[str]

    @property
    def texts(self) -> frozenset[str]:
        """The columns that hold text."""
        return frozenset(name for name, dtype in self.dtypes.items() if isinstance(dtype, _TEXTS))

    def expressions(self, names: Iterable[str], plan: Plan) -> list[pl.Expr]:
        """Return the columns in the data types that `Dataset.batches` has for them; one that is absent is missing."""
        return [_column(self, name, plan).alias(name) for name in names]

    def spelled(
        self, batch: pl.DataFrame, spelling: ValueSpelling, others: OtherSpellings, label: str, before: int
    ) -> pl.DataFrame:
        """Return a batch in which values are spelled as the spelling says; before it there were so many rows."""
        batch = _binary_as_text(batch)
        if not spelling:
            return batch
        texts = [name for name in batch.columns if name in self.texts]
        numbers = [spelling.without_missing_numbers(batch[name]) for name in batch.columns if name not in self.texts]
        # Of no names polars would return all columns.
        plain = spelling.plain_frame(batch[texts], others, label, before).get_columns() if texts else []
        return batch.with_columns(*plain, *numbers)


def columns_of(tables: Iterable[TypedColumns], expected: Expected | None) -> tuple[str, ...]:
    """Return the columns of a dataset of tables.

    Elements and fields that were missing in some rows of the baseline are columns without values, as fields of JSON
    are: lists may be shorter. What has no value in any table is no column beside its own elements or fields.
    """
    columns, nested, with_values = dict[str, None](), set[str](), set[str]()
    for table in tables:
        columns.update(dict.fromkeys(table.leaves))
        nested |= table.nested
        with_values.update(name for name, dtype in table.dtypes.items() if dtype != pl.Null)
    empty = columns.keys() - with_values
    if expected:
        parents = tuple(f"{name}." for name in nested | empty)
        columns.update(dict.fromkeys(name for name in expected.absent(columns) if name.startswith(parents)))
        nested |= empty.difference(expected.names)
    others = {name for name in empty & nested if any(each.startswith(f"{name}.") for each in columns)}
    return tuple(name for name in columns if name not in others)


def typed_columns(collect: Collect, scan: pl.LazyFrame, label: str) -> TypedColumns:
    """Find the columns of a table.

    Parameters
    ----------
    label : str
        The table's name in messages.

    Raises
    ------
    InvalidInput
        ``BlankColumnName``, ``DuplicateColumn``, ``TooManyColumns``, ``NestedTooDeeply``.
    Unreadable
        As `collect` raises it.
    """
    (empty,) = collect(scan.head(0), 1)
    found: dict[str, tuple[pl.Expr, pl.DataType]] = {}
    nested = set[str]()
    for position, (column, dtype) in enumerate(
        empty.schema.items()
    ):  # by position, because names may look like patterns
        for name, expression, leaf in _leaves(collect, scan, column, pl.nth(position), dtype, 1, nested):
            if not name.strip():
                raise InvalidInput("BlankColumnName", f"{label}: a column has no name; name it")
            if name in found:
                raise InvalidInput("DuplicateColumn", f"{label}: two fields become the column {name!r}")
            found[name] = expression, leaf
    if len(found) > MOST_COLUMNS:
        message = f"{label} has more than {MOST_COLUMNS:,} columns, including those in structs and lists"
        raise InvalidInput("TooManyColumns", message)
    leaves = {name: expression for name, (expression, _) in found.items()}
    dtypes = {name: leaf for name, (_, leaf) in found.items()}
    rows = _single(collect, scan.select(pl.len()))
    return TypedColumns(rows, frozenset(empty.columns), leaves, dtypes, frozenset(nested))


def _single(collect: Collect, query: pl.LazyFrame) -> int:
    (frame,) = collect(query, 1)
    if frame.height != 1:
        raise Unreadable
    return int(frame.item() or 0)


def _leaves(
    collect: Collect,
    scan: pl.LazyFrame,
    name: str,
    found: pl.Expr,
    dtype: pl.DataType,
    depth: int,
    nested: set[str],
) -> Iterator[tuple[str, pl.Expr, pl.DataType]]:
    if depth > DEEPEST:
        raise InvalidInput("NestedTooDeeply", f"a column is nested more than {DEEPEST} levels deep")
    found, dtype = _stored(found, dtype)
    if isinstance(dtype, pl.Struct):
        nested.add(name)
        for field in dtype.fields:
            inner = _dtype_instance(field.dtype)
            value = found.struct.field(field.name)
            yield from _leaves(collect, scan, f"{name}.{field.name}", value, inner, depth + 1, nested)
        if not dtype.fields:
            yield name, _without_values(found), pl.Null()
    elif isinstance(dtype, pl.List | pl.Array):
        nested.add(name)
        inner = _dtype_instance(dtype.inner)
        elements = found.cast(pl.List(inner))
        longest = _single(collect, scan.select(elements.list.len().max()))
        if longest > MOST_COLUMNS:
            message = f"the lists of {name!r} have up to {longest} elements, but {MOST_COLUMNS:,} columns are the limit"
            raise InvalidInput("TooManyColumns", message)
        for index in range(longest):
            element = elements.list.get(index, null_on_oob=True)
            yield from _leaves(collect, scan, f"{name}.{index}", element, inner, depth + 1, nested)
        if not longest:
            yield name, _without_values(found), pl.Null()
    else:
        yield name, found, dtype


def _without_values(column: pl.Expr) -> pl.Expr:
    """Return as many nulls as a column has rows: if it is read alone, a literal would be a single row."""
    return pl.when(column.is_null()).then(None)


def _stored(found: pl.Expr, dtype: pl.DataType) -> tuple[pl.Expr, pl.DataType]:
    """Return a column as what it is stored as: the type below an extension, the entries of a map."""
    if isinstance(dtype, _EXTENSIONS):
        return _stored(found.ext.storage(), dtype.ext_storage())
    if isinstance(dtype, _MAPS):
        entries = pl.List(pl.Struct({"key": dtype.key, "value": dtype.value}))
        return found.cast(entries), entries
    return found, dtype


def _dtype_instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype


def _column(table: TypedColumns, name: str, plan: Plan) -> pl.Expr:
    """Return a column in the data type that `Dataset.batches` has for it."""
    if name not in table.leaves:
        return _without_values(pl.nth(0)).cast(pl.String)
    value, dtype = table.leaves[name], table.dtypes[name]
    if isinstance(dtype, pl.Binary):
        return value  # for `_binary_as_text`
    if isinstance(dtype, _FLOATS):
        value = value.cast(pl.Float64).fill_nan(None)
    if plan.dtypes[name] == pl.String or not isinstance(dtype, (*_INTEGERS, *_FLOATS)):
        text = _as_text(value, dtype)
        return pl.when(text != "").then(text)
    return value if isinstance(dtype, _FLOATS) else value.cast(pl.Int64)


_MOST_DAYS = 95_000_000
"""So many days before and after 1970, polars can write a date; one beyond is read as the number that is stored."""
_UNITS_OF_A_DAY = {"ms": 86_400_000, "us": 86_400_000_000}
_ZEROS_OF_SECONDS, _NO_FRACTION = r"(\.\d*?)0+\b", r"\.\B"


def _as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Duration):
        return value.dt.to_string("iso")
    if not isinstance(dtype, pl.Date | pl.Datetime):
        return value.cast(pl.String)
    units = _UNITS_OF_A_DAY.get(dtype.time_unit) if isinstance(dtype, pl.Datetime) else 1
    if units is None:
        return _moment(value, dtype)  # nanoseconds do not reach as far
    number = value.to_physical()
    has_date = number.is_between(-_MOST_DAYS * units, _MOST_DAYS * units)
    # The last moment of a unit is how some databases export infinity.
    return pl.coalesce(_moment(pl.when(has_date).then(value), dtype), number.cast(pl.String))


def _moment(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if not isinstance(dtype, pl.Datetime):
        return value.cast(pl.String)
    # The text of one moment is the same in whatever unit it is stored.
    # It is in the zone that the table was found to have, which may be UTC in place of an offset.
    return value.cast(dtype).cast(pl.String).str.replace(_ZEROS_OF_SECONDS, "${1}").str.replace(_NO_FRACTION, "")


def _binary_as_text(batch: pl.DataFrame) -> pl.DataFrame:
    """Return binary columns as the UTF-8 that they are: as Impala and old Hive write text. Other values are in hex.

    Without a prefix, hexadecimal digits might be a number.
    """
    binary = [column for column in batch.iter_columns() if column.dtype == pl.Binary]
    return batch.with_columns(_decoded(column) for column in binary) if binary else batch


def _decoded(column: pl.Series) -> pl.Series:
    try:
        text = column.cast(pl.String)
    except ComputeError:  # polars has no other way to find what is not UTF-8
        values = [None if value is None else _text_of(value) for value in column]
        text = pl.Series(column.name, values, pl.String)
    return text.set(text == "", None)


def _text_of(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


def without_infinities(batch: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return as text the columns of floats that have infinities, or no values at all."""
    unclear = [each.name for each in batch.iter_columns() if each.dtype == pl.Float64 and not _is_clear(each)]
    if not unclear:
        return batch
    floats = pl.col(pl.Float64)
    certain = batch[unclear].select(floats.is_finite().all() & floats.is_not_null().any())
    uncertain = [column.name for column in certain.iter_columns() if not column.item()]
    for column in uncertain:
        if batch[column].null_count() < batch.height:
            plan.read_as_text(column)
    return batch.with_columns(batch[name].cast(pl.String) for name in uncertain)


def _is_clear(column: pl.Series) -> bool:
    """Return whether floats certainly have a value and no infinity: of infinities the sum is never finite."""
    return column.null_count() < len(column) and math.isfinite(column.sum())
