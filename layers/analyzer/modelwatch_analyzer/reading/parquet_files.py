"""``parquet``: files of typed columns, read in batches of rows.

Values of types other than numbers are read as text: booleans as ``true`` and ``false``, binary values in hexadecimal.
Fields of structs become columns with dotted names, elements of lists become columns by their index, as in
`modelwatch_analyzer.reading.flattening`. NaN is a missing value, because pandas writes missing values as NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from polars.datatypes import DataTypeClass
from polars.exceptions import PanicException, PolarsError

from modelwatch_analyzer.reading.dataset import Plan, ReadLog
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_analyzer.reading.flattening import DEEPEST, MOST_COLUMNS
from modelwatch_analyzer.reading.parquet_footer import repeated_names
from modelwatch_analyzer.reading.parquet_process import Collect, Unreadable, parquet_process
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, OtherSpellings, ValueSpelling
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

_MAGIC = b"PAR1"
_BATCH_CELLS = 1 << 20
_SLICE_CELLS = 1 << 21
"""How many cells polars may read ahead; by default it reads many row groups and keeps them all in memory."""
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
"""Types whose values all fit into Int64."""
_FLOATS = (pl.Float16, pl.Float32, pl.Float64)
_TEXTS = (pl.String, pl.Categorical, pl.Enum)


class ParquetOptions(Owned):
    """There are no options."""


@dataclass(frozen=True, slots=True)
class _ParquetFile:
    """A file: its number of rows, its top-level columns, and how each column of the dataset is computed from it."""

    file: SourceFile
    rows: int
    top_level_columns: frozenset[str]
    leaves: dict[str, pl.Expr]
    dtypes: dict[str, pl.DataType]


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """A `Table` of Parquet files. Elements that the lists of a file do not have are missing values."""

    files: tuple[_ParquetFile, ...]
    columns: tuple[str, ...]
    named: bool = True
    spelling: ValueSpelling = AS_WRITTEN

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold text in any file."""
        found = {name for file in self.files for name, dtype in file.dtypes.items() if dtype in _TEXTS}
        return tuple(name for name in self.columns if name in found)

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order, in batches of rows; see `Dataset.batches`."""
        names = plan.columns_among(self.columns)
        others = OtherSpellings()
        with parquet_process() as collect:
            for source in self.files:
                log.objects += 1
                log.bytes += source.file.size
                columns = [_column(source, name, plan).alias(name) for name in names]
                scan = pl.scan_parquet(source.file.path, glob=False).select(columns)
                rows = 0
                with _readable(source.file):
                    for batch in _batches(collect, scan, source.rows, len(names)) if names else ():
                        log.read += batch.height
                        yield _without_infinities(self._spelled(batch, source, others, rows), plan)
                        rows += batch.height
        log.remarks += others.remarks(self.spelling.decimal)

    def _spelled(self, batch: pl.DataFrame, source: _ParquetFile, others: OtherSpellings, before: int) -> pl.DataFrame:
        """Return a batch in which text is spelled as the first party would."""
        texts = [name for name in batch.columns if source.dtypes.get(name) in _TEXTS] if self.spelling else []
        plain = self.spelling.plain_frame(batch[texts], others, source.file.label, before)
        return batch.with_columns(plain.get_columns()) if texts else batch


def open_parquet(
    files: Sequence[SourceFile],
    spelling: ValueSpelling = AS_WRITTEN,
) -> ParquetFiles:
    """Open Parquet files.

    Raises
    ------
    InvalidInput
        ``NotParquet`` for a file of another format or a damaged one, ``HeadersDiffer``, ``TooManyColumns``,
        ``EmptyDataset`` if there are no columns, ``DuplicateColumn``, ``BlankColumnName``.
    """
    opened, columns = [], dict[str, None]()
    with parquet_process() as collect:
        for file in files:
            _require_parquet(file)
            with _readable(file):
                opened.append(_open_file(collect, file))
            if opened[-1].top_level_columns != opened[0].top_level_columns:
                message = f"{file.label} and {files[0].label} have different columns: give all files the same columns"
                raise InvalidInput("HeadersDiffer", message)
            columns.update(dict.fromkeys(opened[-1].leaves))
    if not columns:
        raise InvalidInput("EmptyDataset", f"{files[0].label} has no columns")
    return ParquetFiles(tuple(opened), tuple(columns), spelling=spelling)


def _open_file(collect: Collect, file: SourceFile) -> _ParquetFile:
    scan = pl.scan_parquet(file.path, glob=False)
    try:
        (empty,) = collect(scan.head(0), 1)
    except Unreadable:
        for name, numbers in repeated_names(file.path):
            message = f"{file.label}: columns {', '.join(map(str, numbers))} are all named {name!r}; rename them"
            raise InvalidInput("DuplicateColumn", message) from None
        raise
    found: dict[str, tuple[pl.Expr, pl.DataType]] = {}
    for position, (column, dtype) in enumerate(
        empty.schema.items()
    ):  # by position, because names may look like patterns
        for name, expression, leaf in _leaves(collect, scan, column, pl.nth(position), dtype, 1):
            if not name.strip():
                raise InvalidInput("BlankColumnName", f"{file.label}: a column has no name; name it")
            if name in found:
                raise InvalidInput("DuplicateColumn", f"{file.label}: two fields become the column {name!r}")
            found[name] = expression, leaf
    if len(found) > MOST_COLUMNS:
        message = f"{file.label} has more than {MOST_COLUMNS} columns, including those in structs and lists"
        raise InvalidInput("TooManyColumns", message)
    leaves = {name: expression for name, (expression, _) in found.items()}
    dtypes = {name: leaf for name, (_, leaf) in found.items()}
    return _ParquetFile(file, _single(collect, scan.select(pl.len())), frozenset(empty.columns), leaves, dtypes)


def _require_parquet(file: SourceFile) -> None:
    try:
        with file.path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
            stream.seek(-min(file.size, len(_MAGIC)), 2)
            foot = stream.read()
    except OSError as error:
        raise InvalidInput("UnreadableFile", f"{file.label} cannot be read: {error.strerror}") from None
    if (head, foot) != (_MAGIC, _MAGIC):
        raise InvalidInput("NotParquet", f"{file.label} is not a Parquet file, or only a part of one: write it again")


@contextmanager
def _readable(file: SourceFile) -> Iterator[None]:
    try:
        yield
    except (PolarsError, PanicException, OSError, Unreadable):
        message = f"{file.label} is damaged, or has content that cannot be read: write it again"
        raise InvalidInput("NotParquet", message) from None


def _batches(collect: Collect, scan: pl.LazyFrame, height: int, width: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a scan in their order, slice by slice."""
    rows = max(1, _SLICE_CELLS // width)
    for start in range(0, height, rows):
        missing = min(rows, height - start)
        for batch in collect(scan.slice(start, rows), max(1, _BATCH_CELLS // width)):
            missing -= batch.height
            yield batch
        if missing:  # polars does not report some kinds of damage
            raise Unreadable


def _single(collect: Collect, query: pl.LazyFrame) -> int:
    (frame,) = collect(query, 1)
    if frame.height != 1:
        raise Unreadable
    return int(frame.item() or 0)


def _leaves(
    collect: Collect, scan: pl.LazyFrame, name: str, found: pl.Expr, dtype: pl.DataType, depth: int
) -> Iterator[tuple[str, pl.Expr, pl.DataType]]:
    if depth > DEEPEST:
        raise InvalidInput("NestedTooDeeply", f"a column is nested more than {DEEPEST} levels deep")
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            inner = _dtype_instance(field.dtype)
            yield from _leaves(collect, scan, f"{name}.{field.name}", found.struct.field(field.name), inner, depth + 1)
        if not dtype.fields:
            yield name, pl.lit(None), pl.Null()
    elif isinstance(dtype, pl.List | pl.Array):
        inner = _dtype_instance(dtype.inner)
        elements = found.cast(pl.List(inner))
        longest = _single(collect, scan.select(elements.list.len().max()))
        if longest > MOST_COLUMNS:
            message = f"the lists of {name!r} have up to {longest} elements, but {MOST_COLUMNS} columns are the limit"
            raise InvalidInput("TooManyColumns", message)
        for index in range(longest):
            element = elements.list.get(index, null_on_oob=True)
            yield from _leaves(collect, scan, f"{name}.{index}", element, inner, depth + 1)
        if not longest:
            yield name, pl.lit(None), pl.Null()
    else:
        yield name, found, dtype


def _dtype_instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype


def _column(source: _ParquetFile, name: str, plan: Plan) -> pl.Expr:
    """Return a column in the data type that `Dataset.batches` has for it."""
    if name not in source.leaves:
        return pl.lit(None, pl.String())
    value, dtype = source.leaves[name], source.dtypes[name]
    if dtype in _FLOATS:
        value = value.cast(pl.Float64).fill_nan(None)
    if plan.dtypes[name] == pl.String or dtype not in (*_INTEGERS, *_FLOATS):
        text = _as_text(value, dtype)
        return pl.when(text != "").then(text)
    return value if dtype in _FLOATS else value.cast(pl.Int64)


def _as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Binary):
        return value.bin.encode("hex")
    return value.dt.to_string("iso") if isinstance(dtype, pl.Duration) else value.cast(pl.String)


def _without_infinities(batch: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return as text the columns of floats that have infinities, or no values at all."""
    floats = pl.col(pl.Float64)
    certain = batch.select(floats.is_finite().all() & floats.is_not_null().any())
    uncertain = [column.name for column in certain.iter_columns() if not column.item()]
    for column in uncertain:
        if batch[column].null_count() < batch.height:
            plan.read_as_text(column)
    return batch.with_columns(batch[name].cast(pl.String) for name in uncertain)
