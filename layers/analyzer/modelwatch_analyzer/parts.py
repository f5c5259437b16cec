"""Large datasets in parts, which are read one by one or on many machines, with the same result to the last bit.

Tables of some formats have ``parts``: tables of some of their files each. What a part is depends on the dataset alone,
and so does the order in which what was read of the parts is merged: as the leaves of a binary tree, in which node ``i``
of a level covers nodes ``2i`` and ``2i + 1`` of the level below. Whoever reads neighbouring parts may merge what is
complete below a node, and what is merged later finds the same nodes.

A part may be read in pieces, one by one or by several processes of one machine (`Workers`). They
follow from the part alone, too, and what was read of them is merged as the leaves of a tree of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

import polars as pl

from modelwatch_analyzer.reading.dataset import NO_ARRIVALS, Arrivals, Plan, Table, pieces_of, shares_of
from modelwatch_analyzer.reading.read_log import ReadLog

_PART_BITS = 32
_LEAST_PIECES = 2
"""A process gets at least this many pieces: reading one piece of CSV, a third of a second, hardly repays starting
it."""
_PARTS_OF_EACH = 2
"""If there are at least this many parts for each process, they are shared out whole, so that each process also finds
the pieces of its own parts."""


class Accumulator(Protocol):
    """What batches of rows are added to."""

    def update(self, batch: pl.DataFrame) -> None:
        """Add the next rows."""

    def merge(self, other: Self) -> Self:
        """Return what both hold, the other's rows behind this one's; neither changes."""


A = TypeVar("A", bound=Accumulator)


@dataclass(frozen=True, slots=True)
class Counted(Generic[A]):
    """What was read of a part or of several: the accumulator of their rows, and the log."""

    accumulator: A
    log: ReadLog

    def merge(self, other: Counted[A]) -> Counted[A]:
        """Return what both hold; neither changes."""
        log = ReadLog()
        log.include(self.log)
        log.include(other.log)
        return Counted(self.accumulator.merge(other.accumulator), log)


class Place(NamedTuple):
    """Which rows of a dataset an accumulator is for: those of a part, or of one of the pieces of a part."""

    part: int = 0
    piece: int = 0
    share: float = 1.0
    """About which share of the part's rows these are."""

    @property
    def number(self) -> int:
        """A number that no other rows have: 0 for the first, and that of the part where it has one piece."""
        return self.part | self.piece << _PART_BITS


FIRST = Place()


@dataclass(frozen=True, slots=True)
class Reading(Generic[A]):
    """How a part is read. Everything in it can be pickled, so that another process can do it.

    Attributes
    ----------
    start : callable
        Returns an empty accumulator for some rows.
    dtypes : mapping of str to polars data type
        The plan.
    prepared : callable
        What the batches pass through.
    arrivals : Arrivals
        See `Plan`.
    """

    start: Callable[[Place], A]
    dtypes: Mapping[str, pl.DataType]
    prepared: Callable[[Iterable[pl.DataFrame]], Iterable[pl.DataFrame]] = iter
    arrivals: Arrivals = NO_ARRIVALS

    def __call__(self, number: int, part: Table) -> Counted[A]:
        """Read a part, piece by piece."""
        return self.of_pieces(number, pieces_of(part))

    def of_pieces(self, number: int, pieces: Sequence[Table]) -> Counted[A]:
        """Read all pieces of the part of a number."""
        shares = shares_of(pieces)
        counted: Counted[A] = root(
            Node(0, index, self.piece(number, shares, index, piece)) for index, piece in enumerate(pieces)
        )
        return counted

    def piece(self, part: int, shares: Sequence[float], number: int, piece: Table) -> Counted[A]:
        """Read the piece of a number, of those that have some shares, of the part of a number."""
        accumulator, log = self.start(Place(part, number, shares[number])), ReadLog()
        for batch in self.prepared(piece.batches(Plan(self.dtypes, arrivals=self.arrivals), log)):
            accumulator.update(batch)
        return Counted(accumulator, log)


class Gather(Protocol):
    """Reads all parts of a dataset and merges what was read as `merged` does; a host may do it on many machines."""

    def __call__(self, reading: Reading[A], parts: Sequence[Table]) -> Counted[A]:
        """Return what was read of all parts, of which there is one at least.

        Raises
        ------
        InvalidInput
            What the reader of the first part that cannot be read raises.
        """


@dataclass(frozen=True, slots=True)
class Node:
    """What was read of the parts below a node of the tree; on level 0 these are the parts themselves.

    Attributes
    ----------
    state : object
        It has ``merge``, as `Counted` has.
    """

    level: int
    index: int
    state: Any

    @property
    def first_part(self) -> int:
        """The number of the first part below the node."""
        return self.index << self.level


def merged(nodes: Iterable[Node]) -> list[Node]:
    """Merge nodes in the order of their parts as far as the tree has them below a common one.

    No more nodes are held than the tree has levels, if they are neighbours.
    """
    held: list[Node] = []
    for node in nodes:
        held.append(node)
        while len(held) > 1 and _are_siblings(*held[-2:]):
            right, left = held.pop(), held.pop()
            held.append(Node(left.level + 1, left.index // 2, left.state.merge(right.state)))
    return held


def root(nodes: Iterable[Node]) -> Any:
    """Merge the nodes of all parts, in their order: those that have no sibling are merged from the last one on."""
    return reduce(lambda right, left: left.merge(right), (node.state for node in reversed(merged(nodes))))


def one_by_one(reading: Reading[A], parts: Sequence[Table]) -> Counted[A]:
    """Read the parts one after another, in this process; see `Gather`."""
    counted: Counted[A] = root(Node(0, number, reading(number, part)) for number, part in enumerate(parts))
    return counted


@dataclass(frozen=True, slots=True)
class Workers:
    """Reads the parts of a dataset in several processes, where they are large enough; see `Gather`.

    Parameters
    ----------
    count : int, optional
        The number of processes, this one included; by default as many as polars has threads, which are the CPUs that
        this process may use.
    """

    count: int | None = None

    def __call__(self, reading: Reading[A], parts: Sequence[Table]) -> Counted[A]:
        """Read all parts; a small dataset is read by this process alone.

        Raises
        ------
        InvalidInput
            What the reader of the first part that cannot be read raises.
        Upstream
            ``WorkerEnded`` if a process ended without a response, or ``AnalyzerError``.
        """
        count = self.count or pl.thread_pool_size()
        if count == 1:
            return one_by_one(reading, parts)
        whole = len(parts) >= _PARTS_OF_EACH * count
        pieces = [] if whole else [pieces_of(part) for part in parts]
        wanted = [min(count, len(each) // _LEAST_PIECES) for each in pieces]
        if len(parts) == 1 and wanted[0] < 2:
            return reading.of_pieces(0, pieces[0])
        from modelwatch_analyzer.workers import Processes

        with Processes(count) as processes:
            if whole or max(wanted) < 2:
                nodes = processes.results(_shared(reading, parts, min(count, len(parts))))
            else:
                nodes = []
                for number, each in enumerate(pieces):
                    shared = _shared(partial(reading.piece, number, shares_of(each)), each, wanted[number])
                    nodes.append(Node(0, number, root(processes.results(shared))))
            counted: Counted[A] = root(nodes)
            return counted


EVERY_CPU: Gather = Workers()
"""Reads with as many processes as there are CPUs."""


@dataclass(frozen=True, slots=True)
class _Share:
    """Neighbouring tables for one process."""

    read: Callable[[int, Table], Counted[Any]]
    first: int
    tables: Sequence[Table]

    def __call__(self, proceed: Callable[[], None] = lambda: None) -> list[Node]:
        """Read the tables, and return what is merged of them."""

        def read(number: int, table: Table) -> Node:
            proceed()
            return Node(0, number, self.read(number, table))

        return merged(read(number, table) for number, table in enumerate(self.tables, self.first))


def _shared(read: Callable[[int, Table], Counted[Any]], tables: Sequence[Table], count: int) -> list[_Share]:
    """Share tables out; the first share, which is read while the others' processes start, is among the largest."""
    count = max(1, count)
    edges = [-(-len(tables) * number // count) for number in range(count + 1)]
    return [_Share(read, start, tables[start:end]) for start, end in pairwise(edges)]


def _are_siblings(left: Node, right: Node) -> bool:
    return left.level == right.level and left.index % 2 == 0 and right.index == left.index + 1
