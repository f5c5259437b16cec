"""``sagemakerCaptureJson``: a dataset of what SageMaker's data capture writes, requests with their responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import polars as pl

from modelwatch_analyzer.reading.attributes import Attributes
from modelwatch_analyzer.reading.capture_blocks import BlockParser
from modelwatch_analyzer.reading.capture_options import PREDICTION_ROLES, ColumnGroup, column_groups
from modelwatch_analyzer.reading.capture_records import CapturedRecords
from modelwatch_analyzer.reading.capture_rows import Keys, RecordReader, open_reader
from modelwatch_analyzer.reading.csv_form import Expected
from modelwatch_analyzer.reading.dataset import Plan, Role, Roles, TableOfPieces, roles_by_name
from modelwatch_analyzer.reading.find_columns import names_among
from modelwatch_analyzer.reading.read_log import ReadLog
from modelwatch_core.domain.dataset_formats import CaptureOptions
from modelwatch_core.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class CaptureFiles(TableOfPieces):
    """A `Dataset` of captured payloads; the request and the response of a record have the same number of rows.

    Attributes
    ----------
    captured : CapturedRecords
        The records.
    reader : RecordReader
        Reads single records, and knows what is read of each.
    keys : tuple of tuple of int or str
        The names, or positions, that the columns of each group have in the payloads; a group that was not captured
        has none.
    attributes : Attributes
        These say what is excluded.
    """

    captured: CapturedRecords
    reader: RecordReader
    keys: tuple[Keys, ...]
    attributes: Attributes

    @property
    def groups(self) -> tuple[ColumnGroup, ...]:
        """The groups of columns that are read of each record."""
        return self.reader.groups

    @property
    def named(self) -> bool:
        """Whether any column has a name in the payloads; columns without one are still known by their position."""
        return any(isinstance(key, str) for key in chain.from_iterable(self.keys))

    @property
    def without_exclusions(self) -> CaptureFiles:
        """The same dataset with no column excluded."""
        return replace(self, attributes=replace(self.attributes, excluded=()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names in the payloads, or names by position."""
        return self.attributes.remaining(tuple(chain.from_iterable(self._names())), self._inputs())

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns of the requests."""
        return names_among(self.columns, self._inputs())

    @property
    def roles(self) -> Roles:
        """The roles of request, response and ground truth, and within each those of the attributes."""
        roles: dict[Role, tuple[str, ...]] = {}
        for group, names in zip(self.groups, self._names(), strict=True):
            found = {group.role: names} if group.role else self._roles_in_transform_output(names)
            for role, columns in found.items():
                roles[role] = roles.get(role, ()) + columns
        return {role: names_among(self.columns, names) for role, names in roles.items() if names}

    @property
    def bare_roles(self) -> frozenset[Role]:
        """The roles of which each row has one value without a name."""
        pairs = [(group.role, keys) for group, keys in zip(self.groups, self.keys, strict=True) if keys]
        return frozenset(role for role, keys in pairs if role and len(keys) == 1 and isinstance(keys[0], int))

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order; see `Dataset.batches`."""
        parser = BlockParser(self.reader, self.keys, self._names())
        log.remarks += self.reader.layout.remarks
        return parser.frames(self.captured.blocks(log), plan, log)

    @property
    def extent(self) -> float:
        """About how many bytes there are."""
        return sum(file.text_size for file in self.captured.files)

    def pieces(self) -> Iterator[CaptureFiles]:
        """Yield datasets of some of the files each; see `modelwatch_analyzer.parts`."""
        for captured in self.captured.pieces(len(self.columns)):
            yield replace(self, captured=captured)

    def _roles_in_transform_output(self, names: tuple[str, ...]) -> Roles:
        predictions = {role: given for role, given in self.attributes.given.items() if role in PREDICTION_ROLES}
        if not (names and predictions):
            return {Role.INFERENCE: names}
        return roles_by_name(names, {role: ",".join(map(str, given.places)) for role, given in predictions.items()})

    def _inputs(self) -> tuple[str, ...]:
        pairs = zip(self.groups, self._names(), strict=True)
        return tuple(chain.from_iterable(names for group, names in pairs if group.role is Role.FEATURES))

    def _names(self) -> tuple[tuple[str, ...], ...]:
        """Name the columns of each group; a name that an earlier group has is prefixed with the side."""
        known: dict[str, None] = {}
        groups = []
        for group, keys in zip(self.groups, self.keys, strict=True):
            first = len(known)
            for key in keys:
                name = key if isinstance(key, str) else f"_c{len(known)}"
                while name in known:
                    name = f"{group.side}.{name}"
                known[name] = None
            groups.append(tuple(known)[first:])
        return tuple(groups)


def open_records(
    captured: CapturedRecords, options: CaptureOptions, attributes: Attributes, expected: Expected | None = None
) -> CaptureFiles:
    """Open captured records.

    The first 1,000 rows determine which columns request and response have: where rows are lists, as many as is most
    frequent; where they are objects, all names that occur. Other fields of later objects are not read, and rows with
    such fields are counted.

    Raises
    ------
    InvalidInput
        ``NoData`` where nothing was captured in the window, ``AllMalformed``, ``UnknownColumn``, ``NoColumns``,
        ``TooManyColumns``, ``NotUtf8``, ``DecompressedTooLarge`` or ``UnreadableFile``.
    """
    log = ReadLog()
    reader, keys = open_reader(captured, column_groups(options, attributes), attributes.features, log, expected)
    if not keys:
        if not (log.malformed or log.out_of_window):
            folder = captured.files[0].path.parent
            raise InvalidInput("NoData", f"the files in {folder} hold no captured records")
        log.require_records()
    dataset = CaptureFiles(captured, reader, keys, attributes)
    if not dataset.columns:
        raise attributes.no_columns()
    return dataset
