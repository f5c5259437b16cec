"""Captured records that differ in few texts only, which are cut out of all lines at once.

The records of an endpoint mostly have one form: but for payloads, ids and times, each line is the same. Then no line is
parsed as JSON: all are cut at their quotes, after which it is seen whether anything else differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple, TypeVar, overload

import msgspec
import numpy as np
import polars as pl

from modelwatch_analyzer.reading.captured_record import DECODER, PAYLOAD_OF, CapturedRecord
from modelwatch_analyzer.reading.files import count_controls
from modelwatch_analyzer.reading.payloads import Payload
from modelwatch_core.domain.dataset_formats import GROUND_TRUTH, CaptureSide

EVENT_ID, INFERENCE_ID, INFERENCE_TIME = (
    f"eventMetadata.{name}" for name in ("eventId", "inferenceId", "inferenceTime")
)
_DATA = {side: f"{side}.data" if side == GROUND_TRUTH else f"captureData.{side}.data" for side in PAYLOAD_OF}
_SIDES = {path: side for side, path in _DATA.items()}
_VALUES = {path: attrgetter(path) for path in (*_SIDES, EVENT_ID, INFERENCE_ID, INFERENCE_TIME)}
_TIMES = msgspec.json.Decoder(tuple[datetime, ...])
FEWEST_UNIFORM = 256
"""Of fewer records the form is not learnt: it would take longer than parsing them."""
_MOST_QUOTES = 256  # of a line; each text is probed for what it is
_PROBE = "1970-01-02T03:04:05Z"
_PROBED = (_PROBE, datetime(1970, 1, 2, 3, 4, 5, tzinfo=UTC))
_AT_ONCE = 1024  # lines that are compared in memory that stays in the processor's cache
_LINE_ENDS = re.compile(r"(?:\\[nr])+\Z")


_Item_co = TypeVar("_Item_co", covariant=True)


class LazySequence(Sequence[_Item_co]):
    """A sequence of known length that is made when an item is needed."""

    def __init__(self, length: int, make: Callable[[], Sequence[_Item_co]]) -> None:
        self._length = length
        self._make = make

    @cached_property
    def _made(self) -> Sequence[_Item_co]:
        return self._make()

    @overload
    def __getitem__(self, index: int) -> _Item_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item_co]: ...
    def __getitem__(self, index: int | slice) -> _Item_co | Sequence[_Item_co]:
        return self._made[index]

    def __len__(self) -> int:
        return self._length


class AlikePayloads(LazySequence[Payload]):
    """Payloads that differ in their texts only.

    Parameters
    ----------
    usual : Payload
        One of them.
    texts : polars.Series of String
        Their texts, without the line end.
    line_end : str
        What all texts end with; what readers of comma-separated text do not need.
    """

    def __init__(self, usual: Payload, texts: pl.Series, line_end: str) -> None:
        self.usual = usual
        self.texts = texts
        kind = usual.encoding, usual.observedContentType
        super().__init__(len(texts), lambda: [Payload(f"{text}{line_end}", *kind) for text in texts.to_list()])


@dataclass(frozen=True, slots=True)
class UniformRecords:
    """Records that differ in few texts only.

    Attributes
    ----------
    first : CapturedRecord
        The first of them.
    texts : mapping of str to polars.Series of String
        What differs, by the path of its attribute in a record. Of comma-separated payloads that all end with the same
        line ends, these are left out.
    times : tuple of datetime
        The times of all records, each once, as they are written; empty if the first has none.
    count : int
        How many there are.
    """

    first: CapturedRecord
    texts: Mapping[str, pl.Series]
    times: tuple[datetime, ...]
    count: int

    def ids(self, path: str) -> pl.Series:
        """Return the text of each record at a path of its metadata, or null."""
        metadata = self.first.eventMetadata
        return self._texts(path, _VALUES[path](self.first) if metadata else None)

    @property
    def each_time(self) -> Sequence[datetime | None]:
        """The time of each record, as it is written."""
        if INFERENCE_TIME not in self.texts:
            return [self.first.time] * self.count
        return _TIMES.decode(msgspec.json.encode(self.texts[INFERENCE_TIME].to_list()))

    def payloads(self, side: CaptureSide) -> Sequence[Payload | None]:
        """Return the payload of each record."""
        usual = PAYLOAD_OF[side](self.first)
        if usual is None:
            return [None] * self.count
        path = _DATA[side]
        line_end = usual.data[len(self.texts[path][0]) :] if path in self.texts else ""
        return AlikePayloads(usual, self._texts(path, usual.data), line_end)

    def _texts(self, path: str, usual: str | None) -> pl.Series:
        return self.texts[path] if path in self.texts else pl.repeat(usual, self.count, dtype=pl.String, eager=True)


def cut_records(text: bytes, count: int) -> UniformRecords | None:
    """Cut the differing texts out of lines; None unless each line is a record, and all are alike but for these.

    Parameters
    ----------
    text : bytes
        The lines; the last one may have no line end.
    count : int
        How many there are.
    """
    line = text[: text.find(b"\n")] if count >= FEWEST_UNIFORM else b""
    if not line or rb"\"" in line or _PROBE.encode() in line or line.count(b'"') > _MOST_QUOTES:
        return None
    text = text if text.endswith(b"\n") else text + b"\n"
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError, pl.exceptions.PolarsError):
        first, parts = DECODER.decode(line), line.decode().split('"')
        differing = dict(_differing(parts, first))
        columns = _cut(text, count, parts, differing) if differing else None
        if columns is not None:
            texts = {part.path: column for part, column in zip(differing.values(), columns, strict=True)}
            times = texts[INFERENCE_TIME].unique().to_list() if INFERENCE_TIME in texts else []
            return UniformRecords(first, texts, _TIMES.decode(msgspec.json.encode(times)), count)
    return None


class _Part(NamedTuple):
    """What a part of a line between two quotes is: the text at a path of a record, and line ends behind it."""

    path: str
    line_ends: str


def _differing(parts: list[str], first: CapturedRecord) -> Iterator[tuple[int, _Part]]:
    """Yield the places of the parts that may differ, which is what a record has at a path if a part is another."""
    for place in range(1, len(parts), 2):
        for path in _paths(parts, place):
            side = _SIDES.get(path)
            payload = side and PAYLOAD_OF[side](first)
            is_text = payload and payload.encoding == "CSV"
            line_ends = _LINE_ENDS.search(parts[place]) if is_text else None
            ending = line_ends.group() if line_ends else ""
            if "\\" not in parts[place].removesuffix(ending):
                yield place, _Part(path, ending)


def _paths(parts: list[str], place: int) -> list[str]:
    """Return the paths at which a record has another part than this one where that is put in its place."""
    with suppress(msgspec.DecodeError):
        probed = DECODER.decode('"'.join([*parts[:place], _PROBE, *parts[place + 1 :]]))
        return [path for path, value in _VALUES.items() if _value(probed, value) in _PROBED]
    return []  # a key, or a value that cannot be any text


def _value(record: CapturedRecord, value: attrgetter[object]) -> object:
    with suppress(AttributeError):
        return value(record)
    return None


def _cut(text: bytes, count: int, parts: list[str], differing: Mapping[int, _Part]) -> list[pl.Series] | None:
    """Return the texts of each differing part; None if anything else differs."""
    read = pl.read_csv(
        text, has_header=False, separator='"', quote_char=None, columns=list(differing), infer_schema=False
    )
    columns = [
        (column.str.strip_suffix(part.line_ends) if part.line_ends else column).fill_null("")
        for column, part in zip(read, differing.values(), strict=True)
    ]
    if read.height != count or count_controls(text) != count:  # which JSON has in no text
        return None
    if any(column.str.contains("\\", literal=True).any() for column in columns):
        return None  # it is not the text that is written between the quotes
    usual = '"'.join(
        f"{_PROBE}{differing[place].line_ends}" if place in differing else part for place, part in enumerate(parts)
    )
    return columns if _is_all_else_alike(text, f"{usual}\n".encode().split(_PROBE.encode()), columns) else None


def _is_all_else_alike(text: bytes, constants: list[bytes], columns: list[pl.Series]) -> bool:
    """Return whether each line consists of the constants with its texts between them.

    Texts are what polars found between the same quotes in each line. So where a constant, which holds all quotes that
    come before the next text, stands at its place, that text begins behind it, and the next line behind the last one.
    """
    widths = [column.str.len_bytes().to_numpy().astype(np.int64) for column in columns]
    ends = np.cumsum(np.sum(widths, axis=0) + sum(map(len, constants)))
    if ends[-1] != len(text):
        return False
    places = np.append(0, ends[:-1])
    for constant, width in zip(constants, [*widths, np.zeros_like(ends)], strict=True):
        windows = np.ndarray((len(text) - len(constant) + 1,), f"V{len(constant)}", text, strides=(1,))
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            if windows[some].tobytes() != constant * len(some):
                return False
        places += len(constant) + width
    return True
