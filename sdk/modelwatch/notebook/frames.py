"""Data frames of any library, as the analyzer reads them: without a copy where the library's columns allow it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta, tzinfo
from typing import Any

import polars as pl
from polars.exceptions import DuplicateError, PanicException, PolarsError, SchemaError

from modelwatch_analyzer.reading.memory_frames import HeldFrame
from modelwatch_core.domain.errors import InvalidInput

_ARROW_STREAM = "__arrow_c_stream__"
"""The method of the Arrow PyCapsule interface: of pandas from 2.2 on, polars, pyarrow, DuckDB, and others."""

_UNREADABLE = (PolarsError, PanicException, ValueError, TypeError, NotImplementedError, OverflowError)
"""What taking over a column can raise: pyarrow's errors derive from the last four, and their texts hold values."""


def held_frame(data: object) -> HeldFrame:
    """Take over a data frame. The index of a pandas frame is no column.

    Raises
    ------
    InvalidInput
        ``UnusableData`` for what is no table, ``DuplicateColumn``, ``UnreadableFrame``, ``MissingExtra`` where pandas
        lacks pyarrow.
    """
    label = f"{type(data).__module__.partition('.')[0]} {type(data).__name__}"
    if not hasattr(data, _ARROW_STREAM) or getattr(data, "ndim", 2) == 1:
        raise _no_table(label)
    return HeldFrame(_frame(data, label), label)


def _no_table(label: str) -> InvalidInput:
    message = f"data is of type {label}: give a pandas, polars or Arrow table, or the path of a file or folder"
    return InvalidInput("UnusableData", message)


def _is_pandas(data: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _is_pyarrow(data: object) -> bool:
    pyarrow = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(data, pyarrow.Table | pyarrow.RecordBatch)


def _frame(data: Any, label: str) -> pl.DataFrame:
    names = map(str, data.columns) if _is_pandas(data) else ()
    for repeated in (name for name, count in Counter(names).items() if count > 1):
        raise InvalidInput("DuplicateColumn", f"{label}: two columns have the name {repeated!r}: rename one")
    if _is_pandas(data):
        data = _in_known_zones(_dense(data))
    elif _is_pyarrow(data):
        if "" in data.schema.names:  # polars would call it column_0, or whatever its place is
            raise InvalidInput("BlankColumnName", f"{label}: a column has no name; name it")
        data = _table_in_known_zones(data)
    try:
        return data if isinstance(data, pl.DataFrame) else pl.DataFrame(data)  # without the index of pandas
    except SchemaError:  # one column has the interface too: a series of pandas, a chunked array of pyarrow
        raise _no_table(label) from None
    except DuplicateError:
        raise InvalidInput("DuplicateColumn", f"{label}: two columns have one name: rename one") from None
    except ImportError:
        message = "pandas passes on its data with pyarrow, which is not installed. Fix it with: pip install pyarrow"
        raise InvalidInput("MissingExtra", message) from None
    except _UNREADABLE:
        mixed = ", ".join(map(repr, _mixed(data)))
        message = f"{label}: {mixed or 'a column'} cannot be read, perhaps because its values are of several types: "
        raise InvalidInput("UnreadableFrame", message + "convert it, for instance to text") from None


def _dense(data: Any) -> Any:
    """Return a pandas frame without sparse columns, which pyarrow does not take over."""
    from pandas import SparseDtype

    sparse = {name: dtype.subtype for name, dtype in data.dtypes.items() if isinstance(dtype, SparseDtype)}
    return data.astype(sparse) if sparse else data


def _in_known_zones(data: Any) -> Any:
    """Return times whose zone is an offset in UTC, where polars has no zone for it: as Parquet files are read."""
    zones = ((name, getattr(dtype, "tz", None)) for name, dtype in data.dtypes.items())
    offsets = [name for name, zone in zones if isinstance(zone, tzinfo) and _is_part_of_hours(zone.utcoffset(None))]
    if offsets:
        data = data.copy(deep=False)
    for name in offsets:
        data[name] = data[name].dt.tz_convert("UTC")
    return data


def _table_in_known_zones(data: Any) -> Any:
    """Return a table of pyarrow with times in UTC whose zone is an offset, as a frame of pandas has them."""
    import pyarrow

    schema = data.schema
    for place, field in enumerate(schema):
        if (getattr(field.type, "tz", None) or "").startswith(("+", "-")):
            schema = schema.set(place, field.with_type(pyarrow.timestamp(field.type.unit, "UTC")))
    return data if schema is data.schema else pyarrow.table(data).cast(schema)


def _is_part_of_hours(offset: timedelta | None) -> bool:
    return offset is not None and offset % timedelta(hours=1) != timedelta(0)


def _mixed(data: Any) -> Iterator[str]:
    """Yield the columns of a pandas frame that cannot be taken over on their own."""
    for name in data.columns if _is_pandas(data) else ():
        try:
            pl.DataFrame(data[[name]])
        except _UNREADABLE:
            yield str(name)
