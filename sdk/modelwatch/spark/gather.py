"""An analysis whose parts are read by the executors of Spark; the driver merges what they have merged before.

Each task reads neighbouring parts with the same readers and accumulators as any other host. Further stages merge the
nodes of the tree of parts (`modelwatch_analyzer.parts`), sixteen below each, until the driver gets no more of them than
the tree has levels. How many tasks and executors there are changes nothing.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from modelwatch.spark.objects import Present
from modelwatch_analyzer.parts import Accumulator, Counted, Node, Reading, merged, root
from modelwatch_analyzer.reading.dataset import Table, sources_of
from modelwatch_analyzer.reading.files import SourceFile
from modelwatch_core.app.run_analysis import HostExhausted, exhausted_resource
from modelwatch_core.domain.analysis_settings import AnalysisSettings
from modelwatch_core.domain.dataset_parts import read_as_a_whole
from modelwatch_core.domain.errors import InvalidInput, unforeseen
from modelwatch_core.domain.monitor_kinds import kind_of_analysis

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_LEVELS_OF_A_STAGE = 4
"""How many levels of the tree a stage merges: sixteen nodes become one."""

_NODES = "level int, index int, first_part int, state binary"

A = TypeVar("A", bound=Accumulator)
_Batches = Iterable["pa.RecordBatch"]


def require_parts(settings: AnalysisSettings) -> None:
    """Refuse an analysis that reads its dataset as a whole.

    Raises
    ------
    InvalidInput
        ``NotInParts``, naming the reason.
    """
    whole = read_as_a_whole(
        kind_of_analysis(settings.analysis_type),
        settings.dataset_format.name,
        preprocessed=settings.record_preprocessor_script is not None,
        merged=getattr(settings, "ground_truth_source", None) is not None,
    )
    if whole is not None:
        raise InvalidInput("NotInParts", f"Spark does not share out {whole}: run it on another host")


def _as_they_are(_: Sequence[SourceFile]) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class SparkGather:
    """Reads the parts of a dataset on executors; see `modelwatch_analyzer.parts.Gather`.

    Parameters
    ----------
    session : SparkSession
        Its executors have the files of the dataset under the driver's paths.
    partitions : int, optional
        The number of tasks that read parts; by default each reads one.
    present : callable
        A context in which the files of a part are on a task's machine.
    """

    session: SparkSession
    partitions: int | None = None
    present: Present = _as_they_are

    def __call__(self, reading: Reading[A], parts: Sequence[Table]) -> Counted[A]:
        """Read all parts.

        Raises
        ------
        InvalidInput
            What the reader of the first part that cannot be read raises.
        """
        # Of accumulators, which have megabytes, the usual number of rows would be gigabytes.
        self.session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1")
        numbers = self.session.range(0, len(parts), 1, self.partitions or len(parts))
        nodes = numbers.mapInArrow(_reader(reading, tuple(parts), self.present), _NODES)
        levels = 0
        while levels == 0 or len(parts) > 1 << levels:
            levels += _LEVELS_OF_A_STAGE
            nodes = _merged_below(nodes, levels, max(1, len(parts) >> levels))
        found = root(sorted(map(_node, nodes.collect()), key=lambda node: node.first_part))
        if isinstance(found, _Refused):
            raise InvalidInput(found.code, found.message)
        counted: Counted[A] = found.counted
        return counted


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of parts."""

    counted: Counted[Any]

    def merge(self, other: _Read | _Refused) -> _Read | _Refused:
        return other if isinstance(other, _Refused) else _Read(self.counted.merge(other.counted))


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why the first of some parts that cannot be read is refused."""

    code: str
    message: str

    def merge(self, _: _Read | _Refused) -> _Refused:
        return self


def _attempted(reading: Reading[Any], number: int, part: Table, present: Present) -> _Read | _Refused:
    try:
        with present(sources_of(part)):
            return _Read(reading(number, part))
    except InvalidInput as error:  # which Spark would take for a failure of the task, and repeat
        return _Refused(error.code, error.message)
    except Exception as error:
        if resource := exhausted_resource(error):
            raise HostExhausted(resource) from None
        raise unforeseen(error) from None  # Spark writes what a task raises into logs


def _reader(reading: Reading[Any], parts: Sequence[Table], present: Present) -> Callable[[_Batches], _Batches]:
    """Return a stage that reads the parts of some numbers, and merges them as far as they are neighbours."""

    def stage(batches: _Batches) -> _Batches:
        numbers = (row["id"] for row in _rows(batches))
        nodes = (Node(0, number, _attempted(reading, number, parts[number], present)) for number in numbers)
        return map(_batch, merged(nodes))

    return stage


def _merged_below(nodes: DataFrame, levels: int, groups: int) -> DataFrame:
    """Merge all nodes below those of a level."""
    from pyspark.sql.functions import shiftright

    def stage(batches: _Batches) -> _Batches:
        in_order = map(_node, _rows(batches))
        for _, below in groupby(in_order, lambda node: node.first_part >> levels):
            yield from map(_batch, merged(below))

    grouped = nodes.repartition(groups, shiftright("first_part", levels))
    return grouped.sortWithinPartitions("first_part").mapInArrow(stage, _NODES)


def _rows(batches: _Batches) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _batch(node: Node) -> pa.RecordBatch:
    import pyarrow as pa

    fields = [("level", pa.int32()), ("index", pa.int32()), ("first_part", pa.int32()), ("state", pa.binary())]
    row = {
        "level": node.level,
        "index": node.index,
        "first_part": node.first_part,
        "state": pickle.dumps(node.state),
    }
    return pa.RecordBatch.from_pylist([row], pa.schema(fields))


def _node(row: Any) -> Node:
    return Node(row["level"], row["index"], _unpickled(row["state"]))


def _unpickled(content: bytes) -> Any:
    return pickle.loads(content)  # noqa: S301 (what this application has pickled itself)
