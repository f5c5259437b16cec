"""``sagemakerCaptureJson``: what SageMaker's data capture writes, one record a line, requests with their answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import polars as pl
from pydantic import Field

from modelwatch_analyzer.reading.attributes import Attribute, Attributes
from modelwatch_analyzer.reading.csv_text import parse_block, plain_block
from modelwatch_analyzer.reading.dataset import Plan, ReadLog, Role, Roles, among, roles_by_name
from modelwatch_analyzer.reading.event_ids import EventIds
from modelwatch_analyzer.reading.files import SourceFile, source_files
from modelwatch_analyzer.reading.flattening import MOST_COLUMNS, Unflattenable
from modelwatch_analyzer.reading.json_lines import line_blocks
from modelwatch_analyzer.reading.payloads import ENCODINGS, Content, Payload, Row, content_of, quick_columns
from modelwatch_core.domain.documents import Owned
from modelwatch_core.domain.errors import InvalidInput

Side = Literal["endpointInput", "endpointOutput", "batchTransformOutput", "groundTruthData"]
_REQUEST: Side = "endpointInput"
_ANSWER: Side = "endpointOutput"
_BATCH: Side = "batchTransformOutput"
_TRUTH: Side = "groundTruthData"
_OUTPUTS = (Role.INFERENCE, Role.PROBABILITY)
_SNIFFED_ROWS = 1000
_CSV_RECORDS_AT_ONCE = 16384
_JSON_RECORDS_AT_ONCE = 8192  # their payloads make many more objects a record
_NAMED = -1
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class CaptureOptions(Owned):
    """SageMaker's options of ``sagemakerCaptureJson``.

    Attributes
    ----------
    capture_index_names : tuple of str
        Which of request, answer, batch transform output and ground truth are read. Ground truth is read, too, if
        there is an attribute for it.
    output_columns_position : {"START", "END"}
        Whether the answer's columns come before those of the request, as in SageMaker's own container, or after.
        What is merged with them comes last.
    """

    capture_index_names: tuple[Side, ...] = Field(
        default=(_REQUEST, _ANSWER, _BATCH), alias="captureIndexNames", min_length=1, max_length=4
    )
    output_columns_position: Literal["START", "END"] = "START"

    def groups(self, attributes: Attributes) -> tuple[_Group, ...]:
        """Return what is read of a record, in the order of its columns.

        A batch transform output whose attributes are indices alone is read whole, and holds the features, too.
        """
        outputs = {role: given for role, given in attributes.given.items() if role in _OUTPUTS}
        answer = [_Group(_ANSWER, *given) for given in outputs.items()] or [_Group(_ANSWER, Role.INFERENCE)]
        request = [_Group(_REQUEST, Role.FEATURES, attributes.features)]
        batch_features = [_Group(_BATCH, Role.FEATURES, attributes.features)] if attributes.features else []
        whole = not batch_features and all(given.index is not None for given in outputs.values())
        batch = [] if whole else [_Group(_BATCH, *given) for given in outputs.items()]
        if self.output_columns_position == "START":
            order = [*answer, *request, *batch, *batch_features]
        else:
            order = [*request, *answer, *batch_features, *batch]
        if whole:
            order.append(_Group(_BATCH, None))
        order.append(_Group(_TRUTH, Role.GROUND_TRUTH, attributes.ground_truth))
        read = {*self.capture_index_names, *([_TRUTH] if attributes.ground_truth else [])}
        return tuple(group for group in order if group.side in read)


@dataclass(frozen=True, slots=True)
class _Group:
    """Columns that stand side by side: those of one side of a record, or of what an attribute finds in it.

    The columns of a batch transform output that is read whole have several roles, and the group then has none.
    """

    side: Side
    role: Role | None
    attribute: Attribute | None = None

    def __str__(self) -> str:
        return f"{self.side} by {self.attribute.name}" if self.attribute else self.side


class _CaptureData(msgspec.Struct, gc=False):
    endpointInput: Payload | None = None  # noqa: N815
    endpointOutput: Payload | None = None  # noqa: N815
    batchTransformOutput: Payload | None = None  # noqa: N815


class _EventMetadata(msgspec.Struct, gc=False):
    eventId: str | None = None  # noqa: N815
    inferenceId: str | None = None  # noqa: N815
    inferenceTime: datetime | None = None  # noqa: N815


class CapturedRecord(msgspec.Struct, gc=False):
    """One captured record, as far as readers need it; in the words of the file."""

    captureData: _CaptureData  # noqa: N815
    eventMetadata: _EventMetadata | None = None  # noqa: N815
    groundTruthData: Payload | None = None  # noqa: N815

    @property
    def time(self) -> datetime | None:
        """When the event was; a time without offset is UTC."""
        moment = self.eventMetadata.inferenceTime if self.eventMetadata else None
        return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment


_DECODER = msgspec.json.Decoder(CapturedRecord)
_PAYLOADS: Mapping[Side, Callable[[CapturedRecord], Payload | None]] = {
    _REQUEST: attrgetter(f"captureData.{_REQUEST}"),
    _ANSWER: attrgetter(f"captureData.{_ANSWER}"),
    _BATCH: attrgetter(f"captureData.{_BATCH}"),
    _TRUTH: attrgetter(_TRUTH),
}
_ENCODING, _DATA = attrgetter("encoding"), attrgetter("data")
_EVENT_ID, _INFERENCE_ID = attrgetter("eventMetadata.eventId"), attrgetter("eventMetadata.inferenceId")
_TIME = attrgetter("eventMetadata.inferenceTime")


@dataclass(frozen=True, slots=True)
class RecordBlock:
    """Some records of one file, in order.

    Attributes
    ----------
    numbers : sequence of int
        The line of each in the file.
    lines : sequence of bytes
        As each stands in the file.
    records : sequence of CapturedRecord
        What each holds.
    """

    file: SourceFile
    numbers: Sequence[int]
    lines: Sequence[bytes]
    records: Sequence[CapturedRecord]

    @property
    def event_ids(self) -> list[str | None]:
        """Of each record, None where it has none."""
        return self._metadata(_EVENT_ID)

    @property
    def inference_ids(self) -> list[str | None]:
        """Those that callers gave, of each record."""
        return self._metadata(_INFERENCE_ID)

    def _metadata(self, value: Callable[[CapturedRecord], str | None]) -> list[str | None]:
        try:
            return list(map(value, self.records))
        except AttributeError:
            return [value(record) if record.eventMetadata else None for record in self.records]


@dataclass(frozen=True, slots=True)
class CapturedRecords:
    """The records of some files that were captured in ``[start, end)``.

    Attributes
    ----------
    earlier : ReadLog, optional
        The account of the step that wrote the files; it stands instead of a count of them and of their events.
    """

    files: tuple[SourceFile, ...]
    start: datetime | None = None
    end: datetime | None = None
    earlier: ReadLog | None = None

    def blocks(self, log: ReadLog) -> Iterator[RecordBlock]:
        """Read all files in their order, block by block; log what is left out, and events that come again."""
        events = EventIds()
        if self.earlier:
            log.include(self.earlier)
        for file in self.files:
            if not self.earlier:
                log.objects += 1
                log.bytes += file.size
            for first_line, lines in _runs_of_lines(file, log):
                block = self._in_window(_parsed(file, first_line, lines, log), log)
                if not self.earlier:
                    log.duplicate_events += events.repeated(block.event_ids)
                yield block

    def _in_window(self, block: RecordBlock, log: ReadLog) -> RecordBlock:
        if self.start is None and self.end is None:
            return block
        start, end = self.start or _EARLIEST, self.end or _LATEST
        try:
            if all(start <= moment < end for moment in map(_TIME, block.records)):
                return block
        except (AttributeError, TypeError):
            pass  # a time is not there, or has no offset
        moments = [record.time for record in block.records]
        inside = [moment is not None and start <= moment < end for moment in moments]
        for number, moment in zip(block.numbers, moments, strict=True):
            if moment is None:
                log.leave_out(block.file.label, number, "no time of inference, so that it belongs to no window")
        log.out_of_window += len(inside) - sum(inside) - moments.count(None)
        return _selected(block, [index for index, within in enumerate(inside) if within])


def _selected(block: RecordBlock, indices: Sequence[int]) -> RecordBlock:
    return RecordBlock(
        block.file,
        [block.numbers[index] for index in indices],
        [block.lines[index] for index in indices],
        [block.records[index] for index in indices],
    )


def _runs_of_lines(file: SourceFile, log: ReadLog) -> Iterator[tuple[int, list[bytes]]]:
    """Yield a file's lines, so many at once as the processor's caches hold when they are parsed."""
    for first_line, text in line_blocks(file, log):
        lines = text.split(b"\n")
        if not lines[-1]:
            lines.pop()
        at_once = _JSON_RECORDS_AT_ONCE if lines and b'"JSON"' in lines[0] else _CSV_RECORDS_AT_ONCE
        for start in range(0, len(lines), at_once):
            yield first_line + start, lines[start : start + at_once]


def _record(line: bytes) -> CapturedRecord:
    """Decode one record; its time may be any that ISO 8601 has, and what is no time counts as none."""
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        document = msgspec.json.decode(line)
        metadata = document.get("eventMetadata") if isinstance(document, dict) else None
        if not isinstance(metadata, dict) or "inferenceTime" not in metadata:
            raise
        spelled = metadata.pop("inferenceTime")
        record = msgspec.convert(document, CapturedRecord)
        if record.eventMetadata:
            with suppress(ValueError, TypeError):
                record.eventMetadata.inferenceTime = datetime.fromisoformat(spelled)
        return record


def _parsed(file: SourceFile, first_line: int, lines: list[bytes], log: ReadLog) -> RecordBlock:
    try:
        return RecordBlock(file, range(first_line, first_line + len(lines)), lines, list(map(_DECODER.decode, lines)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    block = RecordBlock(file, numbers := [], good := [], records := [])
    for number, line in enumerate(lines, start=first_line):
        if not line or line.isspace():
            continue
        try:
            record = _record(line)
        except msgspec.ValidationError as error:
            log.leave_out(file.label, number, f"not a captured record: {error}")
        except RecursionError:
            log.leave_out(file.label, number, "not a captured record: nested too deeply")
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.leave_out(file.label, number, "not JSON")
        else:
            numbers.append(number)
            good.append(line)
            records.append(record)
    return block


@dataclass(frozen=True, slots=True)
class CaptureFiles:
    """A `Dataset` of captured payloads; request and answer of a record have as many rows.

    Attributes
    ----------
    captured : CapturedRecords
        The records.
    groups : tuple of _Group
        What is read of each.
    keys : tuple of tuple of int or str
        Of each group the names, or positions, that its columns have in the payload; none for one that was not
        captured.
    attributes : Attributes
        Which say what is excluded.
    """

    captured: CapturedRecords
    groups: tuple[_Group, ...]
    keys: tuple[tuple[int | str, ...], ...]
    attributes: Attributes

    @property
    def named(self) -> bool:
        """Whether any column has a name in the payloads; the others are known by their position all the same."""
        return any(isinstance(key, str) for key in chain.from_iterable(self.keys))

    @property
    def whole(self) -> CaptureFiles:
        """The same, nothing excluded."""
        return replace(self, attributes=replace(self.attributes, excluded=()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names from the payloads, or by position."""
        return self.attributes.left(tuple(chain.from_iterable(self._names())), self._inputs())

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Those of the requests."""
        return among(self.columns, self._inputs())

    @property
    def roles(self) -> Roles:
        """By request, answer and ground truth, and by attributes within each."""
        roles: dict[Role, tuple[str, ...]] = {}
        for group, names in zip(self.groups, self._names(), strict=True):
            found = {group.role: names} if group.role else self._within_batch(names)
            for role, columns in found.items():
                roles[role] = roles.get(role, ()) + columns
        return {role: among(self.columns, names) for role, names in roles.items() if names}

    def batches(self, plan: Plan, log: ReadLog) -> Iterator[pl.DataFrame]:
        """Read all files in their order; see `Dataset.batches`."""
        names = self._names()
        for block in self.captured.blocks(log):
            sides = {side: _captured(side, block.records) for side in _sides(self.groups)}
            for captured in sides.values():
                for encoding in ENCODINGS:
                    log.encodings[encoding] += captured.encodings[encoding]
            frame = self._quick(sides, len(block.records), names, plan)
            if frame is None:
                frame = self._careful(block, names, plan, log)
            else:
                log.captured += len(block.records)
            log.read += frame.height
            if frame.height:
                yield frame

    def _within_batch(self, names: tuple[str, ...]) -> Roles:
        outputs = {role: given for role, given in self.attributes.given.items() if role in _OUTPUTS}
        if not (names and outputs):
            return {Role.INFERENCE: names}
        return roles_by_name(names, {role: str(given.index) for role, given in outputs.items()})

    def _inputs(self) -> tuple[str, ...]:
        pairs = zip(self.groups, self._names(), strict=True)
        return tuple(chain.from_iterable(names for group, names in pairs if group.role is Role.FEATURES))

    def _names(self) -> list[tuple[str, ...]]:
        """Name the columns of each group; where groups share a name, those that come later say whose they are."""
        given: dict[str, None] = {}
        groups = []
        for group, keys in zip(self.groups, self.keys, strict=True):
            first = len(given)
            for key in keys:
                name = key if isinstance(key, str) else f"_c{len(given)}"
                while name in given:
                    name = f"{group.side}.{name}"
                given[name] = None
            groups.append(tuple(given)[first:])
        return groups

    def _quick(
        self, sides: Mapping[Side, _Captured], records: int, names: list[tuple[str, ...]], plan: Plan
    ) -> pl.DataFrame | None:
        """Parse all payloads of each side together; None if their rows may not belong together."""
        columns: list[pl.Series] = []
        heights: list[int] | None = None
        for side, captured in sides.items():
            members = [index for index, group in enumerate(self.groups) if group.side == side]
            if not captured.payloads and not any(self.keys[index] for index in members):
                continue
            if len(captured.payloads) < records or not all(self.keys[index] for index in members):
                return None
            texts = list(map(_DATA, captured.payloads))
            if captured.encodings.keys() == {"CSV"}:
                parsed = self._quick_csv(texts, members, names, plan)
            elif captured.encodings.keys() == {"JSON"}:
                keyed = (dict(zip(self.keys[index], names[index], strict=True)) for index in members)
                parsed = quick_columns(
                    texts, list(zip((self.groups[index].attribute for index in members), keyed, strict=True)), plan
                )
            else:
                parsed = None
            if parsed is None or parsed[1] != (heights or parsed[1]):
                return None
            columns += parsed[0]
            heights = parsed[1]
        return None if heights is None else _frame(columns, sum(heights))

    def _quick_csv(
        self, texts: list[str], members: list[int], names: list[tuple[str, ...]], plan: Plan
    ) -> tuple[list[pl.Series], list[int]] | None:
        attributes = [self.groups[index].attribute for index in members]
        if attributes == [None]:
            (fields,) = (names[index] for index in members)
            if isinstance(self.keys[members[0]][0], str):
                return None
        else:
            # The fields that no attribute asks for need names too.
            unasked = [f"\0{index}" for index in range(texts[0].count(",") + 1)]
            for index, attribute in zip(members, attributes, strict=True):
                if attribute is None or attribute.index is None or attribute.index >= len(unasked):
                    return None
                if not unasked[attribute.index].startswith("\0"):
                    return None
                unasked[attribute.index] = names[index][0]
            fields = tuple(unasked)
        joined = "\n".join(texts)
        heights = [1] * len(texts)
        if joined.count("\n") >= len(texts):
            texts = [text.rstrip("\r\n") for text in texts]
            joined = "\n".join(texts)
            if joined.count("\n") >= len(texts):
                heights = [text.count("\n") + 1 for text in texts]
        if '"' in joined or "\r" in joined:
            return None
        block = plain_block(joined.encode(errors="surrogatepass"), last=True)
        if block is None or block.rows != sum(heights):
            return None
        frame = parse_block(block, fields, plan)
        asked = set(chain.from_iterable(names[index] for index in members))
        return None if frame is None else ([column for column in frame if column.name in asked], heights)

    def _careful(self, block: RecordBlock, names: list[tuple[str, ...]], plan: Plan, log: ReadLog) -> pl.DataFrame:
        good: list[list[str | None]] = []
        expected = [dict.fromkeys(keys) for keys in self.keys]
        for number, record in zip(block.numbers, block.records, strict=True):
            rows_before = len(good)
            try:
                for row in _rows(record, self.groups):
                    reasons = [reason for reason in map(_unlike, self.groups, expected, row) if reason]
                    if reasons:
                        log.leave_out(block.file.label, number, ", ".join(reasons))
                    else:
                        log.with_unread_fields += any(map(_has_more, expected, row))
                        good.append([part.get(key) for keys, part in zip(self.keys, row, strict=True) for key in keys])
            except Unflattenable as error:
                log.leave_out(block.file.label, number, str(error))
            log.captured += len(good) > rows_before
        values = zip(*good, strict=True) if good else iter(())
        columns = zip(chain.from_iterable(names), values, strict=False)
        return _frame(
            [pl.Series(name, column, pl.String()) for name, column in columns if name in plan.dtypes], len(good)
        )


def open_capture(
    source: Path,
    options: CaptureOptions,
    start: datetime | None = None,
    end: datetime | None = None,
    attributes: Attributes = Attributes(),  # noqa: B008 (frozen)
) -> CaptureFiles:
    """Open the records that were captured in ``[start, end)``, as `open_records` does.

    Raises
    ------
    InvalidInput
        ``DatasetNotFound``, and what `open_records` raises.
    """
    return open_records(CapturedRecords(source_files(source), start, end), options, attributes)


def open_records(captured: CapturedRecords, options: CaptureOptions, attributes: Attributes) -> CaptureFiles:
    """Open captured records.

    Which columns request and answer have is told by the first 1,000 rows: the most frequent numbers of columns by
    position, or where they are objects all names that occur. Other fields of later objects are not read, and such
    rows are counted.

    Raises
    ------
    InvalidInput
        ``NoData`` where nothing was captured in the window, ``AllMalformed``, ``UnknownColumn``, ``NoColumns``,
        ``TooManyColumns``, ``NotUtf8``, ``DecompressedTooLarge`` or ``UnreadableFile``.
    """
    groups = options.groups(attributes)
    log = ReadLog()
    rows = list(islice(_readable_rows(captured, groups, log), _SNIFFED_ROWS))
    if not rows:
        if not (log.malformed or log.out_of_window):
            place = captured.files[0].path.parent
            raise InvalidInput("NoData", f"the files in {place} hold no captured records")
        log.require_records()
    dataset = CaptureFiles(captured, groups, _usual_keys(rows), attributes)
    if not dataset.columns:
        raise InvalidInput("NoColumns", "exclude_features_attribute leaves no column")
    return dataset


def _readable_rows(captured: CapturedRecords, groups: Sequence[_Group], log: ReadLog) -> Iterator[tuple[Row, ...]]:
    for block in captured.blocks(log):
        for number, record in zip(block.numbers, block.records, strict=True):
            try:
                yield from _rows(record, groups)
            except Unflattenable as error:
                log.leave_out(block.file.label, number, str(error))


def _usual_keys(rows: Sequence[tuple[Row, ...]]) -> tuple[tuple[int | str, ...], ...]:
    """Return the keys of each group: those of its positions, or all names, of the most frequent kind of row.

    Raises
    ------
    InvalidInput
        ``TooManyColumns``.
    """
    kinds = [tuple(_NAMED if _is_named(part) else len(part) for part in row) for row in rows]
    usual = Counter(kinds).most_common(1)[0][0]
    keys: list[dict[int | str, None]] = [{} for _ in usual]
    for kind, row in zip(kinds, rows, strict=True):
        if kind == usual:
            for known, part in zip(keys, row, strict=True):
                known.update(dict.fromkeys(part))
                if len(known) > MOST_COLUMNS and _is_named(part):
                    message = f"the captured payloads have more than {MOST_COLUMNS} columns together: are names of "
                    raise InvalidInput("TooManyColumns", message + "fields data? Name the features by a JMESPath")
    return tuple(map(tuple, keys))


def _rows(record: CapturedRecord, groups: Sequence[_Group]) -> Iterator[tuple[Row, ...]]:
    """Yield the rows of a record, of each the values by group; a side that is not there has none.

    Raises
    ------
    Unflattenable
        If a payload is malformed, all are empty, or they differ in their number of rows.
    """
    contents: dict[Side, Content] = {}
    for side in _sides(groups):
        payload = _PAYLOADS[side](record)
        if payload is not None:
            contents[side] = content_of(payload)
    parts = [contents[group.side].rows(group.attribute) if group.side in contents else [] for group in groups]
    heights = {len(rows) for rows in parts if rows}
    if not heights:
        raise Unflattenable("no payload")
    if len(heights) > 1:
        predicted = {len(rows) for group, rows in zip(groups, parts, strict=True) if rows and group.side != _TRUTH}
        differing = ("the ground truth", "the prediction") if len(predicted) == 1 else ("the request", "the answer")
        raise Unflattenable("{} has another number of rows than {}".format(*differing))
    (height,) = heights
    yield from zip(*(rows or [{}] * height for rows in parts), strict=True)


def _unlike(group: _Group, keys: Row, row: Row) -> str | None:
    """Say how the columns of a group differ from those that are expected; None if they do not."""
    expected_named = _is_named(keys)
    if row and keys and _is_named(row) != expected_named:
        kinds = ("by position", "by name")
        return f"{group} has fields {kinds[not expected_named]} instead of {kinds[expected_named]}"
    if row and expected_named:
        return None if row.keys() & keys.keys() else f"{group} has none of the fields of the first {_SNIFFED_ROWS} rows"
    if keys and not row:
        return f"{group} was not captured, or is empty"
    return None if len(row) == len(keys) else f"{group} has {len(row)} fields instead of {len(keys)}"


def _has_more(keys: Row, row: Row) -> bool:
    """Tell whether a row has names that its group's columns lack."""
    return _is_named(keys) and not row.keys() <= keys.keys()


def _is_named(row: Row) -> bool:
    return isinstance(next(iter(row), None), str)


def _sides(groups: Sequence[_Group]) -> tuple[Side, ...]:
    return tuple(dict.fromkeys(group.side for group in groups))


class _Captured(NamedTuple):
    """The payloads of one side of some records, without those that were not captured, and their encodings."""

    payloads: list[Payload]
    encodings: Counter[str]


def _captured(side: Side, records: Sequence[CapturedRecord]) -> _Captured:
    payloads = [payload for payload in map(_PAYLOADS[side], records) if payload is not None]
    return _Captured(payloads, Counter(map(_ENCODING, payloads)))


def _frame(columns: list[pl.Series], height: int) -> pl.DataFrame:
    return pl.DataFrame(columns) if columns else pl.DataFrame(height=height)
