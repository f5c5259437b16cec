"""``dataFrame``: a table in memory, of whoever calls the analyzer in its own process.

`modelwatch_analyzer.reading.typed_columns` says what becomes of the types: a frame is read as a Parquet file of it
would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl
from polars.exceptions import PanicException, PolarsError
from pydantic import ConfigDict

from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import DATA_FRAME, Plan, TypedTable
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_analyzer.reading.typed_columns import TypedColumns, columns_of, typed_columns, without_infinities
from modelwatch_analyzer.reading.value_spelling import AS_WRITTEN, OtherSpellings, ValueSpelling
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

__all__ = ["DATA_FRAME", "FrameOptions", "HeldFrame", "MemoryFrame", "open_frame"]

_BATCH_CELLS = 1 << 20


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A data frame that shows nothing of its content.

    Attributes
    ----------
    label : str
        Its name in messages.
    """

    frame: pl.DataFrame = field(repr=False, compare=False)
    label: str


class FrameOptions(Owned):
    """Of the format ``dataFrame``: the data itself."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    data: HeldFrame


@dataclass(frozen=True, slots=True)
class MemoryFrame(TypedTable):
    """A `Table` of one data frame."""

    held: HeldFrame
    content: TypedColumns
    columns: tuple[str, ...]
    spelling: ValueSpelling = AS_WRITTEN
    named: bool = True

    @property
    def input_columns(self) -> tuple[str, ...]:
        """All columns."""
        return self.columns

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold text."""
        found = self.content.texts
        return tuple(name for name in self.columns if name in found)

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read the frame, in batches of rows; see `Dataset.batches`."""
        names, others = plan.columns_among(self.columns), OtherSpellings()
        query = self.held.frame.lazy().select(self.content.expressions(names, plan))
        rows = max(1, _BATCH_CELLS // max(1, len(names)))
        for start in range(0, self.content.rows, rows) if names else ():
            (batch,) = _collect(query.slice(start, rows), rows)
            log.read += batch.height
            spelled = self.content.spelled(batch, self.spelling, others, self.held.label, start)
            yield without_infinities(spelled, plan)
        log.remarks += others.remarks(self.spelling.decimal)

    def beginning(self) -> MemoryFrame:
        """Return a table of the first rows."""
        rows = max(1, _BATCH_CELLS // len(self.columns))
        return replace(self, content=replace(self.content, rows=min(rows, self.content.rows)))


def open_frame(
    options: FrameOptions, spelling: ValueSpelling = AS_WRITTEN, expected: Expected | None = None
) -> MemoryFrame:
    """Open a data frame.

    Parameters
    ----------
    expected : Expected, optional
        What a baseline knows of the columns.

    Raises
    ------
    InvalidInput
        ``UnreadableFrame`` for columns of Python objects; ``EmptyDataset`` if there are no columns;
        ``BlankColumnName``, ``DuplicateColumn``, ``TooManyColumns``, ``NestedTooDeeply``.
    """
    held = options.data
    objects = [name for name, dtype in held.frame.schema.items() if dtype == pl.Object]
    if objects:
        message = f"{held.label}: column {objects[0]!r} holds Python objects: convert it to text or numbers"
        raise InvalidInput("UnreadableFrame", message)
    if not held.frame.width:
        raise InvalidInput("EmptyDataset", f"{held.label} has no columns")
    content = typed_columns(_collect, held.frame.lazy(), held.label)
    return MemoryFrame(held, content, columns_of([content], expected), spelling)


def _collect(query: pl.LazyFrame, _rows: int) -> Iterator[pl.DataFrame]:
    """Collect a query whose result fits into one batch."""
    try:
        yield query.collect()
    except (PolarsError, PanicException) as error:
        kind = type(error).__name__  # its text may hold values
        message = f"a column cannot be read ({kind}): convert it to text or numbers"
        raise InvalidInput("UnreadableFrame", message) from None
